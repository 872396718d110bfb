import {
  type Core,
  CoreError,
  isJsonObject,
  type Json,
  type MethodAnswer,
  type MethodCall,
  type ReceivedCommand,
} from '../../core/index.ts'
import type { CommandDesk, CommandPump, Offered } from './command-desk.ts'
import {
  type CommandForm,
  commandTopic,
  type DeviceWord,
  methodTopic,
  reportAnswerTopic,
  type Wanted,
  wantedBy,
} from './dialects/command-topics.ts'
import type {
  Handed,
  MqttClientInfo,
  MqttDisconnectCause,
  MqttListener,
  MqttMessageProperties,
  MqttPublish,
} from './listeners/mqtt/index.ts'
import type { MethodDesk, MethodResponder } from './method-desk.ts'

/** The user property that names a command for an MQTT 5 client. */
export const COMMAND_ID_PROPERTY = 'command-id'

/** Commands that are on their way to one device at once. */
const WINDOW = 8

export interface MqttCommandsOptions {
  readonly core: Core
  readonly desk: CommandDesk
  readonly methods: MethodDesk
  readonly listener: () => Pick<MqttListener, 'deliver'>
  /** Sends an answer to whoever subscribed to its topic. */
  readonly publish: (topic: string, payload: string) => void
}

/** Commands and methods over MQTT, in the words of anyhub and of AWS. A device is who connects under its own id. */
export interface MqttCommands {
  subscribed(client: MqttClientInfo, filter: string): void
  unsubscribed(client: MqttClientInfo, filter: string): void
  disconnected(client: MqttClientInfo, cause: MqttDisconnectCause): void
  /** A device speaks of a command that it holds, or answers a method. */
  heard(word: DeviceWord, message: MqttPublish, client: MqttClientInfo): void
}

/** What one connection takes, by its filters. */
interface Taker {
  readonly client: MqttClientInfo
  readonly filters: Map<string, Wanted>
  readonly pump: CommandPump
  readonly responder: MethodResponder
  /** Who waits for the answer to a method, by request id. */
  readonly asked: Map<string, Asked>
}

interface Asked {
  readonly resolve: (answer: MethodAnswer) => void
  readonly reject: (error: Error) => void
}

/** A command that a device has, until it says what became of it. It may say so over its next connection. */
interface Held {
  readonly received: ReceivedCommand
  readonly say: (offered: Offered) => void
}

