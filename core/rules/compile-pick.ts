import { isJsonObject, type Json } from '../model/json.ts'
import type { Frame } from './frame.ts'
import type { Value } from './value.ts'

/** A key of the message, and the name under which it leaves. */
export interface Pick {
  readonly key: string
  readonly name: string
}

type Project<T> = (row: Value, frame: Frame) => T

/**
 * The usual SELECT list: some keys of the message as they are. `otherwise` does the same of rows that are not the
 * body itself.
 *
 * Lists of up to four are written out: engines learn for each place in the code which key it reads or sets, and a
 * loop is one place for all keys. Result: `undefined` for longer lists.
 */
export function compilePick<T>(
  picks: readonly Pick[],
  otherwise: Project<T>,
): Project<T | Record<string, Json>> | undefined {
  const [one, two, three, four] = picks
  if (one === undefined || picks.length > 4) return undefined
  if (two === undefined) return pickOne(one, otherwise)
  if (three === undefined) return pickTwo(one, two, otherwise)
  return four === undefined
    ? pickThree(one, two, three, otherwise)
    : pickFour(one, two, three, four, otherwise)
}

function pickOne<T>(one: Pick, otherwise: Project<T>): Project<T | Record<string, Json>> {
  const { key: key1, name: name1 } = one
  return (row, frame) => {
    const { body } = frame
    if (row !== body || !isJsonObject(body)) return otherwise(row, frame)
    const output: Record<string, Json> = {}
    const value1 = body[key1]
    if (value1 !== undefined) output[name1] = value1
    return output
  }
}

function pickTwo<T>(
  one: Pick,
  two: Pick,
  otherwise: Project<T>,
): Project<T | Record<string, Json>> {
  const { key: key1, name: name1 } = one
  const { key: key2, name: name2 } = two
  return (row, frame) => {
    const { body } = frame
    if (row !== body || !isJsonObject(body)) return otherwise(row, frame)
    const output: Record<string, Json> = {}
    const value1 = body[key1]
    if (value1 !== undefined) output[name1] = value1
    const value2 = body[key2]
    if (value2 !== undefined) output[name2] = value2
    return output
  }
}

function pickThree<T>(
  one: Pick,
  two: Pick,
  three: Pick,
  otherwise: Project<T>,
): Project<T | Record<string, Json>> {
  const { key: key1, name: name1 } = one
  const { key: key2, name: name2 } = two
  const { key: key3, name: name3 } = three
  return (row, frame) => {
    const { body } = frame
    if (row !== body || !isJsonObject(body)) return otherwise(row, frame)
    const output: Record<string, Json> = {}
    const value1 = body[key1]
    if (value1 !== undefined) output[name1] = value1
    const value2 = body[key2]
    if (value2 !== undefined) output[name2] = value2
    const value3 = body[key3]
    if (value3 !== undefined) output[name3] = value3
    return output
  }
}

function pickFour<T>(
  one: Pick,
  two: Pick,
  three: Pick,
  four: Pick,
  otherwise: Project<T>,
): Project<T | Record<string, Json>> {
  const { key: key1, name: name1 } = one
  const { key: key2, name: name2 } = two
  const { key: key3, name: name3 } = three
  const { key: key4, name: name4 } = four
  return (row, frame) => {
    const { body } = frame
    if (row !== body || !isJsonObject(body)) return otherwise(row, frame)
    const output: Record<string, Json> = {}
    const value1 = body[key1]
    if (value1 !== undefined) output[name1] = value1
    const value2 = body[key2]
    if (value2 !== undefined) output[name2] = value2
    const value3 = body[key3]
    if (value3 !== undefined) output[name3] = value3
    const value4 = body[key4]
    if (value4 !== undefined) output[name4] = value4
    return output
  }
}
