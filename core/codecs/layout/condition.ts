import type { Json } from '../../model/json.ts'
import { badLayout } from './fault.ts'
import type { LayoutCondition } from './options.ts'

/** What is known where a condition is asked. */
export interface Known {
  readonly counts: ReadonlyMap<string, Json>
  /** Bytes that are left. */
  readonly left: number
}

export type Test = (known: Known) => boolean

/**
 * Prepares a condition.
 * @throws CoreError `codec.bad_options` if it says nothing.
 */
export function testOf(condition: LayoutCondition, path: string): Test {
  const { field, left, all, any } = condition
  if (left !== undefined) return (known) => known.left >= left
  if (all !== undefined) {
    const tests = all.map((one, index) => testOf(one, `${path}.all.${index}`))
    return (known) => tests.every((test) => test(known))
  }
  if (any !== undefined) {
    const tests = any.map((one, index) => testOf(one, `${path}.any.${index}`))
    return (known) => tests.some((test) => test(known))
  }
  if (field === undefined)
    throw badLayout(path, 'expected field, left, all or any, found none of them')
  const test = comparisonOf(condition, path)
  return ({ counts }) => {
    const value = counts.get(field)
    return value !== undefined && test(value)
  }
}

function comparisonOf(condition: LayoutCondition, path: string): (value: Json) => boolean {
  const { equals, not, in: list, min, max, bit } = condition
  if (equals !== undefined) return (value) => value === equals
  if (not !== undefined) return (value) => value !== not
  if (list !== undefined) return (value) => list.includes(value)
  if (bit !== undefined) return (value) => Math.floor(Number(value) / 2 ** bit) % 2 === 1
  if (min === undefined && max === undefined)
    throw badLayout(path, 'expected equals, not, in, min, max or bit, found none of them')
  const low = min ?? Number.NEGATIVE_INFINITY
  const high = max ?? Number.POSITIVE_INFINITY
  return (value) => typeof value === 'number' && value >= low && value <= high
}

/** The fields that a condition asks for. */
export function fieldsIn({ field, all = [], any = [] }: LayoutCondition): readonly string[] {
  return [
    ...(field === undefined ? [] : [field]),
    ...all.flatMap(fieldsIn),
    ...any.flatMap(fieldsIn),
  ]
}
