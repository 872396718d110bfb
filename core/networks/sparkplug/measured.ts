import { isJsonObject, type Json, type JsonObject } from '../../model/json.ts'
import { BD_SEQ, metricsOf, REBIRTH } from './session.ts'

/** Values of one moment, by the names of their metrics. */
export interface Measured {
  /** Epoch ms; `undefined`: nobody said. */
  readonly at: number | undefined
  readonly values: JsonObject
  /** Of values that are not good, by name. Source: Sparkplug 3.0.0, quality codes (192 is good). */
  readonly quality: JsonObject
  readonly isHistorical: boolean
}

interface Moment {
  readonly at: number | undefined
  readonly values: Map<string, Json>
  readonly quality: Map<string, Json>
  readonly isHistorical: boolean
}

const GOOD = 192

/** Births may say more than one message of ours measures: they go on in pieces. */
const MAX_VALUES = 100

/**
 * What a payload measures, in the order of time. The newest value of each metric counts at the time of the payload; what is
 * historical, or followed by a newer value of the same metric, at the time of its own.
 */
export function measuredIn(payload: JsonObject): readonly Measured[] {
  const now: Moment = momentAt(timeOf(payload['timestamp']), false)
  const moments = new Map<number | undefined, Moment>()
  const stampOf = new Map<string, number | undefined>()
  const momentOf = (at: number | undefined, isHistorical: boolean): Moment => {
    const known = moments.get(at) ?? momentAt(at, isHistorical)
    moments.set(at, known)
    return known
  }
  for (const metric of metricsOf(payload)) {
    const name = nameOf(metric)
    if (name === undefined || name === BD_SEQ || name === REBIRTH) continue
    const value = plainValue(metric['value'] ?? null)
    if (value === undefined) continue
    const at = timeOf(metric['timestamp']) ?? now.at
    if (metric['isHistorical'] === true) {
      set(momentOf(at, true), name, value, metric)
      continue
    }
    const before = now.values.get(name)
    const stamp = stampOf.get(name)
    if (before !== undefined && stamp !== at) momentOf(stamp, false).values.set(name, before)
    stampOf.set(name, at)
    set(now, name, value, metric)
  }
  const past = [...moments.values()].toSorted((a, b) => (a.at ?? 0) - (b.at ?? 0))
  return [...past, ...(now.values.size > 0 || past.length === 0 ? [now] : [])].flatMap(inPieces)
}

function inPieces({ at, values, quality, isHistorical }: Moment): readonly Measured[] {
  const pieces: [string, Json][][] = [[]]
  let count = 0
  for (const [name, value] of values) {
    const size = leavesOf(value)
    if (count > 0 && count + size > MAX_VALUES) {
      pieces.push([])
      count = 0
    }
    pieces.at(-1)?.push([name, value])
    count += size
  }
  return pieces.map((piece) => ({
    at,
    isHistorical,
    values: Object.fromEntries(piece),
    quality: Object.fromEntries(
      piece.flatMap(([name]) => {
        const code = quality.get(name)
        return code === undefined ? [] : [[name, code]]
      }),
    ),
  }))
}

function leavesOf(value: Json): number {
  if (!isJsonObject(value)) return 1
  let count = 0
  for (const one of Object.values(value)) count += leavesOf(one)
  return count
}

function momentAt(at: number | undefined, isHistorical: boolean): Moment {
  return { at, values: new Map(), quality: new Map(), isHistorical }
}

function set({ values, quality }: Moment, name: string, value: Json, metric: JsonObject): void {
  values.set(name, value)
  const { properties } = metric
  if (!isJsonObject(properties)) return
  const said = properties['Quality'] ?? properties['quality']
  const code = isJsonObject(said) ? said['value'] : undefined
  if (typeof code === 'number' && code !== GOOD) quality.set(name, code)
}

function timeOf(value: Json | undefined): number | undefined {
  return typeof value === 'number' && value > 0 ? value : undefined
}

function nameOf({ name, alias }: JsonObject): string | undefined {
  if (typeof name === 'string') return name
  return alias === undefined ? undefined : `alias ${String(alias)}`
}

/** A value as rules see it: the members of a template by their names. `undefined` for definitions of templates. */
function plainValue(value: Json): Json | undefined {
  if (!isJsonObject(value) || value['columns'] !== undefined) return value
  if (value['isDefinition'] === true) return undefined
  const members: [string, Json][] = []
  for (const metric of metricsOf(value)) {
    const name = nameOf(metric)
    const inner = plainValue(metric['value'] ?? null)
    if (name !== undefined && inner !== undefined) members.push([name, inner])
  }
  return Object.fromEntries(members)
}
