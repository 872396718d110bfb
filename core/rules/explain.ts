import type { Json } from '../model/json.ts'
import type { Expression } from './ast.ts'
import { compileExpressionNode, keyOf } from './compile.ts'
import { type CompileContext, createContext } from './compile-context.ts'
import { compileSet } from './compile-set.ts'
import { isInt } from './decimal.ts'
import { type Frame, frameOf } from './frame.ts'
import { guarded } from './guard.ts'
import type { RuleMessage } from './message.ts'
import { toOutput } from './output-size.ts'
import { parseStatement } from './parser.ts'
import { createRowReader } from './row.ts'
import { type CompiledRule, runRule } from './rule.ts'
import { isArray, isBytes, isNumeric, toBoolean, toJson, typeOf, type Value } from './value.ts'
import { children } from './walk.ts'

/** One expression on one message: its text, its value, and the same for its parts. */
export interface ExpressionExplanation {
  readonly text: string
  /** Absent where the value is Undefined. */
  readonly value?: Json
  /** Where the value is Undefined: why, if it entered here, or else that a part of it is. */
  readonly undefined?: string
  /** What is worth knowing although there is a value. */
  readonly note?: string
  readonly parts?: readonly ExpressionExplanation[]
}

export type Verdict = 'true' | 'false' | 'undefined'

/** What one rule did with one message, as plain JSON. */
export interface RuleExplanation {
  readonly sql: string
  readonly topic: { readonly filter: string; readonly topic: string; readonly matched: boolean }
  readonly set: readonly (ExpressionExplanation & { readonly name: string })[]
  readonly where?: ExpressionExplanation & { readonly verdict: Verdict }
  readonly select: readonly (ExpressionExplanation & { readonly key: string })[]
  readonly result:
    | { readonly status: 'output'; readonly value?: Json; readonly bytesBase64?: Json }
    | { readonly status: 'no_match'; readonly reason: 'topic' | 'where' }
}

/**
 * Runs a rule and shows how it came to its result. Every part is evaluated, also where the rule itself
 * would have stopped; inside of subqueries only the whole is shown.
 *
 * @throws CoreError `rule.limit`, `rule.failed` as the rule's `evaluate`.
 */
export function explainRule(rule: CompiledRule, message: RuleMessage): RuleExplanation {
  const { sql, sqlVersion: version, limits } = rule
  const statement = parseStatement(sql, { version, limits })
  const context = createContext(sql, version, limits)
  return guarded(() => {
    const still = withFixedChance(message)
    const row = createRowReader(context.semantics)(still)
    const frame = frameOf(still)
    compileSet(statement.set, context)(row, frame)
    const explain = createExplainer(context, row, frame)
    const where = statement.where === undefined ? undefined : explain(statement.where)
    return {
      sql,
      topic: {
        filter: rule.filter,
        topic: message.facts.topic,
        matched: rule.matchesTopic(message.facts.topic),
      },
      set: statement.set.map(({ name, expression }) => ({ name, ...explain(expression) })),
      ...(where === undefined ? {} : { where: { ...where, verdict: verdictOf(where.value) } }),
      select: statement.select.items.map((item) => ({
        key: statement.select.value ? '' : keyOf(item, sql).join('.'),
        ...explain(item.expression),
      })),
      result: resultOf(rule, still),
    }
  })
}

/** The same random number and id wherever the explanation evaluates a part again. */
function withFixedChance(message: RuleMessage): RuleMessage {
  const { random, newId, ...facts } = message.facts
  const number = random?.()
  const id = newId?.()
  return {
    ...message,
    facts: {
      ...facts,
      ...(number === undefined ? {} : { random: () => number }),
      ...(id === undefined ? {} : { newId: () => id }),
    },
  }
}

function verdictOf(value: Json | undefined): Verdict {
  const verdict = toBoolean(value)
  return verdict === undefined ? 'undefined' : verdict ? 'true' : 'false'
}

function resultOf(rule: CompiledRule, message: RuleMessage): RuleExplanation['result'] {
  const result = runRule(rule, message)
  if (result.status === 'no_match') return result
  const { value } = result
  if (value === undefined) return { status: 'output' }
  if (!isBytes(value)) return { status: 'output', value }
  return { status: 'output', bytesBase64: toJson(value) ?? '' }
}

