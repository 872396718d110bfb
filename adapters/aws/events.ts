import * as z from 'zod/mini'
import {
  type Core,
  CoreError,
  type DeviceInput,
  isDeviceId,
  type Outcome,
  type Uplink,
} from '../../core/index.ts'
import type { CommandPump } from './command-pump.ts'
import { lazily } from './lazily.ts'

const SHADOW = /^\$aws\/things\/([^/]+)\/shadow(?:\/name\/([^/]+))?\/update\/documents$/
const PRESENCE = /^\$aws\/events\/presence\/(connected|disconnected)\/([^/]+)$/
const EXECUTION = /^devices\/([^/]+)\/executions\/([^/]+)\/(complete|reject|abandon)$/

/** A command on its way down: the filters of our rules match what we publish too. */
const BROUGHT = /^devices\/[^/]+\/executions\/[^/]+\/[^/]+$/

const Section = lazily(() => z.record(z.string(), z.json()))

/** Source: AWS IoT developer guide, device-shadow-mqtt, `/update/documents`. */
const Documents = lazily(() =>
  z.object({
    current: z.object({
      state: z.object({ desired: z.optional(Section()), reported: z.optional(Section()) }),
      version: z.number(),
    }),
  }),
)

/** Source: AWS IoT developer guide, life-cycle-events. */
const PresenceEvent = lazily(() =>
  z.object({ timestamp: z.number(), disconnectReason: z.optional(z.string()) }),
)

const Reason = lazily(() => z.object({ reason: z.string() }))

export interface TakerOptions {
  readonly core: Pick<Core, 'gate' | 'ingest'>
  readonly pump: Pick<CommandPump, 'deliver' | 'settle'>
  /** Names of the functions that publish to devices. What they say is none of the devices' uplinks. */
  readonly publishers: ReadonlySet<string>
}

/**
 * Takes what topic rules bring: telemetry to the core's ingest, and what AWS IoT itself tells of a device — its shadow,
 * its connection — and what a device says of a command through the gate. The outcomes stand in the order of the uplinks.
 */
export function createTaker({
  core,
  pump,
  publishers,
}: TakerOptions): (uplinks: readonly Uplink[]) => Promise<readonly Outcome[]> {
  /** Whether we published it ourselves. Shape: the principal of a function is `{role id}:{name of the function}`. */
  function isOwn({ topic, facts }: Uplink): boolean {
    if (BROUGHT.test(topic) && !EXECUTION.test(topic)) return true
    return publishers.has(/^[A-Z0-9]+:(.+)$/.exec(facts?.principal ?? '')?.[1] ?? '')
  }

  async function run(deviceId: string, input: DeviceInput, uplink: Uplink): Promise<Outcome> {
    const [result] = await core.gate.run(deviceId, [input])
    if (result?.status === 'refused') throw new CoreError(result.code, result.message)
    return { status: 'accepted', deviceId, messageId: uplink.deliveryId ?? '' }
  }

  async function serve(uplink: Uplink): Promise<Outcome> {
    const { topic, payload } = uplink
    const shadow = SHADOW.exec(topic)
    if (shadow?.[1] !== undefined && isDeviceId(shadow[1])) {
      const { state, version } = read(Documents(), payload).current
      const { desired, reported } = state
      return run(
        shadow[1],
        {
          kind: 'mirror',
          name: shadow[2] ?? '',
          state: {
            ...(desired === undefined ? {} : { desired }),
            ...(reported === undefined ? {} : { reported }),
          },
          version,
          at: uplink.receivedAt,
        },
        uplink,
      )
    }
    const presence = PRESENCE.exec(topic)
    if (presence?.[2] !== undefined && isDeviceId(presence[2])) {
      const connected = presence[1] === 'connected'
      const { timestamp } = read(PresenceEvent(), payload)
      const outcome = await run(presence[2], { kind: 'presence', connected, at: timestamp }, uplink)
      if (connected) await pump.deliver(presence[2])
      return outcome
    }
    const [, deviceId, commandId, how] = EXECUTION.exec(topic) ?? []
    if (
      deviceId === undefined ||
      commandId === undefined ||
      (how !== 'complete' && how !== 'reject' && how !== 'abandon')
    )
      throw new CoreError('trigger.malformed', 'expected an event of a device, found none')
    await pump.settle(deviceId, readName(commandId), how, reasonOf(payload))
    return { status: 'accepted', deviceId, messageId: uplink.deliveryId ?? '' }
  }

  /** The outcome, or, of what is malformed, the uplink with its fault: the core sets it aside with its bytes. */
  async function serveOrRetry(uplink: Uplink): Promise<Outcome | Uplink> {
    try {
      return await serve(uplink)
    } catch (error) {
      if (error instanceof CoreError && !error.retryable) return { ...uplink, fault: error.message }
      const reason = error instanceof Error ? error.message : String(error)
      return {
        status: 'retry',
        error: error instanceof CoreError ? error : new CoreError('store.unavailable', reason),
      }
    }
  }

  return async (uplinks) => {
    const outcomes = new Map<number, Outcome>()
    const rest: { readonly index: number; readonly uplink: Uplink }[] = []
    // One after the other: they are few, and of one device their order counts.
    for (const [index, uplink] of uplinks.entries()) {
      if (isOwn(uplink)) {
        const { deviceId = '', deliveryId: messageId = '' } = uplink
        outcomes.set(index, { status: 'accepted', deviceId, messageId })
        continue
      }
      const served = isEvent(uplink.topic) ? await serveOrRetry(uplink) : uplink
      if ('status' in served) outcomes.set(index, served)
      else rest.push({ index, uplink: served })
    }
    const ingested = await core.ingest(rest.map(({ uplink }) => uplink))
    rest.forEach(({ index }, position) => {
      const outcome = ingested[position]
      if (outcome !== undefined) outcomes.set(index, outcome)
    })
    return uplinks.flatMap((_, index) => outcomes.get(index) ?? [])
  }
}

function isEvent(topic: string): boolean {
  return topic.startsWith('$aws/') || EXECUTION.test(topic)
}

/** A part of a topic, percent-encoded. @throws CoreError `trigger.malformed` */
function readName(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new CoreError('trigger.malformed', 'expected the id of a command, percent-encoded')
  }
}

/** Why, if the device says so. */
function reasonOf(payload: Uint8Array): string | undefined {
  const parsed = Reason().safeParse(parse(payload))
  return parsed.success ? parsed.data.reason : undefined
}

/** @throws CoreError `trigger.malformed` */
function read<T>(schema: z.ZodMiniType<T>, payload: Uint8Array): T {
  const parsed = schema.safeParse(parse(payload))
  if (parsed.success) return parsed.data
  const [fault] = parsed.error.issues
  throw new CoreError('trigger.malformed', `${fault?.path.join('.')}: ${fault?.message}`)
}

function parse(payload: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(payload).toString('utf8'))
  } catch {
    return undefined
  }
}
