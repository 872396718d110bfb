import * as z from 'zod'
import { CoreError } from '../errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import { safeDeviceId } from './device-id.ts'
import { at, facts, malformed, numberOf, readText, readTime, textOf } from './fields.ts'
import type {
  Network,
  NetworkDownlink,
  NetworkKind,
  NetworkMessage,
  NetworkPart,
} from './network.ts'

const utf8 = new TextEncoder()

/** What the firmware tells of itself: for rules, not measured. */
const ABOUT_ITSELF = /^(?:INFO\d|STATUS[1-7]|UPTIME|UPGRADE|LOGGING)$/

/** What is wrapped around the values of `STATUS8` and others. */
const WRAPPERS = ['StatusSNS', 'StatusSTS']

/**
 * Tasmota with its default full topic, `%prefix%/%topic%/`. With SetOption89 a Zigbee device has a level of its own.
 * Source: tasmota.github.io, "MQTT".
 */
export const tasmota: NetworkKind = {
  name: 'tasmota',
  summary: 'Tasmota: tele/…, stat/…, LWT, and commands through cmnd/….',
  options: z.strictObject({ type: z.literal('tasmota') }),
  open: (): Network => ({
    filters: ['tele/#', 'stat/#'],
    remembers: false,
    read: (message) => ({ parts: [readMessage(message)] }),
    downlink: toCall,
  }),
}

function readMessage({ topic, body, receivedAt }: NetworkMessage): NetworkPart {
  const levels = topic.split('/')
  const what = levels.at(-1) ?? ''
  const name = levels.slice(1, -1).join('/')
  if (name === '' || what === '')
    throw malformed('expected a topic such as tele/{device}/SENSOR, found a shorter one')
  const text = readText(body)
  const deviceId = safeDeviceId(name)
  if (text === '') return { kind: 'ignored', what: 'a message without content' }
  if (what === 'LWT') {
    const connected = text.toLowerCase() === 'online'
    return { kind: 'presence', deviceId, connected, at: receivedAt }
  }
  const value = parse(text)
  const isObject = isJsonObject(value)
  if (!isObject && (what === 'SENSOR' || what === 'STATE' || what === 'RESULT'))
    throw malformed(`${what}: expected an object in JSON, found something else`)
  if (!isObject && what === 'LOGGING') return { kind: 'ignored', what: 'a line of the log' }
  const {
    Time: time,
    Epoch: epoch,
    ...values
  } = unwrap(isObject ? value : { [what]: value ?? text })
  const sentAt = timeOf(time, epoch)
  const path = pathOf(what)
  return {
    kind: 'uplink',
    deviceId,
    payload: body,
    decoded: values,
    facts: facts({
      network: 'tasmota',
      device: name,
      time: textOf(time),
      signal: numberOf(at(values, 'Wifi', 'Signal')),
    }),
    address: { device: name },
    ...(path === undefined ? {} : { path }),
    ...(ABOUT_ITSELF.test(what) ? { measures: false } : {}),
    ...(sentAt === undefined ? {} : { sentAt }),
  }
}

/** Sensors are telemetry as such, also where they were asked for. */
function pathOf(what: string): string | undefined {
  if (what === 'SENSOR' || what === 'STATUS8' || what === 'STATUS10') return undefined
  return /^[A-Za-z0-9_-]{1,32}$/.test(what) ? what.toLowerCase() : 'other'
}

function unwrap(value: JsonObject): JsonObject {
  for (const name of WRAPPERS) {
    const inner = at(value, name)
    if (isJsonObject(inner)) return inner
  }
  return value
}

/** The firmware writes local time, without its zone unless SetOption52 is set: only what has one is a time. */
function timeOf(time: Json | undefined, epoch: Json | undefined): number | undefined {
  const seconds = numberOf(epoch)
  if (seconds !== undefined && seconds > 0) return seconds * 1_000
  try {
    return readTime(time, 'Time')
  } catch {
    return undefined
  }
}

/** The name of the command is Tasmota's: `POWER`, `Dimmer`, `Backlog`. A text goes without its quotes. */
function toCall({ address, name, payload, value }: NetworkDownlink) {
  const device = textOf(address['device'])
  if (device === undefined || /[+#]/.test(device))
    throw new CoreError('network.no_downlink', 'expected the topic of a device')
  const text =
    typeof value === 'string' ? utf8.encode(value) : value === null ? new Uint8Array() : payload
  return { kind: 'publish' as const, topic: `cmnd/${device}/${name}`, payload: text }
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
