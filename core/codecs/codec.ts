import type * as z from 'zod'
import type { Json } from '../model/json.ts'

/** What is known of a payload besides its bytes. */
export interface PayloadFacts {
  /** LoRaWAN's port of the application, 1 to 255. */
  readonly fPort?: number
  readonly contentType?: string
  readonly topic?: string
  /** Epoch ms, UTC. */
  readonly receivedAt: number
  /** What the network knows of the device under names of its own (ChirpStack's variables). */
  readonly variables?: Readonly<Record<string, string>>
}

/** What a codec made of bytes. */
export interface Decoded {
  readonly value: Json
  /** What the format, or a script, finds odd though it could be read. */
  readonly warnings: readonly string[]
}

/** What a codec made of a value. */
export interface Encoded {
  readonly bytes: Uint8Array
  readonly fPort?: number
  readonly warnings: readonly string[]
}

/** One of the messages that stand in a value: a pack of records of several times has many. */
export interface CodecMessage {
  readonly body: Json
  /** Event time, epoch ms. */
  readonly at?: number
}

/** Bytes ↔ telemetry, for one format. Pure: each message is decoded by itself. */
export interface Codec {
  readonly name: string
  /**
   * The decoded message.
   * @throws CoreError `codec.*`; the message says what was expected, what was found and where, `details.offset` at which
   * byte; it quotes nothing of the payload.
   */
  decode(bytes: Uint8Array, facts: PayloadFacts): Decoded
  /**
   * The way back; `undefined` where the format has none.
   * @throws CoreError `codec.wrong_type` for a value that the format cannot say.
   */
  readonly encode: ((value: Json, facts: PayloadFacts) => Encoded) | undefined
  /** The messages in a decoded value; `undefined` where a value is one message. */
  readonly split: ((value: Json) => readonly CodecMessage[]) | undefined
  /** The text behind a value where a number of it has more digits than a double keeps; `undefined` for formats without text. */
  readonly exactText: ((bytes: Uint8Array) => string | undefined) | undefined
}

/** Runs scripts of users where they reach nothing of the host, and no call learns of another. */
export interface ScriptEngine {
  /**
   * Reads a script once; its functions of these names can be called. Faults name it as it is `called`: the script.
   * @throws CoreError `codec.script_failed`, with the position, if it is no script; `codec.script_timeout` or
   * `codec.script_limit` if it takes too much.
   */
  open(source: string, names: readonly string[], limits: ScriptLimits, called?: string): Script
}

export interface Script {
  /** Which of the names it declares as functions. */
  readonly names: readonly string[]
  /**
   * Calls a function that it declares. `recvTime` of an argument, in epoch ms, is a Date there.
   * @throws CoreError `codec.script_failed`, with the position, `codec.script_timeout` or `codec.script_limit`.
   */
  call(name: string, args: readonly Json[], now: number): ScriptResult
}

export interface ScriptResult {
  readonly value: Json | undefined
  /** Where JSON has no word for what the script returned. */
  readonly warnings: readonly string[]
}

export interface ScriptLimits {
  readonly timeMs: number
  readonly memoryBytes: number
  readonly outputBytes: number
}

/** What some codecs need of the host. */
export interface CodecEngines {
  /** `undefined`: this host runs no scripts. */
  readonly scripts?: ScriptEngine | undefined
}

/** A format, as a device type of anyhub.yml names it. */
export interface CodecKind {
  /** What stands as `codec:` or `codec.type:`; also the name of its file. */
  readonly name: string
  /** For the reference: one sentence. */
  readonly summary: string
  /** What may stand beside `type`. */
  readonly options: z.ZodObject
  /**
   * The codec for these options, which the schema has checked.
   * @throws CoreError `codec.bad_options` for what a schema cannot say.
   */
  open(options: object, engines: CodecEngines): Codec
}

/** What most codecs have to warn of. */
export const NO_WARNINGS: readonly string[] = []
