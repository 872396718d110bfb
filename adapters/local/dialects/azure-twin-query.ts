import {
  type Core,
  CoreError,
  compileTwinQuery,
  type JsonObject,
  type RegisteredDevice,
  type TwinQuery,
} from '../../../core/index.ts'
import { twinOf } from './azure-identity.ts'

/** One page of results. */
export interface QueryPage {
  /** True if the results are whole twins. */
  readonly isWhole: boolean
  readonly results: readonly JsonObject[]
  /** Brings the next page; absent on the last. */
  readonly continuation?: string
}

/** Source: learn.microsoft.com, iot-hub-devguide-query-language: results of a page. */
const PAGE = { usual: 100, largest: 1_000 } as const

/** Devices that are looked at together. */
const BATCH = 200

/** Where a query goes on: after this device, and, where it has a TOP or groups, after so many results. */
interface Position {
  readonly after: string
  readonly given: number
}

/**
 * Runs a query over all registered devices, one page of it.
 * @throws CoreError `query.invalid` for the query, the page size or the continuation; `store.*`.
 */
export async function queryTwins(
  core: Core,
  text: string,
  { pageSize, continuation }: { readonly pageSize?: number; readonly continuation?: string },
): Promise<QueryPage> {
  const query = compileTwinQuery(text)
  const from = continuation === undefined ? START : readPosition(continuation)
  const size = Math.min(pageSize ?? PAGE.usual, PAGE.largest)
  return query.isGrouped ? groupedPage(core, query, from, size) : plainPage(core, query, from, size)
}

const START: Position = { after: '', given: 0 }

async function plainPage(
  core: Core,
  query: TwinQuery,
  from: Position,
  size: number,
): Promise<QueryPage> {
  const { isWhole, top = Number.POSITIVE_INFINITY } = query
  const limit = Math.min(size, top - from.given)
  const results: JsonObject[] = []
  let { after } = from
  for await (const { deviceId, twin } of twins(core, after)) {
    if (!query.matches(twin)) continue
    // One more is looked for, so that no last page is empty.
    if (results.length === limit) {
      const given = from.given + limit
      return given >= top
        ? { isWhole, results }
        : { isWhole, results, continuation: writePosition({ after, given }) }
    }
    results.push(query.project(twin))
    after = deviceId
  }
  return { isWhole, results }
}

async function groupedPage(
  core: Core,
  query: TwinQuery,
  { given }: Position,
  size: number,
): Promise<QueryPage> {
  const groups = query.startGroups()
  for await (const { twin } of twins(core, '')) if (query.matches(twin)) groups.add(twin)
  const rows = groups.rows().slice(0, query.top)
  const results = rows.slice(given, given + size)
  const next = given + results.length
  return next < rows.length
    ? { isWhole: false, results, continuation: writePosition({ after: '', given: next }) }
    : { isWhole: false, results }
}

/** All registered devices after one, in the order of their ids. */
export async function* registered(core: Core, afterId: string): AsyncIterable<RegisteredDevice> {
  let after = afterId
  for (;;) {
    const devices = await core.ports.registry.list(after, BATCH)
    yield* devices
    const last = devices.at(-1)
    if (last === undefined || devices.length < BATCH) return
    after = last.deviceId
  }
}

async function* twins(
  core: Core,
  afterId: string,
): AsyncIterable<{ readonly deviceId: string; readonly twin: JsonObject }> {
  const now = core.ports.clock.now()
  let waiting: RegisteredDevice[] = []
  const load = (): Promise<{ deviceId: string; twin: JsonObject }[]> =>
    Promise.all(
      waiting.map(async (device) => {
        const { deviceId } = device
        const record = await core.ports.devices.load(deviceId)
        return { deviceId, twin: twinOf(device, record, now) }
      }),
    )
  for await (const device of registered(core, afterId)) {
    waiting.push(device)
    if (waiting.length < BATCH) continue
    yield* await load()
    waiting = []
  }
  yield* await load()
}

function writePosition(position: Position): string {
  return Buffer.from(JSON.stringify([position.after, position.given])).toString('base64url')
}

function readPosition(text: string): Position {
  try {
    const read: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
    if (Array.isArray(read)) {
      const [after, given]: unknown[] = read
      if (typeof after === 'string' && typeof given === 'number' && given >= 0)
        return { after, given }
    }
  } catch {
    // Told below.
  }
  throw new CoreError('query.invalid', 'expected a continuation token of an earlier page')
}
