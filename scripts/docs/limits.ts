import { DEFAULT_LIMITS, type RuleLimits } from '../../core/index.ts'
import { table } from './markdown.ts'

const MEANINGS: Readonly<Record<keyof RuleLimits, readonly [what: string, unit: string]>> = {
  sqlBytes: ['a statement', 'bytes of UTF-8'],
  tokens: ['words and signs of a statement', ''],
  depth: ['expressions, subqueries and literals inside each other', 'levels'],
  variables: ['variables of SET', ''],
  variableNameLength: ['the name of a variable', 'characters'],
  outputBytes: ['the output, where a rule makes more than it was given', 'bytes of JSON'],
  stringLength: ['any text made on the way', 'UTF-16 units'],
  patternLength: ['a regular expression or a LIKE pattern', 'UTF-16 units'],
  arrayLength: ['any array made on the way', 'elements'],
  rows: ['rows that the subqueries of one evaluation visit', ''],
  transformBytes: ['the result of transform', 'bytes of JSON'],
}

/** What one statement and one evaluation may cost. */
export function limitsTable(): string {
  const rows = Object.entries(MEANINGS).map(([key, [what, unit]]) => {
    const most = Object.entries(DEFAULT_LIMITS).find(([name]) => name === key)?.[1]
    if (typeof most !== 'number') throw new Error(`expected a limit ${key}`)
    return [what, `${most.toLocaleString('en-US')} ${unit}`.trim()]
  })
  const unknown = Object.keys(DEFAULT_LIMITS).filter((key) => !Object.hasOwn(MEANINGS, key))
  if (unknown.length > 0) throw new Error(`expected a meaning of ${unknown.join(', ')}`)
  return table(['limit on', 'at most'], rows)
}
