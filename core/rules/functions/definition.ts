import type { Frame } from '../frame.ts'
import type { Semantics } from '../operators.ts'
import type { Value } from '../value.ts'

/** What a function does with its arguments; their number has been checked. */
export type FunctionBody = (args: readonly Value[], frame: Frame, semantics: Semantics) => Value

/** One function of the language: what runs it, and what documents it. */
export interface FunctionDefinition {
  /** In lower case: function names are case-insensitive. */
  readonly name: string
  readonly signature: string
  readonly doc: string
  /** One call and what it gives. */
  readonly example: string
  readonly source: string
  /** The first version that has it; `anyhub` is beyond the AWS reference. */
  readonly since: '2015-10-08' | '2016-03-23' | 'anyhub'
  /** Least and most arguments. With any other number the result is Undefined. */
  readonly arity: readonly [least: number, most: number]
  readonly run: FunctionBody
  /** Given the arguments that are literals, by position: work to do once instead of for every message. */
  readonly prepare?: (
    literals: ReadonlyMap<number, Value>,
    semantics: Semantics,
  ) => FunctionBody | undefined
  /** What is wrong with literal arguments that could run on AWS and cannot here; a compile error. */
  readonly fault?: (literals: ReadonlyMap<number, Value>) => string | undefined
  /** True where `*` means the payload's bytes even if they are JSON. */
  readonly takesBytes?: boolean
  /** True where the result can be much longer than the arguments. */
  readonly grows?: boolean
  /** True where the function gives something else each time. */
  readonly hasChance?: boolean
  /** True where the function asks a store outside the message. */
  readonly asks?: boolean
}

/** The page that most functions are documented on. */
export const AWS_FUNCTIONS = 'AWS IoT SQL reference, functions'
