import {
  type Json,
  NETWORK_KINDS,
  type Network,
  type NetworkPart,
  type NetworkReading,
  type NetworkUplink,
} from '../../../core/index.ts'

/** The time at which tests play, epoch ms. */
export const NOW = 1_780_000_000_000

/** A network with checked options. */
export function openNetwork(type: string, options: object = {}): Network {
  const kind = NETWORK_KINDS.find(({ name }) => name === type)
  if (kind === undefined) throw new Error(`expected a network, found ${type}`)
  return kind.open(kind.options.parse({ type, ...options }))
}

export interface Given {
  readonly topic?: string
  readonly query?: Readonly<Record<string, string>>
}

export function bytesOf(body: Json | Uint8Array | undefined): Uint8Array {
  if (body instanceof Uint8Array) return body
  return new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body))
}

/** Reads messages one after the other, with what the network remembers in between. A text is itself, not JSON. */
export function createReader(network: Network) {
  const stored = new Map<string, Json>()
  const memory = new Map<string, Json | undefined>()
  return (body: Json | Uint8Array, { topic = '', query = {} }: Given = {}): NetworkReading => {
    const request = topic === '' ? { request: { query, headers: {} } } : {}
    const message = { topic, body: bytesOf(body), receivedAt: NOW, ...request }
    for (let round = 0; round < 4; round++) {
      const reading = network.read(message, memory)
      if ('needs' in reading) {
        for (const key of reading.needs) memory.set(key, stored.get(key))
        continue
      }
      for (const { key, value, lasting } of reading.remember ?? []) {
        memory.set(key, value)
        if (value === undefined) stored.delete(key)
        else if (lasting) stored.set(key, value)
      }
      return reading
    }
    throw new Error('expected a reading after four rounds')
  }
}

/** The parts of one message. */
export function partsOf(
  type: string,
  body: Json | Uint8Array,
  given: Given = {},
  options: object = {},
): readonly NetworkPart[] {
  return createReader(openNetwork(type, options))(body, given).parts
}

/** The one uplink in a message. */
export function uplinkOf(
  type: string,
  body: Json | Uint8Array,
  given: Given = {},
  options: object = {},
): NetworkUplink {
  const [part, ...others] = partsOf(type, body, given, options)
  if (part?.kind !== 'uplink' || others.length > 0)
    throw new Error(`expected one uplink, found ${part?.kind} and ${others.length} more`)
  return part
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
