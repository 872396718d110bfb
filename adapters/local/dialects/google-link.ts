import {
  isBound,
  isJsonObject,
  type Json,
  needsBinding,
  needsToken,
  type Outcome,
  type RegisteredDevice,
} from '../../../core/index.ts'
import type {
  MqttPublish,
  MqttPublishVerdict,
  MqttQos,
  MqttSubscribeVerdict,
} from '../listeners/mqtt/index.ts'
import type { DeviceConnections } from '../presence.ts'
import { type ClientLink, type ClientServices, callAt } from './client-dialect.ts'
import type { ConfigDesk } from './google-config.ts'
import type { GooglePath } from './google-ids.ts'
import { createSeat, type Seat, type SeatTopic } from './google-seat.ts'
import { MAX_STATE_BYTES, type StateDesk } from './google-state.ts'
import { toGoogleUplink } from './google-uplink.ts'

/** What this dialect works with. */
export interface GoogleServices extends ClientServices {
  /** The device as the registry knows it now. */
  readonly peek: (deviceId: string) => RegisteredDevice | undefined
  readonly configs: ConfigDesk
  readonly states: StateDesk
  readonly connections: DeviceConnections
}

/** Devices that are attached to a gateway, over all connections: a device is attached to one at a time. */
export type Seats = Map<string, AttachedSeat>

interface AttachedSeat {
  readonly seat: Seat
  /** It is attached no more; says so to its gateway if there is something to say. */
  readonly leave: (heard: boolean) => void
}

