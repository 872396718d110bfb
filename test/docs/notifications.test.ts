import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT } from '../source-files.ts'

const page = readFileSync(join(ROOT, 'docs/notifications.md'), 'utf8')

/** The table of what was asked for: each line with the files and the names of tests that stand in it. */
const lines = page
  .slice(page.indexOf('## What was asked for'))
  .split('\n')
  .filter((line) => line.startsWith('| ') && line.includes('](../'))
  .map((line) => {
    const [, asked = '', shown = ''] = line.split('|').map((cell) => cell.trim())
    const tests = [...shown.matchAll(/\[([^\]]+)\]\(\.\.\/(test\/[^)]+\.ts)\)/g)]
    return { asked, tests: tests.map(([, name = '', file = '']) => ({ name, file })) }
  })

describe('docs/notifications.md, what was asked for and the test that shows it', () => {
  it('has all eleven lines, each with a test', () => {
    expect(lines).toHaveLength(11)
    expect(lines.filter(({ tests }) => tests.length === 0)).toEqual([])
  })

  it.each(lines)('$asked', ({ tests }) => {
    for (const { name, file } of tests) {
      expect(existsSync(join(ROOT, file)), file).toBe(true)
      const source = readFileSync(join(ROOT, file), 'utf8')
      // The first argument of `it` or `describe`.
      expect(
        ["'", '`'].some((quote) => named(source, quote, name)),
        name,
      ).toBe(true)
    }
  })
})

function named(source: string, quote: string, name: string): boolean {
  return source.replace(/\(\s+/g, '(').includes(`(${quote}${name}${quote},`)
}
