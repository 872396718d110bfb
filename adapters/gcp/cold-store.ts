import * as z from 'zod/mini'
import { type ColdRow, type ColdStore, type Commit, CoreError } from '../../core/index.ts'
import { parseJson } from '../node/web-sender.ts'
import { type GcpClient, unexpected } from './client.ts'
import type { PubSub } from './pubsub.ts'

export interface ColdStoreOptions {
  readonly client: GcpClient
  readonly pubsub: PubSub
  readonly project: string
  /** Its subscription writes what comes into the table. */
  readonly topic: string
  /** Shape: `dataset.table`. */
  readonly table: string
  /** Epoch ms. */
  readonly now: () => number
  /** 0 <= random < 1. */
  readonly random: () => number
}

/** The archive, with the side that fills it. */
export interface GcpColdStore extends ColdStore {
  /** Hands the rows of a commit to the topic; it may see a row again where a commit is tried again. */
  archive(commit: Pick<Commit, 'cold'>): Promise<void>
}

/** Positions of one ms: they are 53 bits at most until the year 2200. */
const PER_MS = 1_024

/** What Pub/Sub writes into BigQuery at most. Source: Pub/Sub, BigQuery subscriptions: 10 MB. */
const MAX_ROW_BYTES = 9_000_000

/** How long a query may take before its answer says that it is not done. Unit: ms. */
const QUERY_MS = 9_000

const QueryReply = z.object({
  jobComplete: z.boolean(),
  rows: z._default(
    z.array(z.object({ f: z.array(z.object({ v: z.union([z.string(), z.null()]) })) })),
    [],
  ),
})

/**
 * Cold rows through a topic of Pub/Sub, whose subscription writes them into a table of BigQuery.
 *
 * Shape: `day` DATE (partition), `position` INT64, `deviceId`, `at` INT64 (epoch ms), `receivedAt` INT64, `messageId`,
 *        `topic` STRING, `body` JSON: the subscription uses the schema of the table, which takes JSON as its text.
 */
export function createColdStore(options: ColdStoreOptions): GcpColdStore {
  const { client, pubsub, project, topic, table, now, random } = options
  let lastPosition = 0

  /** Grows with time, also from process to process. */
  function nextPosition(): number {
    const fresh = now() * PER_MS + Math.floor(random() * PER_MS)
    lastPosition = Math.max(lastPosition + 1, fresh)
    return lastPosition
  }

  return {
    async archive({ cold }) {
      if (cold.length === 0) return
      await pubsub.publish(
        topic,
        cold.map((row) => ({ data: toLine(row, nextPosition()) })),
      )
    },

    async read(day, afterPosition, limit) {
      // A subscription may write a row twice; its position is then the same.
      const query = `SELECT position, deviceId, at, receivedAt, messageId, topic, TO_JSON_STRING(body) AS body
FROM \`${project}.${table}\`
WHERE day = @day AND position > @after
QUALIFY ROW_NUMBER() OVER (PARTITION BY position) = 1
ORDER BY position
LIMIT @limit`
      if (limit <= 0) return []
      const response = await client.send({
        service: 'bigquery',
        method: 'POST',
        path: `/bigquery/v2/projects/${project}/queries`,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          query,
          useLegacySql: false,
          timeoutMs: QUERY_MS,
          parameterMode: 'NAMED',
          queryParameters: [
            parameter('day', 'DATE', day),
            parameter('after', 'INT64', String(afterPosition)),
            parameter('limit', 'INT64', String(limit)),
          ],
        }),
      })
      if (response.status !== 200) throw unexpected('bigquery', response)
      const { jobComplete, rows } = QueryReply.parse(parseJson(response.body))
      if (!jobComplete)
        throw new CoreError('store.unavailable', `bigquery: no answer within ${QUERY_MS} ms`)
      return rows.map(({ f }) => {
        const [position, deviceId, at, receivedAt, messageId, rowTopic, body] = f.map(({ v }) => v)
        return {
          position: Number(position),
          row: {
            deviceId: deviceId ?? '',
            at: Number(at),
            receivedAt: Number(receivedAt),
            messageId: messageId ?? '',
            topic: rowTopic ?? '',
            body: JSON.parse(body ?? 'null'),
          },
        }
      })
    },
  }
}

/** Source: BigQuery, running parameterized queries. */
function parameter(name: string, type: string, value: string) {
  return { name, parameterType: { type }, parameterValue: { value } }
}

function toLine({ body, at, receivedAt, ...row }: ColdRow, position: number): string {
  const line = JSON.stringify({
    day: new Date(at).toISOString().slice(0, 10),
    position,
    at: Math.floor(at),
    receivedAt: Math.floor(receivedAt),
    ...row,
    body: JSON.stringify(body),
  })
  if (line.length <= MAX_ROW_BYTES) return line
  throw new CoreError(
    'device.record_too_large',
    `expected a cold row of at most ${MAX_ROW_BYTES} characters, found ${line.length}`,
  )
}
