import { type KeyboardEvent, type PointerEvent, useEffect, useRef, useState } from 'react'
import { isOnline, presenceOf } from '../../live/device.ts'
import { useShownTheme } from '../../theme.ts'
import { type Earth, loadEarth } from './earth.ts'
import type { Placed } from './placed.ts'
import {
  type Cluster,
  clustered,
  fitting,
  panned,
  projectionOf,
  type Size,
  type View,
  zoomed,
} from './view.ts'

/** What is nearer to each other than this is one marker. Unit: px. */
const CELL = 34

/** What one press of a key or button moves by. */
const STEP_PX = 80
const STEP_ZOOM = 1.7

interface Marker extends Placed {
  readonly x: number
  readonly y: number
}

interface FleetMapProps {
  readonly placed: readonly Placed[]
  readonly chosenId: string | undefined
  readonly onChoose: (deviceId: string) => void
}

/** The earth with a marker for each device, or for each place where many are. */
export function FleetMap({ placed, chosenId, onChoose }: FleetMapProps) {
  const frame = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const drag = useRef<{ readonly x: number; readonly y: number }>(undefined)
  const [earth, setEarth] = useState<Earth>()
  const [size, setSize] = useState<Size>()
  const [moved, setMoved] = useState<View>()
  const theme = useShownTheme()
  const view = size === undefined ? undefined : (moved ?? fitting(placed, size))

  useEffect(() => void loadEarth().then(setEarth), [])
  useEffect(() => {
    if (frame.current === null) return
    const observer = new ResizeObserver(([entry]) => {
      if (entry === undefined) return
      const { width, height } = entry.contentRect
      setSize({ width, height })
    })
    observer.observe(frame.current)
    return () => observer.disconnect()
  }, [])
  // biome-ignore lint/correctness/useExhaustiveDependencies: another theme has other colours, which the canvas does not know by itself
  useEffect(() => {
    if (earth === undefined || view === undefined || size === undefined) return
    const request = requestAnimationFrame(() => {
      if (canvas.current !== null) earth.draw(canvas.current, view, size)
    })
    return () => cancelAnimationFrame(request)
  }, [earth, view, size, theme])

  // React listens to wheels passively: the page would scroll as well.
  useEffect(() => {
    const element = frame.current
    if (element === null || size === undefined || view === undefined) return
    const onWheel = (event: WheelEvent): void => {
      event.preventDefault()
      const box = element.getBoundingClientRect()
      const at = [event.clientX - box.left, event.clientY - box.top] as const
      setMoved(zoomed(view, size, 1.0015 ** -event.deltaY, at))
    }
    element.addEventListener('wheel', onWheel, { passive: false })
    return () => element.removeEventListener('wheel', onWheel)
  }, [size, view])

  const move = (change: (view: View, size: Size) => View): void => {
    if (view !== undefined && size !== undefined) setMoved(change(view, size))
  }
  function onKeyDown(event: KeyboardEvent): void {
    const change = KEYS[event.key]
    if (change === undefined || event.target !== event.currentTarget) return
    event.preventDefault()
    move(change)
  }
  function onPointerMove(event: PointerEvent): void {
    const from = drag.current
    if (from === undefined) return
    drag.current = { x: event.clientX, y: event.clientY }
    move((now, whole) => panned(now, whole, event.clientX - from.x, event.clientY - from.y))
  }

  const clusters =
    view === undefined || size === undefined ? [] : clustered(markersOf(placed, view, size), CELL)
  return (
    <section
      className="map"
      ref={frame}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: arrows, + and - move it
      tabIndex={0}
      aria-label="Map of the devices; arrows, plus and minus move it"
      onKeyDown={onKeyDown}
      onPointerDown={(event) => {
        if (event.target !== canvas.current) return
        event.currentTarget.setPointerCapture(event.pointerId)
        drag.current = { x: event.clientX, y: event.clientY }
      }}
      onPointerMove={onPointerMove}
      onPointerUp={() => {
        drag.current = undefined
      }}
      onPointerCancel={() => {
        drag.current = undefined
      }}
    >
      <canvas ref={canvas} />
      {clusters.map((cluster) => (
        <MarkerButton
          key={cluster.of[0]?.device.deviceId ?? ''}
          cluster={cluster}
          chosenId={chosenId}
          onChoose={onChoose}
          onNearer={() => move((now, whole) => zoomed(now, whole, 2.5, [cluster.x, cluster.y]))}
        />
      ))}
      <div className="map-tools">
        <button
          type="button"
          className="button icon"
          aria-label="Nearer"
          onClick={() => move((now, whole) => zoomed(now, whole, STEP_ZOOM))}
        >
          +
        </button>
        <button
          type="button"
          className="button icon"
          aria-label="Further"
          onClick={() => move((now, whole) => zoomed(now, whole, 1 / STEP_ZOOM))}
        >
          −
        </button>
        {moved !== undefined && (
          <button type="button" className="button" onClick={() => setMoved(undefined)}>
            All
          </button>
        )}
      </div>
    </section>
  )
}

const KEYS: Readonly<Record<string, (view: View, size: Size) => View>> = {
  ArrowLeft: (view, size) => panned(view, size, STEP_PX, 0),
  ArrowRight: (view, size) => panned(view, size, -STEP_PX, 0),
  ArrowUp: (view, size) => panned(view, size, 0, STEP_PX),
  ArrowDown: (view, size) => panned(view, size, 0, -STEP_PX),
  '+': (view, size) => zoomed(view, size, STEP_ZOOM),
  '-': (view, size) => zoomed(view, size, 1 / STEP_ZOOM),
}

interface MarkerButtonProps {
  readonly cluster: Cluster<Marker>
  readonly chosenId: string | undefined
  readonly onChoose: (deviceId: string) => void
  readonly onNearer: () => void
}

function MarkerButton({ cluster, chosenId, onChoose, onNearer }: MarkerButtonProps) {
  const { x, y, of } = cluster
  const [first] = of
  const look = lookOf(of)
  const many = of.length > 1
  // What lies on one spot does not come apart however near one goes.
  const apart = of.some((one) => one.lat !== first?.lat || one.lon !== first?.lon)
  return (
    <button
      type="button"
      className={`marker ${look} ${many ? 'many' : ''}`}
      aria-label={
        many ? `${of.length} devices, ${look}` : `${first?.device.deviceId ?? ''}, ${look}`
      }
      aria-pressed={of.some(({ device }) => device.deviceId === chosenId)}
      style={{ transform: `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px) translate(-50%, -50%)` }}
      onClick={() => (many && apart ? onNearer() : onChoose(first?.device.deviceId ?? ''))}
    >
      {many ? of.length : ''}
    </button>
  )
}

function markersOf(placed: readonly Placed[], view: View, size: Size): readonly Marker[] {
  const projection = projectionOf(view, size)
  return placed.flatMap((one): Marker[] => {
    const at = projection([one.lon, one.lat])
    if (at === null) return []
    const [x, y] = at
    const isSeen = x > -CELL && y > -CELL && x < size.width + CELL && y < size.height + CELL
    return isSeen ? [{ ...one, x, y }] : []
  })
}

const RANKS = ['', 'info', 'warning', 'critical'] as const

/** The worst that is known of some devices. */
function lookOf(of: readonly Placed[]): string {
  const rank = of.reduce((most, { device }) => Math.max(most, device.rank), 0)
  if (rank > 0) return RANKS[rank] ?? ''
  return of.some(({ device }) => isOnline(presenceOf(device, Date.now()))) ? 'quiet' : 'offline'
}
