import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openCodec } from '../../../core/index.ts'

const encoder = new TextEncoder()
const codec = openCodec({ type: 'json' }, {})
const exactText = (text: string): string | undefined => codec.exactText?.(encoder.encode(text))

describe('the exact text of JSON', () => {
  it.each([
    '1234567890123456',
    '{"id":1234567890123456}',
    '{"id":-12345678901234567890}',
    '[1,2,3,"x",9007199254740993]',
    '{"ü":{"id":1000000000000001.5}}',
    `[${'0,'.repeat(500)}9007199254740993]`,
    `{"a":"${'x'.repeat(30)}","b":1234567890123456${'7'.repeat(40)}}`,
  ])('is given where a number may lose digits: %s', (text) => {
    expect(exactText(text)).toBe(text)
  })

  it.each([
    '',
    '{}',
    '123456789012345',
    '{"ts":1700000000000,"temp":-18.01}',
    '{"pi":3.14159265358979323846}',
    '[123456789012345,123456789012345,123456789012345]',
  ])('is not given where all digits are kept: %s', (text) => {
    expect(exactText(text)).toBeUndefined()
  })

  it('is given for exactly the texts with 16 digits in a row that do not follow a point', () => {
    const piece = fc.oneof(
      fc.stringMatching(/^\d{0,20}$/),
      fc.constantFrom('.', '-', ' ', 'e', 'ü', '"', ','),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('')
        expect(exactText(text) !== undefined).toBe(/(?:^|[^.\d])\d{16}/.test(text))
      }),
      { numRuns: 2_000 },
    )
  })
})
