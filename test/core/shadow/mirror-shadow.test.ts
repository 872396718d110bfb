import { describe, expect, it } from 'vitest'
import { AWS_SHADOW, mirrorShadow, newShadow, updateShadow } from '../../../core/index.ts'

const AT = 1_750_000_000
const options = { at: AT, dialect: AWS_SHADOW }

/** A copy that has seen the owner's version 3. */
const seen = mirrorShadow(
  undefined,
  { state: { desired: { led: 'on', fan: { speed: 1 } }, reported: { led: 'off' } }, version: 3 },
  options,
)

describe('mirrorShadow', () => {
  it('takes over both sections of an unknown shadow', () => {
    expect(seen).toMatchObject({
      desired: { led: 'on', fan: { speed: 1 } },
      reported: { led: 'off' },
      ownerVersion: 3,
    })
  })

  it.each([1, 2, 3])('leaves all as it was for version %i, which is not newer', (version) => {
    expect(mirrorShadow(seen, { state: {}, version }, options)).toBe(seen)
  })

  it('drops what the owner has no more', () => {
    const next = mirrorShadow(
      seen,
      { state: { desired: { fan: { speed: 2 } } }, version: 4 },
      options,
    )
    expect(next.desired).toEqual({ fan: { speed: 2 } })
    expect(next.reported).toBeUndefined()
  })

  it('keeps measured values that the owner never had, and takes those that it has', () => {
    const measured = { temp: 21, led: 'off' }
    const ours = { ...seen, reported: { led: 'off', temp: 21 } }
    const next = mirrorShadow(
      ours,
      { state: { reported: { led: 'on' } }, version: 4 },
      { ...options, measured },
    )
    expect(next.reported).toEqual({ led: 'on', temp: 21 })
  })

  it('remembers the owner’s version through updates of our own', () => {
    const change = updateShadow(seen, { state: { desired: { led: 'off' } } }, options)
    expect('document' in change && change.document.ownerVersion).toBe(3)
  })

  it('counts no change of ours where only the owner’s version is new', () => {
    const state = { desired: seen.desired ?? {}, reported: seen.reported ?? {} }
    const next = mirrorShadow(seen, { state, version: 9 }, options)
    expect(next).toEqual({ ...seen, ownerVersion: 9 })
    expect(newShadow(AT).ownerVersion).toBeUndefined()
  })

  it('takes a change that follows on, and leaves the rest', () => {
    const state = { desired: { fan: { speed: 3 }, led: null }, reported: { led: 'on' } }
    const next = mirrorShadow(seen, { state, version: 4, partial: true }, options)
    expect(next).toMatchObject({ desired: { fan: { speed: 3 } }, reported: { led: 'on' } })
    expect(next.desired).not.toHaveProperty('led')
    expect(next.ownerVersion).toBe(4)
  })

  it('counts no change of ours where a change is known already', () => {
    const state = { desired: { led: 'on' } }
    const next = mirrorShadow(seen, { state, version: 4, partial: true }, options)
    expect(next).toEqual({ ...seen, ownerVersion: 4 })
  })

  it('takes tags where the owner has some to say, and leaves them otherwise', () => {
    const tags = { site: 'north', floor: { number: 2 } }
    const tagged = mirrorShadow(seen, { state: { tags }, version: 4, partial: true }, options)
    expect(tagged.tags).toEqual(tags)
    expect(tagged.desired).toEqual(seen.desired)
    expect(mirrorShadow(tagged, { state: {}, version: 5 }, options).tags).toEqual(tags)
    const state = { tags: { site: null } }
    const next = mirrorShadow(tagged, { state, version: 5, partial: true }, options)
    expect(next.tags).toEqual({ floor: { number: 2 } })
  })
})