function createExplainer(
  context: CompileContext,
  row: Value,
  frame: Frame,
): (node: Expression) => ExpressionExplanation {
  function evaluate(node: Expression): Value {
    return compileExpressionNode(node, context)(row, frame)
  }

  return function explain(node): ExpressionExplanation {
    const value = evaluate(node)
    const inner = node.kind === 'subquery' || node.kind === 'exists' ? [] : children(node)
    const parts = inner
      .filter((child) => child.kind !== 'literal' && child.kind !== 'star')
      .map(explain)
    const json = toOutput(value, context.semantics.limits.outputBytes)
    const note = noteOn(node, evaluate)
    return {
      text: context.source.slice(node.start, node.end),
      ...(json === undefined
        ? { undefined: reasonOf(node, parts, evaluate, frame) }
        : { value: json }),
      ...(note === undefined ? {} : { note }),
      ...(parts.length === 0 ? {} : { parts }),
    }
  }
}

/** Why an expression is Undefined, in words. */
function reasonOf(
  node: Expression,
  parts: readonly ExpressionExplanation[],
  evaluate: (node: Expression) => Value,
  frame: Frame,
): string {
  const passedOn = parts.find((part) => part.undefined !== undefined)
  if (passedOn !== undefined && node.kind !== 'case') return `because ${passedOn.text} is Undefined`
  switch (node.kind) {
    case 'path':
      return missingStep(node.steps, node.root === undefined ? frame.body : evaluate(node.root))
    case 'star':
      return 'the message has neither a body nor bytes'
    case 'case':
      return 'no branch matches and there is no ELSE'
    case 'call':
      return `${node.name} has no value for ${typesOf(node.args, evaluate)}`
    case 'subquery':
      return `FROM needs an array or an object, found ${typeOf(evaluate(node.from))}`
    case 'arithmetic':
    case 'comparison':
      return `${node.sign} has no value for ${typesOf([node.left, node.right], evaluate)}`
    case 'logical':
      return `${node.word} needs true or false, found ${typesOf(node.operands, evaluate)}`
    case 'not':
      return `NOT needs true or false, found ${typesOf([node.operand], evaluate)}`
    case 'cast':
      return `${typesOf([node.operand], evaluate)} cannot be cast to ${node.type}`
    default:
      return `no value for ${typesOf(children(node), evaluate)}`
  }
}

function typesOf(nodes: readonly Expression[], evaluate: (node: Expression) => Value): string {
  if (nodes.length === 0) return 'this message'
  return nodes.map((node) => typeOf(evaluate(node))).join(' and ')
}

/** The first step of a path that leads nowhere. */
function missingStep(steps: readonly (string | number)[], from: Value): string {
  if (from === undefined) return 'the payload is not JSON'
  let at: Value = from
  let walked = ''
  for (const step of steps) {
    const found: Value = stepInto(at, step)
    if (found === undefined) {
      const place = walked === '' ? 'the message' : walked
      const what = typeof step === 'string' ? `no key "${step}"` : `no element ${step}`
      return typeof at === 'object' && at !== null
        ? `${place} has ${what}`
        : `${place} is ${typeOf(at)}`
    }
    at = found
    walked =
      typeof step === 'string' ? (walked === '' ? step : `${walked}.${step}`) : `${walked}[${step}]`
  }
  return 'the path leads nowhere'
}

function noteOn(node: Expression, evaluate: (node: Expression) => Value): string | undefined {
  if (node.kind === 'arithmetic' && node.sign === '/') {
    const left = evaluate(node.left)
    const right = evaluate(node.right)
    if (isNumeric(left) && isNumeric(right) && isInt(left) && isInt(right)) {
      return 'Int / Int is an Int: the fraction is cut off'
    }
  }
  return undefined
}

function stepInto(value: Value, step: string | number): Value {
  if (typeof step === 'number') return isArray(value) ? value[step] : undefined
  return isKeyed(value) && Object.hasOwn(value, step) ? value[step] : undefined
}

function isKeyed(value: Value): value is Readonly<Record<string, Value>> {
  return typeof value === 'object' && value !== null && !isArray(value) && !isBytes(value)
}
