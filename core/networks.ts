import type { DeviceGate } from './device-gate.ts'
import { CoreError } from './errors.ts'
import { toBase64 } from './model/base64.ts'
import { isJsonObject, type Json, type JsonObject } from './model/json.ts'
import type { Ingest, Outcome, Uplink, UplinkFacts } from './model/uplink.ts'
import type {
  Network,
  NetworkMemory,
  NetworkMessage,
  NetworkNeed,
  NetworkPart,
  NetworkPresence,
  NetworkReading,
  NetworkUplink,
} from './networks/network.ts'
import type { Ports } from './ports.ts'
import type { Program, ProgramNetwork } from './program.ts'

/** The table that lasting memos of networks stand in. */
const TABLE = '$networks'

/** How often a network may ask for more of what it remembers before it reads a message. */
const MAX_ROUNDS = 4

/** Memos kept at hand in this process; of more, those go that were used longest ago. */
const MAX_MEMOS = 20_000

/** What stands before the name of a network where an uplink or a dead letter says how it came. */
const SOURCE = 'network/'

/** How a message of a network came, besides what is in it. */
export interface NetworkDelivery {
  readonly contentType: string
  readonly facts?: UplinkFacts
  readonly redelivered?: boolean
  /** Names the delivery on its connection. */
  readonly deliveryId?: string
  /** Whether whoever sent it may speak for a device; without it, for all of them. */
  readonly maySpeakFor?: (deviceId: string) => boolean
}

/** What became of a message of a network. */
export interface NetworkReport {
  /** One for each part that is a device's, in the order of the message; one dead letter if none of it could be read. */
  readonly outcomes: readonly Outcome[]
  /** Parts that are meant for others. */
  readonly ignored: number
  /** What the network wants to hear. */
  readonly reply?: Json
  /** True: whoever sent it may not speak for a device in it, and nothing was done. */
  readonly refused: boolean
  /** True: the network does not know such a message, and nothing was done. */
  readonly foreign: boolean
}

/** Takes in what networks hand over. */
export interface Networks {
  take(
    network: ProgramNetwork,
    message: NetworkMessage,
    delivery: NetworkDelivery,
    add: (uplink: Uplink) => Promise<Outcome>,
  ): Promise<NetworkReport>
  /** Keeps the start of a body that is too large to be read, and gives the id of its dead letter. */
  refuseLarge(
    network: ProgramNetwork,
    message: NetworkMessage,
    contentType: string,
    bytes: number,
  ): Promise<string>
  /** The ingest that also knows topics of networks, for hosts that see nothing but topics. */
  readonly ingest: Ingest
  /** Reads a message again that was set aside; `undefined` if no network brought it. */
  again(
    letter: { readonly source: string; readonly topic: string; readonly contentType: string } & {
      readonly payload: Uint8Array
    },
    now: number,
  ): Promise<Outcome | undefined>
}