/** Builds what the MQTT front hands commands and methods to. */
export function createMqttCommands({
  core,
  desk,
  methods,
  listener,
  publish,
}: MqttCommandsOptions): MqttCommands {
  const takers = new Map<MqttClientInfo, Taker>()
  /** Clients whose connection we have ended: that is no failure of a delivery. */
  const cutOff = new WeakSet<MqttClientInfo>()
  /** By device and command. */
  const held = new Map<string, Held>()

  function formOf(taker: Taker): CommandForm | undefined {
    const wanted = new Set(taker.filters.values())
    if (wanted.has('execution')) return 'execution'
    return wanted.has('aws') ? 'aws' : wanted.has('plain') ? 'plain' : undefined
  }

  function createTaker(client: MqttClientInfo): Taker {
    const asked: Taker['asked'] = new Map()
    const taker: Taker = {
      client,
      filters: new Map(),
      asked,
      pump: { dialect: 'mqtt', window: WINDOW, offer: (received) => offer(taker, received) },
      responder: { call: (call, signal) => ask(taker, call, signal) },
    }
    return taker
  }

  async function offer(taker: Taker, received: ReceivedCommand): Promise<Offered> {
    const form = formOf(taker)
    if (form === undefined) return 'release'
    // Known before it is on its way: the device may be quicker than its PUBACK.
    const word = form === 'plain' ? undefined : awaitWord(received)
    const handed = await handOver(taker, form, received)
    // The connection is there and did not take it: it is too slow for now.
    if (handed === 'lost' && takers.get(taker.client) === taker) {
      word?.forget()
      return 'silent'
    }
    if (handed === 'acknowledged' && word !== undefined) return word.said
    word?.forget()
    return handed === 'lost' && cutOff.has(taker.client) ? 'release' : toOffered(handed)
  }

  function handOver(taker: Taker, form: CommandForm, received: ReceivedCommand): Promise<Handed> {
    const { clientId } = taker.client
    const { command, payload, contentType } = received
    const { commandId, name } = command
    const facts = { deviceId: clientId, commandId, name, contentType }
    const target =
      form === 'aws' &&
      [...taker.filters.keys()].every((one) => !one.startsWith('$aws/commands/things/'))
        ? 'clients'
        : 'things'
    return listener().deliver(clientId, {
      topic: commandTopic(form, facts, target),
      payload,
      qos: 1,
      properties: toProperties(received, core.ports.clock.now()),
    })
  }

  /** What the device will say, or that it said nothing as long as it held the command. */
  function awaitWord(received: ReceivedCommand): { said: Promise<Offered>; forget: () => void } {
    const key = keyOf(received.command.deviceId, received.command.commandId)
    let say = (_: Offered): void => undefined
    const said = new Promise<Offered>((resolve) => {
      say = resolve
    })
    const one: Held = {
      received,
      say(offered) {
        forget()
        say(offered)
      },
    }
    const forget = (): void => {
      clearTimeout(timer)
      if (held.get(key) === one) held.delete(key)
    }
    const left = Math.max(0, received.lockedUntil - core.ports.clock.now())
    const timer = setTimeout(() => one.say('silent'), left)
    timer.unref()
    held.set(key, one)
    return { said, forget }
  }

  async function ask(
    { client, asked }: Taker,
    { name, payload }: MethodCall,
    signal: AbortSignal,
  ): Promise<MethodAnswer> {
    const requestId = core.ports.ids.next(core.ports.clock.now())
    const answer = new Promise<MethodAnswer>((resolve, reject) => {
      asked.set(requestId, { resolve, reject })
    })
    // It is awaited only once the question is out.
    answer.catch(() => undefined)
    signal.addEventListener('abort', () => asked.delete(requestId))
    const handed = await listener().deliver(client.clientId, {
      topic: methodTopic(client.clientId, name, requestId),
      payload: JSON.stringify(payload),
      qos: 1,
      properties: { contentType: 'application/json' },
    })
    if (handed === 'offline' || handed === 'not_subscribed') throw new Error(handed)
    // It may have run: nobody knows.
    if (handed !== 'acknowledged') throw ended(client)
    return answer
  }

  /** An AWS device says how far it is; the words of AWS become those of the queue. */
  async function report(
    { received, say }: Held,
    body: Json | undefined,
  ): Promise<{ readonly error?: string }> {
    const status = isJsonObject(body) ? body['status'] : undefined
    switch (status) {
      case 'SUCCEEDED':
        say({ how: 'complete', ...reasonOf(body) })
        return {}
      case 'FAILED':
      case 'REJECTED':
      case 'TIMED_OUT':
        say({ how: 'reject', ...reasonOf(body, status) })
        return {}
      case 'IN_PROGRESS': {
        const { deviceId } = received.command
        await core.commands.renew(deviceId, received.lockToken)
        return {}
      }
      default:
        return { error: 'expected status SUCCEEDED, FAILED, REJECTED, TIMED_OUT or IN_PROGRESS' }
    }
  }

  async function answerReport(
    word: Extract<DeviceWord, { kind: 'settlement' }>,
    message: MqttPublish,
  ): Promise<void> {
    const executionId = word.commandId
    const one = held.get(keyOf(word.deviceId, word.commandId))
    let error: string | undefined = 'expected an execution that the device holds'
    try {
      if (one !== undefined) error = (await report(one, readJson(message.payload))).error
    } catch (failure) {
      error = failure instanceof Error ? failure.message : String(failure)
    }
    const body =
      error === undefined
        ? { executionId }
        : { error: 'InvalidRequest', errorMessage: error, executionId }
    if (error !== undefined) core.ports.observer.count('command.word_refused', 1)
    publish(reportAnswerTopic(message.topic, error === undefined), JSON.stringify(body))
  }

  function sit(taker: Taker): void {
    const { clientId } = taker.client
    if (formOf(taker) === undefined) desk.detach(clientId, taker.pump)
    else desk.attach(clientId, taker.pump)
    if ([...taker.filters.values()].includes('methods')) methods.attach(clientId, taker.responder)
    else methods.detach(clientId, taker.responder)
  }

  return {
    subscribed(client, filter) {
      const wanted = wantedBy(filter, client.clientId)
      if (wanted === undefined) return
      const taker = takers.get(client) ?? createTaker(client)
      takers.set(client, taker)
      taker.filters.set(filter, wanted)
      sit(taker)
    },

    unsubscribed(client, filter) {
      const taker = takers.get(client)
      if (taker?.filters.delete(filter)) sit(taker)
    },

    disconnected(client, cause) {
      const taker = takers.get(client)
      if (taker === undefined) return
      if (cause === 'server') cutOff.add(client)
      takers.delete(client)
      desk.detach(client.clientId, taker.pump)
      methods.detach(client.clientId, taker.responder)
      for (const { reject } of taker.asked.values()) reject(ended(client))
    },

    heard(word, message, client) {
      if (word.deviceId !== client.clientId) {
        core.ports.observer.count('command.word_refused', 1)
        return
      }
      if (word.kind === 'method_answer') {
        const { status, requestId } = word
        const payload = readAnswer(message.payload)
        takers.get(client)?.asked.get(requestId)?.resolve({ status, payload })
        return
      }
      if (word.how === 'report') {
        void answerReport(word, message)
        return
      }
      const one = held.get(keyOf(word.deviceId, word.commandId))
      if (one === undefined) core.ports.observer.count('command.word_refused', 1)
      else one.say({ how: word.how, ...reasonOf(readJson(message.payload)) })
    },
  }
}

