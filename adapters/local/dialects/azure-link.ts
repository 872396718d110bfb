import { CoreError, type Json, type MethodAnswer, type Outcome } from '../../../core/index.ts'
import type { CommandPump, Offered } from '../command-desk.ts'
import type { MqttClientInfo, MqttPublish, MqttPublishVerdict } from '../listeners/mqtt/index.ts'
import type { MethodResponder } from '../method-desk.ts'
import { type TwinFault, twinFaultOf } from '../twin-desk.ts'
import { toDeviceBound } from './azure-command.ts'
import { type AzureProperties, readPropertyBag, writePropertyBag } from './azure-properties.ts'
import { toAzureUplink } from './azure-uplink.ts'
import { type ClientLink, type ClientServices, callAt } from './client-dialect.ts'

const TWIN_ANSWERS = '$iothub/twin/res/#'
const DESIRED = '$iothub/twin/PATCH/properties/desired/#'
const METHODS = '$iothub/methods/POST/#'

const TWIN_GET = /^\$iothub\/twin\/GET\/\?\$rid=([^&]+)/
const TWIN_REPORT = /^\$iothub\/twin\/PATCH\/properties\/reported\/\?\$rid=([^&]+)/

/** The status is the device's own. */
const METHOD_ANSWER = /^\$iothub\/methods\/res\/(-?\d{1,10})\/\?\$rid=([^&]+)/

/** Messages that are on their way to one device at once. */
const WINDOW = 8

const TAKEN: MqttPublishVerdict = { accept: true, route: false }