/** Builds the use case. Its only state is what networks remember, as far as it is at hand. */
export function createNetworks(
  ports: Ports,
  program: Program,
  gate: DeviceGate,
  ingest: Ingest,
): Networks {
  const memos = new Map<string, Json | undefined>()
  /** The reading that goes on, by network: one after the other. */
  const chains = new Map<string, Promise<unknown>>()
  /** Look-ups that go on. Whoever asks meanwhile waits for the same, so that messages of a device stay in their order. */
  const lookups = new Map<string, Promise<boolean>>()

  /** Whether the registry has the device, and says that it may not speak. */
  function isDisabled(deviceId: string): Promise<boolean> {
    const underWay = lookups.get(deviceId)
    if (underWay !== undefined) return underWay
    const lookup = ports.registry
      .get(deviceId)
      .then((device) => device?.enabled === false)
      .finally(() => lookups.delete(deviceId))
    lookups.set(deviceId, lookup)
    return lookup
  }

  /** @throws CoreError `network.not_its_device` or `device.disabled` */
  async function checkDevice({ covers }: ProgramNetwork, deviceId: string): Promise<void> {
    if (!covers(deviceId))
      throw new CoreError(
        'network.not_its_device',
        'expected a device that the network may speak for, found one beyond its pattern',
      )
    if (await isDisabled(deviceId))
      throw new CoreError(
        'device.disabled',
        'expected a device that is enabled, found one that is not',
      )
  }

  function keep(key: string, value: Json | undefined): void {
    memos.delete(key)
    memos.set(key, value)
    if (memos.size <= MAX_MEMOS) return
    const [oldest] = memos.keys()
    if (oldest !== undefined) memos.delete(oldest)
  }

  /** What is at hand of one network, besides what was looked up for one message. */
  function memoryOf(name: string, found: ReadonlyMap<string, Json | undefined>): NetworkMemory {
    return {
      get: (key) => (found.has(key) ? found.get(key) : memos.get(`${name}/${key}`)),
      has: (key) => found.has(key) || memos.has(`${name}/${key}`),
    }
  }

  async function readRemembering(
    { name, network, prefix }: ProgramNetwork,
    message: NetworkMessage,
    maySpeakFor: NetworkDelivery['maySpeakFor'],
  ): Promise<NetworkReading | 'refused'> {
    // Where others do the same work at the same time, what was at hand may be old: each message looks again.
    const isAlone = ports.longLived
    const found = new Map<string, Json | undefined>()
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const reading = readPurely(network, message, memoryOf(name, found))
      if ('parts' in reading) {
        // Before anything is remembered: nobody changes what is known of the devices of others.
        if (
          maySpeakFor !== undefined &&
          !reading.parts.every((part) => isHis(part, prefix, maySpeakFor))
        )
          return 'refused'
        for (const { key, value, lasting } of reading.remember ?? []) {
          if (lasting && value !== undefined) await ports.tables.put(TABLE, `${name}/${key}`, value)
          if (lasting && value === undefined) await ports.tables.remove(TABLE, `${name}/${key}`)
          if (isAlone) keep(`${name}/${key}`, value)
        }
        return reading
      }
      for (const key of reading.needs) {
        const value = await ports.tables.get(TABLE, `${name}/${key}`)
        if (isAlone) keep(`${name}/${key}`, value)
        else found.set(key, value)
      }
    }
    throw new CoreError('network.malformed', 'expected less to be remembered for one message')
  }

  function read(
    one: ProgramNetwork,
    message: NetworkMessage,
    maySpeakFor: NetworkDelivery['maySpeakFor'],
  ): Promise<NetworkReading | 'refused'> {
    if (!one.network.remembers) return readRemembering(one, message, maySpeakFor)
    const reading = (chains.get(one.name) ?? Promise.resolve()).then(() =>
      readRemembering(one, message, maySpeakFor),
    )
    chains.set(
      one.name,
      reading.catch(() => undefined),
    )
    return reading
  }

  /** What cannot be kept now has to come again. */
  async function setAside(
    { name }: ProgramNetwork,
    message: NetworkMessage,
    contentType: string,
    error: CoreError,
    deviceId?: string,
  ): Promise<Outcome> {
    ports.observer.count('uplink.received', 1)
    ports.observer.count('uplink.rejected', 1, { code: error.code })
    const now = ports.clock.now()
    const id = ports.ids.next(now)
    const { topic, payload } = originOf(name, message, contentType)
    try {
      await ports.deadLetters.put({
        id,
        at: now,
        topic,
        source: SOURCE + name,
        contentType,
        payload,
        payloadBytes: payload.length,
        receivedAt: message.receivedAt,
        code: error.code,
        reason: error.message,
        ...(deviceId === undefined ? {} : { deviceId }),
      })
    } catch (failure) {
      return { status: 'retry', error: asFault(failure) }
    }
    return { status: 'dead_lettered', deadLetterId: id, error }
  }

  async function tellPresence(
    { deviceId: name, connected, at }: NetworkPresence,
    prefix: string,
  ): Promise<Outcome> {
    const deviceId = prefix + name
    const [result] = await gate.run(deviceId, [{ kind: 'presence', connected, at }])
    if (result?.status === 'refused') throw new CoreError(result.code, result.message)
    return { status: 'accepted', deviceId, messageId: `presence-${at}` }
  }

  async function takePart(
    one: ProgramNetwork,
    message: NetworkMessage,
    part: NetworkPart,
    delivery: NetworkDelivery,
    add: (uplink: Uplink) => Promise<Outcome>,
  ): Promise<Outcome | undefined> {
    let deviceId: string | undefined
    try {
      switch (part.kind) {
        case 'uplink':
          deviceId = one.prefix + part.deviceId
          await checkDevice(one, deviceId)
          return await add(toUplink(one, message, part, delivery, program.config.limits))
        case 'presence':
          deviceId = one.prefix + part.deviceId
          await checkDevice(one, deviceId)
          return await tellPresence(part, one.prefix)
        case 'fault':
          if (part.deviceId !== undefined) deviceId = one.prefix + part.deviceId
          return await setAside(one, message, delivery.contentType, part.error, deviceId)
        case 'publish': {
          const { topic, payload, qos = 1 } = part
          const body = { payload: toBase64(payload), encoding: 'base64' as const }
          const effect = {
            kind: 'publish' as const,
            topic,
            ...body,
            qos,
            retain: false,
          }
          await ports.downlink.publish(effect, `${one.name}/${topic}/${message.receivedAt}`)
          return undefined
        }
        case 'ignored':
          return undefined
      }
    } catch (error) {
      const fault = asFault(error)
      if (fault.retryable) return { status: 'retry', error: fault }
      return setAside(one, message, delivery.contentType, fault, deviceId)
    }
  }

  const take: Networks['take'] = async (one, message, delivery, add) => {
    let reading: NetworkReading | 'refused'
    try {
      reading = await read(one, message, delivery.maySpeakFor)
    } catch (error) {
      const fault = asFault(error)
      if (fault.retryable)
        return {
          outcomes: [{ status: 'retry', error: fault }],
          ignored: 0,
          refused: false,
          foreign: false,
        }
      const outcome = await setAside(one, message, delivery.contentType, fault)
      return { outcomes: [outcome], ignored: 0, refused: false, foreign: false }
    }
    if (reading === 'refused') return { outcomes: [], ignored: 0, refused: true, foreign: false }
    const { parts, reply } = reading
    const outcomes = await Promise.all(
      parts.map((part) => takePart(one, message, part, delivery, add)),
    )
    return {
      outcomes: outcomes.filter((outcome) => outcome !== undefined),
      ignored: parts.filter(({ kind }) => kind === 'ignored').length,
      refused: false,
      foreign: parts.length === 0,
      ...(reply === undefined ? {} : { reply }),
    }
  }

  async function addDirectly(uplink: Uplink): Promise<Outcome> {
    const [outcome] = await ingest([uplink])
    return outcome ?? { status: 'retry', error: asFault(new Error('expected one outcome')) }
  }

  /** What becomes of a message as a whole: it comes again if a part of it has to. `undefined`: the network does not know it. */
  async function takeWhole(
    one: ProgramNetwork,
    message: NetworkMessage,
    delivery: NetworkDelivery,
  ): Promise<Outcome | undefined> {
    const { outcomes, foreign } = await take(one, message, delivery, addDirectly)
    if (foreign) return undefined
    const worst = WORST_FIRST.map((status) => outcomes.find((one) => one.status === status))
    const nothing: Outcome = { status: 'accepted', deviceId: '', messageId: '' }
    return worst.find((outcome) => outcome !== undefined) ?? nothing
  }

  return {
    take,

    async refuseLarge({ name }, message, contentType, bytes) {
      const now = ports.clock.now()
      const id = ports.ids.next(now)
      const { topic, payload } = originOf(name, message, contentType)
      ports.observer.count('uplink.received', 1)
      ports.observer.count('uplink.rejected', 1, { code: 'uplink.too_large' })
      await ports.deadLetters.put({
        id,
        at: now,
        topic,
        source: SOURCE + name,
        contentType,
        payload: payload.subarray(0, program.config.limits.bodyBytes),
        payloadBytes: bytes,
        receivedAt: message.receivedAt,
        code: 'uplink.too_large',
        reason: `a body of ${bytes} bytes or more; only its start was kept`,
      })
      return id
    },

    async ingest(uplinks, onOutcome) {
      if (program.networks.size === 0) return ingest(uplinks, onOutcome)
      const outcomes: Outcome[] = new Array(uplinks.length)
      const settle = (index: number, outcome: Outcome): void => {
        outcomes[index] = outcome
        onOutcome?.(index, outcome)
      }
      const others: number[] = []
      const underWay: Promise<void>[] = []
      for (const [index, uplink] of uplinks.entries()) {
        const one = uplink.network === undefined && program.networks.ofTopic(uplink.topic)
        if (!one) {
          others.push(index)
          continue
        }
        const { topic, payload: body, receivedAt, contentType, redelivered, facts } = uplink
        const delivery = {
          contentType,
          ...(redelivered === undefined ? {} : { redelivered }),
          ...(facts === undefined ? {} : { facts }),
        }
        const taken = takeWhole(one, { topic, body, receivedAt }, delivery)
        underWay.push(
          taken.then(async (outcome) => settle(index, outcome ?? (await addDirectly(uplink)))),
        )
      }
      const rest = others.flatMap((index) => uplinks[index] ?? [])
      if (rest.length > 0)
        underWay.push(
          ingest(rest, (at, outcome) => settle(others[at] ?? 0, outcome)).then(() => undefined),
        )
      await Promise.all(underWay)
      return outcomes
    },

    async again({ source, topic, contentType, payload: body }, now) {
      const one = source.startsWith(SOURCE)
        ? program.networks.get(source.slice(SOURCE.length))
        : undefined
      if (one === undefined) return undefined
      const message = messageOf(one.name, topic, body, now)
      return takeWhole(one, message, { contentType, redelivered: true })
    },
  }
}

