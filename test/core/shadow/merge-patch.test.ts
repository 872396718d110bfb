import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../../core/model/json.ts'
import { mergePatch } from '../../../core/shadow/index.ts'
import { mergeObjects, withNulls, withoutNullSubtrees } from '../../../core/shadow/merge-patch.ts'
import { describeWithShared, readVectors } from '../../vectors.ts'
import { freeze, json, object, section } from './arbitrary.ts'

interface MergeCase {
  readonly id: string
  readonly kind: string
  readonly target: Json
  readonly patch: Json
  readonly expected: Json
}

describeWithShared('mergePatch agrees with RFC 7396', 'vectors/merge-patch.json', () => {
  const all = readVectors<{ cases: MergeCase[] }>('merge-patch.json').cases
  const cases = all.filter(({ kind }) => kind === 'merge')

  it('has all 17 published cases; the other 112 are JSON Patch (RFC 6902), which no shadow uses', () => {
    expect(cases).toHaveLength(17)
    expect(all.filter(({ kind }) => kind === 'json-patch')).toHaveLength(112)
  })

  it.each(cases)('$id', ({ target, patch, expected }) => {
    expect(mergePatch(freeze(target), freeze(patch))).toEqual(expected)
  })
})

interface SystemCase {
  readonly name: string
  readonly source: Json
  readonly patch: Json
  readonly merged: Json
  readonly treatNullAsDelete?: boolean
}

describeWithShared('merging agrees with the systems', 'vectors/merge-diff.json', () => {
  const { greengrass, azureEdgeMerge } = readVectors<{
    greengrass: { cases: SystemCase[] }
    azureEdgeMerge: { cases: SystemCase[] }
  }>('merge-diff.json')
  const deviations = [
    {
      name: 'null patch clears',
      reason:
        'a null patch is null (RFC 7396); that a null section clears it is the rule of updateShadow',
    },
    {
      name: 'null state patch clears state',
      reason: 'as above: a null member removes the member; a null state clears in updateShadow',
    },
  ]
  const agreed = greengrass.cases.filter((one) => !deviations.some(({ name }) => name === one.name))

  it('has all 11 and 7 published cases, 2 of them deviations', () => {
    expect(greengrass.cases).toHaveLength(11)
    expect(agreed).toHaveLength(9)
    expect(azureEdgeMerge.cases).toHaveLength(7)
  })

  it.each(agreed)('greengrass: $name', ({ source, patch, merged }) => {
    expect(merge(source, patch, { fresh: withoutNullSubtrees, nullRemoves: true })).toEqual(merged)
  })

  it.each(azureEdgeMerge.cases)(
    'edgeHub: $name',
    ({ source, patch, merged, treatNullAsDelete }) => {
      expect(
        merge(source, patch, { fresh: withNulls, nullRemoves: treatNullAsDelete === true }),
      ).toEqual(merged)
    },
  )
})

function merge(source: Json, patch: Json, rules: Parameters<typeof mergeObjects>[2]): Json {
  // An array is no object: only as a value of one do the rules see it.
  return mergeObjects(freeze({ root: source }), freeze({ root: patch }), rules)['root']!
}

describe('mergePatch', () => {
  it('never changes what it is given, and applying a patch twice is applying it once', () => {
    fc.assert(
      fc.property(json, json, (target, patch) => {
        const once = mergePatch(freeze(target), freeze(patch))
        expect(mergePatch(once, patch)).toEqual(once)
      }),
    )
  })

  it('leaves every subtree that the patch does not name the same object', () => {
    fc.assert(
      fc.property(section, object, (target, patch) => {
        const merged = mergePatch(target, patch) as JsonObject
        for (const key of Object.keys(target)) {
          if (!Object.hasOwn(patch, key)) expect(merged[key]).toBe(target[key])
        }
        expect(mergePatch(target, {})).toBe(target)
        expect(mergePatch(merged, merged)).toBe(merged)
      }),
    )
  })

  it('treats __proto__ and inherited names as plain keys', () => {
    const patch = JSON.parse(
      '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
    )
    const merged = mergePatch(JSON.parse('{"__proto__":{"kept":2}}'), patch)
    expect(JSON.stringify(merged)).toBe(
      '{"__proto__":{"kept":2,"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
    )
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype)
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    expect(mergePatch({}, { toString: { a: null } })).toEqual({ toString: {} })
    expect(mergePatch(merged, JSON.parse('{"__proto__":null}'))).toEqual({
      constructor: { prototype: { polluted: 1 } },
    })
  })
})
