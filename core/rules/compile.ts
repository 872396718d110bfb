import { CoreError } from '../errors.ts'
import { sourceError } from '../model/source-error.ts'
import type {
  Call,
  Case,
  Cast,
  Comparison,
  Expression,
  In,
  Item,
  Logical,
  Path,
  Subquery,
} from './ast.ts'
import { castValue } from './cast.ts'
import {
  compileAnd,
  compileAndTest,
  compileComparison,
  compileComparisonTest,
  compileLiteralTest,
  compileOr,
  compileTruth,
  FLIPPED,
  matchesLike,
} from './compile-condition.ts'
import { type CompileContext, slotOf } from './compile-context.ts'
import { asPropertyName, compilePath } from './compile-path.ts'
import { compileItems, VALUE_SHAPE } from './compile-select.ts'
import { negate } from './decimal.ts'
import type { Evaluate, Frame, Test } from './frame.ts'
import type { FunctionBody, FunctionDefinition } from './functions/definition.ts'
import { FUNCTIONS } from './functions/table.ts'
import { arithmetic, equal, order, patternTooLong, plus } from './operators.ts'
import { isArray, isObject, setKey, toBoolean, toNumeric, toText, type Value } from './value.ts'
import { isList, literalsOf } from './walk.ts'

/** Compiles an expression that the checks have passed. */
export function compileExpressionNode(node: Expression, context: CompileContext): Evaluate {
  const { semantics } = context
  const compile = (child: Expression): Evaluate => compileExpressionNode(child, context)
  switch (node.kind) {
    case 'literal':
      return constant(node.value)
    case 'star':
      return context.inner ? readRow : readPayload
    case 'path':
      return compilePathNode(node, context)
    case 'variable': {
      const slot = slotOf(context, `@${node.name}`)
      return (_row, frame) => frame.slots?.[slot]
    }
    case 'call':
      return compileCall(node, context)
    case 'cast':
      return compileCast(node, context)
    case 'negation': {
      const operand = compile(node.operand)
      const { keepsScale } = semantics
      return (row, frame) => {
        const value = toNumeric(operand(row, frame), keepsScale)
        return value === undefined ? undefined : negate(value)
      }
    }
    case 'arithmetic': {
      const left = compile(node.left)
      const right = compile(node.right)
      const { sign } = node
      return sign === '+'
        ? (row, frame) => plus(left(row, frame), right(row, frame), semantics)
        : (row, frame) => arithmetic(sign, left(row, frame), right(row, frame), semantics)
    }
    case 'comparison':
      return compileComparison(node.sign, compile(node.left), compile(node.right))
    case 'logical':
      return compileLogical(node, context)
    case 'not': {
      const operand = compile(node.operand)
      return (row, frame) => {
        const value = toBoolean(operand(row, frame))
        return value === undefined ? undefined : !value
      }
    }
    case 'case':
      return compileCase(node, context)
    case 'object':
      return compileObject(node.entries.map(({ key, value }) => ({ key, take: compile(value) })))
    case 'array':
      return compileArray(node.items.map(compile))
    case 'subquery':
      return compileSubquery(node, context)
    case 'exists': {
      const query = compileSubquery(node.query, context)
      return (row, frame) => {
        const found = query(row, frame)
        return isArray(found) ? found.length > 0 : found !== undefined
      }
    }
    case 'in':
      return compileIn(node, context)
    case 'like': {
      const operand = compile(node.operand)
      const pattern = compile(node.pattern)
      const { negated } = node
      const limit = semantics.limits.stringLength
      return (row, frame) => {
        const text = toText(operand(row, frame), limit)
        const wanted = toText(pattern(row, frame), limit)
        if (text === undefined || wanted === undefined) return undefined
        if (wanted.length > semantics.limits.patternLength) throw patternTooLong(semantics.limits)
        return matchesLike(text, wanted) !== negated
      }
    }
    case 'between': {
      const operand = compile(node.operand)
      const low = compile(node.low)
      const high = compile(node.high)
      const { negated } = node
      return (row, frame) => {
        const value = operand(row, frame)
        const above = order('>=', value, low(row, frame))
        const below = order('<=', value, high(row, frame))
        if (above === undefined || below === undefined) return undefined
        return (above && below) !== negated
      }
    }
    case 'is_null': {
      const operand = compile(node.operand)
      const { negated } = node
      return (row, frame) => {
        const value = operand(row, frame)
        return value === undefined ? undefined : (value === null) !== negated
      }
    }
  }
}

