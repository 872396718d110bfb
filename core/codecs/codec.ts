import type { Json } from '../model/json.ts'

/** Bytes ↔ telemetry, for one format. */
export interface Codec {
  /** The name by which a device type asks for it. */
  readonly name: string
  /**
   * The decoded message.
   * @throws CoreError `codec.malformed`, `codec.truncated` or `codec.wrong_type`; the message says what was expected,
   * what was found and where, and quotes nothing of the payload.
   */
  decode(bytes: Uint8Array): Json
  /** The text behind the value, where a number of it has more digits than a double keeps; else `undefined`. */
  exactText(bytes: Uint8Array): string | undefined
}
