import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../../core/model/json.ts'
import { mergePatch, shadowDelta } from '../../../core/shadow/index.ts'
import { freeze, section } from './arbitrary.ts'

describe('shadowDelta', () => {
  it.each<[string, JsonObject | undefined, JsonObject | undefined, JsonObject | undefined]>([
    ['nothing desired', undefined, { a: 1 }, undefined],
    ['nothing reported', { a: 1 }, undefined, { a: 1 }],
    ['equal', { a: { b: [1, { c: 2 }] } }, { a: { b: [1, { c: 2 }], x: 1 }, y: 1 }, undefined],
    ['keys in another order', { a: [{ x: 1, y: 2 }] }, { a: [{ y: 2, x: 1 }] }, undefined],
    ['one leaf of many', { a: { b: 1, c: 2 }, d: 3 }, { a: { b: 1, c: 9 }, d: 3 }, { a: { c: 2 } }],
    ['arrays whole', { a: [1, 2] }, { a: [1, 3] }, { a: [1, 2] }],
    ['a shorter array', { a: [1] }, { a: [1, 2] }, { a: [1] }],
    ['an object where a scalar is', { a: { b: 1 } }, { a: 1 }, { a: { b: 1 } }],
    ['a scalar where an object is', { a: 1 }, { a: { b: 1 } }, { a: 1 }],
    ['an array where an object is', { a: [] }, { a: {} }, { a: [] }],
    ['an empty object that is missing', { a: {} }, {}, { a: {} }],
    ['an empty object that is there', { a: {} }, { a: { b: 1 } }, undefined],
    [
      'types are not mixed',
      { a: 1, b: '', c: false },
      { a: '1', b: 0, c: '' },
      { a: 1, b: '', c: false },
    ],
    ['numbers by value', { a: 1.0, b: 1e2, c: -0 }, { a: 1, b: 100, c: 0 }, undefined],
    ['inherited names', { constructor: {}, toString: 1 }, {}, { constructor: {}, toString: 1 }],
  ])('%s', (_, desired, reported, expected) => {
    expect(shadowDelta(freeze(desired ?? {}), reported)).toEqual(expected)
    if (desired === undefined) expect(shadowDelta(undefined, reported)).toBeUndefined()
  })

  it('is what the device has to report: then nothing differs', () => {
    fc.assert(
      fc.property(section, section, (desired, reported) => {
        const delta = shadowDelta(freeze(desired), freeze(reported))
        const after = delta === undefined ? reported : (mergePatch(reported, delta) as JsonObject)
        expect(shadowDelta(desired, after)).toBeUndefined()
      }),
    )
  })

  it('is a part of what is desired, and nothing for what is the same', () => {
    fc.assert(
      fc.property(section, section, (desired, reported) => {
        expect(shadowDelta(desired, structuredClone(desired))).toBeUndefined()
        const delta = shadowDelta(desired, reported)
        if (delta !== undefined) expect(shadowDelta(delta, desired)).toBeUndefined()
      }),
    )
  })

  it('sees __proto__ as a key', () => {
    const desired = JSON.parse('{"__proto__":{"x":1}}')
    expect(JSON.stringify(shadowDelta(desired, {}))).toBe('{"__proto__":{"x":1}}')
    expect(shadowDelta(desired, JSON.parse('{"__proto__":{"x":1}}'))).toBeUndefined()
  })
})
