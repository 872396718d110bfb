import * as z from 'zod'
import { CoreError } from '../errors.ts'
import type { DeviceInput, InputResult } from '../model/input.ts'
import type { DeviceCredential, RegisteredDevice } from '../model/registered-device.ts'
import type { Ports } from '../ports.ts'
import { csvLine } from './csv.ts'
import { type ImportRow, ImportRowSchema } from './import-rows.ts'
import { type ImportMode, inputKey, pagesTable, resultKey, type Task, withFaults } from './task.ts'

/** Rows of one page: with certificates for all of them a page of the result stays under 200 KB. */
export const IMPORT_PAGE = 32

/** Credentials that are made at the same time. */
const ISSUED_AT_ONCE = 8

/** A change that meets another one is tried so often. */
const MAX_RACES = 5

const Rows = z.object({ rows: z.array(ImportRowSchema) })

const Credential = z.object({
  kind: z.enum(['certificate', 'token', 'key', 'public_key']),
  digest: z.string(),
  keys: z.object({ primary: z.string(), secondary: z.string() }).exactOptional(),
  publicKey: z.string().exactOptional(),
  createdAt: z.number(),
  endsAt: z.number().exactOptional(),
})

/** What a new device is going to have, noted before there is one: whoever goes on after a crash knows its own. */
const IntentSchema = z.object({
  line: z.int(),
  createdAt: z.number(),
  credentials: z.array(Credential),
  secrets: z.record(z.string(), z.string()),
  /** Why there is nothing that it can prove itself with. */
  fault: z.string().exactOptional(),
})

type Intent = z.output<typeof IntentSchema>

const ResultRowSchema = z.object({
  line: z.int(),
  deviceId: z.string(),
  outcome: z.enum(['created', 'updated', 'unchanged', 'failed']),
  detail: z.string().exactOptional(),
  secrets: z.record(z.string(), z.string()).exactOptional(),
})

type ResultRow = z.output<typeof ResultRowSchema>

const ResultPage = z.object({
  intents: z.array(IntentSchema).optional(),
  rows: z.array(ResultRowSchema).optional(),
})

export interface ImportParts {
  readonly ports: Pick<Ports, 'tables' | 'registry' | 'issuer' | 'devices' | 'clock'>
  readonly run: (
    deviceId: string,
    inputs: readonly DeviceInput[],
  ) => Promise<readonly InputResult[]>
}

/** Registers the devices of one page. Done again after a crash it finds what it did, and hands out the same secrets. */
export async function importPage(task: Task, mode: ImportMode, parts: ImportParts): Promise<Task> {
  const { tables, registry } = parts.ports
  const table = pagesTable(task.id)
  const { rows } = Rows.parse(await tables.get(table, inputKey(task.cursor)))
  const given = await tables.get(table, resultKey(task.cursor))
  const kept = given === undefined ? undefined : ResultPage.parse(given)
  const befores = await Promise.all(
    rows.map(({ deviceId, fault }) => (fault === undefined ? registry.get(deviceId) : undefined)),
  )
  const intents = kept?.intents ?? (await issueAll(rows, befores, mode, parts))
  if (kept === undefined)
    await tables.put(table, resultKey(task.cursor), { intents: intents.map(toJson) })
  const byLine = new Map(intents.map((intent) => [intent.line, intent]))
  const results =
    kept?.rows ??
    (await Promise.all(
      rows.map((row, at) =>
        doRow(row, befores[at], byLine.get(row.line), mode, {
          ...parts,
          by: task.by.name ?? task.by.id,
        }),
      ),
    ))
  await tables.put(table, resultKey(task.cursor), { rows: results.map(toJson) })
  const failed = results.filter(({ outcome }) => outcome === 'failed')
  const counts = { ...task.counts }
  for (const { outcome } of results)
    if (outcome !== 'failed') counts[outcome] = (counts[outcome] ?? 0) + 1
  const hasSecrets = results.some(({ secrets }) => secrets !== undefined)
  return withFaults(
    {
      ...task,
      cursor: task.cursor + 1,
      done: task.done + results.length,
      counts,
      result: {
        pages: task.cursor + 1,
        bytes: 0,
        secret: hasSecrets || task.result?.secret === true,
        until: 0,
      },
    },
    failed.map(({ line, detail = '' }) => ({ line, detail })),
  )
}

