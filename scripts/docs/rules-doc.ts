import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { judgeCase } from '../../cli/check/compare.ts'
import { formatReport } from '../../cli/check/format-report.ts'
import { parseRuleTests, type RuleTestCase } from '../../cli/check/rule-test-schema.ts'
import { runCase, together } from '../../cli/check/run-case.ts'
import { compileProgram, compileTemplate, type Program, parseConfig } from '../../core/index.ts'
import { MAX_LIST } from '../../core/windows/aggregates.ts'
import { actionSections, configSchema } from './config-doc.ts'
import { deviationTables, warningTable } from './deviations.ts'
import { BODY, givenBy, resultOf } from './evaluate.ts'
import { functionTables } from './functions.ts'
import { limitsTable } from './limits.ts'
import { code, table } from './markdown.ts'

/** docs/rules.md: the template beside this file with its holes filled. */
export async function rulesDoc(): Promise<string> {
  const template = readFileSync(join(import.meta.dirname, 'rules.template.md'), 'utf8')
  const fills: Readonly<Record<string, string>> = {
    body: JSON.stringify(BODY, null, 2),
    functions: functionTables(),
    actions: actionSections(configSchema()),
    limits: limitsTable(),
    warnings: warningTable(),
    deviations: deviationTables(),
    maxList: String(MAX_LIST),
    window: await windowExample(),
    test: TEST,
    testFailure: await failure(),
  }
  return template
    .replace(/\{\{(\w+)\n([\s\S]*?)\n\}\}/g, (_whole, kind: string, lines: string) =>
      examples(kind, lines.split('\n')),
    )
    .replace(/\{\{(\w+)\}\}/g, (_whole, name: string) => {
      const fill = fills[name]
      if (fill === undefined) throw new Error(`expected something for ${name}`)
      return fill
    })
}

/** Lines, each with what it gives. */
function examples(kind: string, lines: readonly string[]): string {
  const evaluate = EVALUATIONS[kind]
  if (evaluate === undefined) throw new Error(`expected a kind of examples, found ${kind}`)
  return table(
    [kind === 'results' ? 'statement' : kind === 'templates' ? 'template' : 'expression', 'gives'],
    lines.map((line) => [code(line), code(evaluate(line))]),
  )
}

const EVALUATIONS: Readonly<Record<string, (line: string) => string>> = {
  results: (sql) => resultOf(sql),
  values: givenBy,
  templates: (text) =>
    compileTemplate(text).render({ body: BODY, facts: { topic: 'foo/bar/baz', nowMs: 0 } }),
}

const WINDOW = `rules:
  average:
    sql: >-
      SELECT topic(2) AS device, avg(temp) AS temp, count(*) AS n FROM 'devices/+/telemetry'
      GROUP BY topic(2), TUMBLINGWINDOW(minute, 1) HAVING count(*) > 1
    actions:
      - republish: { topic: 'averages/\${device}' }`

/** A rule with a window, the messages of a minute, and what came of them. */
async function windowExample(): Promise<string> {
  const test = caseOf(`name: window
messages:
  - { at: 10s, payload: { temp: 20 } }
  - { at: 50s, payload: { temp: 24 } }
  - { at: 60s }
  - { at: 61s, payload: { temp: 99 } }
expect: {}`)
  const steps = await runCase(programOf(WINDOW), test)
  if ('reason' in steps) throw new Error(steps.reason)
  const happened = steps.map((found, index) => {
    const { at, payload } = test.messages?.[index] ?? {}
    const seconds = at !== undefined && 'afterMs' in at ? at.afterMs / 1_000 : 0
    const { actions = [] } = found.rules.get('average') ?? {}
    return [
      `00:${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`,
      payload === undefined ? 'nothing, time passes' : code(JSON.stringify(payload)),
      actions.map((action) => code(JSON.stringify(action))).join(', '),
    ]
  })
  return `\`\`\`yaml\n${WINDOW}\n\`\`\`\n\n${table(['clock', '`device-1` sends', 'the rule does'], happened)}`
}

const RULES = `rules:
  hot:
    sql: SELECT temp FROM 'devices/+/telemetry' WHERE temp > 30
    actions:
      - republish: { topic: 'hot/\${topic(2)}' }
alarms:
  cold: { when: temp < 0, for: 10s }`

const TEST = `cases:
  - name: 31 degrees is hot
    message: { topic: devices/dev-1/telemetry, payload: { temp: 31 } }
    expect:
      rules:
        hot:
          output: { temp: 31 }
          actions: [{ republish: { topic: hot/dev-1 } }]
  - name: an alarm waits
    messages:
      - payload: { temp: -1 }
      - at: 10s
        expect: { alarms: { cold: raised } }`

/** What a case that fails looks like. */
async function failure(): Promise<string> {
  for (const test of casesOf(TEST)) {
    const found = await runCase(programOf(RULES), test)
    if ('reason' in found || judgeCase(test, found).length > 0)
      throw new Error(`expected the example "${test.name}" to pass`)
  }
  const text = TEST.replace('output: { temp: 31 }', 'output: { temp: 32 }')
  const [test] = casesOf(text)
  const found = test === undefined ? undefined : await runCase(programOf(RULES), test)
  if (test === undefined || found === undefined || 'reason' in found) throw new Error('no case')
  if (together(found).rules.size !== 1) throw new Error('expected one rule')
  const line = text.split('\n').findIndex((one) => one.includes('output')) + 1
  const column = (text.split('\n')[line - 1] ?? '').indexOf('32') + 1
  const report = {
    file: 'rules.test.yml',
    faults: [],
    cases: [
      {
        name: test.name,
        line: 2,
        column: 11,
        differences: judgeCase(test, found).map((one) => {
          return { ...one, path: ['cases', 0, ...one.path], line, column }
        }),
      },
    ],
  }
  return formatReport(report).trimEnd()
}

function casesOf(text: string): readonly RuleTestCase[] {
  const parsed = parseRuleTests(parse(text))
  if ('error' in parsed) throw parsed.error
  return parsed.tests.cases
}

function caseOf(text: string): RuleTestCase {
  const [test] = casesOf(`cases:\n  - ${text.replaceAll('\n', '\n    ')}`)
  if (test === undefined) throw new Error('expected a case')
  return test
}

function programOf(text: string): Program {
  const parsed = parseConfig(parse(text))
  if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
  const compiled = compileProgram(parsed.config)
  if ('faults' in compiled) throw new Error(JSON.stringify(compiled.faults))
  return compiled.program
}
