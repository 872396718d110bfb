import { nearestName } from '../model/nearest.ts'
import { sourceError } from '../model/source-error.ts'
import type { Call, Expression, Statement, Subquery } from './ast.ts'
import { FUNCTIONS, UNSUPPORTED_FUNCTIONS } from './functions/table.ts'
import type { RuleLimits } from './limits.ts'
import { topicFilterFault } from './topic-filter.ts'
import type { SqlVersion } from './version.ts'
import { children, literalsOf, selected } from './walk.ts'

/** Source: AWS IoT Core quotas, "maximum number of slashes in topic and topic filter". */
const AWS_MAX_SLASHES = 7

export interface CheckOptions {
  readonly source: string
  readonly version: SqlVersion
  readonly limits: RuleLimits
  /** Names of SET variables that stand outside the text, for templates. */
  readonly variables?: ReadonlySet<string>
}

/** What the checks have learned on their way. */
export interface Findings {
  /** What runs here and would fail or differ on AWS. */
  readonly warnings: readonly string[]
  /** True if a store outside the message is asked. */
  readonly asks: boolean
  /** True if two runs on one message can differ. */
  readonly hasChance: boolean
  /** True if work can be done once for literal arguments. */
  readonly prepares: boolean
  /** True if variables or the rows of subqueries are kept while it runs. */
  readonly needsSlots: boolean
}

/**
 * Checks what the grammar cannot: functions, versions, variables, the topic filter.
 *
 * @throws CoreError `rule.unknown_function`, `rule.unsupported`, `rule.type`, `rule.topic_filter`, `rule.limit`.
 */
export function checkStatement(statement: Statement, options: CheckOptions): Findings {
  const { source, limits } = options
  const checker = createChecker(options)
  if (statement.set.length > limits.variables) {
    throw sourceError(
      'rule.limit',
      source,
      statement.start,
      `expected at most ${limits.variables} variables, found ${statement.set.length}`,
    )
  }
  for (const assignment of statement.set) {
    checker.expression(assignment.expression)
    checker.declare(assignment.name, assignment.start)
  }
  for (const expression of selected(statement.select)) checker.expression(expression)
  if (statement.where !== undefined) checker.expression(statement.where)
  checker.filter(statement)
  return checker.findings()
}

/**
 * Checks one expression.
 *
 * @throws CoreError as {@link checkStatement}.
 */
export function checkExpression(expression: Expression, options: CheckOptions): Findings {
  const checker = createChecker(options)
  checker.expression(expression)
  return checker.findings()
}

interface Checker {
  expression(node: Expression): void
  declare(name: string, start: number): void
  filter(statement: Statement): void
  findings(): Findings
}

