import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT } from '../source-files.ts'

const page = readFileSync(join(ROOT, 'docs/clouds.md'), 'utf8')

/** A name without a folder is of the folder that was named last. */
function testsNamed(): readonly string[] {
  let folder = ''
  return [...page.matchAll(/`((?:[\w-]+\/)*)([\w-]+\.test\.ts)`/g)].map(
    ([, path = '', file = '']) => {
      if (path !== '') folder = path
      return `test/${folder}${file}`
    },
  )
}

describe('docs/clouds.md', () => {
  it('names tests that are there', () => {
    const named = testsNamed()
    expect(named.length).toBeGreaterThan(40)
    expect(named.filter((file) => !existsSync(join(ROOT, file)))).toEqual([])
  })

  it('has a column for each cloud in every table', () => {
    const rows = page.split('\n').filter((line) => line.startsWith('|'))
    expect(rows.length).toBeGreaterThan(30)
    for (const row of rows) expect(row.split('|')).toHaveLength(7)
  })

  it.each(['docs/clouds.md', 'docs/azure.md'])('%s links only to what is there', (name) => {
    const text = readFileSync(join(ROOT, name), 'utf8')
    const dead = [...text.matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !existsSync(resolve(ROOT, dirname(name), target)))
    expect(dead).toEqual([])
  })
})
