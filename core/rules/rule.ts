import type { Statement } from './ast.ts'
import { checkStatement } from './check.ts'
import { compileTestNode } from './compile.ts'
import { createContext, limitsOf, type RuleOptions } from './compile-context.ts'
import { compileOutput, type Output, type Project } from './compile-output.ts'
import { type Assign, compileSet } from './compile-set.ts'
import { frameOf, type Test } from './frame.ts'
import { toRuleError } from './guard.ts'
import type { RuleLimits } from './limits.ts'
import type { LookupRequest, RuleMessage, RuleResult } from './message.ts'
import { parseStatement } from './parser.ts'
import { findPredicate, type Predicate } from './predicate.ts'
import { createRowReader } from './row.ts'
import { basicIngestTopic, matchTopicFilter } from './topic-filter.ts'
import { noLookups, unanswered } from './unanswered.ts'
import type { Value } from './value.ts'
import type { SqlVersion } from './version.ts'

/** One statement, ready to run. */
export interface CompiledRule {
  readonly sql: string
  readonly sqlVersion: SqlVersion
  readonly limits: RuleLimits
  /** The topic filter after FROM; empty without FROM, where only Basic Ingest reaches the rule. */
  readonly filter: string
  /** What runs here and would fail or differ on AWS. */
  readonly warnings: readonly string[]
  /** True if a message on this topic reaches the rule: by its filter, or by Basic Ingest. */
  matchesTopic(topic: string): boolean
  /**
   * Runs WHERE, and where it is true the projection. It does not look at the topic filter.
   *
   * @throws CoreError `rule.limit` for a message that costs too much, `rule.failed` for a fault of ours.
   */
  evaluate(message: RuleMessage): RuleResult
  /**
   * The output of a message of which the caller knows that WHERE is true.
   *
   * @throws CoreError as `evaluate`.
   */
  project(message: RuleMessage): Output
  /** True if the rule asks stores outside the message. */
  readonly asks: boolean
  /**
   * What the rule would ask of stores and `facts.lookups` cannot answer yet. An answer can lead to further
   * questions: fetch and call again until nothing is asked.
   *
   * @throws CoreError as `evaluate`.
   */
  lookups(message: RuleMessage): readonly LookupRequest[]
  /** True if the rule keeps variables or the rows of subqueries while it runs. */
  readonly needsSlots: boolean
  /** What must be true of a message for WHERE to be true, as far as an index can use it; `always` without WHERE. */
  readonly predicate: Predicate | 'always' | undefined
  /**
   * Where SET and SELECT end in the SQL: rules that agree up to there, in version and in limits have one
   * output for one message. 0 where chance has a part in it.
   */
  readonly outputEnd: number
}

const NO_MATCH_WHERE: RuleResult = { status: 'no_match', reason: 'where' }
const NO_MATCH_TOPIC: RuleResult = { status: 'no_match', reason: 'topic' }

/**
 * Compiles a statement. All faults show now; the closures are made when the first message needs them, because
 * most of many rules are never reached.
 *
 * @throws CoreError `rule.syntax`, `rule.unknown_function`, `rule.unsupported`, `rule.type`,
 * `rule.topic_filter`, `rule.limit`, with the position in the SQL.
 */
export function compileRule(sql: string, options: RuleOptions = {}): CompiledRule {
  const version = options.sqlVersion ?? '2016-03-23'
  const limits = limitsOf(options)
  const statement = parseStatement(sql, { version, limits })
  const findings = checkStatement(statement, { source: sql, version, limits })
  const { select, where } = statement
  const filter = statement.filter?.text ?? ''
  const { needsSlots } = findings
  const source = { sql, sqlVersion: version, limits }
  // Literal patterns are compiled here and now: they have limits of their own.
  let program = findings.prepares ? compileProgram(statement, source) : undefined

  function evaluate(message: RuleMessage): RuleResult {
    try {
      program ??= compileAgain(source)
      const { rowOf, assign, where, project } = program
      const row = message.rawText === undefined ? message.body : rowOf(message)
      const frame = needsSlots ? frameOf(message) : message
      if (assign !== undefined) assign(row, frame)
      if (where !== undefined && !where(row, frame)) return NO_MATCH_WHERE
      return { status: 'output', value: project(row, frame) }
    } catch (error) {
      throw toRuleError(error)
    }
  }

  return {
    sql,
    sqlVersion: version,
    limits,
    filter,
    warnings: findings.warnings,
    asks: findings.asks,
    needsSlots,
    predicate: where === undefined ? 'always' : findPredicate(where),
    outputEnd: findings.hasChance ? 0 : select.end,
    matchesTopic: (topic) =>
      basicIngestTopic(topic) !== undefined || matchTopicFilter(filter, topic, 'aws'),
    evaluate,
    project(message) {
      try {
        program ??= compileAgain(source)
        const { rowOf, assign, project } = program
        const row = message.rawText === undefined ? message.body : rowOf(message)
        const frame = needsSlots ? frameOf(message) : message
        if (assign !== undefined) assign(row, frame)
        return project(row, frame)
      } catch (error) {
        throw toRuleError(error)
      }
    },
    lookups: findings.asks ? (message) => unanswered(message, evaluate) : noLookups,
  }
}

/** Runs a rule on a message of any topic: first the topic filter, then as {@link CompiledRule.evaluate}. */
export function runRule(rule: CompiledRule, message: RuleMessage): RuleResult {
  return rule.matchesTopic(message.facts.topic) ? rule.evaluate(message) : NO_MATCH_TOPIC
}

/** What the closures of a rule are made from. */
type RuleSource = Pick<CompiledRule, 'sql' | 'sqlVersion' | 'limits'>

/** The closures of a rule. */
interface Program {
  readonly rowOf: (message: RuleMessage) => Value
  readonly assign: Assign | undefined
  readonly where: Test | undefined
  readonly project: Project
}

function compileProgram({ set, where, select }: Statement, source: RuleSource): Program {
  const { sql, sqlVersion, limits } = source
  const context = createContext(sql, sqlVersion, limits)
  return {
    rowOf: createRowReader(context.semantics),
    assign: set.length === 0 ? undefined : compileSet(set, context),
    where: where === undefined ? undefined : compileTestNode(where, context),
    project: compileOutput(select, context),
  }
}

function compileAgain(source: RuleSource): Program {
  const { sql, sqlVersion: version, limits } = source
  return compileProgram(parseStatement(sql, { version, limits }), source)
}
