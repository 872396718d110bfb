import { CoreError } from '../../errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../../model/json.ts'
import { setKey } from '../binary/text.ts'

/** The newest version that is read. Source: RFC 8428, section 4.4. */
const VERSION = 10

/** Times below it are told from now. Unit: s. Source: RFC 8428, section 4.5.3. */
const RELATIVE_BELOW = 2 ** 28

/** How names of records are told. */
export type SenmlNames = 'full' | 'short'

/** What the base fields say to the records behind them. */
interface Base {
  name: string
  time: number
  unit: string | undefined
  value: number | undefined
  sum: number | undefined
  version: number | undefined
}

/** Base fields, which no resolved record has. */
const BASE_FIELDS: ReadonlySet<string> = new Set(['bn', 'bt', 'bu', 'bv', 'bs', 'bver'])

const VALUES = ['v', 'vs', 'vb', 'vd'] as const

/** What each label holds. Source: RFC 8428, table 1. */
const KINDS: Readonly<Record<string, 'string' | 'number' | 'boolean'>> = {
  bn: 'string',
  bt: 'number',
  bu: 'string',
  bv: 'number',
  bs: 'number',
  bver: 'number',
  n: 'string',
  u: 'string',
  v: 'number',
  vs: 'string',
  vb: 'boolean',
  vd: 'string',
  s: 'number',
  t: 'number',
  ut: 'number',
}

/**
 * The records of a pack, each with its whole name, its unit and its time, without base fields.
 *
 * `receivedAt` (epoch ms) is what times are relative to; where it is not known (0), and for the moment itself, a time is
 * `{now: seconds}`.
 * Source: RFC 8428, section 4.6.
 * @throws CoreError `codec.*` with the number of the record.
 */
export function resolvePack(
  pack: Json,
  receivedAt: number,
  names: SenmlNames,
): readonly JsonObject[] {
  if (!Array.isArray(pack) || pack.length === 0)
    throw new CoreError(
      'codec.wrong_type',
      'expected a SenML pack, an array of one or more records, found something else',
    )
  const base: Base = {
    name: '',
    time: 0,
    unit: undefined,
    value: undefined,
    sum: undefined,
    version: undefined,
  }
  return pack.map((record: Json, index: number) =>
    resolveRecord(checkRecord(record, index), base, index, receivedAt, names),
  )
}

function checkRecord(record: Json, index: number): JsonObject {
  if (!isJsonObject(record))
    throw recordFault('codec.wrong_type', index, 'expected an object, found something else')
  for (const label of Object.keys(record)) {
    const kind = Object.hasOwn(KINDS, label) ? KINDS[label] : undefined
    if (kind === undefined) {
      if (label.endsWith('_'))
        throw recordFault(
          'codec.unsupported',
          index,
          'expected labels that may be passed over, found one ending in _ that may not',
        )
      continue
    }
    const value = record[label]
    if (typeof value !== kind || (typeof value === 'number' && !Number.isFinite(value)))
      throw recordFault(
        'codec.wrong_type',
        index,
        `expected a ${kind} in ${label}, found something else`,
      )
    if (label === 'vd' && typeof value === 'string' && !isBase64(value))
      throw recordFault('codec.wrong_type', index, 'expected base64url in vd, found something else')
  }
  return record
}

/** In either alphabet, with or without padding. */
function isBase64(text: string): boolean {
  const digits = text.replace(/={1,2}$/, '')
  return digits.length % 4 !== 1 && !/[^\w\-+/]/.test(digits)
}

function resolveRecord(
  record: JsonObject,
  base: Base,
  index: number,
  receivedAt: number,
  names: SenmlNames,
): JsonObject {
  checkVersion(record, base, index)
  if (typeof record['bn'] === 'string') base.name = record['bn']
  base.time = numberIn(record, 'bt') ?? base.time
  if (typeof record['bu'] === 'string') base.unit = record['bu']
  base.value = numberIn(record, 'bv') ?? base.value
  base.sum = numberIn(record, 'bs') ?? base.sum

  const local = typeof record['n'] === 'string' ? record['n'] : ''
  const full = checkName(base.name + local, index)
  const resolved: { [label: string]: Json } = {
    n: names === 'short' && local !== '' ? local : full,
  }
  for (const label of Object.keys(record))
    if (label !== 'n' && !BASE_FIELDS.has(label)) setKey(resolved, label, record[label])
  if (base.unit !== undefined) resolved['u'] ??= base.unit
  if (base.version !== undefined && base.version !== VERSION) resolved['bver'] = base.version
  const sum = numberIn(record, 's')
  if (sum !== undefined || base.sum !== undefined) resolved['s'] = (base.sum ?? 0) + (sum ?? 0)
  resolveValue(record, resolved, base, index)
  resolved['t'] = resolveTime(base.time + (numberIn(record, 't') ?? 0), receivedAt)
  return resolved
}

function checkVersion(record: JsonObject, base: Base, index: number): void {
  const version = numberIn(record, 'bver')
  const before = base.version ?? (index === 0 ? undefined : VERSION)
  if (version === undefined) return
  if (!Number.isInteger(version) || version < 1)
    throw recordFault(
      'codec.wrong_type',
      index,
      'expected a positive whole number in bver, found another',
    )
  if (version > VERSION)
    throw recordFault(
      'codec.unsupported_version',
      index,
      `expected SenML up to version ${VERSION}, found ${version}`,
    )
  if (before !== undefined && version !== before)
    throw recordFault(
      'codec.malformed',
      index,
      `expected one version in a pack, found ${before} and ${version}`,
    )
  base.version = version
}

/** One value; none only where there is a sum. A base value is added to a number, or is one. */
function resolveValue(
  record: JsonObject,
  resolved: { [label: string]: Json },
  base: Base,
  index: number,
): void {
  const values = VALUES.filter((label) => Object.hasOwn(record, label))
  const [label] = values
  if (values.length > 1)
    throw recordFault('codec.malformed', index, `expected one value, found ${values.join(' and ')}`)
  if (label === undefined) {
    if (base.value !== undefined && !Object.hasOwn(record, 's')) resolved['v'] = base.value
    else if (resolved['s'] === undefined)
      throw recordFault('codec.malformed', index, 'expected a value or a sum, found neither')
    return
  }
  if (label !== 'v') {
    if (Object.hasOwn(record, 'bv'))
      throw recordFault('codec.malformed', index, `expected v beside bv, found ${label}`)
    return
  }
  resolved['v'] = (base.value ?? 0) + (numberIn(record, 'v') ?? 0)
}

/** Unit: s. */
function resolveTime(time: number, receivedAt: number): Json {
  if (time >= RELATIVE_BELOW) return time
  if (time === 0 || receivedAt === 0) return { now: time }
  return receivedAt / 1_000 + time
}

function checkName(name: string, index: number): string {
  if (/^[A-Za-z0-9][A-Za-z0-9\-:./_]*$/.test(name)) return name
  const found = name === '' ? 'none' : `one of ${name.length} characters that is not`
  throw recordFault(
    'codec.malformed',
    index,
    `expected a name of letters, digits and -:./_ that begins with a letter or digit, found ${found}`,
  )
}

function numberIn(record: JsonObject, label: string): number | undefined {
  const value = record[label]
  return typeof value === 'number' ? value : undefined
}

function recordFault(
  code: 'codec.malformed' | 'codec.unsupported' | 'codec.unsupported_version' | 'codec.wrong_type',
  index: number,
  sentence: string,
): CoreError {
  return new CoreError(code, `record ${index}: ${sentence}`, { details: { record: index } })
}
