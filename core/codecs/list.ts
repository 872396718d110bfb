import type { Codec } from './codec.ts'
import { json } from './json.ts'

/** Every codec that a device type may name. */
export const CODECS: readonly Codec[] = [json]
