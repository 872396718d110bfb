import * as z from 'zod/mini'
import {
  type Core,
  CoreError,
  type DeviceInput,
  isDeviceId,
  type JsonObject,
  type Outcome,
  type Uplink,
} from '../../core/index.ts'
import { parseJson } from '../node/web-sender.ts'
import type { CommandPump } from './command-pump.ts'
import { type Hub, withoutFacts } from './hub.ts'
import { lazily } from './lazily.ts'
import type { AzureRegistry } from './registry.ts'
import type { Arrival } from './trigger.ts'

const Section = lazily(() => z.optional(z.record(z.string(), z.json())))

/** Source: IoT Hub, non-telemetry event schemas, twin change events. */
const TwinChange = lazily(() =>
  z.object({
    version: z.number(),
    tags: Section(),
    properties: z.optional(z.object({ desired: Section(), reported: Section() })),
  }),
)

export interface TakerOptions {
  readonly core: Core
  readonly hub: Pick<Hub, 'twin'>
  readonly pump: Pick<CommandPump, 'deliver'>
  readonly registry: Pick<AzureRegistry, 'adopt' | 'forget'>
}

/** An event of the hub itself, and its place in the batch. */
interface HubEvent extends Arrival {
  readonly index: number
  readonly deviceId: string
}

/**
 * Takes what the hub brings: telemetry to the core's ingest, and what the hub itself tells of a device — its twin, its
 * connection, its registration — through the gate. The outcomes stand in the order of the arrivals.
 */
