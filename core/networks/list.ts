import { chirpstack } from './chirpstack.ts'
import type { NetworkKind } from './network.ts'
import { sparkplug } from './sparkplug.ts'
import { theThingsStack } from './the-things-stack.ts'

/** Every network that a config may name: one file and one entry each. */
export const NETWORK_KINDS: readonly NetworkKind[] = [chirpstack, theThingsStack, sparkplug]