function createChecker(options: CheckOptions): Checker {
  const { source, version } = options
  const isFirstVersion = version === '2015-10-08'
  let variables: ReadonlySet<string> = options.variables ?? NO_NAMES
  let warnings: Set<string> | undefined
  let dynamoCalls = 0
  let asks = false
  let hasChance = false
  let needsSlots = false
  let prepares = false

  /** Most statements have none. */
  function warn(warning: string): void {
    warnings ??= new Set()
    warnings.add(warning)
  }

  function expression(node: Expression): void {
    switch (node.kind) {
      case 'call':
        checkCall(node)
        break
      case 'arithmetic':
      case 'comparison':
      case 'negation':
      case 'not':
      case 'logical':
        checkOperands(node)
        break
      case 'variable':
        needsSlots = true
        checkVariable(node.name, node.start)
        break
      case 'object':
      case 'array':
        needsSecondVersion(node, 'literals in { } and [ ] need')
        break
      case 'subquery':
        needsSecondVersion(node, 'nested SELECT needs')
        needsSlots = true
        checkSubquery(node)
        break
      case 'in':
      case 'like':
      case 'between':
      case 'is_null':
      case 'exists':
        warn(
          `${EXTENSIONS[node.kind]} is not in the AWS IoT SQL reference: the rule may not deploy to AWS`,
        )
        break
      default:
        break
    }
    for (const child of children(node)) expression(child)
  }

  /** `*` is a whole row: nothing can be added to it or compared with it. */
  function checkOperands(node: Expression): void {
    const star = children(node).find((child) => child.kind === 'star')
    if (star !== undefined) {
      throw sourceError('rule.syntax', source, star.start, 'expected an expression, found "*"')
    }
  }

  function needsSecondVersion(node: Expression, what: string): void {
    if (!isFirstVersion) return
    throw sourceError('rule.unsupported', source, node.start, `${what} SQL version 2016-03-23`)
  }

  function checkSubquery(node: Subquery): void {
    for (const item of node.select.items) {
      if (item.spread || item.alias !== undefined || node.select.value) continue
      if (item.expression.kind === 'star' || item.expression.kind === 'path') continue
      warn(`"${source.slice(item.start, item.end)}" has no alias: name its key with AS`)
    }
  }

  function checkCall(node: Call): void {
    const name = node.name.toLowerCase()
    const reason = UNSUPPORTED_FUNCTIONS.get(name)
    if (reason !== undefined) {
      throw sourceError('rule.unsupported', source, node.start, `${name} cannot run: ${reason}`)
    }
    const definition = FUNCTIONS.get(name)
    if (definition === undefined) throw unknownFunction(node)
    if (isFirstVersion && definition.since !== '2015-10-08') {
      throw sourceError(
        'rule.unsupported',
        source,
        node.start,
        `${node.name} needs SQL version 2016-03-23`,
      )
    }
    if (definition.since === 'anyhub') {
      warn(`${definition.name} is not in the AWS IoT SQL reference: the rule may not deploy to AWS`)
    }
    asks ||= definition.asks === true
    prepares ||= definition.prepare !== undefined
    hasChance ||= definition.hasChance === true
    const [least, most] = definition.arity
    if (node.args.length < least || node.args.length > most) {
      warn(
        `${definition.signature} is called with ${node.args.length} arguments: it is always Undefined`,
      )
    }
    const fault = definition.fault?.(literalsOf(node.args))
    if (fault !== undefined) {
      throw sourceError('rule.unsupported', source, node.start, `${node.name} cannot run ${fault}`)
    }
    if (name === 'get_dynamodb') {
      dynamoCalls += 1
      if (dynamoCalls > 1) {
        throw sourceError(
          'rule.limit',
          source,
          node.start,
          'expected get_dynamodb at most once in a statement',
        )
      }
    }
  }

  function unknownFunction(node: Call): Error {
    const known = [...FUNCTIONS.keys(), 'cast', 'exists']
    const nearest = nearestName(node.name.toLowerCase(), known)
    const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`
    return sourceError(
      'rule.unknown_function',
      source,
      node.start,
      `unknown function ${node.name.slice(0, 80)}${hint}`,
    )
  }

  function checkVariable(name: string, start: number): void {
    if (variables.has(name)) return
    const nearest = nearestName(name, variables)
    const hint = nearest === undefined ? '' : `; did you mean @${nearest}?`
    throw sourceError('rule.type', source, start, `@${name} is not set before it is used${hint}`)
  }

  return {
    expression,
    declare(name, start) {
      if (variables.has(name)) {
        throw sourceError(
          'rule.type',
          source,
          start,
          `@${name} is set twice: variables cannot change`,
        )
      }
      variables = new Set(variables).add(name)
      needsSlots = true
    },
    filter({ filter }) {
      if (filter === undefined) {
        warn('without FROM the rule is reached by Basic Ingest only')
        return
      }
      const fault = topicFilterFault(filter.text)
      if (fault !== undefined) throw sourceError('rule.topic_filter', source, filter.start, fault)
      if (!filter.quoted) warn('the topic filter stands without quotes')
      if (filter.text.split('/').length - 1 > AWS_MAX_SLASHES && !filter.text.startsWith('$')) {
        warn(`AWS IoT allows at most ${AWS_MAX_SLASHES} slashes in a topic filter`)
      }
    },
    findings: () => ({
      warnings: warnings === undefined ? NO_WARNINGS : [...warnings],
      asks,
      hasChance,
      needsSlots,
      prepares,
    }),
  }
}

const NO_WARNINGS: readonly string[] = []
const NO_NAMES: ReadonlySet<string> = new Set()

const EXTENSIONS = {
  in: 'IN',
  like: 'LIKE',
  between: 'BETWEEN',
  is_null: 'IS NULL',
  exists: 'EXISTS',
} as const
