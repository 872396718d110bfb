import * as z from 'zod'
import { WireReader } from '../codecs/protobuf/wire-reader.ts'
import { readPayload } from '../codecs/sparkplug/read-payload.ts'
import { writePayload } from '../codecs/sparkplug/write-payload.ts'
import { CoreError } from '../errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import { malformed } from './fields.ts'
import type {
  Network,
  NetworkCall,
  NetworkDownlink,
  NetworkKind,
  NetworkListener,
  NetworkMemo,
  NetworkMemory,
  NetworkMessage,
  NetworkNeed,
  NetworkPart,
  NetworkReading,
} from './network.ts'
import { numberOption, option, textOption } from './options.ts'
import { commandPayload, rebirthPayload, typesText } from './sparkplug/commands.ts'
import { measuredIn } from './sparkplug/measured.ts'
import {
  bdSeqOf,
  birthMemo,
  createBirthReader,
  finderOf,
  metricsOf,
  nextSeq,
  type ReadBirth,
} from './sparkplug/session.ts'
import { readSparkplugTopic, type SparkplugTopic, sparkplugDeviceId } from './sparkplug/topic.ts'

const NO_BYTES = new Uint8Array()

/** So many warnings go on with a message. */
const MAX_WARNINGS = 8

/**
 * Sparkplug B: edge nodes that say in births what their messages mean, and the devices behind them.
 * Source: Sparkplug 3.0.0.
 */