export function createTaker({
  core,
  hub,
  pump,
  registry,
}: TakerOptions): (arrivals: readonly Arrival[]) => Promise<readonly Outcome[]> {
  async function run(deviceId: string, inputs: readonly DeviceInput[]) {
    const results = await core.gate.run(deviceId, inputs)
    for (const result of results) {
      if (result.status === 'refused') throw new CoreError(result.code, result.message)
      if (result.status === 'unstored') throw result.error
    }
  }

  async function mirrorWhole(deviceId: string, at: number): Promise<void> {
    const twin = await hub.twin(deviceId)
    // Gone by now: that it went is an event of its own.
    if (twin === undefined) return
    const { desired, reported, tags, version } = twin
    const state = { desired, reported, tags }
    await run(deviceId, [{ kind: 'mirror', name: '', state, version, at }])
  }

  async function mirror({ deviceId, operation, uplink }: HubEvent): Promise<void> {
    const { receivedAt: at, payload } = uplink
    const change = readTwinChange(payload)
    if (operation === 'replaceTwin') return mirrorWhole(deviceId, at)
    const { version } = change
    const state = sectionsOf(change)
    try {
      await run(deviceId, [{ kind: 'mirror', name: '', state, version, partial: true, at }])
    } catch (error) {
      // One before it is not known: then all of it is wanted.
      const isGap = error instanceof CoreError && error.code === 'shadow.version_conflict'
      if (!isGap) throw error
      await mirrorWhole(deviceId, at)
    }
  }

  async function takeConnection({ deviceId, operation, uplink }: HubEvent): Promise<void> {
    const connected = operation === 'deviceConnected'
    if (!connected && operation !== 'deviceDisconnected') return ignore(operation)
    const at = timeOf(uplink)
    const known = await core.ports.devices.load(deviceId)
    // The hub may tell of two connections in the wrong order. Source: IoT Hub, device connection state events.
    if (known !== undefined && at < known.presence.changedAt) return ignore('late')
    await run(deviceId, [{ kind: 'presence', connected, at }])
    if (!connected) return
    await registry.adopt(deviceId)
    await pump.deliver(deviceId)
  }

  async function takeLifecycle({ deviceId, operation, uplink }: HubEvent): Promise<void> {
    const at = timeOf(uplink)
    const tell = (event: 'registered' | 'removed') =>
      core.program.routes.has('lifecycle')
        ? run(deviceId, [{ kind: 'lifecycle', event, at }])
        : undefined
    if (operation === 'createDeviceIdentity') {
      await registry.adopt(deviceId)
      await tell('registered')
      return
    }
    if (operation !== 'deleteDeviceIdentity') return ignore(operation)
    const isGone = await registry.forget(deviceId)
    await tell('removed')
    // A device takes its twin with it: another one may get its name, and counts from the beginning.
    await run(deviceId, [{ kind: 'shadow', operation: 'delete', name: '', body: '', at }])
    if (!isGone) await mirrorWhole(deviceId, at)
  }

  function ignore(operation: string | undefined): void {
    core.ports.observer.count('azure.event_ignored', 1, { operation: operation ?? 'none' })
  }

  async function serve(event: HubEvent): Promise<void> {
    // Modules have twins and connections of their own, which are none of the device.
    if (event.moduleId !== undefined) return ignore('module')
    switch (event.source) {
      case 'twinChangeEvents':
        return mirror(event)
      case 'deviceConnectionStateEvents':
        return takeConnection(event)
      case 'deviceLifecycleEvents':
        return takeLifecycle(event)
      default:
        return ignore(event.source)
    }
  }

  /** The outcome, or, of what is malformed, the uplink with its fault: the core sets it aside with its bytes. */
  async function serveOrRetry(event: HubEvent): Promise<Outcome | Uplink> {
    const { deviceId, uplink } = event
    try {
      await serve(event)
      return { status: 'accepted', deviceId, messageId: uplink.deliveryId ?? '' }
    } catch (error) {
      if (error instanceof CoreError && !error.retryable) return { ...uplink, fault: error.message }
      const reason = error instanceof Error ? error.message : String(error)
      return {
        status: 'retry',
        error: error instanceof CoreError ? error : new CoreError('store.unavailable', reason),
      }
    }
  }

  return async (arrivals) => {
    const outcomes = new Map<number, Outcome>()
    const rest: { readonly index: number; readonly uplink: Uplink }[] = []
    const devices = new Map<string, HubEvent[]>()
    arrivals.forEach((arrival, index) => {
      const { deviceId, fault } = arrival.uplink
      const isEvent = arrival.source !== 'Telemetry' && fault === undefined
      if (!isEvent || deviceId === undefined || !isDeviceId(deviceId)) {
        rest.push({ index, uplink: arrival.uplink })
        return
      }
      const event = { ...arrival, uplink: named(arrival, deviceId), index, deviceId }
      const events = devices.get(deviceId)
      if (events === undefined) devices.set(deviceId, [event])
      else events.push(event)
    })
    // Devices beside each other, the events of each in their order.
    await Promise.all(
      [...devices.values()].map(async (events) => {
        for (const event of events) {
          const served = await serveOrRetry(event)
          if ('status' in served) outcomes.set(event.index, served)
          else rest.push({ index: event.index, uplink: served })
        }
      }),
    )
    const ingested = await core.ingest(rest.map(({ uplink }) => uplink))
    rest.forEach(({ index }, position) => {
      const outcome = ingested[position]
      if (outcome !== undefined) outcomes.set(index, outcome)
    })
    return arrivals.flatMap((_, index) => outcomes.get(index) ?? [])
  }
}

/** The event under a topic of its own: whoever looks at what was set aside sees that it is no telemetry. */
function named({ source, uplink }: Arrival, deviceId: string): Uplink {
  return { ...uplink, topic: `$iothub/${source}/${deviceId}` }
}

function sectionsOf({ tags, properties }: z.output<ReturnType<typeof TwinChange>>): {
  readonly desired?: JsonObject
  readonly reported?: JsonObject
  readonly tags?: JsonObject
} {
  const { desired, reported } = properties ?? {}
  return {
    ...(desired === undefined ? {} : { desired: withoutFacts(desired) }),
    ...(reported === undefined ? {} : { reported: withoutFacts(reported) }),
    ...(tags === undefined ? {} : { tags }),
  }
}

/** @throws CoreError `trigger.malformed` */
function readTwinChange(payload: Uint8Array): z.output<ReturnType<typeof TwinChange>> {
  const parsed = TwinChange().safeParse(parseJson(payload))
  if (parsed.success) return parsed.data
  const [fault] = parsed.error.issues
  throw new CoreError(
    'trigger.malformed',
    `expected a change of a twin: ${fault?.path.join('.')}: ${fault?.message}`,
  )
}

/** When it happened, which may be before the hub told. Unit: epoch ms. */
function timeOf({ facts, receivedAt }: Uplink): number {
  const at = Date.parse(facts?.userProperties?.['operationTimestamp']?.at(-1) ?? '')
  return Number.isNaN(at) ? receivedAt : at
}
