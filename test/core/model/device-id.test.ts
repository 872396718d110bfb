import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BEFORE_DEVICES, isDeviceId } from '../../../core/index.ts'

describe('isDeviceId', () => {
  it.each(['a', 'A-b_c.d:e', '0', '.', '..', '-', '_', ':', 'x'.repeat(128), 'constructor'])(
    '%s is one',
    (id) => expect(isDeviceId(id)).toBe(true),
  )

  it.each(['', ' ', 'a b', 'a/b', '+', '#', 'a\n', '\u0000', 'ü', '$fleet/r/[]', 'x'.repeat(129)])(
    '%j is none',
    (id) => expect(isDeviceId(id)).toBe(false),
  )

  it('is a level of a topic, a part of a path and a key: nothing in it needs to be escaped', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 12 }), (id) => {
        if (!isDeviceId(id)) return
        expect(encodeURIComponent(id).replaceAll('%3A', ':')).toBe(id)
        expect(id).not.toMatch(/[/+#$]/)
        expect(id > BEFORE_DEVICES).toBe(true)
      }),
      { numRuns: 1_000 },
    )
  })

  it('keeps records that are no devices before all that are', () => {
    expect('$fleet/rule/%5B%5D' < BEFORE_DEVICES).toBe(true)
    expect(isDeviceId(BEFORE_DEVICES)).toBe(false)
  })
})