function ended({ clientId }: MqttClientInfo): CoreError {
  const message = `${clientId}: expected an answer, found the end of the connection`
  return new CoreError('method.timed_out', message)
}

function keyOf(deviceId: string, commandId: string): string {
  return `${deviceId}/${commandId}`
}

/** PUBACK is the word of a device that says nothing else. What the connection took along counts as a delivery. */
function toOffered(handed: Handed): Offered {
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
}

function toProperties(
  { command, contentType, correlationId, properties }: ReceivedCommand,
  now: number,
): MqttMessageProperties {
  const named: [string, string][] = Object.entries(properties)
  named.push([COMMAND_ID_PROPERTY, command.commandId])
  return {
    userProperties: Object.fromEntries(named.map(([name, value]) => [name, [value]])),
    messageExpirySeconds: Math.max(1, Math.ceil((command.expiresAt - now) / 1_000)),
    ...(contentType === undefined ? {} : { contentType }),
    ...(correlationId === undefined ? {} : { correlationData: Buffer.from(correlationId) }),
  }
}

/** Why, in the words of the device. Source: AWS IoT developer guide, statusReason of command executions. */
function reasonOf(body: Json | undefined, status?: string): { readonly reason?: string } {
  const said = isJsonObject(body) ? (body['statusReason'] ?? body) : undefined
  if (!isJsonObject(said)) return status === undefined ? {} : { reason: status }
  const { reasonCode, reasonDescription, reason } = said
  const parts = [status, reasonCode, reasonDescription, reason].filter(
    (part) => typeof part === 'string' && part !== '',
  )
  return parts.length === 0 ? {} : { reason: parts.join(': ') }
}

function readJson(payload: Uint8Array): Json | undefined {
  try {
    return JSON.parse(Buffer.from(payload).toString('utf8'))
  } catch {
    return undefined
  }
}

/** What a device answers is JSON, or else the text that it is. */
function readAnswer(payload: Uint8Array): Json {
  if (payload.length === 0) return null
  const json = readJson(payload)
  return json === undefined ? Buffer.from(payload).toString('utf8') : json
}
