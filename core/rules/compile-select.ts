import { isJsonObject, type Json } from '../model/json.ts'
import type { Frame } from './frame.ts'
import { isObject, setKey, type Value } from './value.ts'

/** One item of a SELECT list. `T` is JSON in what leaves a rule, any value in a subquery. */
export interface SelectItem<T> {
  readonly take: (row: Value, frame: Frame) => T | undefined
  /** Where the value goes, outermost key first; empty to spread the keys of an object. */
  readonly key: readonly string[]
}

/** How objects of one kind of value are taken apart and put together. */
interface Shape<T> {
  /** A shallow copy that may be changed; empty for what is no object. */
  copy(value: T | undefined): Record<string, T>
  object(record: Record<string, T>): T
}

export const JSON_SHAPE: Shape<Json> = {
  copy: (value) => (isJsonObject(value) ? { ...value } : {}),
  object: (record) => record,
}

export const VALUE_SHAPE: Shape<Value> = {
  copy: (value) => (isObject(value) ? { ...value } : {}),
  object: (record) => record,
}

type Put<T> = (output: Record<string, T>, row: Value, frame: Frame) => void

/** Makes the object of a SELECT list. Undefined leaves its key out; later items win over earlier ones. */
export function compileItems<T>(items: readonly SelectItem<T>[], shape: Shape<T>): MakeObject<T> {
  const [first, ...rest] = items
  if (first?.key.length !== 0) {
    return makeShort(items) ?? makeObject(items.map((item) => compilePut(item, shape)))
  }
  return extendObject(
    first.take,
    rest.map((item) => compilePut(item, shape)),
    shape,
  )
}

type MakeObject<T> = (row: Value, frame: Frame) => Record<string, T>

function makeObject<T>(puts: readonly Put<T>[]): MakeObject<T> {
  return (row, frame) => {
    const output: Record<string, T> = {}
    for (const put of puts) put(output, row, frame)
    return output
  }
}

/** An item with a plain name. */
interface Named<T> {
  readonly take: Take<T>
  readonly name: string
}

/** Short lists of plain names are written out, as {@link compilePick} does; `undefined` for all others. */
function makeShort<T>(items: readonly SelectItem<T>[]): MakeObject<T> | undefined {
  const named: Named<T>[] = []
  for (const { take, key } of items) {
    const [name, ...inner] = key
    if (name === undefined || name === '__proto__' || inner.length > 0) return undefined
    named.push({ take, name })
  }
  const [one, two, three] = named
  if (one === undefined || two === undefined || named.length > 3) return undefined
  return three === undefined ? makeTwo(one, two) : makeThree(one, two, three)
}

function makeTwo<T>(one: Named<T>, two: Named<T>): MakeObject<T> {
  const { take: take1, name: name1 } = one
  const { take: take2, name: name2 } = two
  return (row, frame) => {
    const output: Record<string, T> = {}
    const value1 = take1(row, frame)
    if (value1 !== undefined) output[name1] = value1
    const value2 = take2(row, frame)
    if (value2 !== undefined) output[name2] = value2
    return output
  }
}

function makeThree<T>(one: Named<T>, two: Named<T>, three: Named<T>): MakeObject<T> {
  const { take: take1, name: name1 } = one
  const { take: take2, name: name2 } = two
  const { take: take3, name: name3 } = three
  return (row, frame) => {
    const output: Record<string, T> = {}
    const value1 = take1(row, frame)
    if (value1 !== undefined) output[name1] = value1
    const value2 = take2(row, frame)
    if (value2 !== undefined) output[name2] = value2
    const value3 = take3(row, frame)
    if (value3 !== undefined) output[name3] = value3
    return output
  }
}

function extendObject<T>(take: Take<T>, puts: readonly Put<T>[], shape: Shape<T>): MakeObject<T> {
  return (row, frame) => {
    const output = shape.copy(take(row, frame))
    for (const put of puts) put(output, row, frame)
    return output
  }
}

function compilePut<T>({ take, key }: SelectItem<T>, shape: Shape<T>): Put<T> {
  const [name, ...inner] = key
  if (name === undefined) return putAll(take, shape)
  if (inner.length > 0) return putInside(take, name, inner, shape)
  return name === '__proto__' ? putSafely(take, name) : put(take, name)
}

type Take<T> = SelectItem<T>['take']

function putAll<T>(take: Take<T>, shape: Shape<T>): Put<T> {
  return (output, row, frame) => {
    const record = shape.copy(take(row, frame))
    for (const each of Object.keys(record)) {
      const value = record[each]
      if (value !== undefined) setKey(output, each, value)
    }
  }
}

function putInside<T>(
  take: Take<T>,
  name: string,
  inner: readonly string[],
  shape: Shape<T>,
): Put<T> {
  return (output, row, frame) => {
    const value = take(row, frame)
    if (value !== undefined) putDeep(output, name, inner, value, shape)
  }
}

function putSafely<T>(take: Take<T>, name: string): Put<T> {
  return (output, row, frame) => {
    const value = take(row, frame)
    if (value !== undefined) setKey(output, name, value)
  }
}

function put<T>(take: Take<T>, name: string): Put<T> {
  return (output, row, frame) => {
    const value = take(row, frame)
    if (value !== undefined) output[name] = value
  }
}

/** Objects on the way are copied: they may be parts of the message. */
function putDeep<T>(
  output: Record<string, T>,
  name: string,
  inner: readonly string[],
  value: T,
  shape: Shape<T>,
): void {
  const [next, ...rest] = inner
  if (next === undefined) {
    setKey(output, name, value)
    return
  }
  const copy = shape.copy(Object.hasOwn(output, name) ? output[name] : undefined)
  putDeep(copy, next, rest, value, shape)
  setKey(output, name, shape.object(copy))
}
