import { type ColdRow, type ColdStore, type Commit, CoreError } from '../../core/index.ts'
import type { Blobs } from './blob.ts'

export interface ColdStoreOptions {
  readonly blobs: Blobs
  /** Tells this process from others: blobs that two append to are full in half the time. */
  readonly writer: string
  /** Epoch ms. */
  readonly now: () => number
  /** 0 <= random < 1. */
  readonly random: () => number
}

/** The archive, with the side that fills it. */
export interface AzureColdStore extends ColdStore {
  /** Appends the rows of a commit; it may see a row again where a commit is tried again. */
  archive(commit: Pick<Commit, 'cold'>): Promise<void>
}

/** Positions of one ms: they are 53 bits at most until the year 2200. */
const PER_MS = 1_024

const HOUR_MS = 3_600_000

/** What one append takes. Source: Blob Storage REST reference, Append Block: 4 MiB with every version. */
const MAX_BLOCK_BYTES = 4_194_304

/** Lines that wait for their blob, and those who wait for them. */
interface Lane {
  lines: Buffer[]
  running: Promise<void> | undefined
}

/**
 * Cold rows as lines of JSON in append blobs, by UTC day of event time and hour of storing.
 *
 * Commits that come while an append is under way share the next one: an append is what is paid for.
 *
 * Shape: `cold/day=2026-01-31/{hour since 1970}-{writer}-{number}.jsonl`. A row that was appended twice, because its
 *        answer was lost, has the same position twice.
 */
export function createColdStore({ blobs, writer, now, random }: ColdStoreOptions): AzureColdStore {
  const lanes = new Map<string, Lane>()
  /** How many blobs of an hour are full. Source: Blob Storage: 50,000 blocks. */
  const full = new Map<string, number>()
  let lastPosition = 0

  /** Grows with time, also from process to process. */
  function nextPosition(): number {
    const fresh = now() * PER_MS + Math.floor(random() * PER_MS)
    lastPosition = Math.max(lastPosition + 1, fresh)
    return lastPosition
  }

  async function append(day: string, block: Buffer): Promise<void> {
    const name = `${prefixOf(day)}${hourName(now())}-${writer}`
    for (;;) {
      const blob = `${name}-${String(full.get(name) ?? 0).padStart(4, '0')}.jsonl`
      switch (await blobs.append(blob, block)) {
        case 'done':
          return
        case 'missing':
          await blobs.createAppend(blob, 'application/x-ndjson')
          break
        case 'full':
          full.set(name, (full.get(name) ?? 0) + 1)
          break
      }
    }
  }

  /** Resolves when all lines that wait now are stored. */
  function write(day: string, lines: readonly Buffer[]): Promise<void> {
    const lane = lanes.get(day) ?? { lines: [], running: undefined }
    lanes.set(day, lane)
    const waiting = lane.lines
    waiting.push(...lines)
    // The first of them appends for all, once the append under way is done.
    if (waiting.length > lines.length && lane.running !== undefined) return lane.running
    const before = lane.running ?? Promise.resolve()
    const run = before
      .catch(() => undefined)
      .then(async () => {
        lane.lines = []
        for (const block of blocks(waiting)) await append(day, block)
      })
      .finally(() => {
        if (lane.running === run) lanes.delete(day)
      })
    lane.running = run
    return run
  }

  return {
    async archive({ cold }) {
      const days = new Map<string, Buffer[]>()
      for (const row of cold) {
        const day = dayName(row.at)
        const line = toLine(row, nextPosition())
        const ofDay = days.get(day)
        if (ofDay === undefined) days.set(day, [line])
        else ofDay.push(line)
      }
      await Promise.all([...days].map(([day, lines]) => write(day, lines)))
    },

    async read(day, afterPosition, limit) {
      const listed = await blobs.list(prefixOf(day))
      const found = new Map<number, ColdRow>()
      let hour = Number.NaN
      for (const { name } of listed) {
        const ofBlob = Number(name.slice(prefixOf(day).length).split('-', 1)[0])
        // What this hour stored lies before what was read already.
        if ((ofBlob + 1) * HOUR_MS * PER_MS + HOUR_MS * PER_MS <= afterPosition) continue
        // What a later hour stored lies behind all that was found, but for clocks that differ.
        if (ofBlob > hour + 1 && found.size >= limit) break
        if (found.size < limit) hour = ofBlob
        for (const line of (await blobs.get(name))?.toString('utf8').split('\n') ?? []) {
          if (line === '') continue
          const { position, ...row } = JSON.parse(line)
          if (position > afterPosition) found.set(position, row)
        }
      }
      return [...found]
        .toSorted(([a], [b]) => a - b)
        .slice(0, limit)
        .map(([position, row]) => ({ position, row }))
    },
  }
}

function prefixOf(day: string): string {
  return `cold/day=${day}/`
}

function dayName(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}

/** Sorts as a text until the year 3110. */
function hourName(at: number): string {
  return String(Math.floor(at / HOUR_MS)).padStart(7, '0')
}

function toLine(row: ColdRow, position: number): Buffer {
  const line = Buffer.from(`${JSON.stringify({ position, ...row })}\n`)
  if (line.length <= MAX_BLOCK_BYTES) return line
  throw new CoreError(
    'device.record_too_large',
    `expected a cold row of at most ${MAX_BLOCK_BYTES} bytes, found ${line.length}`,
  )
}

function blocks(lines: readonly Buffer[]): Buffer[] {
  const found: Buffer[][] = []
  let size = Number.POSITIVE_INFINITY
  for (const line of lines) {
    const last = found.at(-1)
    if (last === undefined || size + line.length > MAX_BLOCK_BYTES) {
      found.push([line])
      size = line.length
    } else {
      last.push(line)
      size += line.length
    }
  }
  return found.map((some) => Buffer.concat(some))
}
