import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type ConfigFault, faultsOf, type Program } from '../../core/index.ts'
import { type LocatedFault, readYaml, type Source } from '../load-config.ts'
import { type Difference, judgeCase } from './compare.ts'
import { type Expectation, parseRuleTests, type RuleTests } from './rule-test-schema.ts'
import { runCase } from './run-case.ts'

/** One difference, and where in the file the expectation stands. Line and column are 1-based. */
export interface LocatedDifference extends Difference {
  readonly line: number
  readonly column: number
}

/** What became of one case. */
export interface CaseReport {
  readonly name: string
  readonly line: number
  readonly column: number
  /** None: the case passes. */
  readonly differences: readonly LocatedDifference[]
}

/** What became of one test file. With faults none of its cases is run. */
export interface RuleTestReport {
  readonly file: string
  readonly faults: readonly LocatedFault[]
  readonly cases: readonly CaseReport[]
  /** What the cases are, unless they are cases. */
  readonly called?: 'example'
}

/** The test files beside a config: `rules.test.yml` and `*.rules.test.yml`, in the order of their names. */
export function findRuleTests(configFile: string): readonly string[] {
  const folder = dirname(configFile)
  return readdirSync(folder)
    .filter((name) => /^(.+\.)?rules\.test\.ya?ml$/.test(name))
    .toSorted()
    .map((name) => join(folder, name))
}

/** Runs the cases of one file against a program. */
export async function runRuleTests(file: string, program: Program): Promise<RuleTestReport> {
  const source = readYaml(readFileSync(file, 'utf8'))
  if (source.faults.length > 0) return { file, faults: source.faults, cases: [] }
  const parsed = parseRuleTests(source.data)
  const faults = 'error' in parsed ? faultsOf(parsed.error) : unknownNames(parsed.tests, program)
  if ('error' in parsed || faults.length > 0)
    return {
      file,
      faults: faults.map((fault) => locate(source, fault)).toSorted(byPlace),
      cases: [],
    }
  const cases: CaseReport[] = []
  const impossible: LocatedFault[] = []
  for (const [index, test] of parsed.tests.cases.entries()) {
    const path = ['cases', index]
    const found = await runCase(program, test)
    if ('reason' in found) {
      const step = test.messages === undefined ? ['message'] : ['messages', found.step]
      impossible.push(locate(source, { path: [...path, ...step, 'at'], message: found.reason }))
      continue
    }
    cases.push({
      name: test.name,
      ...place(source, [...path, 'name']),
      differences: judgeCase(test, found).map((one) => {
        const whole = [...path, ...one.path]
        return { ...one, path: whole, ...place(source, whole) }
      }),
    })
  }
  return impossible.length > 0
    ? { file, faults: impossible, cases: [] }
    : { file, faults: [], cases }
}

/** Names in a test that the config does not have. */
function unknownNames({ cases }: RuleTests, { config }: Program): readonly ConfigFault[] {
  const rules = new Set(Object.keys(config.rules))
  const alarms = new Set([
    ...Object.keys(config.alarms),
    ...Object.values(config.rules).flatMap(({ actions, errorAction }) =>
      [...actions, ...(errorAction === undefined ? [] : [errorAction])].flatMap((action) =>
        'raiseAlarm' in action
          ? [action.raiseAlarm.alarm]
          : 'clearAlarm' in action
            ? [action.clearAlarm.alarm]
            : [],
      ),
    ),
  ])
  const check = (
    expect: Expectation | undefined,
    path: readonly (string | number)[],
  ): ConfigFault[] =>
    [
      { names: rules, word: 'rule', used: 'rules', given: expect?.rules },
      { names: alarms, word: 'alarm', used: 'alarms', given: expect?.alarms },
    ].flatMap(({ names, word, used, given }) =>
      Object.keys(given ?? {})
        .filter((name) => !names.has(name))
        .map((name) => ({
          path: [...path, used, name],
          message: `expected the id of a${word === 'alarm' ? 'n' : ''} ${word} (${[...names].join(', ') || 'none is declared'}), found ${JSON.stringify(name)}`,
        })),
    )
  return cases.flatMap(({ expect, messages }, index) => [
    ...check(expect, ['cases', index, 'expect']),
    ...(messages ?? []).flatMap((step, at) =>
      check(step.expect, ['cases', index, 'messages', at, 'expect']),
    ),
  ])
}

function place(
  source: Source,
  path: readonly (string | number)[],
): { line: number; column: number } {
  return source.locate({ path, message: '' })
}

function locate(source: Source, fault: ConfigFault): LocatedFault {
  return { ...source.locate(fault), path: fault.path.join('.'), message: fault.message }
}

function byPlace(a: LocatedFault, b: LocatedFault): number {
  return a.line - b.line || a.column - b.column
}
