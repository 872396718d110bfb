import * as z from 'zod'
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import { safeDeviceId } from './device-id.ts'
import { type Entity, readAnnouncement, readPlace } from './discovery/entity.ts'
import { compileTemplate } from './discovery/template.ts'
import { at, facts, readObject, readText, textOf } from './fields.ts'
import type {
  Network,
  NetworkKind,
  NetworkMemo,
  NetworkMemory,
  NetworkMessage,
  NetworkNeed,
  NetworkPart,
  NetworkReading,
} from './network.ts'
import { option, textOption } from './options.ts'

/** Entities that listen to one topic. */
const MAX_ON_TOPIC = 256

/** What stands under a topic of states or of availability. */
const STATE = 'state:'
const AVAILABILITY = 'availability:'
/** The topics that an announcement named, under its own. */
const TOPICS = 'config:'

/**
 * What announces itself as Home Assistant discovers it: an announcement says on which topic a value will come, how it is
 * taken out of the message, and its unit.
 *
 * Source: home-assistant.io, "MQTT / MQTT Discovery".
 */
export const homeAssistant: NetworkKind = {
  name: 'home-assistant',
  summary: 'Devices that announce themselves as Home Assistant discovers them.',
  options: z.strictObject({
    type: z.literal('home-assistant'),
    discovery: z
      .string()
      .regex(/^[^+#$/]+(\/[^+#/]+)*$/, 'expected a topic without wildcards')
      .default('homeassistant')
      .meta({ description: 'The prefix of announcements.' }),
    topics: z
      .array(z.string().min(1).max(256))
      .max(32)
      .default(['#'])
      .meta({ description: 'MQTT filters of the topics on which announced values come.' }),
  }),
  open(options): Network {
    const prefix = textOption(options, 'discovery') ?? 'homeassistant'
    const given = option(options, 'topics')
    const topics = Array.isArray(given) ? given.filter((one) => typeof one === 'string') : []
    return {
      filters: [`${prefix}/#`, ...topics],
      remembers: true,
      read: (message, memory) =>
        readPlace(message.topic, prefix) === undefined
          ? readState(message, memory)
          : readConfig(message, memory, prefix),
      downlink: undefined,
    }
  },
}

function readConfig(
  { topic, body }: NetworkMessage,
  memory: NetworkMemory,
  prefix: string,
): NetworkReading | NetworkNeed {
  const own = TOPICS + topic
  if (!memory.has(own)) return { needs: [own] }
  const before = textsOf(memory.get(own))
  const place = readPlace(topic, prefix)
  const isGone = body.length === 0 || place === undefined
  const announced = isGone
    ? { entities: [], availability: [] }
    : readAnnouncement(readObject(body), place)
  const after = new Set<string>()
  for (const { stateTopic } of announced.entities)
    if (stateTopic !== undefined) after.add(STATE + stateTopic)
  for (const one of announced.availability) after.add(AVAILABILITY + one.topic)
  const touched = new Set([...before, ...after])
  const needs = [...touched].filter((key) => !memory.has(key))
  if (needs.length > 0) return { needs }
  const remember: NetworkMemo[] = []
  const keep = (key: string, value: Json | undefined): void => {
    if (JSON.stringify(memory.get(key)) !== JSON.stringify(value))
      remember.push({ key, value, lasting: true })
  }
  keep(own, after.size === 0 ? undefined : [...after])
  const gone = new Set<string>()
  for (const key of touched) {
    for (const one of objectsUnder(memory, key))
      if (one['from'] === topic) gone.add(textOf(one['device']) ?? '')
    const others = objectsUnder(memory, key).filter((one) => one['from'] !== topic)
    const named: JsonObject[] = key.startsWith(STATE)
      ? announced.entities
          .filter(({ stateTopic }) => STATE + (stateTopic ?? '') === key)
          .map((entity) => ({ ...toJson(entity), from: topic }))
      : announced.availability
          .filter((one) => AVAILABILITY + one.topic === key)
          .map((one) => ({ ...one, from: topic }))
    const all = [...others, ...named].slice(0, MAX_ON_TOPIC)
    keep(key, all.length === 0 ? undefined : all)
  }
  // Who may not speak for a device may not say either where its values come from.
  const what = isGone ? 'a farewell' : 'an announcement'
  const devices = new Set([
    ...gone,
    ...[...announced.entities, ...announced.availability].map(({ device }) => device),
  ])
  const parts = [...devices].map((device) => ({
    kind: 'ignored' as const,
    what,
    deviceId: safeDeviceId(device),
  }))
  return { parts: parts.length === 0 ? [{ kind: 'ignored', what }] : parts, remember }
}

function readState(message: NetworkMessage, memory: NetworkMemory): NetworkReading | NetworkNeed {
  const keys = [STATE + message.topic, AVAILABILITY + message.topic]
  const needs = keys.filter((key) => !memory.has(key))
  if (needs.length > 0) return { needs }
  const entities = objectsUnder(memory, STATE + message.topic)
  const availability = objectsUnder(memory, AVAILABILITY + message.topic)
  // Nobody announced anything on this topic: it is somebody else's.
  if (entities.length === 0 && availability.length === 0) return { parts: [] }
  const text = readText(message.body)
  const json = parse(text)
  const said = textOf(at(json, 'state')) ?? text
  const present = new Map<string, NetworkPart>()
  for (const one of availability) {
    const device = textOf(one['device']) ?? ''
    if (said !== one['online'] && said !== one['offline']) continue
    const connected = said === one['online']
    const deviceId = safeDeviceId(device)
    present.set(device, { kind: 'presence', deviceId, connected, at: message.receivedAt })
  }
  const parts = [...present.values(), ...readValues(entities, text, json, message)]
  const nothing: NetworkPart = { kind: 'ignored', what: 'no value that can be taken out' }
  return { parts: parts.length === 0 ? [nothing] : parts }
}

/** One uplink for each device that has values in the message. */
function readValues(
  entities: readonly JsonObject[],
  text: string,
  json: Json | undefined,
  { body }: NetworkMessage,
): readonly NetworkPart[] {
  const devices = new Map<string, { values: Record<string, Json>; units: Record<string, Json> }>()
  for (const entity of entities) {
    const name = textOf(entity['name'])
    const device = textOf(entity['device'])
    const value = compileTemplate(textOf(entity['template']))?.(text, json)
    if (name === undefined || device === undefined || value === undefined) continue
    const found = devices.get(device) ?? { values: {}, units: {} }
    devices.set(device, found)
    put(found.values, name, asSwitch(value, entity))
    const unit = textOf(entity['unit'])
    if (unit !== undefined) put(found.units, name, unit)
  }
  return [...devices].map(([device, { values, units }]) => ({
    kind: 'uplink',
    deviceId: safeDeviceId(device),
    payload: body,
    decoded: values,
    facts: facts({
      network: 'home-assistant',
      device,
      units: Object.keys(units).length === 0 ? undefined : units,
    }),
  }))
}

/** A binary sensor says `ON` and means true. */
function asSwitch(value: Json, entity: JsonObject): Json {
  if (entity['component'] !== 'binary_sensor') return value
  const text = String(value)
  return text === entity['on'] ? true : text === entity['off'] ? false : value
}

function toJson(entity: Entity): JsonObject {
  return facts({ ...entity })
}

function objectsUnder(memory: NetworkMemory, key: string): readonly JsonObject[] {
  const value = memory.get(key)
  return Array.isArray(value) ? value.filter(isJsonObject) : []
}

function textsOf(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}

function put(into: Record<string, Json>, name: string, value: Json): void {
  if (name !== '__proto__') into[name] = value
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
