import { CoreError } from '../errors.ts'
import type { Json } from '../model/json.ts'
import type { Expression, Item, Select, Statement } from './ast.ts'
import { checkExpression, checkStatement } from './check.ts'
import {
  type CompileContext,
  compileExpressionNode,
  compileTestNode,
  keyOf,
  slotOf,
} from './compile.ts'
import { compilePath } from './compile-path.ts'
import { compileItems, JSON_SHAPE } from './compile-select.ts'
import type { Evaluate, Frame, Test } from './frame.ts'
import { FUNCTIONS } from './functions/table.ts'
import { canGrow } from './growth.ts'
import { DEFAULT_LIMITS, type RuleLimits } from './limits.ts'
import { losesNumbers, parseLossless } from './lossless-json.ts'
import type { LookupAnswer, LookupRequest, RuleMessage, RuleResult } from './message.ts'
import type { Semantics } from './operators.ts'
import { checkOutputSize, toOutput } from './output-size.ts'
import { parseExpression, parseStatement } from './parser.ts'
import { basicIngestTopic, matchTopicFilter } from './topic-filter.ts'
import { isArray, isBytes, toJson, type Value } from './value.ts'
import { keepsScale, type SqlVersion } from './version.ts'
import { some } from './walk.ts'

export interface RuleOptions {
  /** Default: `2016-03-23`. */
  readonly sqlVersion?: SqlVersion
  readonly limits?: Partial<RuleLimits>
}

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
  /** True if the rule asks stores outside the message. */
  readonly asks: boolean
  /**
   * What the rule would ask of stores and `facts.lookups` cannot answer yet. An answer can lead to further
   * questions: fetch and call again until nothing is asked.
   *
   * @throws CoreError as `evaluate`.
   */
  lookups(message: RuleMessage): readonly LookupRequest[]
}

/** One expression alone, as in the condition of an alarm. */
export interface CompiledExpression {
  readonly text: string
  /** @throws CoreError as {@link CompiledRule.evaluate}. */
  evaluate(message: RuleMessage): Json | undefined
}

const NO_MATCH_WHERE: RuleResult = { status: 'no_match', reason: 'where' }
const NO_MATCH_TOPIC: RuleResult = { status: 'no_match', reason: 'topic' }

/**
 * Compiles a statement to closures.
 *
 * @throws CoreError `rule.syntax`, `rule.unknown_function`, `rule.unsupported`, `rule.type`,
 * `rule.topic_filter`, `rule.limit`, with the position in the SQL.
 */
export function compileRule(sql: string, options: RuleOptions = {}): CompiledRule {
  const version = options.sqlVersion ?? '2016-03-23'
  const limits = limitsOf(options)
  const statement = parseStatement(sql, { version, limits })
  const warnings = checkStatement(statement, { source: sql, version, limits })
  const context = createContext(sql, version, limits)
  const filter = statement.filter?.text ?? ''
  const run = compileStatement(statement, context)
  const asks = expressionsOf(statement).some((node) => some(node, asksStore))

  return {
    sql,
    sqlVersion: version,
    limits,
    filter,
    warnings,
    asks,
    matchesTopic: (topic) =>
      basicIngestTopic(topic) !== undefined || matchTopicFilter(filter, topic, 'aws'),
    evaluate: (message) => guarded(() => run(message)),
    lookups: (message) => (asks ? guarded(() => unanswered(message, run)) : []),
  }
}

/** Runs a rule on a message of any topic: first the topic filter, then as {@link CompiledRule.evaluate}. */
export function runRule(rule: CompiledRule, message: RuleMessage): RuleResult {
  return rule.matchesTopic(message.facts.topic) ? rule.evaluate(message) : NO_MATCH_TOPIC
}

/**
 * Compiles one expression.
 *
 * @throws CoreError as {@link compileRule}.
 */
export function compileExpression(text: string, options: RuleOptions = {}): CompiledExpression {
  const version = options.sqlVersion ?? '2016-03-23'
  const limits = limitsOf(options)
  const node = parseExpression(text, { version, limits })
  checkExpression(node, { source: text, version, limits })
  const context = createContext(text, version, limits)
  const evaluate = compileExpressionNode(node, context)
  const rowOf = createRowReader(context.semantics)
  const needsFrame = some(node, needsSlots)
  return {
    text,
    evaluate: (message) =>
      guarded(() => {
        const frame = needsFrame ? frameOf(message) : message
        return toOutput(evaluate(rowOf(message), frame), limits.outputBytes)
      }),
  }
}

/** The limits of a compilation: the defaults, one object for all, where nothing else is asked for. */
function limitsOf(options: RuleOptions): RuleLimits {
  return options.limits === undefined ? DEFAULT_LIMITS : { ...DEFAULT_LIMITS, ...options.limits }
}

/** The context of a new compilation. */
export function createContext(
  source: string,
  version: SqlVersion,
  limits: RuleLimits,
): CompileContext {
  const semantics: Semantics = { version, keepsScale: keepsScale(version), limits }
  return { source, semantics, slots: new Map(), inner: false }
}

/** Compiles SET: the result fills the slots of a frame, one variable after the other. */
export function compileSet(
  set: Statement['set'],
  context: CompileContext,
): (row: Value, frame: Frame) => void {
  const assignments: { slot: number; take: Evaluate }[] = []
  for (const { name, expression } of set) {
    const take = compileExpressionNode(expression, context)
    assignments.push({ take, slot: slotOf(context, `@${name}`) })
  }
  return (row, frame) => {
    const { slots } = frame
    if (slots === undefined) return
    for (const { slot, take } of assignments) slots[slot] = take(row, frame)
  }
}

