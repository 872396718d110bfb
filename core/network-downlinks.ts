import type { Codec } from './codecs/codec.ts'
import { CoreError } from './errors.ts'
import { fromBase64, toBase64 } from './model/base64.ts'
import type { ReceivedCommand, Settlement } from './model/command.ts'
import { isJsonObject, type Json, type JsonObject } from './model/json.ts'
import type { NetworkSeat } from './model/network-seat.ts'
import type { NetworkCall, NetworkDownlink } from './networks/network.ts'
import type { Ports } from './ports.ts'
import type { Program } from './program.ts'

/** A request to the API of a network. */
export type NetworkRequestCall = Extract<NetworkCall, { kind: 'request' }>

/**
 * Sends a request to a network. Redirects are not followed; an address that is not public only where it is allowed.
 * @throws CoreError `channel.unavailable` if trying later may help; `channel.rejected` or `channel.forbidden_address` if not.
 */
export type CallNetwork = (
  call: NetworkRequestCall,
  options: { readonly allowPrivate: boolean },
) => Promise<void>

/** Commands of one device that are on their way at once. */
const AT_ONCE = 8

/** The queue, as far as it is asked for here. */
export interface CommandSource {
  receiveMany(deviceId: string, limit: number): Promise<readonly ReceivedCommand[]>
  settle(deviceId: string, lockToken: string, how: Settlement, reason?: string): Promise<unknown>
}

/** Brings commands to devices that are behind a network. */
export interface NetworkDownlinks {
  /** Whether commands of a device that is there go through its network. */
  serves(seat: NetworkSeat): boolean
  /**
   * Hands all that waits to the network. A command counts as completed once the network has taken it; one that the network
   * cannot take now waits until its lock is over, and one that it never will is rejected with the reason.
   */
  deliver(deviceId: string, seat: NetworkSeat): Promise<void>
}

export interface NetworkDownlinkOptions {
  readonly ports: Ports
  readonly program: Program
  readonly commands: () => CommandSource
  /** `undefined`: this host sends no requests to networks. */
  readonly call: CallNetwork | undefined
}

