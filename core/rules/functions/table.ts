import type { FunctionDefinition } from './definition.ts'
import { HASH_FUNCTIONS } from './hash.ts'
import { LOOKUP_FUNCTIONS } from './lookup.ts'
import { MATH_FUNCTIONS } from './math.ts'
import { MESSAGE_FUNCTIONS } from './message.ts'
import { REGEXP_FUNCTIONS } from './regexp.ts'
import { TEXT_FUNCTIONS } from './text.ts'
import { TIME_FUNCTIONS } from './time.ts'
import { VALUE_FUNCTIONS } from './values.ts'

/** Every function that can be called, by its name in lower case. `cast` and `exists` are syntax. */
export const FUNCTIONS: ReadonlyMap<string, FunctionDefinition> = new Map(
  [
    ...MATH_FUNCTIONS,
    ...TEXT_FUNCTIONS,
    ...REGEXP_FUNCTIONS,
    ...HASH_FUNCTIONS,
    ...TIME_FUNCTIONS,
    ...VALUE_FUNCTIONS,
    ...MESSAGE_FUNCTIONS,
    ...LOOKUP_FUNCTIONS,
  ].map((definition) => [definition.name, definition]),
)

/** Functions of the AWS reference that nothing can run any more. */
export const UNSUPPORTED_FUNCTIONS: ReadonlyMap<string, string> = new Map([
  ['machinelearning_predict', 'Amazon Machine Learning has been closed'],
])
