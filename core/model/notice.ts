import type { Json } from './json.ts'

/** Something that happened to the device and that rules may listen to like to a message. */
export interface Notice {
  readonly topic: string
  /** `undefined` where it is no JSON. */
  readonly body: Json | undefined
  readonly bytes: Uint8Array
  /** The same thing has the same id, however often the step is run. */
  readonly id: string
}
