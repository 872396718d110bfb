import type { CoreError, ErrorCode } from '../errors.ts'
import { nearestName } from '../model/nearest.ts'
import { sourceError } from '../model/source-error.ts'
import type { Arithmetic, Call, Comparison, Logical, Node, Unary } from './ast.ts'
import { type ArgumentType, ROUTE_FUNCTIONS, type RouteFunction } from './functions.ts'
import type { StaticType } from './value.ts'

/** Where the messages of a route come from. */
export type RouteSource = 'telemetry' | 'twinChanges' | 'lifecycle' | 'connectionState'

/** The static type of every node of a condition. */
export type NodeTypes = ReadonlyMap<Node, StaticType>

/**
 * Checks that every operator and function gets what it takes, as far as that shows before a message comes: properties are
 * texts, values of the body and the twin can be anything.
 *
 * Source: Azure/iotedge, `ConditionVisitor`.
 * @throws CoreError `rule.type`, `rule.unknown_function`, `rule.unsupported`, with the position.
 */
export function checkCondition(
  root: Node,
  source: string,
  messages: RouteSource | undefined,
): NodeTypes {
  const types = new Map<Node, StaticType>()

  function fault(code: ErrorCode, node: Node, message: string): CoreError {
    return sourceError(code, source, node.at, message)
  }

  function visit(node: Node): StaticType {
    const type = typeOf(node)
    types.set(node, type)
    return type
  }

  function typeOf(node: Node): StaticType {
    switch (node.kind) {
      case 'literal':
        return node.value === undefined
          ? 'undefined'
          : node.value === null
            ? 'null'
            : typeof node.value === 'boolean'
              ? 'bool'
              : typeof node.value === 'number'
                ? 'number'
                : 'string'
      case 'property':
      case 'system':
        return 'string'
      case 'document':
        return 'any'
      case 'twin_change':
        if (messages === undefined || messages === 'twinChanges') return 'bool'
        throw fault(
          'rule.unsupported',
          node,
          `expected twin_change_includes in a route whose source is twinChanges, found one of ${messages}`,
        )
      case 'negate':
      case 'not':
        return unary(node)
      case 'arithmetic':
        return arithmetic(node)
      case 'comparison':
        return alike(node, `"${node.sign}"`, 'bool')
      case 'coalesce':
        return alike(node, '"??"', undefined)
      case 'and':
      case 'or':
        return logical(node)
      case 'call':
        return call(node)
    }
  }

  function unary(node: Unary): StaticType {
    const type = visit(node.operand)
    if (node.kind === 'negate') {
      if (type === 'number' || type === 'any') return type
      throw fault('rule.type', node, `expected a number after "-", found ${nameOf(type)}`)
    }
    if (type !== 'string' && type !== 'number') return 'bool'
    throw fault(
      'rule.type',
      node,
      `expected true or false after NOT, found ${nameOf(type)}${bindingHint(node.operand)}`,
    )
  }

  function arithmetic(node: Arithmetic): StaticType {
    const left = visit(node.left)
    const right = visit(node.right)
    if (isNumber(left) && isNumber(right))
      return left === 'any' || right === 'any' ? 'any' : 'number'
    const found = `${nameOf(left)} and ${nameOf(right)}`
    const hint =
      node.sign === '+' &&
      (left === 'string' || right === 'string') &&
      left !== 'number' &&
      right !== 'number'
        ? '; texts are joined with ||'
        : textHint(left, right)
    throw fault('rule.type', node, `expected numbers beside "${node.sign}", found ${found}${hint}`)
  }

  /** Both sides are of one kind, or one is of the body. */
  function alike(
    node: Comparison | Logical,
    shown: string,
    gives: StaticType | undefined,
  ): StaticType {
    const left = visit(node.left)
    const right = visit(node.right)
    const fits =
      left === right ||
      (left === 'any' && right !== 'undefined') ||
      (right === 'any' && left !== 'undefined')
    if (fits) return gives ?? (left === 'any' || right === 'any' ? 'any' : left)
    const found = `${nameOf(left)} and ${nameOf(right)}`
    const message = `expected values of one kind beside ${shown}, found ${found}${textHint(left, right)}`
    throw fault('rule.type', node, message)
  }

  function logical(node: Logical): StaticType {
    const left = visit(node.left)
    const right = visit(node.right)
    const word = node.kind.toUpperCase()
    if (!isTruth(left) || !isTruth(right) || isNullWithUndefined(left, right)) {
      const found = `${nameOf(left)} and ${nameOf(right)}`
      throw fault('rule.type', node, `expected true or false beside ${word}, found ${found}`)
    }
    if (left === 'any' || right === 'any') return 'bool'
    const hasNull = left === 'null' || right === 'null'
    const bothNull = left === 'null' && right === 'null'
    return (node.kind === 'and' ? hasNull : bothNull) ? 'null' : 'bool'
  }

  function call(node: Call): StaticType {
    const found = ROUTE_FUNCTIONS.get(node.name)
    if (found === undefined) {
      const nearest = nearestName(node.name, ROUTE_FUNCTIONS.keys())
      const hint = nearest === undefined ? '' : `, did you mean ${nearest}?`
      throw fault('rule.unknown_function', node, `expected a function, found ${node.shown}${hint}`)
    }
    const given = node.args.map(visit)
    const { takes, optional = 0, isVariadic = false } = found
    const tooMany = !isVariadic && given.length > takes.length
    if (tooMany || given.length < takes.length - optional) {
      throw fault(
        'rule.type',
        node,
        `${node.shown}: expected ${countOf(found)}, found ${given.length}`,
      )
    }
    for (const [index, type] of given.entries()) {
      const wanted = takes[Math.min(index, takes.length - 1)] ?? 'whatever'
      const argument = node.args[index]
      if (argument === undefined || takesType(wanted, type)) continue
      throw fault(
        'rule.type',
        argument,
        `${node.shown}: expected a ${wanted}, found ${nameOf(type)}${wanted === 'number' && type === 'string' ? '; as_number() makes a number of a text' : ''}`,
      )
    }
    return found.gives
  }

  visit(root)
  return types
}

