import {
  type ConfigInput,
  type Core,
  compileProgram,
  createCore,
  decodeUplink,
  type Json,
  type Ports,
  type Program,
  parseConfig,
  type Telemetry,
  type Uplink,
} from '../../core/index.ts'
import { createMemoryPorts, createWorld, recordOf, type World } from '../fakes/memory-ports.ts'

/** The time at which tests play, epoch ms. */
export const NOW = 1_750_000_000_000

/** A config made ready; a faulty one fails the test. */
export function programOf(config: ConfigInput): Program {
  const parsed = parseConfig(config)
  if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
  const compiled = compileProgram(parsed.config)
  if ('faults' in compiled) throw new Error(JSON.stringify(compiled.faults))
  return compiled.program
}

export interface Running {
  readonly world: World
  readonly ports: Ports
  readonly core: Core
}

/** A process over a world, a fresh one unless given. As on the laptop, records are at hand without a load. */
export function start(
  config: ConfigInput,
  options: { world?: World; longLived?: boolean; process?: string } = {},
): Running {
  const { world = createWorld(NOW), ...rest } = options
  const ports = createMemoryPorts(world, rest)
  const recordAtHand = (deviceId: string) => recordOf(world, deviceId)
  return { world, ports, core: createCore(ports, programOf(config), { recordAtHand }) }
}

export function bytesOf(body: Json | Uint8Array): Uint8Array {
  return body instanceof Uint8Array ? body : new TextEncoder().encode(JSON.stringify(body))
}

/** One uplink of `dev-1`, unless said otherwise. */
export function uplink(body: Json | Uint8Array, changes: Partial<Uplink> = {}): Uplink {
  const deviceId = 'deviceId' in changes ? changes.deviceId : 'dev-1'
  return {
    topic: `devices/${deviceId}/telemetry`,
    payload: bytesOf(body),
    contentType: 'application/json',
    receivedAt: NOW,
    source: 'test',
    ...changes,
    deviceId,
  }
}

let uniqueIds = 0

/** What the codec of the default device type makes of an uplink. */
export function telemetryOf(
  program: Program,
  body: Json | Uint8Array,
  changes: Partial<Uplink> = {},
): Telemetry {
  const one = uplink(body, changes)
  const type = program.deviceType(one.deviceId ?? '')
  if (type === undefined) throw new Error('expected a device type')
  return decodeUplink(one, type.decode, `unique-${++uniqueIds}`)
}

/** Freezes a value and all that is in it, so that a change of it throws. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value
  if (Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const inner of Object.values(value)) deepFreeze(inner)
  return value
}
