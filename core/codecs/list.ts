import { cayenneLpp } from './cayenne-lpp.ts'
import type { CodecKind } from './codec.ts'
import { json } from './json.ts'

/** Every codec that a device type may name: one file and one entry each. */
export const CODEC_KINDS: readonly CodecKind[] = [json, cayenneLpp]
