import { fromBase64, toBase64 } from '../../model/base64.ts'
import { isJsonObject, type Json } from '../../model/json.ts'
import { cannotSay, setKey } from '../binary/text.ts'
import { faultAt } from '../fault.ts'

/** The numbers of labels in CBOR. Source: RFC 8428, table 4. */
const NUMBERS: Readonly<Record<string, string>> = {
  bver: '-1',
  bn: '-2',
  bt: '-3',
  bu: '-4',
  bv: '-5',
  bs: '-6',
  n: '0',
  u: '1',
  v: '2',
  vs: '3',
  vb: '4',
  s: '5',
  t: '6',
  ut: '7',
  vd: '8',
}

const LABELS: ReadonlyMap<string, string> = new Map(
  Object.entries(NUMBERS).map(([label, number]) => [number, label]),
)

/**
 * A pack as JSON has it, of the typed values of one in CBOR: labels are names, data is base64url.
 * @throws CoreError `codec.duplicate_key` for a label that is there by name and by number.
 */
export function fromCborPack(pack: Json): Json {
  return Array.isArray(pack) ? pack.map(fromCborRecord) : pack
}

function fromCborRecord(record: Json): Json {
  if (!isJsonObject(record)) return record
  const named: { [label: string]: Json } = {}
  for (const key of Object.keys(record)) {
    const label = LABELS.get(key) ?? key
    if (Object.hasOwn(named, label))
      throw faultAt('codec.duplicate_key', `expected ${label} once in a record, found it twice`, 0)
    setKey(named, label, fromCborValue(label, record[key] ?? null))
  }
  return named
}

function fromCborValue(label: string, value: Json): Json {
  if (label === 'vd' && isJsonObject(value) && typeof value['$bytes'] === 'string')
    return value['$bytes'].replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
  // Whole numbers beyond 2^53 come as their digits; here each number is a double.
  if (typeof value === 'string' && LABELS_OF_NUMBERS.has(label) && /^-?\d+$/.test(value))
    return Number(value)
  return value
}

const LABELS_OF_NUMBERS: ReadonlySet<string> = new Set([
  'bver',
  'bt',
  'bv',
  'bs',
  'v',
  's',
  't',
  'ut',
])

/**
 * A pack with the labels of CBOR, of one in JSON.
 * @throws CoreError `codec.wrong_type` for data that is no base64url.
 */
export function toCborPack(pack: readonly Json[]): Json {
  return pack.map((record) => {
    if (!isJsonObject(record)) return record
    const numbered: { [key: string]: Json } = {}
    for (const [label, value] of Object.entries(record))
      setKey(
        numbered,
        Object.hasOwn(NUMBERS, label) ? (NUMBERS[label] ?? label) : label,
        label === 'vd' ? toCborData(value) : value,
      )
    return numbered
  })
}

function toCborData(value: Json): Json {
  const bytes =
    typeof value === 'string'
      ? fromBase64(value.replaceAll('-', '+').replaceAll('_', '/'))
      : undefined
  if (bytes === undefined)
    throw cannotSay('SenML', 'expected base64url in vd, found something else')
  return { $bytes: toBase64(bytes) }
}