function constant(value: Value): Evaluate {
  return () => value
}

function readRow(row: Value): Value {
  return row
}

function readPayload(row: Value, frame: Frame): Value {
  return row === undefined ? frame.bytes : row
}

/** Compiles a condition: only whether it is true counts, so AND may stop early and numbers compare in place. */
export function compileTestNode(node: Expression, context: CompileContext): Test {
  switch (node.kind) {
    case 'comparison':
      return compileComparisonNode(node, context)
    case 'logical':
      if (node.word === 'OR') break
      return compileAndTest(node.operands.map((operand) => compileTestNode(operand, context)))
    case 'not': {
      const operand = compileExpressionNode(node.operand, context)
      return (row, frame) => toBoolean(operand(row, frame)) === false
    }
    default:
      break
  }
  return compileTruth(compileExpressionNode(node, context))
}

function compileComparisonNode(node: Comparison, context: CompileContext): Test {
  const { sign, left, right } = node
  if (right.kind === 'literal') {
    return compileLiteralTest(sign, compileExpressionNode(left, context), right.value)
  }
  if (left.kind === 'literal') {
    return compileLiteralTest(FLIPPED[sign], compileExpressionNode(right, context), left.value)
  }
  return compileComparisonTest(
    sign,
    compileExpressionNode(left, context),
    compileExpressionNode(right, context),
  )
}

function compilePathNode(node: Path, context: CompileContext): Evaluate {
  const [name, ...rest] = node.steps
  if (node.root === undefined && typeof name === 'string') {
    const slot = context.slots.get(name)
    if (slot !== undefined) {
      const read = compilePath(rest)
      return (_row, frame) => read(frame.slots?.[slot])
    }
  }
  const read = compilePath(node.steps)
  if (node.root === undefined) return read
  const root = compileExpressionNode(node.root, context)
  return (row, frame) => read(root(row, frame))
}

function compileLogical(node: Logical, context: CompileContext): Evaluate {
  const operands = node.operands.map((operand) => compileExpressionNode(operand, context))
  return node.word === 'AND' ? compileAnd(operands) : compileOr(operands)
}

function compileCall(node: Call, context: CompileContext): Evaluate {
  const definition = FUNCTIONS.get(node.name.toLowerCase())
  if (definition === undefined) {
    throw new CoreError('rule.unknown_function', `unknown function ${node.name}`)
  }
  const [least, most] = definition.arity
  if (node.args.length < least || node.args.length > most) return () => undefined
  const { semantics } = context
  const body = prepare(definition, node, context)
  const args = node.args.map((arg) =>
    definition.takesBytes === true && arg.kind === 'star' && !context.inner
      ? payloadBytes
      : compileExpressionNode(arg, context),
  )
  const [one, two] = args
  if (one === undefined) return (_row, frame) => body([], frame, semantics)
  if (two === undefined) return (row, frame) => body([one(row, frame)], frame, semantics)
  if (args.length === 2) {
    return (row, frame) => body([one(row, frame), two(row, frame)], frame, semantics)
  }
  return (row, frame) => {
    const values: Value[] = []
    for (const arg of args) values.push(arg(row, frame))
    return body(values, frame, semantics)
  }
}

/** Does what can be done once. Faults of literal arguments point at the call. */
function prepare(
  definition: FunctionDefinition,
  node: Call,
  context: CompileContext,
): FunctionBody {
  try {
    return definition.prepare?.(literalsOf(node.args), context.semantics) ?? definition.run
  } catch (error) {
    if (!(error instanceof CoreError)) throw error
    throw sourceError(error.code, context.source, node.start, error.message)
  }
}

/** The payload as it was sent, or where only a body exists its JSON. */
function payloadBytes(row: Value, frame: Frame): Value {
  if (frame.bytes !== undefined) return frame.bytes
  if (frame.rawText !== undefined) return new TextEncoder().encode(frame.rawText)
  return row
}

function compileCast(node: Cast, context: CompileContext): Evaluate {
  const operand = compileExpressionNode(node.operand, context)
  const { semantics } = context
  const { type } = node
  return (row, frame) => castValue(operand(row, frame), type, semantics)
}

