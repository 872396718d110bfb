import type { CoreError } from '../errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import { nearestName } from '../model/nearest.ts'
import { sourceError } from '../model/source-error.ts'
import { ROUTE_FUNCTIONS } from '../routing/functions.ts'
import type { StaticType, Value } from '../routing/value.ts'
import type { ComparisonSign, Node, Path } from './ast.ts'

/** A part of a query on one twin; `undefined` is Undefined. */
export type Evaluate = (twin: JsonObject) => Json | undefined

/** Functions that look at what objects and arrays are, which the others have no value for. */
const OF_WHATEVER: ReadonlyMap<string, (value: Json | undefined) => boolean> = new Map<
  string,
  (value: Json | undefined) => boolean
>([
  ['is_array', Array.isArray],
  ['is_bool', (value) => typeof value === 'boolean'],
  ['is_defined', (value) => value !== undefined],
  ['is_null', (value) => value === null],
  ['is_number', (value) => typeof value === 'number'],
  ['is_object', isJsonObject],
  ['is_primitive', (value) => value !== undefined && isPrimitive(value)],
  ['is_string', (value) => typeof value === 'string'],
])

/** Other names of functions. */
const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ['startswith', 'starts_with'],
  ['endswith', 'ends_with'],
  ['ceil', 'ceiling'],
])

/**
 * Makes closures of an expression. Only primitives of one kind compare; all else is Undefined.
 * @throws CoreError `query.invalid` for a function that is none, or has the wrong number of arguments.
 */
export function compileNode(node: Node, source: string): Evaluate {
  const compile = (inner: Node): Evaluate => compileNode(inner, source)
  switch (node.kind) {
    case 'literal': {
      const { value } = node
      return () => value
    }
    case 'path': {
      const { path } = node
      return (twin) => readPath(twin, path)
    }
    case 'negate': {
      const operand = compile(node.operand)
      return (twin) => {
        const value = operand(twin)
        return typeof value === 'number' ? -value : undefined
      }
    }
    case 'not': {
      const operand = compile(node.operand)
      return (twin) => {
        const value = operand(twin)
        return typeof value === 'boolean' ? !value : undefined
      }
    }
    case 'arithmetic': {
      const run = ARITHMETIC[node.sign]
      const left = compile(node.left)
      const right = compile(node.right)
      return (twin) => {
        const a = left(twin)
        const b = right(twin)
        return typeof a === 'number' && typeof b === 'number' ? finite(run(a, b)) : undefined
      }
    }
    case 'comparison': {
      const holds = HOLDS[node.sign]
      const left = compile(node.left)
      const right = compile(node.right)
      return (twin) => {
        const order = compare(left(twin), right(twin))
        return order === undefined ? undefined : holds(order)
      }
    }
    case 'and':
    case 'or': {
      // What decides alone: false beside AND, true beside OR.
      const decisive = node.kind === 'or'
      const left = compile(node.left)
      const right = compile(node.right)
      return (twin) => {
        const a = left(twin)
        if (a === decisive) return decisive
        const b = right(twin)
        if (b === decisive) return decisive
        return typeof a === 'boolean' && typeof b === 'boolean' ? !decisive : undefined
      }
    }
    case 'in': {
      const operand = compile(node.operand)
      const items = node.items.map(compile)
      const { negated } = node
      return (twin) => {
        const value = operand(twin)
        if (value === undefined) return undefined
        return items.some((item) => compare(value, item(twin)) === 0) !== negated
      }
    }
    case 'call':
      return call(node.name, node.args.map(compile), (message) =>
        sourceError('query.invalid', source, node.start, message),
      )
  }
}

function call(
  written: string,
  args: readonly Evaluate[],
  fault: (message: string) => CoreError,
): Evaluate {
  const name = SYNONYMS.get(written) ?? written
  const whatever = OF_WHATEVER.get(name)
  const [first] = args
  if (whatever !== undefined) {
    if (first === undefined || args.length > 1)
      throw fault(`${written}: expected 1 argument, found ${args.length}`)
    return (twin) => whatever(first(twin))
  }
  const found = ROUTE_FUNCTIONS.get(name)
  if (found === undefined) {
    const nearest = nearestName(name, [...OF_WHATEVER.keys(), ...ROUTE_FUNCTIONS.keys()])
    const hint = nearest === undefined ? '' : `, did you mean ${nearest}?`
    throw fault(`expected a function, found ${written}${hint}`)
  }
  const { takes, optional = 0, isVariadic = false, run } = found
  if (args.length < takes.length - optional || (!isVariadic && args.length > takes.length))
    throw fault(`${written}: expected ${takes.length} arguments, found ${args.length}`)
  const types = args.map((): StaticType => 'any')
  return (twin) => {
    const value = run(
      args.map((arg) => toValue(arg(twin))),
      types,
    )
    return typeof value === 'number' ? finite(value) : value
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

/** Negative, 0 or positive; Undefined where the two are not of one kind, or no primitives. */
export function compare(left: Json | undefined, right: Json | undefined): number | undefined {
  if (left === null && right === null) return 0
  if (typeof left === 'string' && typeof right === 'string')
    return left < right ? -1 : left > right ? 1 : 0
  if (typeof left === 'number' && typeof right === 'number') return left - right
  if (typeof left === 'boolean' && typeof right === 'boolean') return Number(left) - Number(right)
  return undefined
}

function isPrimitive(value: Json): value is string | number | boolean | null {
  return typeof value !== 'object' || value === null
}

function toValue(value: Json | undefined): Value {
  return value !== undefined && isPrimitive(value) ? value : undefined
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined
}

function readPath(twin: JsonObject, path: Path): Json | undefined {
  let at: Json | undefined = twin
  for (const step of path) {
    if (typeof step === 'number') at = Array.isArray(at) ? at[step] : undefined
    else at = isJsonObject(at) && Object.hasOwn(at, step) ? at[step] : undefined
    if (at === undefined) return undefined
  }
  return at
}
