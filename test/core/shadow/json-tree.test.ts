import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mergeDiff, mergePatch } from '../../../core/shadow/index.ts'
import {
  isDeeperThan,
  jsonBytes,
  jsonEqual,
  pointerStep,
  utf8Bytes,
} from '../../../core/shadow/json-tree.ts'
import { freeze, json, nested, section } from './arbitrary.ts'

describe('utf8Bytes', () => {
  it('is what TextEncoder makes, lone surrogates included', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(utf8Bytes(text)).toBe(new TextEncoder().encode(text).length)
      }),
    )
    expect(utf8Bytes('\ud83d')).toBe(3)
    expect(utf8Bytes('\ude00\ud83d')).toBe(6)
    expect(utf8Bytes('😀')).toBe(4)
  })

  it('measures JSON without white space', () => {
    expect(jsonBytes({ ä: [1, '"'] })).toBe(new TextEncoder().encode('{"ä":[1,"\\""]}').length)
  })
})

describe('jsonEqual', () => {
  it('is true for copies, whatever the order of keys', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(jsonEqual(value, reversed(value) as never)).toBe(true)
      }),
    )
  })

  it('is false for what another text stands for', () => {
    fc.assert(
      fc.property(json, json, (left, right) => {
        expect(jsonEqual(left, right)).toBe(canonical(left) === canonical(right))
      }),
    )
  })
})

describe('isDeeperThan', () => {
  it('counts objects and arrays', () => {
    expect(isDeeperThan(1, 0)).toBe(false)
    expect(isDeeperThan({}, 0)).toBe(true)
    expect(isDeeperThan({ a: [{}] }, 3)).toBe(false)
    expect(isDeeperThan({ a: [{}] }, 2)).toBe(true)
    expect(isDeeperThan(nested(100_000), 50)).toBe(true)
  })
})

describe('mergeDiff', () => {
  it('leads from one section to another', () => {
    fc.assert(
      fc.property(section, section, (from, to) => {
        expect(mergePatch(from, mergeDiff(freeze(from), freeze(to)))).toEqual(to)
        expect(mergeDiff(from, structuredClone(from))).toEqual({})
      }),
    )
  })

  it('is nested, deletes with null and takes arrays whole', () => {
    const from = { a: { b: 1, c: 2 }, l: [1], gone: {}, same: { x: [1] } }
    const to = { a: { b: 1, c: 3 }, l: [1, 2], fresh: { y: 1 }, same: { x: [1] } }
    expect(mergeDiff(from, to)).toEqual({ a: { c: 3 }, l: [1, 2], gone: null, fresh: { y: 1 } })
  })
})

it('a pointer step escapes ~ and /', () => expect(pointerStep('a/b~c')).toBe('/a~1b~0c'))

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, child]) => [key, reversed(child)]),
  )
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).map(
    ([key, child]) => `${JSON.stringify(key)}:${canonical(child)}`,
  )
  return `{${members.sort().join()}}`
}
