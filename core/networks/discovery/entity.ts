import { isJsonObject, type Json, type JsonObject } from '../../model/json.ts'
import { at, facts, idOf, malformed, textOf } from '../fields.ts'

/** Short names that announcements may use. Source: home-assistant.io, "MQTT / Supported abbreviations". */
const SHORT: Readonly<Record<string, string>> = {
  stat_t: 'state_topic',
  val_tpl: 'value_template',
  unit_of_meas: 'unit_of_measurement',
  dev_cla: 'device_class',
  stat_cla: 'state_class',
  uniq_id: 'unique_id',
  obj_id: 'object_id',
  def_ent_id: 'default_entity_id',
  avty_t: 'availability_topic',
  avty: 'availability',
  avty_tpl: 'availability_template',
  pl_avail: 'payload_available',
  pl_not_avail: 'payload_not_available',
  pl_on: 'payload_on',
  pl_off: 'payload_off',
  stat_on: 'state_on',
  stat_off: 'state_off',
  dev: 'device',
  ids: 'identifiers',
  cns: 'connections',
  cmps: 'components',
  p: 'platform',
  o: 'origin',
  t: 'topic',
}

/** Entities of one announcement. */
const MAX_ENTITIES = 256

/** One value of a device, as it was announced. */
export interface Entity {
  /** The name of the metric. */
  readonly name: string
  readonly device: string
  readonly component: string
  readonly stateTopic: string | undefined
  readonly template: string | undefined
  readonly unit: string | undefined
  readonly deviceClass: string | undefined
  readonly on: string
  readonly off: string
}

/** Where a device says whether it is there. */
export interface Availability {
  readonly device: string
  readonly topic: string
  readonly online: string
  readonly offline: string
}

/** What an announcement says. */
export interface Announcement {
  readonly entities: readonly Entity[]
  readonly availability: readonly Availability[]
}

/** Where an announcement stands: `{prefix}/{component}[/{node}]/{object}/config`. */
export interface Place {
  readonly component: string
  readonly node: string | undefined
  readonly object: string
}

/** Reads the topic of an announcement; `undefined` if it is none. */
export function readPlace(topic: string, prefix: string): Place | undefined {
  const levels = topic.slice(prefix.length + 1).split('/')
  if (!topic.startsWith(`${prefix}/`) || levels.pop() !== 'config') return undefined
  const [component, second, third] = levels
  if (component === undefined || second === undefined || levels.length > 3) return undefined
  return third === undefined
    ? { component, node: undefined, object: second }
    : { component, node: second, object: third }
}

/**
 * Reads an announcement: of one entity, or of a device with all its components.
 * @throws CoreError `network.malformed`
 */
export function readAnnouncement(config: JsonObject, place: Place): Announcement {
  const full = expand(config)
  const device = deviceOf(full, place)
  if (device === undefined)
    throw malformed('device.identifiers: expected one, or a unique_id, found none')
  const components = at(full, 'components')
  if (place.component !== 'device' || !isJsonObject(components)) {
    const entity = readEntity(full, place.component, device, place.object)
    return { entities: [entity], availability: availabilityOf(full, device) }
  }
  const named = Object.entries(components).filter(([, one]) => isJsonObject(one))
  if (named.length > MAX_ENTITIES)
    throw malformed(`components: expected at most ${MAX_ENTITIES}, found ${named.length}`)
  const entities = named.flatMap(([name, one]) => {
    // With nothing but its platform a component is taken away.
    if (isJsonObject(one) && Object.keys(one).every((key) => key === 'p' || key === 'platform'))
      return []
    const own = { ...full, ...(isJsonObject(one) ? expand(one) : {}) }
    return readEntity(own, textOf(at(own, 'platform')) ?? '', device, name)
  })
  return { entities, availability: availabilityOf(full, device) }
}

function readEntity(full: JsonObject, component: string, device: string, object: string): Entity {
  return {
    name: textOf(at(full, 'object_id')) ?? lastOf(textOf(at(full, 'default_entity_id'))) ?? object,
    device,
    component,
    stateTopic: textOf(at(full, 'state_topic')),
    template: textOf(at(full, 'value_template')),
    unit: textOf(at(full, 'unit_of_measurement')),
    deviceClass: textOf(at(full, 'device_class')),
    on: wordOf(at(full, 'payload_on')) ?? 'ON',
    off: wordOf(at(full, 'payload_off')) ?? 'OFF',
  }
}

/** `payload_on` may be a truth or a number. */
function wordOf(value: Json | undefined): string | undefined {
  return typeof value === 'boolean' ? String(value) : idOf(value)
}

/** `temperature` of `sensor.temperature`. */
function lastOf(name: string | undefined): string | undefined {
  return name?.split('.').at(-1)
}

function deviceOf(full: JsonObject, { node, object }: Place): string | undefined {
  const ids = at(full, 'device', 'identifiers')
  const [first] = Array.isArray(ids) ? ids : [ids]
  const [connection] = connectionsOf(at(full, 'device', 'connections'))
  const id = typeof first === 'string' || typeof first === 'number' ? idOf(first) : undefined
  return id ?? connection ?? node ?? textOf(at(full, 'unique_id')) ?? object
}

/** Pairs such as `["mac", "02:5b:26:a8:dc:12"]`. */
function connectionsOf(value: Json | undefined): readonly string[] {
  return Array.isArray(value)
    ? value.flatMap((pair) =>
        Array.isArray(pair) && typeof pair[1] === 'string' && pair[1] !== '' ? [pair[1]] : [],
      )
    : []
}

function availabilityOf(full: JsonObject, device: string): readonly Availability[] {
  const listed = at(full, 'availability')
  const topic = textOf(at(full, 'availability_topic'))
  const all: readonly Json[] = Array.isArray(listed) ? listed : []
  const one = topic === undefined ? [] : [{ topic }]
  return [...one, ...all.slice(0, 8)].flatMap((entry) => {
    const own = isJsonObject(entry) ? { ...full, ...expand(entry) } : full
    const where = isJsonObject(entry) ? textOf(at(expand(entry), 'topic')) : undefined
    if (where === undefined) return []
    return {
      device,
      topic: where,
      online: textOf(at(own, 'payload_available')) ?? 'online',
      offline: textOf(at(own, 'payload_not_available')) ?? 'offline',
    }
  })
}

/** Long names in place of short ones, and whole topics in place of those that start or end in `~`. */
function expand(config: JsonObject): JsonObject {
  const base = textOf(at(config, '~'))
  const members: Record<string, Json> = {}
  for (const [key, value] of Object.entries(config)) {
    if (key === '__proto__' || key === '~') continue
    const name = Object.hasOwn(SHORT, key) ? (SHORT[key] ?? key) : key
    const isTopic = name === 'topic' || name.endsWith('_topic')
    if (isTopic && base !== undefined && typeof value === 'string')
      members[name] = value.replace(/^~/, base).replace(/~$/, base)
    else if (name === 'device' && isJsonObject(value)) members[name] = expand(value)
    else members[name] = value
  }
  return facts(members)
}
