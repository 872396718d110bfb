import type { Terminal } from '../terminal.ts'
import type { DemoEvent } from './events.ts'
import type { FleetCounts } from './run-fleet.ts'

/** What the demo looks like at one moment. */
export interface DemoStatus {
  readonly counts: Readonly<FleetCounts>
  readonly raised: number
  readonly cleared: number
  /** Alarms that are active; `undefined` while they cannot be seen. */
  readonly open: number | undefined
  /** Messages per second of late. */
  readonly rate: number
  readonly elapsedMs: number
  /** 0: until Ctrl-C. */
  readonly durationMs: number
}

/** Tells people, or programs, what happens. */
export interface DemoReport {
  started(lines: readonly string[], facts: Readonly<Record<string, unknown>>): void
  happened(event: DemoEvent, elapsedMs: number): void
  status(status: DemoStatus): void
  finished(status: DemoStatus, pageUrl: string | undefined): void
}

/** JSON lines: one for the start, one for each event, one summary at the end. */
export function jsonReport({ out }: Terminal): DemoReport {
  const line = (value: object): void => out(`${JSON.stringify(value)}\n`)
  return {
    started: (_lines, facts) => line({ kind: 'started', ...facts }),
    happened: (event, elapsedMs) => line({ at: Date.now(), elapsedMs, ...event }),
    status: () => undefined,
    finished: ({ counts, raised, cleared, open, elapsedMs }) => {
      const { online: _online, ...rest } = counts
      const seconds = Math.round(elapsedMs / 100) / 10
      line({ kind: 'summary', ...rest, raised, cleared, open: open ?? null, seconds })
    },
  }
}

/** Where nobody watches the last line change, it is printed at this interval. Unit: ms. */
const STATUS_EVERY_MS = 10_000

type Colour = 'red' | 'yellow' | 'green' | 'cyan' | 'dim' | 'bold'

const CODES: Readonly<Record<Colour, number>> = {
  red: 31,
  yellow: 33,
  green: 32,
  cyan: 36,
  dim: 2,
  bold: 1,
}

/** A line for each event and, on a terminal, a last line that follows the run. */
export function humanReport({ out, interactive, env }: Terminal): DemoReport {
  const coloured = interactive && env['NO_COLOR'] === undefined
  const paint = (colour: Colour, text: string): string =>
    coloured ? `\u001b[${CODES[colour]}m${text}\u001b[0m` : text
  const wipe = interactive ? '\r\u001b[2K' : ''
  let last = ''
  let printedAt = 0

  return {
    started(lines) {
      out(`${paint('bold', lines[0] ?? '')}\n${lines.slice(1).join('\n')}\n\n`)
    },
    happened(event, elapsedMs) {
      const { name, colour, text } = wording(event)
      const device = 'deviceId' in event ? event.deviceId : ''
      out(
        `${wipe}${paint('dim', clock(elapsedMs))}  ${device.padEnd(15)}${paint(colour, name.padEnd(9))} ${text}\n${interactive ? last : ''}`,
      )
    },
    status(status) {
      const text = statusText(status)
      if (interactive) {
        last = paint('dim', text)
        out(`${wipe}${last}`)
      } else if (status.elapsedMs - printedAt >= STATUS_EVERY_MS) {
        printedAt = status.elapsedMs
        out(`${text}\n`)
      }
    },
    finished(status, pageUrl) {
      const { counts, raised, cleared, open, elapsedMs } = status
      const alarms =
        open === undefined && raised === 0
          ? ''
          : `, ${counted(raised, 'alarm')} raised and ${number(cleared)} cleared`
      out(
        `${wipe}${clock(elapsedMs)}  ${paint('bold', 'done')}: ${counted(counts.acknowledged, 'message')} sent and acknowledged${alarms}, ${counted(counts.setpoints, 'setpoint')} followed, ${counted(counts.repairs, 'compressor')} repaired\n`,
      )
      if (pageUrl !== undefined) out(`       what came is kept: ${pageUrl}\n`)
    },
  }
}

function statusText({
  counts,
  open,
  raised,
  cleared,
  rate,
  elapsedMs,
  durationMs,
}: DemoStatus): string {
  const parts = [
    `${clock(elapsedMs)}${durationMs === 0 ? '' : ` of ${clock(durationMs)}`}`,
    `${counts.online} online`,
    `${number(counts.acknowledged)} sent`,
    `${rate.toFixed(0)}/s`,
    open === undefined ? 'alarms not seen' : `${counted(open, 'alarm')} open`,
    ...(raised === 0 ? [] : [`${raised} raised, ${cleared} cleared`]),
  ]
  return `       ${parts.join(' · ')}`
}

interface Wording {
  readonly name: string
  readonly colour: Colour
  readonly text: string
}

function wording(event: DemoEvent): Wording {
  switch (event.kind) {
    case 'raised':
      return {
        name: 'ALARM',
        colour: event.severity === 'critical' ? 'red' : 'yellow',
        text: `${event.alarmId}: ${event.text}`,
      }
    case 'cleared':
      return { name: 'cleared', colour: 'green', text: event.alarmId }
    case 'setpoint':
      return {
        name: 'setpoint',
        colour: 'cyan',
        text: `${event.from} → ${event.to} °C, as its shadow desires`,
      }
    case 'failed':
      return { name: 'machine', colour: 'yellow', text: 'its compressor stops' }
    case 'called':
      return {
        name: 'service',
        colour: 'cyan',
        text: 'rule call-service: a technician is on the way',
      }
    case 'repaired':
      return { name: 'service', colour: 'green', text: 'its compressor is repaired' }
    case 'dark':
      return { name: 'offline', colour: 'yellow', text: 'no mains, and its battery is empty' }
    case 'awake':
      return { name: 'online', colour: 'green', text: 'has mains again' }
    case 'cut':
      return {
        name: 'radio',
        colour: 'yellow',
        text: 'half a message: the cloud keeps it with its dead letters',
      }
    case 'lost':
      return {
        name: 'cloud',
        colour: 'red',
        text: 'cannot be reached; the devices keep trying and keep what they measure',
      }
    case 'back':
      return { name: 'cloud', colour: 'green', text: 'is there again' }
  }
}

/** `1:05` for 65 seconds. */
function clock(ms: number): string {
  const seconds = Math.floor(ms / 1_000)
  return `${String(Math.floor(seconds / 60)).padStart(2)}:${String(seconds % 60).padStart(2, '0')}`
}

function counted(count: number, noun: string): string {
  return `${number(count)} ${noun}${count === 1 ? '' : 's'}`
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}
