import type { Numeric } from './decimal.ts'

/** Where a node stands in the text: UTF-16 offsets, `end` exclusive. */
interface Span {
  readonly start: number
  readonly end: number
}

/** One step of a path: a key of an object or an index of an array. */
export type Step = string | number

export type ArithmeticSign = '+' | '-' | '*' | '/' | '%'
export type ComparisonSign = '<' | '<=' | '>' | '>=' | '=' | '<>'
export type CastType = 'string' | 'int' | 'double' | 'decimal' | 'boolean'

export interface Literal extends Span {
  readonly kind: 'literal'
  readonly value: Numeric | string | boolean | null
}

/** The whole row: the message's body, or its bytes where it is not JSON; in a subquery the element. */
export interface Star extends Span {
  readonly kind: 'star'
}

/** `a.b[0]`: steps from the row, or from what another expression gives. */
export interface Path extends Span {
  readonly kind: 'path'
  readonly root: Expression | undefined
  readonly steps: readonly Step[]
}

export interface Variable extends Span {
  readonly kind: 'variable'
  readonly name: string
}

export interface Call extends Span {
  readonly kind: 'call'
  /** As written: function names are case-insensitive. */
  readonly name: string
  readonly args: readonly Expression[]
}

export interface Cast extends Span {
  readonly kind: 'cast'
  readonly operand: Expression
  readonly type: CastType
}

export interface Negation extends Span {
  readonly kind: 'negation'
  readonly operand: Expression
}

export interface Arithmetic extends Span {
  readonly kind: 'arithmetic'
  readonly sign: ArithmeticSign
  readonly left: Expression
  readonly right: Expression
}

export interface Comparison extends Span {
  readonly kind: 'comparison'
  readonly sign: ComparisonSign
  readonly left: Expression
  readonly right: Expression
}

/** A chain `a AND b AND c` is one node, so that long chains stay flat. */
export interface Logical extends Span {
  readonly kind: 'logical'
  readonly word: 'AND' | 'OR'
  readonly operands: readonly Expression[]
}

export interface Not extends Span {
  readonly kind: 'not'
  readonly operand: Expression
}

export interface Case extends Span {
  readonly kind: 'case'
  readonly subject: Expression
  readonly branches: readonly { readonly when: Expression; readonly result: Expression }[]
  readonly otherwise: Expression | undefined
}

export interface ObjectLiteral extends Span {
  readonly kind: 'object'
  readonly entries: readonly { readonly key: string; readonly value: Expression }[]
}

export interface ArrayLiteral extends Span {
  readonly kind: 'array'
  readonly items: readonly Expression[]
}

export interface Subquery extends Span {
  readonly kind: 'subquery'
  readonly select: Select
  readonly from: Expression
  readonly alias: string | undefined
  readonly where: Expression | undefined
}

export interface Exists extends Span {
  readonly kind: 'exists'
  readonly query: Subquery
}

/** Beyond the AWS reference: `x [NOT] IN (…)`, `x [NOT] IN array`. */
export interface In extends Span {
  readonly kind: 'in'
  readonly negated: boolean
  readonly operand: Expression
  /** A list in parentheses, or one expression that gives an array. */
  readonly among: readonly Expression[] | Expression
}

/** Beyond the AWS reference: `x [NOT] LIKE 'a%'`. */
export interface Like extends Span {
  readonly kind: 'like'
  readonly negated: boolean
  readonly operand: Expression
  readonly pattern: Expression
}

/** Beyond the AWS reference: `x [NOT] BETWEEN a AND b`. */
export interface Between extends Span {
  readonly kind: 'between'
  readonly negated: boolean
  readonly operand: Expression
  readonly low: Expression
  readonly high: Expression
}

/** Beyond the AWS reference: `x IS [NOT] NULL`. */
export interface IsNull extends Span {
  readonly kind: 'is_null'
  readonly negated: boolean
  readonly operand: Expression
}

export type Expression =
  | Literal
  | Star
  | Path
  | Variable
  | Call
  | Cast
  | Negation
  | Arithmetic
  | Comparison
  | Logical
  | Not
  | Case
  | ObjectLiteral
  | ArrayLiteral
  | Subquery
  | Exists
  | In
  | Like
  | Between
  | IsNull

/** One item of a SELECT list. */
export interface Item extends Span {
  readonly expression: Expression
  /** `AS a.b` is `['a', 'b']`. */
  readonly alias: readonly string[] | undefined
  /** `path.*`: the keys of the object, each as an item of its own. */
  readonly spread: boolean
}

export interface Select extends Span {
  /** `SELECT VALUE expr`: the value itself, no object around it. */
  readonly value: boolean
  readonly items: readonly Item[]
}

export interface Assignment extends Span {
  readonly name: string
  readonly expression: Expression
}

export interface Statement extends Span {
  readonly set: readonly Assignment[]
  readonly select: Select
  /** `undefined` without FROM: such a rule is reached by Basic Ingest only. */
  readonly filter:
    | { readonly text: string; readonly start: number; readonly quoted: boolean }
    | undefined
  readonly where: Expression | undefined
}