/**
 * Reading is pure: an exception that is none of the core's is one that this message meets each time, and to have it sent
 * again helps nobody.
 */
function readPurely(
  network: Network,
  message: NetworkMessage,
  memory: NetworkMemory,
): NetworkReading | NetworkNeed {
  try {
    return network.read(message, memory)
  } catch (cause) {
    if (cause instanceof CoreError) throw cause
    throw new CoreError('network.malformed', 'expected a message that can be read, found another', {
      cause,
    })
  }
}

/** What becomes of a message of several parts: the first of these that is among its outcomes. */
const WORST_FIRST = ['retry', 'dead_lettered', 'accepted', 'duplicate'] as const

function isHis(
  part: NetworkPart,
  prefix: string,
  maySpeakFor: (deviceId: string) => boolean,
): boolean {
  // What is nobody's, everybody may say; but to ask something of others, one has to speak for all.
  if (part.deviceId === undefined) return part.kind !== 'publish'
  return maySpeakFor(prefix + part.deviceId)
}

function toUplink(
  { name, prefix, usesBytes }: ProgramNetwork,
  message: NetworkMessage,
  part: NetworkUplink,
  { contentType, facts, redelivered, deliveryId }: NetworkDelivery,
  limits: Program['config']['limits'],
): Uplink {
  const deviceId = prefix + part.deviceId
  const isWhole = part.path === undefined
  const topic = `devices/${deviceId}/telemetry${isWhole ? '' : `/${part.path}`}`
  const decoded = usesBytes && isWhole && part.payload.length > 0 ? undefined : part.decoded
  const known: JsonObject =
    message.topic === '' ? (part.facts ?? {}) : { ...part.facts, topic: message.topic }
  const uplink: { -readonly [K in keyof Uplink]: Uplink[K] } = {
    deviceId,
    topic,
    payload: part.payload,
    contentType: part.contentType ?? '',
    receivedAt: message.receivedAt,
    source: SOURCE + name,
    network: {
      name,
      facts: known,
      origin: originOf(name, message, contentType),
      ...(part.address === undefined ? {} : { address: part.address }),
    },
  }
  if (decoded !== undefined) {
    uplink.decoded = decoded
    // What is too deep to be written is refused where its depth is judged.
    const isLarge = message.body.length > limits.bodyBytes
    if ((part.payload.length === 0 || isLarge) && isShallow(decoded, limits.bodyDepth)) {
      const text = new TextEncoder().encode(JSON.stringify(decoded))
      // Its length is judged there as well.
      if (part.payload.length === 0 || text.length > limits.bodyBytes) uplink.payload = text
    }
  }
  if (part.fPort !== undefined) uplink.fPort = part.fPort
  if (part.variables !== undefined) uplink.variables = part.variables
  if (part.measures !== undefined) uplink.measures = part.measures
  if (part.sentAt !== undefined) uplink.sentAt = part.sentAt
  // No earlier than devices can be, and no later than now.
  if (part.takenAt !== undefined && part.takenAt > 0 && part.takenAt < message.receivedAt)
    uplink.receivedAt = part.takenAt
  if (part.messageId !== undefined) uplink.messageId = part.messageId
  if (facts !== undefined) uplink.facts = facts
  if (redelivered !== undefined) uplink.redelivered = redelivered
  if (deliveryId !== undefined) uplink.deliveryId = deliveryId
  return uplink
}

