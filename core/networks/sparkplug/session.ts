import { TYPE, typeOf } from '../../codecs/sparkplug/data-types.ts'
import type { FindMetric, KnownMetric } from '../../codecs/sparkplug/read-payload.ts'
import { isJsonObject, type Json, type JsonObject } from '../../model/json.ts'

/** What is remembered of a birth: names by alias, types by name. */
export interface Birth {
  /** Time of the birth, epoch ms. */
  readonly at: number
  /** Ties a birth to its death; `null` where it has none. */
  readonly bdSeq: Json
  readonly names: ReadonlyMap<string, string>
  readonly types: ReadonlyMap<string, number>
}

/** Control of the session itself: nothing measured. */
export const BD_SEQ = 'bdSeq'
export const REBIRTH = 'Node Control/Rebirth'

/** The metrics of a payload. */
export function metricsOf(payload: JsonObject): readonly JsonObject[] {
  const { metrics } = payload
  return Array.isArray(metrics) ? metrics.filter(isJsonObject) : []
}

/** What is to be remembered of a birth, as JSON. */
export function birthMemo(payload: JsonObject, receivedAt: number): Json {
  const names: [string, string][] = []
  const types: [string, number][] = []
  for (const { name, alias, dataType } of metricsOf(payload)) {
    if (typeof name !== 'string') continue
    if (alias !== undefined) names.push([String(alias), name])
    const type = typeOf(dataType)
    if (type !== undefined && type !== TYPE.unknown) types.push([name, type])
  }
  const at = payload['timestamp']
  return {
    at: typeof at === 'number' ? at : receivedAt,
    bdSeq: bdSeqOf(payload),
    names,
    types,
  }
}

/** The birth that a memo tells of; `undefined` if there was none. */
export type ReadBirth = (memo: Json | undefined) => Birth | undefined

/** Reads births. What was read of a memo is kept as long as the memo is: each message asks for it. */
export function createBirthReader(): ReadBirth {
  const known = new WeakMap<object, Birth>()
  return (memo) => {
    if (!isJsonObject(memo)) return undefined
    const birth = known.get(memo) ?? readBirth(memo)
    known.set(memo, birth)
    return birth
  }
}

function readBirth(memo: JsonObject): Birth {
  const { at, bdSeq = null, names, types } = memo
  return {
    at: typeof at === 'number' ? at : 0,
    bdSeq,
    names: new Map(
      pairsOf(names).flatMap(([key, name]) => (typeof name === 'string' ? [[key, name]] : [])),
    ),
    types: new Map(
      pairsOf(types).flatMap(([key, type]) => (typeof type === 'number' ? [[key, type]] : [])),
    ),
  }
}

function pairsOf(value: Json | undefined): readonly (readonly [string, Json])[] {
  if (!Array.isArray(value)) return []
  return value.flatMap((pair: Json) => {
    if (!Array.isArray(pair)) return []
    const [key, one] = pair
    return typeof key === 'string' && one !== undefined ? [[key, one] as const] : []
  })
}

/** Finds metrics by what their birth said. */
export function finderOf(birth: Birth | undefined): FindMetric | undefined {
  if (birth === undefined) return undefined
  return (alias, name): KnownMetric | undefined => {
    const known = name ?? (alias === undefined ? undefined : birth.names.get(String(alias)))
    return known === undefined
      ? undefined
      : { name: known, type: birth.types.get(known) ?? TYPE.unknown }
  }
}

/** The number that ties a death to a birth; `null` if there is none. */
export function bdSeqOf(payload: JsonObject): Json {
  return metricsOf(payload).find(({ name }) => name === BD_SEQ)?.['value'] ?? null
}

/** Sequence numbers go from 0 to 255 and round again. Source: tck-id-payloads-sequence-num-incrementing. */
export function nextSeq(seq: number): number {
  return (seq + 1) % 256
}