function compileCase(node: Case, context: CompileContext): Evaluate {
  const subject = compileExpressionNode(node.subject, context)
  const branches = node.branches.map(({ when, result }) => ({
    when: compileExpressionNode(when, context),
    result: compileExpressionNode(result, context),
  }))
  const otherwise =
    node.otherwise === undefined ? undefined : compileExpressionNode(node.otherwise, context)
  return (row, frame) => {
    const value = subject(row, frame)
    if (value === undefined) return undefined
    for (const { when, result } of branches) {
      if (equal(value, when(row, frame)) === true) return result(row, frame)
    }
    return otherwise?.(row, frame)
  }
}

function compileObject(entries: readonly { key: string; take: Evaluate }[]): Evaluate {
  return (row, frame) => {
    const made: Record<string, Value> = {}
    for (const { key, take } of entries) {
      const value = take(row, frame)
      if (value !== undefined) setKey(made, key, value)
    }
    return made
  }
}

function compileArray(items: readonly Evaluate[]): Evaluate {
  return (row, frame) => {
    const made: Value[] = []
    for (const item of items) {
      const value = item(row, frame)
      if (value !== undefined) made.push(value)
    }
    return made
  }
}

function compileIn(node: In, context: CompileContext): Evaluate {
  const operand = compileExpressionNode(node.operand, context)
  const { negated } = node
  const among = isList(node.among)
    ? compileArray(node.among.map((item) => compileExpressionNode(item, context)))
    : compileExpressionNode(node.among, context)
  return (row, frame) => {
    const value = operand(row, frame)
    const items = among(row, frame)
    if (value === undefined || !isArray(items)) return undefined
    return items.some((item) => equal(value, item) === true) !== negated
  }
}

/**
 * A nested SELECT. FROM an array gives an array, FROM an object a single value, FROM * an array of one.
 *
 * Source: AWS IoT SQL, nested object queries; transform, example 3; get((SELECT … FROM *), 0) as verified on AWS.
 */
function compileSubquery(node: Subquery, outer: CompileContext): Evaluate {
  const from = compileExpressionNode(node.from, outer)
  const isWhole = node.from.kind === 'star'
  const slots = new Map(outer.slots)
  const context: CompileContext = { ...outer, inner: true, slots }
  const slot = node.alias === undefined ? undefined : slotOf(context, node.alias)
  const take = compileInnerSelect(node, context)
  const where = node.where === undefined ? undefined : compileTestNode(node.where, context)
  const maxRows = outer.semantics.limits.rows

  function visit(row: Value, frame: Frame): Value {
    if (frame.work !== undefined) {
      frame.work.rows += 1
      if (frame.work.rows > maxRows) {
        throw new CoreError('rule.limit', `expected at most ${maxRows} rows in subqueries`)
      }
    }
    if (slot !== undefined && frame.slots !== undefined) frame.slots[slot] = row
    return where === undefined || where(row, frame) ? take(row, frame) : undefined
  }

  return (row, frame) => {
    const found = from(row, frame)
    if (!isArray(found) && !isObject(found)) return undefined
    if (!isArray(found) && !isWhole) return visit(found, frame)
    const results: Value[] = []
    for (const each of isArray(found) ? found : [found]) {
      const value = visit(each, frame)
      if (value !== undefined) results.push(value)
    }
    return results
  }
}

function compileInnerSelect(node: Subquery, context: CompileContext): Evaluate {
  const { items, value } = node.select
  const [only] = items
  if (only !== undefined && items.length === 1) {
    const isWhole = only.expression.kind === 'star' && only.alias === undefined
    if (value || isWhole) return compileExpressionNode(only.expression, context)
  }
  return compileItems(
    items.map((item) => ({
      take: compileExpressionNode(item.expression, context),
      key: keyOf(item, context.source),
    })),
    VALUE_SHAPE,
  )
}

/** The key of an item, ready to be set. */
export function keyOf(item: Item, source: string): readonly string[] {
  return namesOf(item, source).map(asPropertyName)
}

/** The name of an item: its alias, or the last key of a path, or the name of a function, or its text; none for a spread. */
function namesOf(item: Item, source: string): readonly string[] {
  if (item.alias !== undefined) return item.alias
  const { expression } = item
  if (item.spread || expression.kind === 'star') return []
  if (expression.kind === 'path') {
    const key = expression.steps.findLast((step) => typeof step === 'string')
    if (key !== undefined) return [key]
  }
  if (expression.kind === 'call' || expression.kind === 'variable') return [expression.name]
  return [source.slice(item.start, item.end)]
}