function isShallow(value: Json, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (depth === 0) return false
  const inner: readonly Json[] = isJsonObject(value) ? Object.values(value) : value
  return inner.every((one) => isShallow(one, depth - 1))
}

/** A message as a dead letter keeps it; the topic of a request is its path. */
function originOf(name: string, { topic, body, request }: NetworkMessage, contentType: string) {
  if (request === undefined) return { topic, payload: body, contentType }
  // What networks sign their requests with is nothing to keep.
  const kept = Object.entries(request.query).filter(([key]) => !/token|secret|key/i.test(key))
  const query = kept.map((pair) => pair.map(encodeURIComponent).join('=')).join('&')
  const path = `networks/${name}${query === '' ? '' : `?${query}`}`
  return { topic: path.slice(0, 1_024), payload: body, contentType }
}

/** The way back from `originOf`. */
function messageOf(
  name: string,
  topic: string,
  body: Uint8Array,
  receivedAt: number,
): NetworkMessage {
  const start = `networks/${name}`
  if (topic !== start && !topic.startsWith(`${start}?`)) return { topic, body, receivedAt }
  const query: Record<string, string> = {}
  for (const pair of topic.slice(start.length + 1).split('&')) {
    const [key = '', value = ''] = pair.split('=')
    if (key !== '' && key !== '__proto__') query[decodePart(key)] = decodePart(value)
  }
  return { topic: '', body, receivedAt, request: { query, headers: {} } }
}

function decodePart(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function asFault(error: unknown): CoreError {
  if (error instanceof CoreError) return error
  return new CoreError('store.unavailable', error instanceof Error ? error.message : 'unknown', {
    cause: error,
  })
}
