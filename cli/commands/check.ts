import { configJsonSchema, type Program } from '../../core/index.ts'
import { runExamples } from '../check/examples.ts'
import { formatReport, isFine } from '../check/format-report.ts'
import { ruleTestJsonSchema } from '../check/rule-test-schema.ts'
import { findRuleTests, type RuleTestReport, runRuleTests } from '../check/rule-tests.ts'
import { readFlags } from '../flags.ts'
import { formatFaults, type LoadedConfig, loadConfig } from '../load-config.ts'
import { type Command, wrongUse } from '../terminal.ts'

/** The files whose schema can be asked for. */
const SCHEMAS: Readonly<Record<string, () => object>> = {
  config: configJsonSchema,
  'rules-test': ruleTestJsonSchema,
}

/** `anyhub check`: every fault of a config, with line and column, and the examples and rule tests beside it. */
export const check: Command = {
  name: 'check',
  summary: 'validate anyhub.yml, try its examples and run the rules.test.yml beside it',
  usage: `anyhub check [FILE] [--json] | anyhub check --schema [${Object.keys(SCHEMAS).join('|')}]`,
  async run(args, terminal) {
    const { values, switches, positionals } = readFlags(args, {
      values: ['config'],
      switches: ['json', 'schema'],
    })
    if (switches.has('schema')) {
      terminal.out(`${JSON.stringify(schemaOf(positionals), null, 2)}\n`)
      return 0
    }
    const loaded = await loadConfig(positionals[0] ?? values['config'], terminal.cwd, terminal.env)
    const faults = 'faults' in loaded ? loaded.faults : []
    const tests = await testsOf(loaded)
    const warnings = 'program' in loaded ? warningsOf(loaded.program) : []
    const ok = faults.length === 0 && tests.every(isFine)
    if (switches.has('json'))
      terminal.out(`${JSON.stringify({ file: loaded.file, ok, faults, warnings, tests })}\n`)
    else {
      terminal.out(formatConfig(loaded))
      for (const { rule, message } of warnings) terminal.out(`warning: rules.${rule}: ${message}\n`)
      for (const report of tests) terminal.out(formatReport(report))
    }
    return ok ? 0 : 1
  },
}

function schemaOf(positionals: readonly string[]): object {
  const [name = 'config'] = positionals
  const schema = Object.hasOwn(SCHEMAS, name) ? SCHEMAS[name] : undefined
  if (schema !== undefined && positionals.length <= 1) return schema()
  const known = Object.keys(SCHEMAS).join(', ')
  throw wrongUse(`expected one of ${known}, found ${JSON.stringify(positionals.join(' '))}`)
}

/** A config with faults runs no tests: they would tell the same once more. */
async function testsOf(loaded: LoadedConfig): Promise<readonly RuleTestReport[]> {
  if ('faults' in loaded) return []
  const examples = runExamples(loaded.file, loaded.program, loaded.locate)
  const reports: RuleTestReport[] = examples === undefined ? [] : [examples]
  for (const file of findRuleTests(loaded.file))
    reports.push(await runRuleTests(file, loaded.program))
  return reports
}

/** What runs here and would fail or differ on AWS. It is no fault. */
function warningsOf({ rulesById }: Program): readonly { rule: string; message: string }[] {
  return [...rulesById.values()].flatMap(({ ruleId, rule, window }) => {
    const windowed = window === undefined ? [] : ['GROUP BY is not in AWS IoT SQL']
    return [...windowed, ...rule.warnings].map((message) => ({ rule: ruleId, message }))
  })
}

function formatConfig(loaded: LoadedConfig): string {
  if ('faults' in loaded) return formatFaults(loaded.file, loaded.faults)
  const { rules, alarms, config } = loaded.program
  const types = Object.keys(config.deviceTypes).length
  const channels = Object.keys(config.channels).length
  const routes = Object.keys(config.routes).length
  return `${loaded.file}: fine (${types} device types, ${rules.size} rules, ${routes === 0 ? '' : `${routes} routes, `}${alarms.size} alarms, ${channels} channels)\n`
}