/** A frame with room for variables and rows. */
export function frameOf(message: RuleMessage): Frame {
  return { ...message, slots: [], work: { rows: 0 } }
}

/** Reads the row that a statement stands on: the body, with all digits where its text is given. */
export function createRowReader(semantics: Semantics): (message: RuleMessage) => Value {
  const { keepsScale: keeps } = semantics
  return (message) => {
    const { rawText, body } = message
    if (rawText === undefined || body === undefined || !losesNumbers(rawText, keeps)) return body
    return parseLossless(rawText, keeps)
  }
}

/** Runs a part of a rule; only `rule.*` errors leave it. */
export function guarded<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (error instanceof CoreError) throw error
    if (error instanceof RangeError) {
      throw new CoreError('rule.limit', 'expected a message that nests less deeply', {
        cause: error,
      })
    }
    throw new CoreError('rule.failed', 'the rule failed on this message', { cause: error })
  }
}

type Run = (message: RuleMessage) => RuleResult

function compileStatement(statement: Statement, context: CompileContext): Run {
  const rowOf = createRowReader(context.semantics)
  const assign = statement.set.length === 0 ? undefined : compileSet(statement.set, context)
  const where: Test | undefined =
    statement.where === undefined ? undefined : compileTestNode(statement.where, context)
  const project = compileOutput(statement.select, context)
  const needsFrame =
    assign !== undefined || expressionsOf(statement).some((node) => some(node, needsSlots))

  return (message) => {
    const row = rowOf(message)
    const frame = needsFrame ? frameOf(message) : message
    assign?.(row, frame)
    if (where !== undefined && !where(row, frame)) return NO_MATCH_WHERE
    return { status: 'output', value: project(row, frame) }
  }
}

function needsSlots(node: Expression): boolean {
  return node.kind === 'subquery' || node.kind === 'variable'
}

function asksStore(node: Expression): boolean {
  return node.kind === 'call' && FUNCTIONS.get(node.name.toLowerCase())?.asks === true
}

/** Every expression of a statement, outermost only. */
export function expressionsOf(statement: Statement): readonly Expression[] {
  const expressions = statement.set.map((assignment) => assignment.expression)
  for (const item of statement.select.items) expressions.push(item.expression)
  if (statement.where !== undefined) expressions.push(statement.where)
  return expressions
}

type Output = Json | Uint8Array | undefined

/** So many parts of a message may be selected without a look at the size of the output. */
const HARMLESS_COPIES = 16

function compileOutput(
  select: Select,
  context: CompileContext,
): (row: Value, frame: Frame) => Output {
  const project = compileSelect(select, context)
  const grows = select.items.some((item) => some(item.expression, canGrow))
  if (!grows && select.items.length <= HARMLESS_COPIES) return project
  const maxBytes = context.semantics.limits.outputBytes
  return (row, frame) => {
    const output = project(row, frame)
    checkOutputSize(output, maxBytes)
    return output
  }
}

function compileSelect(
  select: Select,
  context: CompileContext,
): (row: Value, frame: Frame) => Output {
  const [only] = select.items
  if (only !== undefined && select.items.length === 1) {
    const isWhole = only.expression.kind === 'star' && only.alias === undefined
    if (isWhole) return wholePayload
    if (select.value) return compileValue(only, context)
  }
  return compileItems(
    select.items.map((item) => ({
      take: compileTake(item.expression, context),
      key: keyOf(item, context.source),
    })),
    JSON_SHAPE,
  )
}

/** `SELECT *` alone: the body itself, or the bytes of a payload that is not JSON. */
function wholePayload(row: Value, frame: Frame): Output {
  if (row === undefined) return frame.bytes
  return row === frame.body ? frame.body : toJson(row)
}

/** Version 2015-10-08 cannot put an array at the top. Source: AWS IoT SQL, SELECT clause, VALUE. */
function compileValue(item: Item, context: CompileContext): (row: Value, frame: Frame) => Output {
  const take = compileExpressionNode(item.expression, context)
  const { keepsScale: first, limits } = context.semantics
  return (row, frame) => {
    const value = take(row, frame)
    if (isBytes(value)) return value
    return first && isArray(value) ? undefined : toOutput(value, limits.outputBytes)
  }
}

/** Takes a value that leaves the rule; parts of the body go out as they are, without a look inside. */
function compileTake(
  node: Expression,
  context: CompileContext,
): (row: Value, frame: Frame) => Json | undefined {
  if (node.kind === 'path' && node.root === undefined) {
    const read = compilePath(node.steps)
    return (row, frame) => (row === frame.body ? read(frame.body) : toJson(read(row)))
  }
  const take = compileExpressionNode(node, context)
  if (node.kind === 'star') {
    return (row, frame) =>
      row === frame.body && row !== undefined ? frame.body : toJson(take(row, frame))
  }
  const { outputBytes } = context.semantics.limits
  return (row, frame) => toOutput(take(row, frame), outputBytes)
}

/** Runs a rule with an answerer that notes what it cannot answer. */
function unanswered(message: RuleMessage, run: Run): readonly LookupRequest[] {
  const asked = new Map<string, LookupRequest>()
  const known = message.facts.lookups
  function find(request: LookupRequest): LookupAnswer | undefined {
    const answer = known?.find(request)
    if (answer === undefined) asked.set(JSON.stringify([request.function, request.args]), request)
    return answer
  }
  run({ ...message, facts: { ...message.facts, lookups: { find } } })
  return [...asked.values()]
}
