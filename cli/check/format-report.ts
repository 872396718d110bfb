import { basename } from 'node:path'
import type { Json } from '../../core/index.ts'
import { formatFaults } from '../load-config.ts'
import type { CaseReport, RuleTestReport } from './rule-tests.ts'

/** True if there is nothing to complain about. */
export function isFine({ faults, cases }: RuleTestReport): boolean {
  return faults.length === 0 && cases.every(({ differences }) => differences.length === 0)
}

/** What became of a test file, for people: each case that fails with what was expected and what was found. */
export function formatReport(report: RuleTestReport): string {
  const { file, faults, cases, called = 'case' } = report
  if (faults.length > 0) return formatFaults(file, faults)
  const failing = cases.filter(({ differences }) => differences.length > 0)
  const failures = failing.map((one) => formatCase(file, one)).join('')
  const count = `${cases.length} ${called}${cases.length === 1 ? '' : 's'}`
  const verdict = failing.length === 0 ? 'fine' : `${failing.length} of them failed`
  return `${failures}${file}: ${verdict === 'fine' ? `fine (${count})` : `${count}, ${verdict}`}\n`
}

function formatCase(file: string, { name, line, column, differences }: CaseReport): string {
  const lines = differences.flatMap((difference) => [
    `  ${basename(file)}:${difference.line}:${difference.column}  ${formatPath(difference.path)}`,
    `    expected  ${formatValue(difference.expected)}`,
    `    found     ${formatValue(difference.found)}`,
  ])
  return `${file}:${line}:${column}  ${name}\n${lines.join('\n')}\n`
}

/** The path below the case without `expect`: `rules.hot.output.temp`, with the number of the message if there are several. */
function formatPath([, , ...inside]: readonly (string | number)[]): string {
  inside.splice(inside[0] === 'messages' ? 2 : 0, 1)
  return inside
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))
    .join('')
    .replace(/^\./, '')
}

function formatValue(value: Json | undefined): string {
  return value === undefined ? 'nothing' : JSON.stringify(value)
}