const RESULT_COLUMNS = [
  'line',
  'deviceId',
  'outcome',
  'detail',
  'token',
  'primaryKey',
  'secondaryKey',
  'certificate',
  'privateKey',
  'authority',
] as const

/** What became of each row, as a table; secrets among it. */
export function importResultHeader(): string {
  return csvLine(RESULT_COLUMNS)
}

/** One page of it. */
export function importResultLines(page: unknown): string {
  const { rows = [] } = ResultPage.parse(page)
  return rows
    .map(({ line, deviceId, outcome, detail = '', secrets = {} }) =>
      csvLine([
        String(line),
        deviceId,
        outcome,
        detail,
        ...RESULT_COLUMNS.slice(4).map((name) => secrets[name] ?? ''),
      ]),
    )
    .join('')
}

/** Makes what new devices prove themselves with, a few at a time: clouds make few certificates a second. */
async function issueAll(
  rows: readonly ImportRow[],
  befores: readonly (RegisteredDevice | undefined)[],
  mode: ImportMode,
  { ports }: ImportParts,
): Promise<readonly Intent[]> {
  const createdAt = ports.clock.now()
  const wanted = rows.filter(
    ({ fault }, at) => fault === undefined && befores[at] === undefined && mode !== 'update',
  )
  const intents: Intent[] = []
  for (let from = 0; from < wanted.length; from += ISSUED_AT_ONCE)
    intents.push(
      ...(await Promise.all(
        wanted
          .slice(from, from + ISSUED_AT_ONCE)
          .map(async ({ line, deviceId, credential = 'none' }) => ({
            line,
            createdAt,
            ...(await issueOrSay(deviceId, credential, ports)),
          })),
      )),
    )
  return intents
}

/** What a cloud does not issue is a fault of the row. */
async function issueOrSay(
  deviceId: string,
  kind: NonNullable<ImportRow['credential']>,
  ports: Pick<Ports, 'issuer'>,
): Promise<Pick<Intent, 'credentials' | 'secrets' | 'fault'>> {
  try {
    return await issue(deviceId, kind, ports)
  } catch (error) {
    if (!(error instanceof CoreError) || error.retryable) throw error
    return { credentials: [], secrets: {}, fault: `credential: ${error.message}` }
  }
}

async function issue(
  deviceId: string,
  kind: NonNullable<ImportRow['credential']>,
  { issuer }: Pick<Ports, 'issuer'>,
): Promise<Pick<Intent, 'credentials' | 'secrets'>> {
  switch (kind) {
    case 'none':
      return { credentials: [], secrets: {} }
    case 'token': {
      const { credential, token } = await issuer.token()
      return { credentials: [credential], secrets: { token } }
    }
    case 'key': {
      // The token is for the ways that know no signature.
      const [{ credential, token }, key] = await Promise.all([issuer.token(), issuer.key()])
      const { primary, secondary } = key.keys
      return {
        credentials: [credential, key.credential],
        secrets: { token, primaryKey: primary, secondaryKey: secondary },
      }
    }
    case 'certificate': {
      const { credential, certificate, privateKey, authority } = await issuer.certificate(deviceId)
      return { credentials: [credential], secrets: { certificate, privateKey, authority } }
    }
  }
}

/** One row: all of it, or nothing. A store that is away ends the page, which comes again. */
async function doRow(
  row: ImportRow,
  before: RegisteredDevice | undefined,
  intent: Intent | undefined,
  mode: ImportMode,
  parts: ImportParts & { readonly by: string },
): Promise<ResultRow> {
  const { line, deviceId, fault } = row
  const failed = (detail: string): ResultRow => ({ line, deviceId, outcome: 'failed', detail })
  if (fault !== undefined) return failed(fault)
  if (intent?.fault !== undefined) return failed(intent.fault)
  try {
    if (before === undefined) {
      if (mode === 'update' || intent === undefined) return failed('expected a registered device')
      const isOurs = await create(row, intent, parts)
      if (isOurs) return created(row, intent)
      if (mode === 'create') return failed('registered already')
      return { line, deviceId, outcome: await update(row, parts) }
    }
    if (intent !== undefined && isSame(before, intent)) {
      await finish(before, parts)
      return created(row, intent)
    }
    if (mode === 'create') return failed('registered already')
    return { line, deviceId, outcome: await update(row, parts) }
  } catch (error) {
    if (error instanceof CoreError && !error.retryable) return failed(error.message)
    throw error
  }
}