export const sparkplug: NetworkKind = {
  name: 'sparkplug',
  summary:
    'Sparkplug B (spBv1.0) over MQTT: births, aliases, sequence, deaths, rebirths, commands.',
  options: z.strictObject({
    type: z.literal('sparkplug'),
    rebirth: z.boolean().default(true).meta({
      description:
        'Whether edge nodes are asked for a birth where one is missing or a message was lost.',
    }),
    rebirthEvery: z.int().min(1).max(86_400).default(10).meta({
      description: 'How often one edge node is asked at most. Unit: seconds.',
    }),
    host: z
      .string()
      .regex(/^[^+#/]{1,64}$/, 'expected a name without + # /')
      .optional()
      .meta({
        description:
          'What this side is called: while it runs it says so on spBv1.0/STATE/{host}, for edge nodes that wait for their primary host.',
      }),
    checkSequence: z.boolean().default(true).meta({
      description:
        'Whether gaps in the sequence of an edge node count; functions, which share its messages, see none.',
    }),
  }),
  open(options): Network {
    const plan: Plan = {
      readBirth: createBirthReader(),
      rebirth: option(options, 'rebirth') !== false,
      rebirthMs: (numberOption(options, 'rebirthEvery') ?? 10) * 1_000,
      checkSequence: option(options, 'checkSequence') !== false,
    }
    const host = textOption(options, 'host')
    return {
      filters: ['spBv1.0/STATE/+', 'spBv1.0/+/+/+', 'spBv1.0/+/+/+/+'],
      remembers: true,
      read: (message, memory) => read(message, memory, plan),
      downlink: toCall,
      encodes: true,
      listenerOf,
      announce: (online, timestamp) =>
        host === undefined
          ? undefined
          : { topic: `spBv1.0/STATE/${host}`, payload: JSON.stringify({ online, timestamp }) },
    }
  },
}

interface Plan {
  readonly readBirth: ReadBirth
  readonly rebirth: boolean
  readonly rebirthMs: number
  readonly checkSequence: boolean
}

/** Edge nodes listen to the commands for them and for the devices behind them, and to the state of hosts. */
function listenerOf(filter: string): NetworkListener | undefined {
  const [namespace, group = '', type, node = '', device, ...more] = filter.split('/')
  if (namespace !== 'spBv1.0' || more.length > 0) return undefined
  if (group === 'STATE') return node === '' ? { kind: 'every' } : undefined
  const isVague = group === '' || node === '' || /[+#]/.test(group + node)
  const isOwn =
    (type === 'NCMD' && device === undefined) || (type === 'DCMD' && device !== undefined)
  return isVague || !isOwn
    ? undefined
    : { kind: 'device', deviceId: sparkplugDeviceId(group, node) }
}

/** One message while it is read. */
interface Reading {
  readonly topic: Exclude<SparkplugTopic, { type: 'STATE' }>
  readonly payload: JsonObject
  readonly warnings: readonly string[]
  readonly receivedAt: number
  readonly memory: NetworkMemory
  readonly keys: Keys
  readonly plan: Plan
  readonly parts: NetworkPart[]
  readonly memos: NetworkMemo[]
  readonly state: NodeState
}

/** What changes with the session of an edge node, besides what its births say. */
interface NodeState {
  /** Devices behind it that are there. */
  devices: readonly string[]
  /** When it was asked for a birth, epoch ms; 0: not since the last one. */
  askedAt: number
  isChanged: boolean
}

/** Under what things are remembered. Names of Sparkplug have no slash in them. */
interface Keys {
  /** The birth of the edge node. */
  readonly node: string
  /** Its state. */
  readonly state: string
  /** The birth of the device. */
  readonly device: string | undefined
  /** The number of the last message. */
  readonly seq: string
}

function keysOf({ group, node, device }: Reading['topic']): Keys {
  const name = `${group}/${node}`
  return {
    node: `node/${name}`,
    state: `state/${name}`,
    device: device === undefined ? undefined : `device/${name}/${device}`,
    seq: `seq/${name}`,
  }
}

function read(
  { topic: text, body, receivedAt }: NetworkMessage,
  memory: NetworkMemory,
  plan: Plan,
): NetworkReading | NetworkNeed {
  const topic = readSparkplugTopic(text)
  if (topic === undefined)
    throw malformed(
      'expected spBv1.0/{group}/{type}/{node}, with a device for its types, found another topic',
    )
  // No device is called so: only who may speak for all of them may say that a host is there.
  if (topic.type === 'STATE') return ignored('the state of a host application', text)
  if (topic.type === 'NCMD' || topic.type === 'DCMD')
    return ignored('a command on its way', idOf(topic, topic.device))
  const keys = keysOf(topic)
  const needs = [keys.node, keys.state, ...(keys.device === undefined ? [] : [keys.device])]
  const missing = needs.filter((key) => !memory.has(key))
  if (missing.length > 0) return { needs: missing }
  const isBirth = topic.type === 'NBIRTH' || topic.type === 'DBIRTH'
  const state = stateIn(memory.get(keys.state))
  // One that is gone has to be born again before its aliases mean anything.
  const isThere = topic.device === undefined || state.devices.includes(topic.device)
  const birth = isThere ? plan.readBirth(memory.get(keys.device ?? keys.node)) : undefined
  const warnings: string[] = []
  const warn = (sentence: string): void => {
    if (warnings.length < MAX_WARNINGS && !warnings.includes(sentence)) warnings.push(sentence)
  }
  const payload = readPayload(new WireReader(body), warn, isBirth ? undefined : finderOf(birth))
  const reading: Reading = {
    topic,
    payload,
    warnings,
    receivedAt,
    memory,
    keys,
    plan,
    parts: [],
    memos: [],
    state,
  }
  const { type, device = '' } = topic
  if (type === 'NBIRTH') nodeBirth(reading)
  else if (type === 'DBIRTH') deviceBirth(reading, device)
  else if (type === 'NDEATH') nodeDeath(reading)
  else if (type === 'DDEATH') deviceDeath(reading, device)
  else data(reading, birth !== undefined)
  const { parts, memos } = reading
  const { devices, askedAt, isChanged } = state
  if (isChanged) memos.push({ key: keys.state, value: { devices, askedAt }, lasting: true })
  return { parts, remember: memos }
}

function ignored(what: string, deviceId: string): NetworkReading {
  return { parts: [{ kind: 'ignored', what, deviceId }] }
}

/** A session begins, or begins again: only now it is known what aliases mean. */
function nodeBirth(reading: Reading): void {
  const { topic, payload, receivedAt, memory, keys, plan, parts, memos, state } = reading
  const before = plan.readBirth(memory.get(keys.node))
  const isNew = before === undefined || before.bdSeq !== bdSeqOf(payload)
  // With a new connection of the edge node those behind it are gone until they are born again.
  if (isNew) {
    for (const device of state.devices) parts.push(presence(reading, false, receivedAt, device))
    if (state.devices.length > 0) setDevices(state, [])
  }
  if (state.askedAt > 0) setAsked(state, 0)
  parts.push(presence(reading, true, receivedAt, topic.device))
  parts.push(...uplinks(reading, typesText(metricsOf(payload))))
  memos.push({ key: keys.node, value: birthMemo(payload, receivedAt), lasting: true })
  const { seq } = payload
  if (typeof seq === 'number') memos.push({ key: keys.seq, value: seq, lasting: false })
}

function deviceBirth(reading: Reading, device: string): void {
  const { payload, receivedAt, memory, keys, parts, memos, state } = reading
  parts.push(presence(reading, true, receivedAt, device))
  parts.push(...uplinks(reading, typesText(metricsOf(payload))))
  if (keys.device !== undefined)
    memos.push({ key: keys.device, value: birthMemo(payload, receivedAt), lasting: true })
  if (!state.devices.includes(device)) setDevices(state, [...state.devices, device])
  checkSequence(reading, memory.get(keys.node) === undefined)
}

function data(reading: Reading, isBorn: boolean): void {
  const { topic, payload, parts, memory, keys } = reading
  const hasNode = memory.get(keys.node) !== undefined
  const unnamed = metricsOf(payload).some(({ name }) => name === undefined)
  if (unnamed)
    parts.push({
      kind: 'fault',
      deviceId: idOf(topic, topic.device),
      error: new CoreError(
        'network.no_birth',
        `expected a birth that says what its aliases mean, found ${isBorn ? 'one that does not know them' : 'none'}`,
      ),
    })
  else parts.push(...uplinks(reading, undefined))
  checkSequence(reading, unnamed || !isBorn || !hasNode)
}

/** The last will of an edge node, or its farewell. One of a connection before the last birth says nothing any more. */
function nodeDeath(reading: Reading): void {
  const { topic, payload, receivedAt, memory, keys, plan, parts, memos, state } = reading
  const birth = plan.readBirth(memory.get(keys.node))
  const bdSeq = bdSeqOf(payload)
  if (birth !== undefined && bdSeq !== null && birth.bdSeq !== null && birth.bdSeq !== bdSeq) {
    parts.push({
      kind: 'ignored',
      what: 'the death of a session before',
      deviceId: idOf(topic, undefined),
    })
    return
  }
  parts.push(presence(reading, false, receivedAt, topic.device))
  for (const device of state.devices) parts.push(presence(reading, false, receivedAt, device))
  memos.push({ key: keys.node, value: undefined, lasting: true })
  if (state.devices.length > 0) setDevices(state, [])
}

function deviceDeath(reading: Reading, device: string): void {
  const { payload, receivedAt, memory, keys, parts, state } = reading
  const { timestamp } = payload
  const at =
    typeof timestamp === 'number' && timestamp > 0 ? Math.min(timestamp, receivedAt) : receivedAt
  parts.push(presence(reading, false, at, device))
  if (state.devices.includes(device))
    setDevices(
      state,
      state.devices.filter((one) => one !== device),
    )
  checkSequence(reading, memory.get(keys.node) === undefined)
}

/**
 * Each message of an edge node and its devices counts up. One that comes again is no gap, nor is one from before the birth:
 * it was late, or set aside.
 */
function checkSequence(
  { topic, payload, receivedAt, memory, keys, plan, parts, memos, state }: Reading,
  lacksBirth: boolean,
): void {
  const last = memory.get(keys.seq)
  const { seq, timestamp } = payload
  const birth = plan.readBirth(memory.get(keys.node))
  const isLate = birth !== undefined && typeof timestamp === 'number' && timestamp < birth.at
  let isGap = false
  if (typeof seq === 'number' && !isLate && plan.checkSequence) {
    isGap = typeof last === 'number' && seq !== last && seq !== nextSeq(last)
    memos.push({ key: keys.seq, value: seq, lasting: false })
  }
  const isDue = state.askedAt === 0 || receivedAt - state.askedAt >= plan.rebirthMs
  if (!plan.rebirth || !isDue || !(lacksBirth || isGap)) return
  setAsked(state, receivedAt)
  parts.push({
    kind: 'publish',
    topic: `spBv1.0/${topic.group}/NCMD/${topic.node}`,
    payload: writePayload(rebirthPayload(receivedAt)),
    qos: 0,
    deviceId: idOf(topic, undefined),
  })
}

function presence(
  { topic }: Reading,
  connected: boolean,
  at: number,
  device: string | undefined,
): NetworkPart {
  return { kind: 'presence', deviceId: idOf(topic, device), connected, at }
}

function idOf({ group, node }: Reading['topic'], device: string | undefined): string {
  return sparkplugDeviceId(group, node, device)
}

/** One uplink for each moment that the payload tells of. */
function uplinks(
  { topic, payload, warnings }: Reading,
  types: string | undefined,
): readonly NetworkPart[] {
  const { group, type, node, device } = topic
  const { seq, timestamp } = payload
  const isBirth = type === 'NBIRTH' || type === 'DBIRTH'
  return measuredIn(payload).map(({ at, values, quality, isHistorical }, index) => ({
    kind: 'uplink',
    deviceId: idOf(topic, device),
    payload: NO_BYTES,
    decoded: values,
    facts: {
      network: 'sparkplug',
      group,
      node,
      ...(device === undefined ? {} : { device }),
      message: type,
      ...(seq === undefined ? {} : { seq }),
      ...(isHistorical ? { historical: true } : {}),
      ...(Object.keys(quality).length === 0 ? {} : { quality }),
      ...(warnings.length === 0 ? {} : { warnings }),
    },
    ...(at === undefined ? {} : { sentAt: at }),
    ...(timestamp === undefined || seq === undefined
      ? {}
      : { messageId: `${type}:${String(timestamp)}:${String(seq)}:${index}` }),
    ...(isBirth ? { address: addressOf(topic, types) } : {}),
  }))
}

function addressOf(
  { group, node, device }: Reading['topic'],
  types: string | undefined,
): JsonObject {
  return {
    group,
    node,
    ...(device === undefined ? {} : { device }),
    ...(types === undefined ? {} : { types }),
  }
}

function stateIn(memo: Json | undefined): NodeState {
  const { devices, askedAt } = isJsonObject(memo) ? memo : {}
  return {
    devices: Array.isArray(devices) ? devices.filter((one) => typeof one === 'string') : [],
    askedAt: typeof askedAt === 'number' ? askedAt : 0,
    isChanged: false,
  }
}

function setDevices(state: NodeState, devices: readonly string[]): void {
  state.devices = devices
  state.isChanged = true
}

function setAsked(state: NodeState, at: number): void {
  state.askedAt = at
  state.isChanged = true
}

/** A command: NCMD to an edge node, DCMD to a device behind one. */
function toCall({ address, name, payload, value, at }: NetworkDownlink): NetworkCall {
  const { group, node, device, types } = address
  if (typeof group !== 'string' || typeof node !== 'string')
    throw new CoreError('network.no_downlink', 'expected group and node of a birth')
  const topic =
    typeof device === 'string'
      ? `spBv1.0/${group}/DCMD/${node}/${device}`
      : `spBv1.0/${group}/NCMD/${node}`
  if (value === undefined) return { kind: 'publish', topic, payload, qos: 0 }
  const content = commandPayload(name, value, typeof types === 'string' ? types : undefined, at)
  return { kind: 'publish', topic, payload: writePayload(content), qos: 0 }
}
