import { createServer } from 'node:http'

import type { Pulled } from './fresh-project.ts'

/** The one call of BigQuery that we make, on the loopback: there is no emulator of it. */
export interface BigQuery {
  readonly endpoint: string
  /** Where rows come from: what a BigQuery subscription would write into the table. */
  fillFrom(pull: () => Promise<readonly Pulled[]>): void
  close(): Promise<void>
}

/** Columns of the table. Source: serverless.gcp.yml. */
const COLUMNS = [
  'day',
  'position',
  'deviceId',
  'at',
  'receivedAt',
  'messageId',
  'topic',
  'body',
] as const
type Row = Readonly<Record<(typeof COLUMNS)[number], string | number>>

const SELECTED = ['position', 'deviceId', 'at', 'receivedAt', 'messageId', 'topic', 'body'] as const

interface Query {
  readonly query: string
  readonly useLegacySql: boolean
  readonly parameterMode: string
  readonly queryParameters: readonly {
    readonly name: string
    readonly parameterType: { readonly type: string }
    readonly parameterValue: { readonly value: string }
  }[]
}

/** Answers our one query as BigQuery does, over rows that have just the columns of the table. */
export async function openBigQuery(): Promise<BigQuery> {
  let pull: () => Promise<readonly Pulled[]> = async () => []
  const rows: Row[] = []

  async function answer({ query, useLegacySql, parameterMode, queryParameters }: Query) {
    const sql = query.replace(/\s+/g, ' ')
    const expected =
      /^SELECT position, deviceId, at, receivedAt, messageId, topic, TO_JSON_STRING\(body\) AS body FROM `[\w-]+\.anyhub\.cold` WHERE day = @day AND position > @after QUALIFY ROW_NUMBER\(\) OVER \(PARTITION BY position\) = 1 ORDER BY position LIMIT @limit$/
    if (useLegacySql || parameterMode !== 'NAMED' || !expected.test(sql))
      return { status: 400, body: { error: { status: 'INVALID_ARGUMENT', message: sql } } }
    const value = (name: string, type: string): string => {
      const found = queryParameters.find((one) => one.name === name)
      if (found?.parameterType.type !== type) throw new Error(`expected ${name} as ${type}`)
      return found.parameterValue.value
    }
    const [day, after, limit] = [
      value('day', 'DATE'),
      value('after', 'INT64'),
      value('limit', 'INT64'),
    ]
    for (const { data } of await pull()) rows.push(readRow(data.toString('utf8')))
    const found = new Map(
      rows
        .filter((row) => row.day === day && Number(row.position) > Number(after))
        .map((row) => [row.position, row]),
    )
    const inOrder = [...found.values()].toSorted((a, b) => Number(a.position) - Number(b.position))
    return {
      status: 200,
      body: {
        jobComplete: true,
        ...(inOrder.length === 0
          ? {}
          : {
              rows: inOrder.slice(0, Number(limit)).map((row) => ({
                f: SELECTED.map((name) => ({ v: String(row[name]) })),
              })),
            }),
      },
    }
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      answer(JSON.parse(Buffer.concat(chunks).toString('utf8'))).then(
        ({ status, body }) => response.writeHead(status).end(JSON.stringify(body)),
        (error: unknown) => response.writeHead(501).end(String(error)),
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('no address')
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    fillFrom(source) {
      pull = source
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** A subscription that uses the schema of the table refuses a message with other columns or types. */
function readRow(text: string): Row {
  const row: Row = JSON.parse(text)
  const names = Object.keys(row).toSorted().join()
  if (names !== [...COLUMNS].toSorted().join()) throw new Error(`unknown columns: ${names}`)
  for (const name of ['position', 'at', 'receivedAt'] as const)
    if (!Number.isSafeInteger(row[name])) throw new Error(`${name}: ${row[name]} is no INT64`)
  if (!/^\d{4}-\d\d-\d\d$/.test(String(row.day))) throw new Error(`${row.day} is no DATE`)
  JSON.parse(String(row.body))
  return row
}
