import type { Json } from './json.ts'

/** One question that a rule puts to a store outside the message, for example to a device's shadow. */
export interface LookupRequest {
  /** The SQL function that asks, in lower case: `get_thing_shadow`, `lookup`, … */
  readonly function: string
  /** Its arguments as evaluated; the role ARN of the AWS functions is among them. */
  readonly args: readonly Json[]
}
