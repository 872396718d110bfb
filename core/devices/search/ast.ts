/** What a term looks at. */
export type Field =
  /** A bare word: part of the id. */
  | { readonly kind: 'word' }
  | { readonly kind: SimpleField }
  | { readonly kind: 'tag'; readonly name: string }
  /** The newest value of a metric. */
  | { readonly kind: 'last'; readonly metric: string }
  | {
      readonly kind: 'shadow'
      /** '' is the classic one. */
      readonly name: string
      readonly section: 'desired' | 'reported'
      readonly path: readonly string[]
    }

/** Fields without a name of their own. */
export const SIMPLE_FIELDS = [
  'id',
  'type',
  'enabled',
  'registered',
  'state',
  'seen',
  'alarm',
  'alarms',
  'group',
  'commands',
] as const

export type SimpleField = (typeof SIMPLE_FIELDS)[number]

/** A value in a search. `number`: what it is worth where it looks like a number; of a duration, its ms. */
export interface Operand {
  /** In lower case: texts are compared without their case. */
  readonly text: string
  readonly number: number | undefined
}

/** One end of a range; the value itself is in it where it is `inclusive`. */
export interface Bound extends Operand {
  readonly inclusive: boolean
}

/** What a value of the field has to be. */
export type Condition =
  | { readonly kind: 'exists' }
  /** Equal, or with wildcards between the texts. All of it in lower case. */
  | {
      readonly kind: 'matches'
      readonly parts: readonly string[]
      readonly number: number | undefined
    }
  | {
      readonly kind: 'between'
      readonly from: Bound | undefined
      readonly to: Bound | undefined
    }

export interface Term {
  readonly kind: 'term'
  readonly field: Field
  readonly condition: Condition
}

/** A search, read. */
export type Node =
  | Term
  | { readonly kind: 'and' | 'or'; readonly nodes: readonly Node[] }
  | { readonly kind: 'not'; readonly node: Node }
