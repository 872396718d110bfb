import * as z from 'zod'
import { readEventTime } from '../codecs/event-time.ts'
import { parsePointer, readPointer } from '../codecs/pointer.ts'
import { CoreError } from '../errors.ts'
import { isDeviceId } from '../model/device-id.ts'
import type { Json } from '../model/json.ts'
import type { Ingest, Uplink } from '../model/uplink.ts'
import type { Ports } from '../ports.ts'
import {
  inputKey,
  pagesTable,
  type ReplayPlan,
  type Task,
  type TaskFault,
  withFaults,
} from './task.ts'

/** Lines of one page, and their characters. */
export const REPLAY_PAGE = 500
export const REPLAY_PAGE_CHARS = 60_000

const Lines = z.object({ lines: z.array(z.object({ line: z.int(), text: z.string() })) })

type Line = z.output<typeof Lines>['lines'][number]

export interface ReplayParts {
  readonly ports: Pick<Ports, 'tables' | 'clock'>
  readonly ingest: Ingest
}

/**
 * Takes the messages of one page in, as if their devices had sent them. Taken in again after a crash they are duplicates:
 * each has a time.
 */
export async function replayPage(task: Task, plan: ReplayPlan, parts: ReplayParts): Promise<Task> {
  const { tables, clock } = parts.ports
  const { lines } = Lines.parse(await tables.get(pagesTable(task.id), inputKey(task.cursor)))
  const faults: TaskFault[] = []
  const uplinks: { readonly line: number; readonly uplink: Uplink }[] = []
  const receivedAt = clock.now()
  for (const one of lines) {
    const read = readLine(one, plan, receivedAt)
    if ('fault' in read) faults.push({ line: one.line, detail: read.fault })
    else uplinks.push({ line: one.line, uplink: read })
  }
  const outcomes = await parts.ingest(uplinks.map(({ uplink }) => uplink))
  const counts = { accepted: 0, duplicates: 0, deadLetters: 0, ...task.counts }
  outcomes.forEach((outcome, at) => {
    switch (outcome.status) {
      case 'accepted':
        counts.accepted++
        return
      case 'duplicate':
        counts.duplicates++
        return
      case 'dead_lettered':
        counts.deadLetters++
        faults.push({
          line: uplinks[at]?.line ?? 0,
          detail: `${outcome.error.code}: ${outcome.error.message}`,
        })
        return
      case 'retry':
        throw outcome.error
    }
  })
  faults.sort((a, b) => a.line - b.line)
  return withFaults(
    { ...task, cursor: task.cursor + 1, done: task.done + lines.length, counts },
    faults,
  )
}

function readLine(
  { text }: Line,
  plan: ReplayPlan,
  receivedAt: number,
): Uplink | { readonly fault: string } {
  let body: Json
  try {
    body = JSON.parse(text)
  } catch {
    return { fault: 'expected JSON' }
  }
  try {
    const deviceId = deviceOf(body, plan.device)
    return {
      deviceId,
      topic: (plan.topic ?? 'devices/{id}/telemetry').replaceAll('{id}', deviceId),
      payload: new TextEncoder().encode(payloadOf(body, text, plan.payload)),
      contentType: '',
      receivedAt,
      source: 'replay',
      sentAt: timeOf(body, plan),
    }
  } catch (error) {
    if (error instanceof CoreError) return { fault: error.message }
    throw error
  }
}

function deviceOf(body: Json, device: string): string {
  const value = device.startsWith('=') ? device.slice(1) : valueAt(body, device)
  const id = typeof value === 'number' ? String(value) : value
  if (typeof id === 'string' && isDeviceId(id)) return id
  throw missing('the id of a device', device)
}

function timeOf(body: Json, { time, timeUnit }: ReplayPlan): number {
  const value = valueAt(body, time)
  if (value === undefined || value === null || value === '') throw missing('a time', time)
  return readEventTime(typeof value === 'string' ? withZone(value) : value, timeUnit)
}

/** Recordings often leave the zone out; a text without one is read as UTC. */
function withZone(text: string): string {
  return /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?$/.test(text)
    ? `${text.replace(' ', 'T')}Z`
    : text
}

/** A text is sent as it is: it is what the device sent, kept as text. */
function payloadOf(body: Json, line: string, payload: string | undefined): string {
  if (payload === undefined) return line
  const value = valueAt(body, payload)
  if (value === undefined) throw missing('a payload', payload)
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** A field's name, or a JSON pointer. */
function valueAt(body: Json, field: string): Json | undefined {
  return readPointer(body, field === '' || field.startsWith('/') ? parsePointer(field) : [field])
}

function missing(what: string, place: string): CoreError {
  return new CoreError('input.malformed', `expected ${what} at ${place}`)
}

/** The lines of a recording that are not empty, in pages; one that is too long for a page is a fault. */
export function pagesOfLines(text: string): {
  readonly pages: readonly (readonly Line[])[]
  readonly faults: readonly TaskFault[]
  readonly count: number
} {
  const pages: Line[][] = []
  const faults: TaskFault[] = []
  let page: Line[] = []
  let chars = 0
  let count = 0
  const lines = (text.startsWith('\ufeff') ? text.slice(1) : text).split('\n')
  for (const [at, whole] of lines.entries()) {
    const line = at + 1
    const found = whole.trim()
    if (found === '') continue
    count++
    if (found.length > REPLAY_PAGE_CHARS) {
      faults.push({ line, detail: `expected at most ${REPLAY_PAGE_CHARS} characters` })
      continue
    }
    if (page.length === REPLAY_PAGE || chars + found.length > REPLAY_PAGE_CHARS) {
      pages.push(page)
      page = []
      chars = 0
    }
    page.push({ line, text: found })
    chars += found.length
  }
  if (page.length > 0) pages.push(page)
  return { pages, faults, count }
}