/** One connection of an Azure device that was let in, until `expiresAt` (epoch ms) if its proof has an end. */
export function createAzureLink(
  { core, add, listener, twins, commands, methods, log }: ClientServices,
  deviceId: string,
  expiresAt: number | undefined,
): ClientLink {
  const { clock, observer } = core.ports
  const events = `devices/${deviceId}/messages/events`
  const deviceBound = `devices/${deviceId}/messages/devicebound/`
  const received = `${deviceBound}#`
  const filters: ReadonlySet<string> = new Set([received, TWIN_ANSWERS, DESIRED, METHODS])
  let cancelExpiry: (() => void) | undefined
  /** What ends with a subscription, by its filter. */
  const endings = new Map<string, () => void>()
  /** What still comes of a client that is gone is its will. */
  let gone = false
  /** Who waits for the answer to a method, by request id. */
  const asked = new Map<string, Asked>()

  function refuse(what: string, reason: string): MqttPublishVerdict {
    observer.count('mqtt.refused', 1, { what })
    log?.({ event: 'message.dropped', clientId: deviceId, reason: `${what}: ${reason}` })
    return { accept: false, reason: 'not_authorized', disconnect: true }
  }

  function tell(topic: string, body: Json | undefined): void {
    const payload = body === undefined ? '' : JSON.stringify(body)
    void listener().deliver(deviceId, { topic, payload, qos: 0 })
  }

  function telemetry(message: MqttPublish, client: MqttClientInfo): Promise<MqttPublishVerdict> {
    const bag = message.topic.slice(events.length + 1)
    const properties = withMqttFacts(readPropertyBag(bag), message.retain, gone)
    if (properties === undefined) observer.count('mqtt.refused', 1, { what: 'property bag' })
    return add(
      toAzureUplink({
        deviceId,
        payload: message.payload,
        properties,
        source: 'mqtt',
        receivedAt: clock.now(),
        principal: client.principal,
        sourceIp: client.transport.remoteAddress,
        sentTo: message.topic,
        redelivered: message.dup,
        deliveryId: message.packetId === undefined ? undefined : `${deviceId}:${message.packetId}`,
      }),
    ).then(toVerdict)
  }

  function tellFault(requestId: string, fault: TwinFault): void {
    observer.count('twin.rejected', 1, { status: String(fault.status) })
    const { status, errorCode, message } = fault
    tell(`$iothub/twin/res/${status}/?$rid=${requestId}`, {
      errorCode,
      message,
      timestampUtc: new Date(clock.now()).toISOString(),
    })
  }

  async function getTwin(requestId: string): Promise<MqttPublishVerdict> {
    try {
      tell(`$iothub/twin/res/200/?$rid=${requestId}`, await twins.get(deviceId))
    } catch (error) {
      tellFault(requestId, twinFaultOf(error))
    }
    return TAKEN
  }

  async function reportTwin(requestId: string, body: Uint8Array): Promise<MqttPublishVerdict> {
    try {
      const done = await twins.report(deviceId, body)
      if ('fault' in done) tellFault(requestId, done.fault)
      else tell(`$iothub/twin/res/204/?$rid=${requestId}&$version=${done.version}`, undefined)
    } catch (error) {
      tellFault(requestId, twinFaultOf(error))
    }
    return TAKEN
  }

  function watchDesired(): () => void {
    return twins.watch(deviceId, (patch, version) =>
      tell(`$iothub/twin/PATCH/properties/desired/?$version=${version}`, patch),
    )
  }

  /** PUBACK is the word of the device: over MQTT it cannot reject or abandon. */
  const pump: CommandPump = {
    dialect: 'azure',
    window: WINDOW,
    async offer(command): Promise<Offered> {
      const handed = await listener().deliver(deviceId, {
        topic: deviceBound + writePropertyBag(toDeviceBound(deviceId, command)),
        payload: command.payload,
        qos: 1,
      })
      switch (handed) {
        case 'acknowledged':
          return 'complete'
        case 'refused':
          return { how: 'reject', reason: 'the client refused the message' }
        case 'lost':
          return 'abandon'
        case 'offline':
        case 'not_subscribed':
          return 'release'
      }
    },
  }

  const responder: MethodResponder = {
    async call({ name, payload }, signal) {
      const requestId = core.ports.ids.next(clock.now())
      const answer = new Promise<MethodAnswer>((resolve, reject) => {
        asked.set(requestId, { resolve, reject })
      })
      // It is awaited only once the question is out.
      answer.catch(() => undefined)
      signal.addEventListener('abort', () => asked.delete(requestId))
      const handed = await listener().deliver(deviceId, {
        topic: `$iothub/methods/POST/${name}/?$rid=${requestId}`,
        payload: JSON.stringify(payload),
        qos: 0,
      })
      if (handed !== 'acknowledged') throw new Error(handed)
      return answer
    },
  }

  function answerMethod(status: number, requestId: string, body: Uint8Array): MqttPublishVerdict {
    const one = asked.get(requestId)
    if (one === undefined) observer.count('mqtt.refused', 1, { what: 'method answer' })
    else one.resolve({ status, payload: readAnswer(body) })
    return TAKEN
  }

  function begin(filter: string): (() => void) | undefined {
    switch (filter) {
      case DESIRED:
        return watchDesired()
      case METHODS:
        methods.attach(deviceId, responder)
        return () => methods.detach(deviceId, responder)
      case received:
        commands.attach(deviceId, pump)
        return () => commands.detach(deviceId, pump)
      default:
        return undefined
    }
  }

  function end(filter: string): void {
    const ending = endings.get(filter)
    endings.delete(filter)
    ending?.()
  }

  return {
    publish(message, client) {
      const { topic, payload } = message
      // Source: iot-mqtt-connect-to-iot-hub: IoT Hub closes the connection of who publishes with QoS 2.
      if (message.qos === 2) return refuse('publish', 'QoS 2')
      if (topic === events || topic.startsWith(`${events}/`)) return telemetry(message, client)
      const getId = TWIN_GET.exec(topic)?.[1]
      if (getId !== undefined) return getTwin(getId)
      const reportId = TWIN_REPORT.exec(topic)?.[1]
      if (reportId !== undefined) return reportTwin(reportId, payload)
      const answer = METHOD_ANSWER.exec(topic)
      if (answer?.[2] !== undefined) return answerMethod(Number(answer[1]), answer[2], payload)
      return refuse('publish', 'not a topic of its own')
    },

    subscribe(filter, qos) {
      if (filters.has(filter)) return { accept: true, qos: qos === 2 ? 1 : qos }
      refuse('subscribe', 'not a filter of its own')
      return { accept: false }
    },

    subscribed(filter) {
      if (gone || endings.has(filter)) return
      const ending = begin(filter)
      if (ending !== undefined) endings.set(filter, ending)
    },

    unsubscribed: end,

    connected() {
      if (expiresAt === undefined) return
      cancelExpiry = callAt(expiresAt, clock.now, () => {
        observer.count('mqtt.expired', 1)
        listener().disconnect(deviceId, 'not_authorized')
      })
    },

    disconnected() {
      gone = true
      cancelExpiry?.()
      for (const filter of [...endings.keys()]) end(filter)
      const message = `${deviceId}: expected an answer, found the end of the connection`
      for (const { reject } of asked.values()) reject(new CoreError('method.timed_out', message))
    },
  }
}

/** Source: iot-mqtt-connect-to-iot-hub, "Send device-to-cloud messages", "Using the will". */
function withMqttFacts(
  properties: AzureProperties | undefined,
  retain: boolean,
  isWill: boolean,
): AzureProperties | undefined {
  if (properties === undefined || (!retain && !isWill)) return properties
  return {
    system: properties.system,
    application: {
      ...properties.application,
      ...(retain ? { 'mqtt-retain': 'true' } : {}),
      ...(isWill ? { 'iothub-MessageType': 'Will' } : {}),
    },
  }
}

/** What was set aside is acknowledged: it is kept, and sending it again would not help. */
function toVerdict(outcome: Outcome): MqttPublishVerdict {
  if (outcome.status === 'retry') throw outcome.error
  return TAKEN
}

interface Asked {
  readonly resolve: (answer: MethodAnswer) => void
  readonly reject: (error: Error) => void
}

/** What a device answers is JSON; what is none is passed on as text. */
function readAnswer(body: Uint8Array): Json {
  const text = Buffer.from(body).toString('utf8')
  try {
    return text.trim() === '' ? null : JSON.parse(text)
  } catch {
    return text
  }
}