function isNumber(type: StaticType): boolean {
  return type === 'number' || type === 'any'
}

function isTruth(type: StaticType): boolean {
  return type !== 'string' && type !== 'number'
}

function isNullWithUndefined(left: StaticType, right: StaticType): boolean {
  return (left === 'null' && right === 'undefined') || (left === 'undefined' && right === 'null')
}

function takesType(wanted: ArgumentType, type: StaticType): boolean {
  switch (wanted) {
    case 'whatever':
      return true
    case 'string or number':
      return type === 'string' || type === 'number' || type === 'any'
    default:
      return type === wanted || type === 'any'
  }
}

function countOf({ takes, optional = 0, isVariadic }: RouteFunction): string {
  const most = takes.length
  const words = isVariadic
    ? `${most} or more`
    : optional > 0
      ? `${most - optional} or ${most}`
      : `${most}`
  return `${words} argument${words === '1' ? '' : 's'}`
}

function nameOf(type: StaticType): string {
  switch (type) {
    case 'bool':
      return 'true or false'
    case 'string':
      return 'a text'
    case 'number':
      return 'a number'
    case 'any':
      return 'a value of the body'
    case 'null':
      return 'null'
    case 'undefined':
      return 'undefined'
  }
}

/** Properties are texts, whatever they look like. */
function textHint(left: StaticType, right: StaticType): string {
  const types = [left, right]
  return types.includes('string') && types.includes('number')
    ? '; as_number() makes a number of a text'
    : ''
}

function bindingHint({ kind }: Node): string {
  return kind === 'property' || kind === 'system'
    ? '; NOT binds more tightly than a comparison: write NOT (…)'
    : ''
}
