import type {
  Arithmetic,
  Call,
  Comparison,
  ComparisonSign,
  DocumentPath,
  Logical,
  Node,
} from './ast.ts'
import { findAt, readAt } from './body-path.ts'
import type { NodeTypes } from './check.ts'
import { ROUTE_FUNCTIONS } from './functions.ts'
import type { RouteMessage } from './message.ts'
import { compareValues, numberOrUndefined, type StaticType, type Value } from './value.ts'

/** A node made ready to run. Total. */
export type Evaluate = (message: RouteMessage) => Value

/** Makes closures of a checked node. */
export function compileNode(node: Node, types: NodeTypes): Evaluate {
  const compile = (inner: Node): Evaluate => compileNode(inner, types)
  const typeOf = (inner: Node): StaticType => types.get(inner) ?? 'any'

  switch (node.kind) {
    case 'literal': {
      const { value } = node
      return () => value
    }
    case 'property': {
      const { name } = node
      return ({ properties }) => properties.get(name)
    }
    case 'system': {
      const { name, isEscaped } = node
      const property = `$${name}`
      if (isEscaped) return ({ systemProperties }) => systemProperties.get(name)
      return ({ properties, systemProperties }) => {
        const own = properties.get(property)
        return own === undefined ? systemProperties.get(name) : own
      }
    }
    case 'document':
      return documentPath(node)
    case 'twin_change': {
      const { path } = node
      return ({ body }) => (body === undefined ? undefined : findAt(body, path) !== undefined)
    }
    case 'negate': {
      const operand = compile(node.operand)
      return (message) => {
        const value = operand(message)
        return typeof value === 'number' ? -value : undefined
      }
    }
    case 'not': {
      const operand = compile(node.operand)
      if (typeOf(node.operand) === 'null') return () => true
      return (message) => {
        const value = operand(message)
        return typeof value === 'boolean' ? !value : undefined
      }
    }
    case 'arithmetic':
      return arithmetic(node, compile(node.left), compile(node.right))
    case 'comparison':
      return comparison(
        node,
        compile(node.left),
        compile(node.right),
        typeOf(node.left),
        typeOf(node.right),
      )
    case 'coalesce': {
      const left = compile(node.left)
      const right = compile(node.right)
      return (message) => {
        const value = left(message)
        return value === undefined ? right(message) : value
      }
    }
    case 'and':
    case 'or':
      return logical(
        node,
        compile(node.left),
        compile(node.right),
        typeOf(node.left),
        typeOf(node.right),
      )
    case 'call':
      return call(node, node.args.map(compile), node.args.map(typeOf))
  }
}

function documentPath({ root, path, property }: DocumentPath): Evaluate {
  const read: Evaluate =
    root === 'body'
      ? ({ body }) => (body === undefined ? undefined : readAt(body, path))
      : ({ twin }) => (twin === undefined ? undefined : readAt(twin, path))
  if (property === undefined) return read
  return (message) => {
    const own = message.properties.get(property)
    return own === undefined ? read(message) : own
  }
}

function arithmetic({ sign }: Arithmetic, left: Evaluate, right: Evaluate): Evaluate {
  const run = ARITHMETIC[sign]
  return (message) => {
    const a = left(message)
    const b = right(message)
    return typeof a === 'number' && typeof b === 'number' ? numberOrUndefined(run(a, b)) : undefined
  }
}

const ARITHMETIC = {
  '+': (a: number, b: number) => a + b,
  '-': (a: number, b: number) => a - b,
  '*': (a: number, b: number) => a * b,
  '/': (a: number, b: number) => a / b,
  '%': (a: number, b: number) => a % b,
} as const

const HOLDS: Readonly<Record<ComparisonSign, (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '!=': (order) => order !== 0,
  '<>': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
}

function comparison(
  { sign }: Comparison,
  left: Evaluate,
  right: Evaluate,
  leftType: StaticType,
  rightType: StaticType,
): Evaluate {
  const holds = HOLDS[sign]
  return (message) => {
    const a = left(message)
    const b = right(message)
    if (a === undefined || b === undefined) return undefined
    // A property without a value compares with nothing.
    if ((a === null && leftType === 'string') || (b === null && rightType === 'string'))
      return undefined
    return holds(compareValues(a, b))
  }
}

/**
 * Three-valued; null counts for nothing beside OR and wins beside AND. Where a side comes from the body, both must be true
 * or false. Source: Azure/iotedge, `Bool`, `Null` and `QueryValue`.
 */
function logical(
  { kind }: Logical,
  left: Evaluate,
  right: Evaluate,
  leftType: StaticType,
  rightType: StaticType,
): Evaluate {
  // What decides alone: false beside AND, true beside OR.
  const decisive = kind === 'or'
  if (leftType === 'any' || rightType === 'any') {
    return (message) => {
      const a = left(message)
      const b = right(message)
      if (typeof a !== 'boolean' || typeof b !== 'boolean') return undefined
      return a === decisive || b === decisive ? decisive : !decisive
    }
  }
  if (leftType === 'null' || rightType === 'null') {
    if (kind === 'and' || leftType === rightType) return () => null
    return leftType === 'null' ? right : left
  }
  return (message) => {
    const a = left(message)
    if (a === decisive) return decisive
    const b = right(message)
    if (b === decisive) return decisive
    return a === undefined || b === undefined ? undefined : !decisive
  }
}

function call({ name }: Call, args: readonly Evaluate[], types: readonly StaticType[]): Evaluate {
  const run = ROUTE_FUNCTIONS.get(name)?.run
  if (run === undefined) return () => undefined
  const [first, second] = args
  if (first !== undefined && args.length === 1) return (message) => run([first(message)], types)
  if (first !== undefined && second !== undefined && args.length === 2)
    return (message) => run([first(message), second(message)], types)
  return (message) =>
    run(
      args.map((arg) => arg(message)),
      types,
    )
}