/** Builds the way from the queue of commands to networks. */
export function createNetworkDownlinks({
  ports,
  program,
  commands,
  call,
}: NetworkDownlinkOptions): NetworkDownlinks {
  const turns = new Map<string, Promise<void>>()

  /** @throws CoreError of the codec, of the network or of the way to it. */
  async function hand(
    deviceId: string,
    { network: name, address }: NetworkSeat,
    received: ReceivedCommand,
  ): Promise<void> {
    const one = program.networks.get(name)
    if (one?.network.downlink === undefined)
      throw new CoreError('network.no_downlink', `expected a network with downlinks, found ${name}`)
    const { command, properties } = received
    const codec =
      one.network.encodes === true
        ? undefined
        : (one.codec ?? program.deviceType(deviceId)?.decode.codec)
    const now = ports.clock.now()
    const content = contentOf(received, codec, now)
    const downlink: NetworkDownlink = {
      deviceId,
      address,
      name: command.name,
      commandId: command.commandId,
      at: now,
      properties: { ...properties, ...content.properties },
      payload: content.payload,
      ...(content.value === undefined ? {} : { value: content.value }),
      ...(content.fPort === undefined ? {} : { fPort: content.fPort }),
    }
    const wanted = one.network.downlink(downlink)
    if (wanted.kind === 'publish') {
      const { topic, payload, qos = 1 } = wanted
      checkTopic(topic)
      const body = { payload: toBase64(payload), encoding: 'base64' as const }
      const effect = { kind: 'publish' as const, topic, ...body, qos, retain: false }
      await ports.downlink.publish(effect, `${deviceId}/${command.commandId}`)
      return
    }
    if (call === undefined)
      throw new CoreError('network.no_downlink', 'expected a host that sends requests to networks')
    await call(wanted, { allowPrivate: one.allowPrivate && wanted.told !== true })
  }

  /** Gives false if the network takes nothing now. */
  async function handOver(
    deviceId: string,
    seat: NetworkSeat,
    received: ReceivedCommand,
  ): Promise<boolean> {
    const { lockToken, command } = received
    try {
      await hand(deviceId, seat, received)
      await commands().settle(deviceId, lockToken, 'complete')
      ports.observer.count('network.downlink', 1, { network: seat.network })
    } catch (error) {
      const isHopeless = error instanceof CoreError && !error.retryable
      const reason = error instanceof Error ? error.message : String(error)
      const facts = { deviceId, commandId: command.commandId, network: seat.network, reason }
      ports.observer.log('warn', 'command not taken by its network', facts)
      ports.observer.count('network.downlink_failed', 1, { network: seat.network })
      if (!isHopeless) return false
      await commands().settle(deviceId, lockToken, 'reject', reason)
    }
    return true
  }

  async function deliverAll(deviceId: string, seat: NetworkSeat): Promise<void> {
    try {
      // One that is disabled is served by nobody: what was sent to it waits, as for one that is not connected.
      if ((await ports.registry.get(deviceId))?.enabled === false) return
      for (;;) {
        const received = await commands().receiveMany(deviceId, AT_ONCE)
        if (received.length === 0) return
        // In their order: what the network queues, it sends in the order in which it came.
        for (const one of received) if (!(await handOver(deviceId, seat, one))) return
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      ports.observer.log('warn', 'commands of a network not delivered', { deviceId, reason })
    }
  }

  return {
    serves: ({ network }) => program.networks.get(network)?.network.downlink !== undefined,

    deliver(deviceId, seat) {
      const turn = (turns.get(deviceId) ?? Promise.resolve()).then(() => deliverAll(deviceId, seat))
      const last = turn.finally(() => {
        if (turns.get(deviceId) === last) turns.delete(deviceId)
      })
      turns.set(deviceId, last)
      return last
    },
  }
}

/**
 * What uplinks said of a device stands in the topic, and is not to be trusted.
 * @throws CoreError `network.no_downlink` for a topic that nobody can publish on.
 */
function checkTopic(topic: string): void {
  // Source: MQTT 5.0, 3.3.2.1 and 1.5.4.
  if (topic === '' || topic.length > 1_024 || /[+#\0]/.test(topic))
    throw new CoreError(
      'network.no_downlink',
      'expected a device whose names fit into a topic, found one whose names do not',
    )
}

interface Content {
  readonly payload: Uint8Array
  readonly value?: Json
  readonly fPort?: number
  readonly properties?: Readonly<Record<string, string>>
}

/**
 * What goes down: bytes as they are; what the codec makes of JSON; or the JSON itself, for a network that encodes.
 * `{"bytesHex": …}` or `{"bytesBase64": …}` with `fPort` and `confirmed` names bytes in JSON.
 * @throws CoreError `codec.*` or `command.invalid`.
 */
function contentOf(
  { payload, contentType, properties }: ReceivedCommand,
  codec: Codec | undefined,
  receivedAt: number,
): Content {
  const asked = readPort(properties['fPort'] ?? properties['f_port'])
  const value = /json|^$/i.test(contentType ?? '') ? readJson(payload) : undefined
  const named = isJsonObject(value) ? readBytes(value) : undefined
  const port = asked === undefined ? {} : { fPort: asked }
  if (named !== undefined) return { ...named, ...port }
  if (value === undefined) return { payload, ...port }
  if (codec?.encode === undefined || codec.name === 'json') return { payload, value, ...port }
  const encoded = codec.encode(value, { receivedAt, ...port })
  const fPort = asked ?? encoded.fPort
  return { payload: encoded.bytes, ...(fPort === undefined ? {} : { fPort }) }
}

const BYTES_FIELDS = new Set(['bytesHex', 'bytesBase64', 'fPort', 'confirmed'])

function readBytes(value: JsonObject): Content | undefined {
  const { bytesHex, bytesBase64, fPort, confirmed } = value
  if (!Object.keys(value).every((name) => BYTES_FIELDS.has(name))) return undefined
  const payload =
    typeof bytesHex === 'string'
      ? fromHex(bytesHex)
      : typeof bytesBase64 === 'string'
        ? fromBase64(bytesBase64)
        : undefined
  if (bytesHex === undefined && bytesBase64 === undefined) return undefined
  if (payload === undefined)
    throw new CoreError('command.invalid', 'expected bytesHex in hex or bytesBase64 in base64')
  const port = typeof fPort === 'number' ? readPort(String(fPort)) : undefined
  return {
    payload,
    ...(port === undefined ? {} : { fPort: port }),
    ...(typeof confirmed === 'boolean' ? { properties: { confirmed: String(confirmed) } } : {}),
  }
}

/** @throws CoreError `command.invalid` */
function readPort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const port = Number(text)
  if (/^\d{1,3}$/.test(text) && port >= 1 && port <= 223) return port
  throw new CoreError('command.invalid', 'fPort: expected 1 to 223')
}

function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[\da-f]*$/i.test(text)) return undefined
  return Uint8Array.from({ length: text.length / 2 }, (_, at) =>
    Number.parseInt(text.slice(2 * at, 2 * at + 2), 16),
  )
}

function readJson(payload: Uint8Array): Json | undefined {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
  } catch {
    return undefined
  }
}
