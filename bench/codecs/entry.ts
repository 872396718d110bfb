import type { Json } from '../../core/index.ts'

/** A format that is measured: one file each, named in list.ts. */
export interface CodecEntry {
  /** The name of the codec in anyhub.yml. */
  readonly codec: string
  readonly shapes: readonly CodecShape[]
  /** How many times what the fastest other side needs is allowed; 1 unless given. */
  readonly atMost?: number
  /** Ours first, then the libraries of npm. Each is loaded and measured in a process of its own. */
  readonly sides: readonly CodecSide[]
}

/** Messages of one size. */
export interface CodecShape {
  readonly name: string
  /** The pool: what the messages say. */
  readonly values: readonly Json[]
  /** The messages themselves; `undefined`: what our own encoder makes of the values. */
  readonly messages: readonly Uint8Array[] | undefined
}

export interface CodecSide {
  readonly name: string
  load(): Promise<LoadedSide>
}

export interface LoadedSide {
  readonly decode: ((bytes: Uint8Array) => unknown) | undefined
  readonly encode: ((value: Json) => Uint8Array) | undefined
  /**
   * Whether a decoded value is the right one; `undefined`: it equals the value that the message was made of. For
   * libraries that decode to a form of their own.
   */
  readonly isRight: ((decoded: unknown, value: Json) => boolean) | undefined
}

/** The name of our side in every entry. */
export const OURS = 'anyhub'

/** How many messages a pool has. */
export const POOL = 200
