import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Json, parsePointer, readPointer } from '../../../core/index.ts'

/** The document and the table of RFC 6901, section 5. */
const DOCUMENT: Json = {
  foo: ['bar', 'baz'],
  '': 0,
  'a/b': 1,
  'c%d': 2,
  'e^f': 3,
  'g|h': 4,
  'i\\j': 5,
  'k"l': 6,
  ' ': 7,
  'm~n': 8,
}

const RFC_6901: readonly [string, Json | undefined][] = [
  ['', DOCUMENT],
  ['/foo', ['bar', 'baz']],
  ['/foo/0', 'bar'],
  ['/', 0],
  ['/a~1b', 1],
  ['/c%d', 2],
  ['/e^f', 3],
  ['/g|h', 4],
  ['/i\\j', 5],
  ['/k"l', 6],
  ['/ ', 7],
  ['/m~0n', 8],
]

describe('pointers agree with RFC 6901', () => {
  it.each(RFC_6901)('%j', (pointer, value) => {
    expect(readPointer(DOCUMENT, parsePointer(pointer))).toEqual(value)
  })

  it.each([
    ['/nothing'],
    ['/foo/2'],
    ['/foo/-'],
    ['/foo/00'],
    ['/foo/01'],
    ['/foo/+0'],
    ['/foo/1e0'],
    ['/foo/ 0'],
    ['/foo/length'],
    ['/foo/0/0'],
    ['/foo/0/length'],
    ['/a~1b/x'],
    ['/constructor'],
    ['/__proto__'],
    ['/foo/constructor'],
    ['/toString'],
    ['/foo/99999999999999999999'],
  ])('%s names nothing', (pointer) => {
    expect(readPointer(DOCUMENT, parsePointer(pointer))).toBeUndefined()
  })

  it('reads ~01 as ~1, not as /', () => {
    expect(parsePointer('/~01')).toEqual(['~1'])
    expect(parsePointer('/~10')).toEqual(['/0'])
    expect(parsePointer('//')).toEqual(['', ''])
  })

  it('reads own keys of any name', () => {
    const document: Json = JSON.parse('{"__proto__": {"constructor": 1}}')
    expect(readPointer(document, parsePointer('/__proto__/constructor'))).toBe(1)
  })

  it('finds every value of every document by the pointer made of its keys', () => {
    const escaped = (key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1')
    const visit = (document: Json, value: Json, pointer: string): void => {
      expect(readPointer(document, parsePointer(pointer))).toBe(value)
      if (typeof value !== 'object' || value === null) return
      for (const [key, inner] of Object.entries(value)) {
        visit(document, inner, `${pointer}/${escaped(key)}`)
      }
    }
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const document = JSON.parse(JSON.stringify(value)) as Json
        visit(document, document, '')
      }),
    )
  })
})
