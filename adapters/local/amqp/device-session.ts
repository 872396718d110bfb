import { randomUUID } from 'node:crypto'
import rhea from 'rhea'
import type { Json, MethodAnswer, ReceivedCommand } from '../../../core/index.ts'
import type { CommandPump, Offered } from '../command-desk.ts'
import { toAzureUplink } from '../dialects/azure-uplink.ts'
import {
  type AmqpConnection,
  type AmqpDelivery,
  type AmqpInbound,
  type AmqpMessage,
  type AmqpOutbound,
  numberOf,
  textOf,
} from '../listeners/amqp/index.ts'
import type { MethodResponder } from '../method-desk.ts'
import { twinFaultOf } from '../twin-desk.ts'
import type { DevicePart } from './addresses.ts'
import { readAzureProperties, toCloudToDevice } from './azure-message.ts'
import type { AmqpServices } from './services.ts'

/** What one device does on one connection. */
export interface DeviceSession {
  attach(link: AmqpInbound | AmqpOutbound, part: DevicePart): void
  /** Closes its links. */
  end(condition: string, description: string): void
}

export interface DeviceSessionOptions {
  readonly deviceId: string
  readonly principal: string
  readonly connection: AmqpConnection
  readonly onEnd: () => void
  /** The device has come by another connection. */
  readonly onStolen: () => void
}

/** The devices that are here, each by the connection that came last. */
export interface DeviceSessions {
  open(options: DeviceSessionOptions): DeviceSession
}

/** Source: Azure IoT Hub, quotas: device-to-cloud messages. Unit: bytes. */
const MAX_TELEMETRY_BYTES = 262_144
/** Telemetry of one link that is not stored yet. */
const TELEMETRY_CREDIT = 200
const REQUEST_CREDIT = 50
const MAX_REQUEST_BYTES = 131_072 + 4_096
/** Commands on their way at once. */
const COMMAND_WINDOW = 50
/** Links of one part; a device that comes back may have old ones for a moment. */
const MAX_LINKS = 4

const DESIRED = '/notifications/twin/properties/desired'
const REPORTED = '/properties/reported'
/** Source: wire of azure-iot-device-amqp: ties the two links of a pair. */
const CORRELATION = 'com.microsoft:channel-correlation-id'

export function createDeviceSessions(services: AmqpServices): DeviceSessions {
  const live = new Map<string, DeviceSession>()

  return {
    open(options) {
      const { deviceId } = options
      const before = live.get(deviceId)
      let ending: ((heard: boolean) => void) | undefined
      const session = createDeviceSession(services, options, () => {
        if (live.get(deviceId) === session) live.delete(deviceId)
        ending?.(false)
        options.onEnd()
      })
      live.set(deviceId, session)
      ending = services.connections.began(deviceId)
      before?.end('amqp:link:stolen', 'the device has connected anew')
      return session
    },
  }
}

