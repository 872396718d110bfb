import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { evalRoute } from '../../cli/eval/route.ts'
import { compileProgram, parseConfig } from '../../core/index.ts'
import { ROOT } from '../source-files.ts'

const page = readFileSync(join(ROOT, 'docs/routing.md'), 'utf8')

const message = {
  body: { temp: 31, list: [1], at: '2025-01-01T00:00:00Z' },
  properties: { level: 'high', $level: 'property' },
  systemProperties: { level: 'system', contentType: 'application/json', contentEncoding: 'UTF-8' },
}

describe('docs/routing.md', () => {
  const rows = [...page.matchAll(/^\| `(.+?)` \| (true|false|undefined) \|/gm)]

  it('has a table of verdicts', () => expect(rows).toHaveLength(21))

  it.each(rows.map(([, condition, result]) => [condition ?? '', result ?? '']))(
    '%s is %s',
    (condition, result) => {
      const answer = evalRoute({ condition: condition.replaceAll('\\|', '|'), message })
      expect(answer).toEqual({ result: result === 'undefined' ? result : result === 'true' })
    },
  )

  it('shows a config that is one', () => {
    const [, yaml = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? []
    const parsed = parseConfig(parse(yaml))
    expect(parsed).toHaveProperty('config')
    if ('config' in parsed) expect(compileProgram(parsed.config)).toHaveProperty('program')
  })
})
