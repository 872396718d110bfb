import type { Path } from './body-path.ts'
import type { Value } from './value.ts'

/** Where a node stands in the condition. Unit: UTF-16 offsets; `at` is where its fault is shown. */
interface Place {
  readonly start: number
  readonly end: number
  readonly at: number
}

export interface Literal extends Place {
  readonly kind: 'literal'
  readonly value: Value
}

/** A property of the message, by its name in lower case. */
export interface Property extends Place {
  readonly kind: 'property'
  readonly name: string
}

/** `$name`: a property of that name, else what the service knows. `{$name}` leaves the property out. */
export interface SystemProperty extends Place {
  readonly kind: 'system'
  /** In lower case, without `$`. */
  readonly name: string
  readonly isEscaped: boolean
}

/** `$body.…` or `$twin.…`. `property` is the name of the message's property that comes first; none if escaped. */
export interface DocumentPath extends Place {
  readonly kind: 'document'
  readonly root: 'body' | 'twin'
  readonly path: Path
  readonly property: string | undefined
}

/** `twin_change_includes(path)`. */
export interface TwinChange extends Place {
  readonly kind: 'twin_change'
  readonly path: Path
}

export interface Unary extends Place {
  readonly kind: 'negate' | 'not'
  readonly operand: Node
}

export type ArithmeticSign = '+' | '-' | '*' | '/' | '%'
export type ComparisonSign = '=' | '!=' | '<>' | '<' | '<=' | '>' | '>='

export interface Arithmetic extends Place {
  readonly kind: 'arithmetic'
  readonly sign: ArithmeticSign
  readonly left: Node
  readonly right: Node
}

export interface Comparison extends Place {
  readonly kind: 'comparison'
  readonly sign: ComparisonSign
  readonly left: Node
  readonly right: Node
}

export interface Logical extends Place {
  readonly kind: 'and' | 'or' | 'coalesce'
  readonly left: Node
  readonly right: Node
}

/** A function, by its name in lower case; `||` is `concat`. */
export interface Call extends Place {
  readonly kind: 'call'
  readonly name: string
  /** As it is written. */
  readonly shown: string
  readonly args: readonly Node[]
}

export type Node =
  | Literal
  | Property
  | SystemProperty
  | DocumentPath
  | TwinChange
  | Unary
  | Arithmetic
  | Comparison
  | Logical
  | Call

/** The parts of a node, in the order in which they are written. */
export function children(node: Node): readonly Node[] {
  switch (node.kind) {
    case 'literal':
    case 'property':
    case 'system':
    case 'document':
    case 'twin_change':
      return []
    case 'negate':
    case 'not':
      return [node.operand]
    case 'call':
      return node.args
    default:
      return [node.left, node.right]
  }
}
