import {
  type Core,
  CoreError,
  type DeviceInput,
  isDeviceId,
  isJsonObject,
  type Json,
  type JsonObject,
  type Outcome,
  type Uplink,
} from '../../core/index.ts'
import type { CommandPump } from './command-pump.ts'
import { shadowPrefix, toMessage } from './downlink.ts'
import type { PubSub } from './pubsub.ts'

export interface TakerOptions {
  readonly core: Core
  readonly pump: CommandPump
  readonly pubsub: PubSub
  /** Where answers go. */
  readonly topic: string
}

/** A name that no table of a rule can have. */
const STATES = '$google-state'

const TOPIC = /^devices\/([^/]+)\/(shadow|presence|executions|state)(?:\/(.+))?$/
const SHADOW = /^(?:name\/([^/]+)\/)?(get|update|delete)$/
const EXECUTION = /^([^/]+)\/(complete|reject|abandon)$/

/**
 * Takes what the broker front and ingest-http bring: telemetry to the core's ingest; requests about the shadow, which the
 * core owns here, connections, and what a device says of a command through the gate. The outcomes stand in the order of
 * the uplinks.
 *
 * Shape: `devices/{id}/shadow[/name/{name}]/{get,update,delete}`, answered on the topic below it;
 *        `devices/{id}/presence/{connected,disconnected}`; `devices/{id}/executions/{commandId}/{complete,reject,abandon}`;
 *        `devices/{id}/state`, an object that becomes reported state, as at Cloud IoT Core.
 */
export function createTaker({
  core,
  pump,
  pubsub,
  topic: answers,
}: TakerOptions): (uplinks: readonly Uplink[]) => Promise<readonly Outcome[]> {
  async function runOne(deviceId: string, input: DeviceInput) {
    const [result] = await core.gate.run(deviceId, [input])
    if (result?.status === 'refused') throw new CoreError(result.code, result.message)
    if (result?.status === 'unstored') throw result.error
    return result
  }

  async function answer(to: string, body: Json, key: string): Promise<void> {
    const data = JSON.stringify(body)
    await pubsub.publish(answers, [toMessage({ to, data, qos: 1, retain: false, key })])
  }

  async function askShadow(deviceId: string, rest: string, uplink: Uplink): Promise<boolean> {
    const [, name = '', operation] = SHADOW.exec(rest) ?? []
    if (operation !== 'get' && operation !== 'update' && operation !== 'delete') return false
    const { payload: body, receivedAt: at } = uplink
    const input = { kind: 'shadow', operation, name, body, at, by: deviceId } as const
    const result = await runOne(deviceId, input)
    if (result?.status !== 'answered') return true
    // Of an update that was accepted the gate tells, whatever way it came.
    if (result.accepted && operation === 'update') return true
    const to = `${shadowPrefix(deviceId, name)}/${operation}/${result.accepted ? 'accepted' : 'rejected'}`
    await answer(to, result.body, uplink.deliveryId ?? '')
    return true
  }

  /** What the state before had and this one has not is gone; what came another way stays. */
  async function reportState(deviceId: string, { payload, receivedAt }: Uplink): Promise<boolean> {
    const state = readObject(payload)
    if (state === undefined) return false
    const before = await core.ports.tables.get(STATES, deviceId)
    const reported = withRemovals(state, isJsonObject(before) ? before : {})
    const body = JSON.stringify({ state: { reported } })
    await runOne(deviceId, { kind: 'shadow', operation: 'update', name: '', body, at: receivedAt })
    await core.ports.tables.put(STATES, deviceId, state)
    return true
  }

  /** False where it is telemetry after all. */
  async function serve(deviceId: string, what: string, rest: string, uplink: Uplink) {
    switch (what) {
      case 'shadow':
        return askShadow(deviceId, rest, uplink)
      case 'state':
        return rest === '' && (await reportState(deviceId, uplink))
      case 'presence': {
        if (rest !== 'connected' && rest !== 'disconnected') return false
        const connected = rest === 'connected'
        const at = uplink.sentAt ?? uplink.receivedAt
        await runOne(deviceId, { kind: 'presence', connected, at })
        if (connected) await pump.deliver(deviceId)
        return true
      }
      default: {
        const [, commandId = '', how] = EXECUTION.exec(rest) ?? []
        if (how !== 'complete' && how !== 'reject' && how !== 'abandon') return false
        await pump.settle(deviceId, decode(commandId), how)
        return true
      }
    }
  }

  async function serveOrRetry(uplink: Uplink): Promise<Outcome | undefined> {
    const [, deviceId = '', what = '', rest = ''] = TOPIC.exec(uplink.topic) ?? []
    if (!isDeviceId(deviceId)) return undefined
    try {
      if (!(await serve(deviceId, what, rest, uplink))) return undefined
      return { status: 'accepted', deviceId, messageId: uplink.deliveryId ?? '' }
    } catch (error) {
      // What is malformed goes the way of every uplink, and is set aside there with its bytes.
      if (error instanceof CoreError && !error.retryable) return undefined
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
      const outcome = TOPIC.test(uplink.topic) ? await serveOrRetry(uplink) : undefined
      if (outcome === undefined) rest.push({ index, uplink })
      else outcomes.set(index, outcome)
    }
    const ingested = await core.ingest(rest.map(({ uplink }) => uplink))
    rest.forEach(({ index }, position) => {
      const outcome = ingested[position]
      if (outcome !== undefined) outcomes.set(index, outcome)
    })
    return uplinks.flatMap((_, index) => outcomes.get(index) ?? [])
  }
}

/** The state, with a null for each value that the one before had and this one has not. */
function withRemovals(state: JsonObject, before: JsonObject): JsonObject {
  const patch = new Map<string, Json>(Object.entries(state))
  for (const [name, old] of Object.entries(before)) {
    const value = Object.hasOwn(state, name) ? state[name] : undefined
    if (value === undefined) patch.set(name, null)
    else if (isJsonObject(value) && isJsonObject(old)) patch.set(name, withRemovals(value, old))
  }
  return Object.fromEntries(patch)
}

function readObject(payload: Uint8Array): JsonObject | undefined {
  const found = parse(payload)
  return isJsonObject(found) ? found : undefined
}

function parse(payload: Uint8Array): Json | undefined {
  try {
    return JSON.parse(Buffer.from(payload).toString('utf8'))
  } catch {
    return undefined
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
