/** The steps of a path into a twin. */
export type Path = readonly (string | number)[]

interface Place {
  /** Unit: UTF-16 offset into the query. */
  readonly start: number
  readonly end: number
}

export type ArithmeticSign = '+' | '-' | '*' | '/' | '%'
export type ComparisonSign = '=' | '!=' | '<>' | '<' | '<=' | '>' | '>='

export type Node = Place &
  (
    | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
    | { readonly kind: 'path'; readonly path: Path }
    | { readonly kind: 'negate' | 'not'; readonly operand: Node }
    | {
        readonly kind: 'arithmetic'
        readonly sign: ArithmeticSign
        readonly left: Node
        readonly right: Node
      }
    | {
        readonly kind: 'comparison'
        readonly sign: ComparisonSign
        readonly left: Node
        readonly right: Node
      }
    | { readonly kind: 'and' | 'or'; readonly left: Node; readonly right: Node }
    | {
        readonly kind: 'in'
        readonly negated: boolean
        readonly operand: Node
        readonly items: readonly Node[]
      }
    /** A function, by its name in lower case. */
    | { readonly kind: 'call'; readonly name: string; readonly args: readonly Node[] }
  )

export type AggregateName = 'count' | 'avg' | 'sum' | 'min' | 'max'

/** One column of SELECT. */
export interface Column {
  readonly key: string
  readonly start: number
  readonly node: Node | undefined
  readonly aggregate: AggregateName | undefined
}

/** A query as it was written. */
export interface Query {
  /** At most so many results. */
  readonly top: number | undefined
  /** Empty for `*`. */
  readonly columns: readonly Column[]
  readonly where: Node | undefined
  readonly groupBy: readonly Node[]
}