const PUBLISHED = /^\/devices\/([^/]+)\/(events|state|attach|detach)(?:\/(.*))?$/s
const SUBSCRIBED = /^\/devices\/([^/+#]+)\/(config|errors|commands)(\/#)?$/

const TAKEN: MqttPublishVerdict = { accept: true, route: false }

/** A gateway is noted as heard of so often within the interval that it promised. */
const HEARD_PARTS = 4

/** Source: Google Cloud IoT, "Using gateways with the MQTT bridge", system error messages. */
type ErrorType =
  | 'GATEWAY_ATTACHMENT_ERROR'
  | 'GATEWAY_DETACHMENT_DEVICE_ERROR'
  | 'GATEWAY_DEVICE_NOT_FOUND'
  | 'GATEWAY_INVALID_MQTT_TOPIC'

/** One connection of a Google device that was let in, until `expiresAt` (epoch ms) if its proof has an end. */
export function createGoogleLink(
  services: GoogleServices,
  seats: Seats,
  path: GooglePath,
  expiresAt: number | undefined,
): ClientLink {
  const { core, identities, add, listener, states, peek, log } = services
  const { clock, observer } = core.ports
  const { deviceId: clientId } = path
  /** Devices that are attached over this connection. */
  const attached = new Map<string, AttachedSeat>()
  /** Granted filters, so that who is attached after a session was resumed gets what it had subscribed to. */
  const granted = new Map<string, MqttQos>()
  const own = seatOf(clientId)
  let cancelExpiry: (() => void) | undefined
  let heardAt = 0
  /** Filters that are asked for before that are of a session that is resumed. */
  let isOpen = false
  /** What still comes of a client that is gone is its will. */
  let gone = false

  function seatOf(deviceId: string): Seat {
    return createSeat({
      deviceId,
      clientId,
      listener,
      configs: services.configs,
      commands: services.commands,
      failed: (what, error) =>
        observer.log('warn', `${what} not sent`, {
          deviceId,
          reason: error instanceof Error ? error.message : String(error),
        }),
    })
  }

  function note(what: string, reason: string): void {
    observer.count('mqtt.refused', 1, { what })
    log?.({ event: 'message.dropped', clientId, reason: `${what}: ${reason}` })
  }

  /** As IoT Core did: whoever does what it does not know loses the connection. */
  function refuse(what: string, reason: string): MqttPublishVerdict {
    note(what, reason)
    return { accept: false, reason: 'not_authorized', disconnect: true }
  }

  function isGateway(): boolean {
    return peek(clientId)?.gatewayAuth !== undefined
  }

  /** Where a gateway listens to errors, they are told there; else it loses the connection. */
  function fault(
    type: ErrorType,
    deviceId: string,
    description: string,
    message: { readonly kind: string; readonly topic: string; readonly packetId?: number },
  ): boolean {
    note(message.kind.toLowerCase(), description)
    const target = [own, attached.get(deviceId)?.seat].find(
      (seat) => seat?.hears('errors') === true,
    )
    if (target === undefined) return false
    const body = {
      error_type: type,
      device_id: deviceId,
      subfolder: '',
      mqtt_message_info: {
        message_type: message.kind,
        topic: message.topic,
        ...(message.packetId === undefined ? {} : { packet_id: message.packetId }),
      },
      description,
    }
    const topic = `/devices/${target.deviceId}/errors`
    void listener().deliver(clientId, { topic, payload: JSON.stringify(body), qos: 1 })
    return true
  }

  function faultOn(
    { topic, packetId }: MqttPublish,
    type: ErrorType,
    deviceId: string,
    description: string,
  ): MqttPublishVerdict {
    const info = packetId === undefined ? {} : { packetId }
    if (fault(type, deviceId, description, { kind: 'PUBLISH', topic, ...info })) return TAKEN
    return { accept: false, reason: 'not_authorized', disconnect: true }
  }

  function attach(deviceId: string, message: MqttPublish): MqttPublishVerdict {
    const auth = peek(clientId)?.gatewayAuth
    if (auth === undefined || deviceId === clientId) return refuse('attach', 'not a gateway')
    if (message.qos !== 1) return refuse('attach', 'expected QoS 1')
    const device = peek(deviceId)
    const deny = (why: string): MqttPublishVerdict =>
      faultOn(message, 'GATEWAY_ATTACHMENT_ERROR', deviceId, why)
    if (device === undefined) return deny('the device is not registered')
    if (!device.enabled) return deny('the device is disabled')
    if (needsBinding(auth) && !isBound(device, clientId))
      return deny('the device is not bound to the gateway')
    let until: number | undefined
    if (needsToken(auth)) {
      const token = tokenOf(message.payload)
      if (token === undefined) return deny('expected {"authorization": a token of the device}')
      const judged = identities.ofJwt(deviceId, token, path.project)
      if (judged.kind !== 'device')
        return deny(judged.kind === 'refused' ? judged.why : 'expected a token of the device')
      until = judged.expiresAt
    }
    const before = seats.get(deviceId)
    take(deviceId, until)
    before?.leave(false)
    return TAKEN
  }

  function take(deviceId: string, until: number | undefined): void {
    const seat = seatOf(deviceId)
    const endConnection = services.connections.began(deviceId, clientId)
    const cancel =
      until === undefined
        ? undefined
        : callAt(until, clock.now, () => {
            fault(
              'GATEWAY_DETACHMENT_DEVICE_ERROR',
              deviceId,
              'the token of the device has expired',
              {
                kind: 'PUBLISH',
                topic: `/devices/${deviceId}/attach`,
              },
            )
            entry.leave(false)
          })
    const entry: AttachedSeat = {
      seat,
      leave(heard) {
        cancel?.()
        seat.close()
        if (attached.get(deviceId) === entry) attached.delete(deviceId)
        if (seats.get(deviceId) === entry) seats.delete(deviceId)
        endConnection(heard)
      },
    }
    attached.set(deviceId, entry)
    seats.set(deviceId, entry)
    for (const [filter, qos] of granted) {
      const found = readFilter(filter)
      if (found?.deviceId === deviceId) seat.begin(found.topic, qos)
    }
  }

  /** The device of a topic, if this client may speak for it now. */
  function mayUse(deviceId: string): boolean {
    if (deviceId === clientId) return !identities.isDisabled(clientId)
    const entry = attached.get(deviceId)
    if (entry === undefined) return false
    const auth = peek(clientId)?.gatewayAuth
    const device = peek(deviceId)
    const isLost =
      auth === undefined ||
      device === undefined ||
      !device.enabled ||
      (needsBinding(auth) && !isBound(device, clientId))
    if (isLost) entry.leave(false)
    return !isLost
  }

  /** A gateway that speaks for others is heard of too; that is worth a write only now and then. */
  function hear(deviceId: string): void {
    const expectMs = core.program.deviceType(clientId)?.presence.expectMs ?? 0
    const at = clock.now()
    if (deviceId === clientId || expectMs === 0 || at < heardAt + expectMs / HEARD_PARTS) return
    heardAt = at
    void services.connections.heard(clientId)
  }

  function ingest(
    deviceId: string,
    subfolder: string,
    message: MqttPublish,
    sourceIp: string | undefined,
  ): Promise<MqttPublishVerdict> {
    return add(
      toGoogleUplink({
        path: { ...path, deviceId },
        subfolder,
        payload: message.payload,
        source: 'mqtt',
        receivedAt: clock.now(),
        gatewayId: deviceId === clientId ? undefined : clientId,
        sourceIp,
        redelivered: message.dup,
        deliveryId: message.packetId === undefined ? undefined : `${clientId}:${message.packetId}`,
      }),
    ).then(toVerdict)
  }

  function report(deviceId: string, { payload }: MqttPublish): Promise<MqttPublishVerdict> {
    // It lives longer than the buffer that it was read into.
    return states.report(deviceId, Uint8Array.from(payload)).then(() => TAKEN)
  }

  return {
    publish(message, { transport }) {
      const { topic, qos, retain, payload } = message
      if (qos === 2) return refuse('publish', 'QoS 2')
      if (retain) return refuse('publish', 'retained messages are not kept')
      const [, deviceId, what, rest] = PUBLISHED.exec(topic) ?? []
      if (deviceId === undefined || (rest !== undefined && what !== 'events'))
        return refuse('publish', 'not a topic of its own')
      if (gone && what !== 'events' && what !== 'state') return TAKEN
      if (what === 'attach') return attach(deviceId, message)
      if (what === 'detach') {
        if (!isGateway()) return refuse('detach', 'not a gateway')
        attached.get(deviceId)?.leave(true)
        return TAKEN
      }
      if (!mayUse(deviceId)) {
        if (!isGateway()) return refuse('publish', 'not a topic of its own')
        const why = 'the device is not attached to the gateway'
        return faultOn(message, 'GATEWAY_DEVICE_NOT_FOUND', deviceId, why)
      }
      hear(deviceId)
      if (what === 'events') return ingest(deviceId, rest ?? '', message, transport.remoteAddress)
      if (payload.length > MAX_STATE_BYTES) return refuse('state', 'over 64 KB')
      return report(deviceId, message)
    },

    subscribe(filter, qos) {
      const found = readFilter(filter)
      const granting: MqttSubscribeVerdict = { accept: true, qos: qos === 2 ? 1 : qos }
      if (found !== undefined && mayUse(found.deviceId)) return granting
      // A gateway attaches its devices anew; until then nothing goes out on what it has subscribed to for them.
      if (!isOpen) return found !== undefined && isGateway() ? granting : { accept: false }
      const isTold =
        found !== undefined &&
        isGateway() &&
        fault('GATEWAY_DEVICE_NOT_FOUND', found.deviceId, 'the device is not attached', {
          kind: 'SUBSCRIBE',
          topic: filter,
        })
      if (found === undefined) note('subscribe', 'not a filter of its own')
      // After the answer, so that the client knows what it was.
      if (!isTold) setImmediate(() => listener().disconnect(clientId, 'not_authorized'))
      return { accept: false }
    },

    subscribed(filter, qos) {
      granted.set(filter, qos)
      const found = readFilter(filter)
      if (gone || found === undefined) return
      const seat = found.deviceId === clientId ? own : attached.get(found.deviceId)?.seat
      seat?.begin(found.topic, qos)
    },

    unsubscribed(filter) {
      granted.delete(filter)
      const found = readFilter(filter)
      if (found === undefined) return
      const seat = found.deviceId === clientId ? own : attached.get(found.deviceId)?.seat
      seat?.end(found.topic)
    },

    connected() {
      isOpen = true
      if (expiresAt === undefined) return
      cancelExpiry = callAt(expiresAt, clock.now, () => {
        observer.count('mqtt.expired', 1)
        listener().disconnect(clientId, 'not_authorized')
      })
    },

    disconnected() {
      gone = true
      cancelExpiry?.()
      own.close()
      for (const entry of [...attached.values()]) entry.leave(false)
    },
  }
}

/** Source: Google Cloud IoT: only commands have levels below them. */
function readFilter(
  filter: string,
): { readonly deviceId: string; readonly topic: SeatTopic } | undefined {
  const [, deviceId, topic, below] = SUBSCRIBED.exec(filter) ?? []
  if (deviceId === undefined || (below !== undefined && topic !== 'commands')) return undefined
  if (topic !== 'config' && topic !== 'commands' && topic !== 'errors') return undefined
  return { deviceId, topic }
}

function tokenOf(payload: Uint8Array): string | undefined {
  try {
    const body: Json = JSON.parse(new TextDecoder().decode(payload))
    const token = isJsonObject(body) ? body['authorization'] : undefined
    return typeof token === 'string' ? token : undefined
  } catch {
    return undefined
  }
}

/** What was set aside is acknowledged: it is kept, and sending it again would not help. */
function toVerdict(outcome: Outcome): MqttPublishVerdict {
  if (outcome.status === 'retry') throw outcome.error
  return TAKEN
}
