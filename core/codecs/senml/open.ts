import { isJsonObject, type Json, type JsonObject } from '../../model/json.ts'
import { cannotSay, textBytes } from '../binary/text.ts'
import { createCborReader } from '../cbor/read.ts'
import { createCborWriter } from '../cbor/write.ts'
import { type Codec, type Decoded, NO_WARNINGS, type PayloadFacts } from '../codec.ts'
import { readJson } from '../json.ts'
import { fromCborPack, toCborPack } from './labels.ts'
import { messagesOf } from './messages.ts'
import { resolvePack, type SenmlNames } from './resolve.ts'

/** What may stand beside `type`, with defaults applied. */
export interface SenmlOptions {
  readonly resolve: boolean
  readonly names: SenmlNames
}

/** In which form a pack comes or goes. */
export type SenmlForm = 'json' | 'cbor'

/** Opens SenML; `formOf` tells the form of a message, `encodeAs` that of a downlink. */
export function openSenml(
  name: string,
  { resolve, names }: SenmlOptions,
  formOf: (bytes: Uint8Array, facts: PayloadFacts) => SenmlForm,
  encodeAs: (facts: PayloadFacts) => SenmlForm,
): Codec {
  const readCbor = createCborReader(false)
  const writeCbor = createCborWriter({ plain: false, integerKeys: true, bigIntegers: false })

  function readPack(bytes: Uint8Array, facts: PayloadFacts): Decoded {
    if (formOf(bytes, facts) === 'json') return { value: readJson(bytes), warnings: NO_WARNINGS }
    const { value, warnings } = readCbor(bytes)
    return { value: fromCborPack(value), warnings }
  }

  return {
    name,
    decode(bytes, facts) {
      const pack = readPack(bytes, facts)
      return resolve
        ? { value: resolvePack(pack.value, facts.receivedAt, names), warnings: pack.warnings }
        : pack
    },
    encode(value, facts) {
      const pack = packOf(value)
      resolvePack(pack, 0, names)
      const bytes =
        encodeAs(facts) === 'json' ? textBytes(JSON.stringify(pack)) : writeCbor(toCborPack(pack))
      return { bytes, warnings: NO_WARNINGS }
    },
    split: (value) => messagesOf(resolve ? value : resolvePack(value, 0, names)),
    exactText: undefined,
  }
}

/** A pack of what `decode` gives, or of measured values by name. */
function packOf(value: Json): readonly Json[] {
  if (Array.isArray(value)) return value.map(recordOf)
  if (!isJsonObject(value))
    throw cannotSay(
      'SenML',
      'expected records, or an object of values by name, found something else',
    )
  return Object.entries(value).map(([n, item]) => {
    if (typeof item === 'number') return { n, v: item }
    if (typeof item === 'string') return { n, vs: item }
    if (typeof item === 'boolean') return { n, vb: item }
    throw cannotSay('SenML', 'expected numbers, texts and booleans, found something else')
  })
}

/** A time that is told from now goes as such; the moment itself needs none. */
function recordOf(record: Json): Json {
  if (!isJsonObject(record) || !isJsonObject(record['t'])) return record
  const { t, ...rest } = record
  const now: Json | undefined = isNow(t) ? t['now'] : undefined
  if (typeof now !== 'number')
    throw cannotSay('SenML', 'expected epoch seconds or {now: seconds} in t, found something else')
  return now === 0 ? rest : { ...rest, t: now }
}

function isNow(value: Json | undefined): value is JsonObject {
  return isJsonObject(value) && Object.keys(value).length === 1
}
