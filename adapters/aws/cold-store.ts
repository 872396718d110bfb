import * as z from 'zod/mini'
import { type ColdRow, type ColdStore, type Commit, CoreError } from '../../core/index.ts'
import { type AwsClient, unexpected } from './client.ts'
import { lazily } from './lazily.ts'
import type { ObjectStore } from './object-store.ts'

export interface ColdStoreOptions {
  readonly client: AwsClient
  /** The delivery stream that gathers rows into objects. */
  readonly stream: string
  readonly objects: ObjectStore
  /** Where the objects of a day are. Shape: `cold/day=2026-01-31/`. */
  readonly prefixOf: (day: string) => string
  /** Epoch ms. */
  readonly now: () => number
  readonly random: () => number
}

/** The archive, with the side that fills it. */
export interface AwsColdStore extends ColdStore {
  /** Hands the rows of a commit to the delivery stream; it may see a row again where a commit is tried again. */
  archive(commit: Pick<Commit, 'cold'>): Promise<void>
}

/** What one PutRecordBatch takes. Source: Amazon Data Firehose API reference. */
const MAX_RECORDS = 500
const MAX_BATCH_BYTES = 4_000_000
const MAX_RECORD_BYTES = 1_024_000

/** How often records that the stream had no room for are offered. */
const MAX_OFFERS = 4

/** Positions of one ms: they are 53 bits at most until the year 2200. */
const PER_MS = 1_024

const PutReply = lazily(() =>
  z.object({
    FailedPutCount: z.number(),
    RequestResponses: z.array(z.object({ ErrorCode: z.optional(z.string()) })),
  }),
)

/** Cold rows as lines of JSON: through Firehose into objects of S3, by day of event time. */
export function createColdStore({
  client,
  stream,
  objects,
  prefixOf,
  now,
  random,
}: ColdStoreOptions): AwsColdStore {
  let lastPosition = 0

  /** Grows with time, also from process to process. */
  function nextPosition(): number {
    const fresh = now() * PER_MS + Math.floor(random() * PER_MS)
    lastPosition = Math.max(lastPosition + 1, fresh)
    return lastPosition
  }

  async function put(lines: readonly Buffer[]): Promise<void> {
    let waiting = lines
    for (let offer = 0; waiting.length > 0; offer++) {
      if (offer === MAX_OFFERS)
        throw new CoreError(
          'store.unavailable',
          `firehose: ${waiting.length} of ${lines.length} rows not taken after ${MAX_OFFERS} offers`,
        )
      const response = await client.send({
        service: 'firehose',
        method: 'POST',
        path: '/',
        headers: {
          'content-type': 'application/x-amz-json-1.1',
          'x-amz-target': 'Firehose_20150804.PutRecordBatch',
        },
        body: JSON.stringify({
          DeliveryStreamName: stream,
          Records: waiting.map((line) => ({ Data: line.toString('base64') })),
        }),
      })
      if (response.status !== 200) throw unexpected('firehose', response)
      const { RequestResponses } = PutReply().parse(JSON.parse(response.body.toString('utf8')))
      const offered: readonly Buffer[] = waiting
      waiting = offered.filter((_, index) => RequestResponses[index]?.ErrorCode !== undefined)
    }
  }

  return {
    async archive({ cold }) {
      if (cold.length === 0) return
      for (const batch of batches(cold.map((row) => toLine(row, nextPosition())))) await put(batch)
    },

    async read(day, afterPosition, limit) {
      const keys = await objects.list(prefixOf(day))
      const found: { readonly position: number; readonly row: ColdRow }[] = []
      for (const key of keys) {
        const bytes = await objects.get(key)
        for (const line of bytes?.toString('utf8').split('\n') ?? []) {
          if (line === '') continue
          const { day: ofDay, position, ...row } = JSON.parse(line)
          if (ofDay === day && position > afterPosition) found.push({ position, row })
        }
      }
      return found.toSorted((a, b) => a.position - b.position).slice(0, limit)
    },
  }
}

function toLine(row: ColdRow, position: number): Buffer {
  const day = new Date(row.at).toISOString().slice(0, 10)
  const line = Buffer.from(`${JSON.stringify({ day, position, ...row })}\n`)
  if (line.length <= MAX_RECORD_BYTES) return line
  throw new CoreError(
    'device.record_too_large',
    `expected a cold row of at most ${MAX_RECORD_BYTES} bytes, found ${line.length}`,
  )
}

function batches(lines: readonly Buffer[]): Buffer[][] {
  const found: Buffer[][] = []
  let size = Number.POSITIVE_INFINITY
  for (const line of lines) {
    const last = found.at(-1)
    if (last === undefined || last.length === MAX_RECORDS || size + line.length > MAX_BATCH_BYTES) {
      found.push([line])
      size = line.length
    } else {
      last.push(line)
      size += line.length
    }
  }
  return found
}
