import type { Json, JsonObject } from '../../model/json.ts'
import { nearestName } from '../../model/nearest.ts'
import { faultAt } from '../fault.ts'
import { badLayout } from './fault.ts'
import type { Endian, LayoutField, LayoutLength } from './options.ts'
import type { Reader, Writer } from './state.ts'

/** One field, ready to be read and written. */
export interface FieldPlan {
  /** Reads it, and puts what it found into the object. */
  read(reader: Reader, into: Record<string, Json>): void
  /** Writes it from the object. */
  write(writer: Writer, from: JsonObject): void
}

/** A value in the bytes. Where it is made of counts, `count` of the reader or writer says them afterwards. */
export interface ValueWire {
  read(reader: Reader): Json
  write(writer: Writer, value: Json): void
}

/** What the fields of one form share while they are prepared. */
export interface Context {
  readonly endian: Endian
  readonly lowFirst: boolean
  readonly units: boolean
  /** Names of the fields before this one. */
  readonly declared: Set<string>
  /** Names that some field asks for. */
  readonly asked: ReadonlySet<string>
  /** What a field that only counts others is, where the value does not say it. */
  readonly derived: Map<string, (from: JsonObject) => Json | undefined>
}

/** What a field is called in messages to people. */
export function labelOf({ name, type }: LayoutField): string {
  return name ?? `a field of type ${type}`
}

/** @throws CoreError `codec.bad_options` if no field before this one has that name. */
export function expectDeclared(name: string, context: Context, path: string): void {
  if (context.declared.has(name)) return
  const close = nearestName(name, [...context.declared])
  const hint = close === undefined ? '' : `; did you mean ${close}?`
  throw badLayout(path, `expected the name of a field before it, found ${name}${hint}`)
}

/** How many there are, while a message is read. */
export type Measure = (reader: Reader, label: string) => number

/**
 * Prepares a length or a count; 'rest' is what `rest` gives.
 * @throws CoreError `codec.bad_options`.
 */
export function measureOf(
  given: LayoutLength,
  rest: Measure,
  context: Context,
  path: string,
): Measure {
  if (typeof given === 'number') return () => given
  if (given === 'rest') return rest
  expectDeclared(given.field, context, path)
  return ({ counts, at }, label) => {
    const count = counts.get(given.field)
    if (typeof count === 'number' && Number.isInteger(count) && count >= 0) return count
    throw faultAt(
      'codec.malformed',
      `layout: expected ${given.field} as the number of ${label}, found no such number`,
      at,
    )
  }
}

/** Bytes that are left. */
export const restOf: Measure = ({ end, at, bit }) => Math.max(0, end - at - (bit === 0 ? 0 : 1))