function createDeviceSession(
  services: AmqpServices,
  { deviceId, principal, connection, onStolen }: DeviceSessionOptions,
  onEnd: () => void,
): DeviceSession {
  const { core, add, twins, commands, methods, identities } = services
  const { clock, observer } = core.ports
  const links = new Map<AmqpInbound | AmqpOutbound, DevicePart>()
  /** What is to be undone for each link. */
  const endings = new Map<AmqpInbound | AmqpOutbound, () => void>()
  let ended = false

  function take(link: AmqpInbound | AmqpOutbound, part: DevicePart, ending: () => void): boolean {
    const same = [...links].filter(([one, of]) => of === part && one.kind === link.kind)
    if (same.length >= MAX_LINKS) {
      link.close('amqp:resource-limit-exceeded', `expected at most ${MAX_LINKS} links of this kind`)
      return false
    }
    links.set(link, part)
    endings.set(link, ending)
    return true
  }

  function closed(link: AmqpInbound | AmqpOutbound): void {
    links.delete(link)
    const ending = endings.get(link)
    endings.delete(link)
    ending?.()
    if (links.size === 0 && !ended) {
      ended = true
      onEnd()
    }
  }

  // Telemetry.

  function takeTelemetry(link: AmqpInbound): void {
    if (!take(link, 'events', () => undefined)) return
    link.accept({
      credit: TELEMETRY_CREDIT,
      maxMessageBytes: MAX_TELEMETRY_BYTES,
      onMessage(delivery) {
        if (identities.isDisabled(deviceId)) {
          delivery.reject('amqp:unauthorized-access', 'device is disabled')
          return
        }
        ingest(delivery).catch((error: unknown) => {
          observer.log('error', 'telemetry not stored', { deviceId, reason: reasonOf(error) })
          delivery.release()
        })
      },
      onClosed: () => closed(link),
    })
  }

  /** What was set aside is accepted: it is kept, and sending it again would not help. */
  async function ingest(delivery: AmqpDelivery): Promise<void> {
    const messages = delivery.batch ?? [delivery.message]
    const outcomes = await Promise.all(messages.map((message) => addOne(message)))
    if (outcomes.some(({ status }) => status === 'retry')) delivery.release()
    else delivery.accept()
  }

  function addOne(message: AmqpMessage) {
    return add(
      toAzureUplink({
        deviceId,
        payload: message.body,
        properties: readAzureProperties(message),
        source: 'amqp',
        receivedAt: clock.now(),
        principal,
        sourceIp: connection.transport.remoteAddress,
      }),
    )
  }

  // Commands.

  function sendCommands(link: AmqpOutbound): void {
    const pump: CommandPump = {
      dialect: 'azure',
      window: COMMAND_WINDOW,
      offer: (received) => offer(link, received),
    }
    if (!take(link, 'devicebound', () => commands.detach(deviceId, pump))) return
    link.accept({
      onCredit: () => commands.wake(deviceId),
      onClosed: () => closed(link),
    })
    commands.attach(deviceId, pump)
  }

  function offer(link: AmqpOutbound, received: ReceivedCommand): Promise<Offered> {
    if (!link.sendable()) return Promise.resolve('release')
    return new Promise((resolve) =>
      link.send(toCloudToDevice(deviceId, received), (settlement) => {
        switch (settlement) {
          case 'accepted':
            resolve('complete')
            return
          case 'rejected':
            resolve('reject')
            return
          default:
            resolve('abandon')
        }
      }),
    )
  }

  // Pairs of links, on which one side asks and the other answers.

  /** The link of the other direction that belongs to this one. */
  function partner(link: AmqpInbound, part: DevicePart): AmqpOutbound | undefined {
    const name = link.properties[CORRELATION]
    const others = [...links.keys()].filter(
      (one): one is AmqpOutbound => one.kind === 'outbound' && links.get(one) === part,
    )
    return others.find((one) => one.properties[CORRELATION] === name) ?? others.at(-1)
  }

  /** Watches of twins, by the link that tells them. */
  const watches = new Map<AmqpOutbound, () => void>()

  function openTwin(link: AmqpInbound | AmqpOutbound): void {
    if (link.kind === 'outbound') {
      const ending = (): void => {
        watches.get(link)?.()
        watches.delete(link)
      }
      if (take(link, 'twin', ending)) link.accept({ onClosed: () => closed(link) })
      return
    }
    if (!take(link, 'twin', () => undefined)) return
    link.accept({
      credit: REQUEST_CREDIT,
      maxMessageBytes: MAX_REQUEST_BYTES,
      onMessage(delivery) {
        const out = partner(link, 'twin')
        if (out === undefined) {
          delivery.reject('amqp:precondition-failed', 'expected a link for the answers')
          return
        }
        delivery.accept()
        void answerTwin(delivery.message, out)
      },
      onClosed: () => closed(link),
    })
  }

  async function answerTwin(message: AmqpMessage, out: AmqpOutbound): Promise<void> {
    const operation = textOf(message.annotations['operation'])
    const resource = textOf(message.annotations['resource']) ?? ''
    const answer = (status: number, body: Json | undefined, version?: number): void =>
      out.send({
        correlationId: message.rawCorrelationId ?? '',
        annotations: {
          status: rhea.types.wrap_int(status),
          ...(version === undefined
            ? {}
            : { version: rhea.types.wrap_long(version), resource: REPORTED }),
        },
        body: Buffer.from(body === undefined ? '' : JSON.stringify(body)),
      })
    const refuse = (fault: { status: number; errorCode: number; message: string }): void => {
      observer.count('twin.rejected', 1, { status: String(fault.status) })
      answer(fault.status, { errorCode: fault.errorCode, message: fault.message })
    }
    try {
      if (operation === 'GET') answer(200, await twins.get(deviceId))
      else if (operation === 'PATCH' && resource === REPORTED) {
        const done = await twins.report(deviceId, message.body)
        if ('fault' in done) refuse(done.fault)
        else answer(200, undefined, done.version)
      } else if (operation === 'PUT' && resource === DESIRED) {
        watchTwin(out)
        answer(200, undefined)
      } else if (operation === 'DELETE' && resource === DESIRED) {
        watches.get(out)?.()
        watches.delete(out)
        answer(204, undefined)
      } else refuse({ status: 400, errorCode: 400_000, message: 'no operation on twins' })
    } catch (error) {
      refuse(twinFaultOf(error))
    }
  }

  function watchTwin(out: AmqpOutbound): void {
    if (watches.has(out) || !links.has(out)) return
    const unwatch = twins.watch(deviceId, (patch, version) => {
      // Pushes are not queued: who takes none now sees by the next version that he has missed one.
      if (!out.sendable()) return
      out.send({
        annotations: { resource: DESIRED, version: rhea.types.wrap_long(version) },
        body: Buffer.from(JSON.stringify(patch)),
      })
    })
    watches.set(out, unwatch)
  }

  /** Methods that were asked and are not answered, by the id of the question. */
  const asked = new Map<string, (answer: MethodAnswer) => void>()

  function openMethods(link: AmqpInbound | AmqpOutbound): void {
    if (link.kind === 'inbound') {
      if (!take(link, 'methods', () => undefined)) return
      link.accept({
        credit: REQUEST_CREDIT,
        maxMessageBytes: MAX_REQUEST_BYTES,
        onMessage(delivery) {
          delivery.accept()
          takeAnswer(delivery.message)
        },
        onClosed: () => closed(link),
      })
      return
    }
    const responder: MethodResponder = {
      call: ({ name, payload }, signal) =>
        new Promise((resolve, reject) => {
          if (!links.has(link) || !link.sendable()) {
            reject(new Error('the link for methods takes nothing now'))
            return
          }
          const id = randomUUID()
          const forget = (): void => {
            asked.delete(id)
          }
          signal.addEventListener('abort', forget, { once: true })
          asked.set(id, (answer) => {
            forget()
            resolve(answer)
          })
          link.send(
            {
              correlationId: rhea.string_to_uuid(id),
              applicationProperties: { 'IoThub-methodname': name },
              body: Buffer.from(JSON.stringify(payload)),
            },
            (settlement) => {
              if (settlement !== 'accepted') {
                forget()
                reject(new Error('the device did not take the method'))
              }
            },
          )
        }),
    }
    if (!take(link, 'methods', () => methods.detach(deviceId, responder))) return
    let isThere = false
    link.accept({
      // Before the first credit the device takes no question, and who waits for it would be told that it is offline.
      onCredit() {
        if (isThere || !link.sendable()) return
        isThere = true
        methods.attach(deviceId, responder)
      },
      onClosed: () => closed(link),
    })
  }

  function takeAnswer(message: AmqpMessage): void {
    const answer = asked.get(message.correlationId ?? '')
    if (answer === undefined) {
      observer.count('method.unasked', 1)
      return
    }
    answer({
      status: numberOf(message.applicationProperties['IoThub-status']) ?? 0,
      payload: readJson(message.body),
    })
  }

  return {
    attach(link, part) {
      if (ended) {
        link.close('amqp:link:detach-forced', 'the device has left')
        return
      }
      switch (part) {
        case 'events':
          if (link.kind === 'inbound') takeTelemetry(link)
          else link.close('amqp:not-allowed', 'telemetry is sent, and not received, here')
          return
        case 'devicebound':
          if (link.kind === 'outbound') sendCommands(link)
          else link.close('amqp:not-allowed', 'devices receive here')
          return
        case 'twin':
          openTwin(link)
          return
        case 'methods':
          openMethods(link)
      }
    },

    end(condition, description) {
      if (ended) return
      ended = true
      // Where the connection ends with it, that is all that its client is told.
      if (condition === 'amqp:link:stolen') onStolen()
      for (const link of [...links.keys()]) {
        link.close(condition, description)
        closed(link)
      }
      onEnd()
    },
  }
}

/** What a device answers; what is no JSON is given on as text. */
function readJson(bytes: Uint8Array): Json {
  const text = Buffer.from(bytes).toString('utf8')
  if (text === '') return null
  try {
    const value: Json = JSON.parse(text)
    return value
  } catch {
    return text
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