function created({ line, deviceId }: ImportRow, { secrets }: Intent): ResultRow {
  const hasSecrets = Object.keys(secrets).length > 0
  return { line, deviceId, outcome: 'created', ...(hasSecrets ? { secrets } : {}) }
}

/** Gives false if there is one already that is not what was meant. */
async function create(
  { deviceId, type, tags = {}, enabled = true }: ImportRow,
  { createdAt, credentials }: Intent,
  { ports, run, by }: ImportParts & { readonly by: string },
): Promise<boolean> {
  const device: RegisteredDevice = {
    deviceId,
    ...(type === undefined ? {} : { type }),
    tags,
    enabled,
    createdAt,
    version: 1,
    credentials,
  }
  await setTwinTags(deviceId, tags, { ports, run, by })
  try {
    await ports.registry.create(device)
    return true
  } catch (error) {
    if (!(error instanceof CoreError) || error.code !== 'device.exists') throw error
    const found = await ports.registry.get(deviceId)
    return found !== undefined && isSame(found, { createdAt, credentials })
  }
}

/** What the registry does beside a device may have been cut off: a change does it again. */
async function finish(device: RegisteredDevice, { ports }: ImportParts): Promise<void> {
  try {
    await ports.registry.update({ ...device, version: device.version + 1 })
  } catch (error) {
    // Somebody else has changed it meanwhile, and with it all that is beside.
    if (!(error instanceof CoreError) || error.code !== 'store.conflict') throw error
  }
}

/** Whether a device is the one that an earlier try made. */
function isSame(
  device: RegisteredDevice,
  { createdAt, credentials }: Pick<Intent, 'createdAt' | 'credentials'>,
): boolean {
  const digests = new Set(device.credentials.map(({ digest }) => digest))
  return device.createdAt === createdAt && credentials.every(({ digest }) => digests.has(digest))
}

/** What the row says takes the place of what was; what it does not say stays. */
async function update(
  { deviceId, type, tags, enabled }: ImportRow,
  parts: ImportParts & { readonly by: string },
): Promise<'updated' | 'unchanged'> {
  const { registry } = parts.ports
  for (let race = 1; ; race++) {
    const before = await registry.get(deviceId)
    if (before === undefined)
      throw new CoreError('input.not_found', 'expected a registered device, found it removed')
    const after: RegisteredDevice = {
      ...before,
      ...(type === undefined ? {} : { type }),
      ...(tags === undefined ? {} : { tags: { ...before.tags, ...tags } }),
      ...(enabled === undefined ? {} : { enabled }),
    }
    if (JSON.stringify(after) === JSON.stringify(before)) return 'unchanged'
    if (tags !== undefined) await setTwinTags(deviceId, tags, parts)
    try {
      await registry.update({ ...after, version: before.version + 1 })
      return 'updated'
    } catch (error) {
      const isLost = error instanceof CoreError && error.code === 'store.conflict'
      if (!isLost || race === MAX_RACES) throw error
    }
  }
}

/** Where a device has a twin with tags, they are its tags. */
async function setTwinTags(
  deviceId: string,
  tags: Readonly<Record<string, string>>,
  { ports, run, by }: ImportParts & { readonly by: string },
): Promise<void> {
  if (Object.keys(tags).length === 0) return
  const twin = (await ports.devices.load(deviceId))?.shadows['']
  if (twin?.tags === undefined || twin.deletedAt !== undefined) return
  const [result] = await run(deviceId, [
    { kind: 'twin', patches: { tags: { ...tags } }, by, at: ports.clock.now() },
  ])
  if (result?.status === 'refused') throw new CoreError(result.code, result.message)
  if (result?.status === 'answered' && !result.accepted)
    throw new CoreError('input.malformed', 'tags: expected tags that a twin can have')
}

/** The page as the store takes it. */
function toJson<T extends Intent | ResultRow>(row: T) {
  const { credentials, ...rest }: Partial<Intent> & T = row
  return credentials === undefined
    ? { ...rest }
    : { ...rest, credentials: credentials.map(credentialJson) }
}

function credentialJson({ keys, ...rest }: DeviceCredential) {
  return keys === undefined ? { ...rest } : { ...rest, keys: { ...keys } }
}
