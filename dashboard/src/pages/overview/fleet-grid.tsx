import { type MouseEvent, useEffect, useRef } from 'react'
import { useLocation } from 'wouter'
import type { FleetCounts } from '../../live/counts.ts'
import { byName, type Device, isOnline, presenceOf } from '../../live/device.ts'
import { live, useOrderVersion } from '../../live/live.ts'
import { useShownTheme } from '../../theme.ts'

const MIN_CELL = 9
const MAX_CELL = 34
const HEIGHT = 148

/** So long a cell shines after its device was heard of. Unit: ms. */
const SHINE_MS = 900
/** How often cells are drawn while something shines. Unit: ms. */
const EVERY_MS = 40

/** What the drawing knows of the cells; kept outside of React, for it changes with every frame. */
interface Board {
  devices: Device[]
  columns: number
  cell: number
  /** When each device was last heard of, in the time of frames. */
  readonly heardAt: Map<string, number>
  readonly seen: Map<string, Device>
}

/** Every device as one cell that shines when the device is heard of. A click leads to it. */
export function FleetGrid({ counts }: { readonly counts: FleetCounts }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const board = useRef<Board>({
    devices: [],
    columns: 1,
    cell: MAX_CELL,
    heardAt: new Map(),
    seen: new Map(),
  })
  const theme = useShownTheme()
  const order = useOrderVersion()
  const [, navigate] = useLocation()

  // biome-ignore lint/correctness/useExhaustiveDependencies: theme and order change what is drawn, not how
  useEffect(() => {
    const element = canvas.current
    const context = element?.getContext('2d')
    if (element === null || context === null || context === undefined) return
    const { current } = board
    const colours = coloursOf(element)
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches
    let frame = 0
    let drawnAt = 0
    let until = 0

    const draw = (now: number): void => {
      frame = 0
      if (now - drawnAt >= EVERY_MS) {
        drawnAt = now
        drawBoard(context, current, colours, still ? Number.POSITIVE_INFINITY : now)
      }
      if (now < until) frame = requestAnimationFrame(draw)
    }
    const later = (): void => {
      if (frame === 0 && !document.hidden) frame = requestAnimationFrame(draw)
    }
    const look = (): void => {
      const now = performance.now()
      for (const device of live.devices.values()) {
        if (current.seen.get(device.deviceId) === device) continue
        // What was known when the page was opened is no news.
        if (current.seen.has(device.deviceId)) current.heardAt.set(device.deviceId, now)
        current.seen.set(device.deviceId, device)
      }
      until = now + SHINE_MS + EVERY_MS
      later()
    }
    const arrange = (): void => {
      current.devices = [...live.devices.values()].sort(byName)
      const width = element.clientWidth
      current.cell = cellOf(width, current.devices.length)
      current.columns = Math.max(1, Math.floor(width / current.cell))
      const rows = Math.ceil(current.devices.length / current.columns)
      const height = Math.max(1, rows) * current.cell
      const ratio = devicePixelRatio
      element.width = Math.round(width * ratio)
      element.height = Math.round(height * ratio)
      element.style.height = `${height}px`
      context.setTransform(ratio, 0, 0, ratio, 0, 0)
      drawnAt = 0
      until = performance.now() + EVERY_MS
      later()
    }
    const sizes = new ResizeObserver(arrange)
    sizes.observe(element.parentElement ?? element)
    arrange()
    look()
    const end = live.subscribe(look)
    // Who falls silent says nothing: every few seconds all are looked at again.
    const timer = setInterval(() => {
      until = performance.now() + EVERY_MS
      later()
    }, 5_000)
    return () => {
      cancelAnimationFrame(frame)
      clearInterval(timer)
      sizes.disconnect()
      end()
    }
  }, [theme, order])

  const deviceAt = (event: MouseEvent<HTMLCanvasElement>): Device | undefined => {
    const { devices, columns, cell } = board.current
    const column = Math.floor(event.nativeEvent.offsetX / cell)
    const row = Math.floor(event.nativeEvent.offsetY / cell)
    return column < columns ? devices[row * columns + column] : undefined
  }

  return (
    <canvas
      ref={canvas}
      className="fleet-grid"
      role="img"
      aria-label={`${counts.total} devices: ${counts.online} online, ${counts.open.length} open alarms`}
      onMouseMove={(event) => {
        const found = deviceAt(event)
        event.currentTarget.title =
          found === undefined
            ? ''
            : [found.deviceId, ...found.alarms.map(({ text }) => text)].join('\n')
        event.currentTarget.style.cursor = found === undefined ? '' : 'pointer'
      }}
      onClick={(event) => {
        const found = deviceAt(event)
        if (found !== undefined) navigate(`/devices/${encodeURIComponent(found.deviceId)}`)
      }}
    />
  )
}

interface Colours {
  readonly good: string
  readonly off: string
  readonly alarms: readonly string[]
}

function coloursOf(element: HTMLElement): Colours {
  // A canvas takes no variables; what they stand for is asked of the page.
  const probe = document.createElement('span')
  element.parentElement?.append(probe)
  const read = (name: string): string => {
    probe.style.color = `var(${name})`
    return getComputedStyle(probe).color
  }
  const colours = {
    good: read('--good'),
    off: read('--off'),
    alarms: [read('--info'), read('--warning'), read('--critical')],
  }
  probe.remove()
  return colours
}

/** The largest cell with which all fit into the height. */
function cellOf(width: number, count: number): number {
  for (let cell = MAX_CELL; cell > MIN_CELL; cell--)
    if (Math.ceil(count / Math.max(1, Math.floor(width / cell))) * cell <= HEIGHT) return cell
  return MIN_CELL
}

function drawBoard(
  context: CanvasRenderingContext2D,
  { devices, columns, cell, heardAt }: Board,
  colours: Colours,
  now: number,
): void {
  const size = cell - Math.max(2, cell * 0.14)
  const radius = Math.min(5, size / 4)
  const wall = Date.now()
  context.clearRect(0, 0, context.canvas.width, context.canvas.height)
  for (const [index, { deviceId }] of devices.entries()) {
    const device = live.devices.get(deviceId)
    if (device === undefined) continue
    const online = isOnline(presenceOf(device, wall))
    const age = now - (heardAt.get(deviceId) ?? Number.NEGATIVE_INFINITY)
    const shine = age >= 0 && age < SHINE_MS ? 1 - age / SHINE_MS : 0
    const alarm = colours.alarms[device.rank - 1]
    context.fillStyle = alarm ?? (online ? colours.good : colours.off)
    context.globalAlpha =
      alarm !== undefined ? 0.85 + 0.15 * shine : (online ? 0.42 : 0.3) + 0.58 * shine
    context.beginPath()
    context.roundRect(
      (index % columns) * cell,
      Math.floor(index / columns) * cell,
      size,
      size,
      radius,
    )
    context.fill()
  }
  context.globalAlpha = 1
}
