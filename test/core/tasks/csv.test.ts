import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { csvLine, csvLines, separatorOf } from '../../../core/tasks/csv.ts'

const CASES: readonly (readonly [title: string, text: string, lines: readonly unknown[]])[] = [
  ['nothing', '', []],
  ['empty lines', '\n\r\n\r', []],
  ['one cell', 'a', [{ line: 1, cells: ['a'] }]],
  ['a mark of byte order', '\ufeffa,b', [{ line: 1, cells: ['a', 'b'] }]],
  [
    'empty cells',
    ',\n,,',
    [
      { line: 1, cells: ['', ''] },
      { line: 2, cells: ['', '', ''] },
    ],
  ],
  [
    'ends of lines of any system',
    'a\r\nb\nc\rd',
    ['a', 'b', 'c', 'd'].map((cell, at) => ({ line: at + 1, cells: [cell] })),
  ],
  ['quotes', '"a,b","c""d",""', [{ line: 1, cells: ['a,b', 'c"d', ''] }]],
  [
    'a line end in quotes',
    'a,"b\r\nc\nd"\ne',
    [
      { line: 1, cells: ['a', 'b\r\nc\nd'] },
      { line: 4, cells: ['e'] },
    ],
  ],
  ['a quote inside a cell', 'a"b,c', [{ line: 1, cells: ['a"b', 'c'] }]],
  [
    'something behind quotes',
    '"a"b,c\nd',
    [
      { line: 1, fault: 'cell 1: expected a separator behind its quotes, found "b"' },
      { line: 2, cells: ['d'] },
    ],
  ],
  [
    'a quote that is not closed',
    'a,"b\nc,d\ne',
    [
      { line: 1, fault: 'cell 2: expected a closing quote, found none' },
      { line: 2, cells: ['c', 'd'] },
      { line: 3, cells: ['e'] },
    ],
  ],
]

describe('the lines of a table', () => {
  it.each(CASES)('%s', (_title, text, lines) => {
    expect([...csvLines(text, ',')]).toEqual(lines)
  })

  it('are read as they were written', () => {
    const cell = fc
      .array(fc.constantFrom('a', ' ', ',', '"', '\r', '\n', ';', 'é', '😀'), { maxLength: 6 })
      .map((signs) => signs.join(''))
    void fc.assert(
      fc.property(
        fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { maxLength: 5 }),
        (rows) => {
          const read = [...csvLines(rows.map(csvLine).join(''), ',')]
          expect(read.map((line) => ('cells' in line ? line.cells : line))).toEqual(rows)
        },
      ),
      { numRuns: 1_000 },
    )
  })

  it('are found in any text, in order, and in no more than time to look at it', () => {
    void fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', ',', '"', '\n', '\r'), { maxLength: 60 }),
        (signs) => {
          const numbers = [...csvLines(signs.join(''), ',')].map(({ line }) => line)
          expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
          expect(new Set(numbers).size).toBe(numbers.length)
        },
      ),
      { numRuns: 2_000 },
    )
    const before = performance.now()
    let faults = 0
    for (const line of csvLines('"a\n'.repeat(10_001), ',')) if ('fault' in line) faults++
    expect(faults).toBeGreaterThan(0)
    expect(performance.now() - before).toBeLessThan(2_000)
  })

  it.each([
    ['a,b', ','],
    ['a;b', ';'],
    ['a;b,c', ','],
    ['a\tb', '\t'],
    ['a', ','],
    ['a\n;;;', ','],
  ])('%j is separated by %j', (text, separator) => {
    expect(separatorOf(text)).toBe(separator)
  })
})
