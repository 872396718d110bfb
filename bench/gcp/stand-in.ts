import { createServer } from 'node:http'

/** Firestore and Pub/Sub on the loopback, as far as `ingest` needs them; what Firestore is paid for is counted. */
export interface StandIn {
  /** Shape: `host:port`. */
  readonly host: string
  /** Documents read so far. */
  reads(): number
  /** Documents written so far. */
  writes(): number
  /** Rows of telemetry that the records say they have. */
  rows(): number
  close(): void
}

interface Document {
  readonly name: string
  readonly fields: Readonly<Record<string, { readonly doubleValue?: number }>>
  readonly updateTime: string
}

interface CommitBody {
  readonly writes: readonly {
    readonly update: Pick<Document, 'name' | 'fields'>
    readonly currentDocument?: { readonly exists?: boolean; readonly updateTime?: string }
  }[]
}

interface QueryBody {
  readonly structuredQuery: {
    readonly from: readonly [{ readonly collectionId: string }]
    readonly where?: {
      readonly compositeFilter: {
        readonly filters: readonly {
          readonly fieldFilter: {
            readonly field: { readonly fieldPath: string }
            readonly op: string
            readonly value: { readonly doubleValue: number }
          }
        }[]
      }
    }
    readonly orderBy: readonly [
      { readonly field: { readonly fieldPath: string }; readonly direction: string },
    ]
    readonly limit?: number
  }
}

/** Keeps documents and checks preconditions as Firestore does, at once and in memory: what is measured is the caller. */
export async function openStandIn(): Promise<StandIn> {
  const documents = new Map<string, Document>()
  let reads = 0
  let writes = 0
  let time = 0

  function batchGet({ documents: names }: { readonly documents: readonly string[] }): object {
    reads += names.length
    return names.map((name) => {
      const found = documents.get(name)
      return found === undefined ? { missing: name } : { found }
    })
  }

  /** `undefined` if a precondition does not hold. */
  function commit(body: CommitBody): object | undefined {
    const held = body.writes.every(({ update, currentDocument: wanted }) => {
      const stored = documents.get(update.name)
      if (wanted === undefined) return true
      if (wanted.exists !== undefined) return wanted.exists === (stored !== undefined)
      return wanted.updateTime === stored?.updateTime
    })
    if (!held) return undefined
    writes += body.writes.length
    const updateTime = `t${++time}`
    for (const { update } of body.writes) documents.set(update.name, { ...update, updateTime })
    return { writeResults: body.writes.map(() => ({ updateTime })) }
  }

  /** Documents of a collection below `parent` by numbers in them, in their order. */
  function runQuery(parent: string, { structuredQuery }: QueryBody): object {
    const { from, where, orderBy, limit } = structuredQuery
    const prefix = `${parent}/${from[0].collectionId}/`
    const { field, direction } = orderBy[0]
    const numberOf = ({ fields }: Document, name: string) => fields[name]?.doubleValue ?? 0
    const sign = direction === 'DESCENDING' ? -1 : 1
    const found = [...documents.values()]
      .filter(
        (document) =>
          document.name.startsWith(prefix) &&
          (where?.compositeFilter.filters ?? []).every(
            ({ fieldFilter: { field: of, op, value } }) =>
              holds(op, numberOf(document, of.fieldPath) - value.doubleValue),
          ),
      )
      .sort((a, b) => sign * (numberOf(a, field.fieldPath) - numberOf(b, field.fieldPath)))
      .slice(0, limit)
    // A query that finds nothing is paid as one read.
    reads += Math.max(1, found.length)
    return found.map((document) => ({ document }))
  }

  function answer(path: string, body: string): { status: number; reply: object } {
    if (path.endsWith(':batchGet')) return { status: 200, reply: batchGet(JSON.parse(body)) }
    if (path.endsWith(':publish')) return { status: 200, reply: { messageIds: ['1'] } }
    const queried = /^\/v1\/(.+):runQuery$/.exec(decodeURIComponent(path))?.[1]
    if (queried !== undefined) return { status: 200, reply: runQuery(queried, JSON.parse(body)) }
    if (!path.endsWith(':commit'))
      return { status: 404, reply: { error: { status: 'UNIMPLEMENTED', message: path } } }
    const reply = commit(JSON.parse(body))
    return reply === undefined
      ? { status: 400, reply: { error: { status: 'FAILED_PRECONDITION', message: path } } }
      : { status: 200, reply }
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { status, reply } = answer(request.url ?? '', Buffer.concat(chunks).toString())
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(reply))
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('expected a port')
  return {
    host: `127.0.0.1:${address.port}`,
    reads: () => reads,
    writes: () => writes,
    rows: () =>
      [...documents.values()].reduce(
        (sum, { fields }) => sum + (fields['rowCount']?.doubleValue ?? 0),
        0,
      ),
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

function holds(op: string, difference: number): boolean {
  switch (op) {
    case 'LESS_THAN':
      return difference < 0
    case 'LESS_THAN_OR_EQUAL':
      return difference <= 0
    case 'GREATER_THAN':
      return difference > 0
    case 'GREATER_THAN_OR_EQUAL':
      return difference >= 0
    default:
      throw new Error(`expected a comparison, found ${op}`)
  }
}

/** What serverless.gcp.yml gives the function, and its host. */
export function environment(host: string): Record<string, string> {
  const names = [
    'DATABASE',
    'TELEMETRY_TOPIC',
    'COMMANDS_TOPIC',
    'HIGH_TOPIC',
    'NORMAL_TOPIC',
    'COLD_TOPIC',
    'QUEUE_PREFIX',
    'COLD_TABLE',
    'BUCKET',
    'ADMIN_TOKEN_SHA256',
  ]
  return {
    ...Object.fromEntries(names.map((name) => [`ANYHUB_${name}`, name.toLowerCase()])),
    ANYHUB_PUSH_ACCOUNT: ACCOUNT,
    ANYHUB_PUSH_AUDIENCE: AUDIENCE,
    ANYHUB_PUSH_SIGNATURE_REMOVED: 'true',
    GOOGLE_CLOUD_PROJECT: 'bench',
    FIRESTORE_EMULATOR_HOST: host,
    PUBSUB_EMULATOR_HOST: host,
    K_SERVICE: 'ingest',
  }
}

const ACCOUNT = 'caller@bench.iam.gserviceaccount.com'
const AUDIENCE = 'bench'

/** The token of a push as a private function sees it: Google has checked it, and taken its signature off. */
export function pushToken(now: number): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const iat = Math.floor(now / 1_000)
  const claims = {
    iss: 'https://accounts.google.com',
    aud: AUDIENCE,
    email: ACCOUNT,
    email_verified: true,
    iat,
    exp: iat + 3_600,
  }
  return `${part({ alg: 'RS256', kid: 'bench' })}.${part(claims)}.SIGNATURE_REMOVED_BY_GOOGLE`
}
