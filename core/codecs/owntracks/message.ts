import { CoreError } from '../../errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../../model/json.ts'
import { setKey } from '../binary/text.ts'

/** What is known of a type of message. Source: owntracks.org/booklet/tech/json. */
interface TypeFacts {
  /** Whether `tst` says when it happened: elsewhere it names a region, or says when the app connected. */
  readonly isTimed: boolean
  /** What it has to hold. */
  readonly needs: Readonly<Record<string, 'number' | 'string' | 'object'>>
}

const PLACE = { lat: 'number', lon: 'number' } as const

const TYPES: Readonly<Record<string, TypeFacts>> = {
  location: { isTimed: true, needs: PLACE },
  transition: { isTimed: true, needs: { event: 'string' } },
  beacon: { isTimed: true, needs: {} },
  steps: { isTimed: true, needs: {} },
  waypoint: { isTimed: false, needs: { desc: 'string' } },
  waypoints: { isTimed: false, needs: { waypoints: 'object' } },
  lwt: { isTimed: false, needs: {} },
  card: { isTimed: false, needs: {} },
  status: { isTimed: false, needs: {} },
  cmd: { isTimed: false, needs: { action: 'string' } },
  configuration: { isTimed: false, needs: {} },
  dump: { isTimed: false, needs: {} },
  request: { isTimed: false, needs: {} },
}

/** Our names for short ones. All others stay. */
const NAMES: Readonly<Record<string, string>> = { lat: 'latitude', lon: 'longitude' }

/** The way back. */
const SHORT_NAMES: Readonly<Record<string, string>> = {
  latitude: 'lat',
  longitude: 'lon',
  time: 'tst',
}

/**
 * A message with `latitude`, `longitude` and, where it tells when it happened, `time` (epoch seconds).
 * @throws CoreError `codec.*`.
 */
export function readMessage(message: Json, warnings: string[]): JsonObject {
  const type = isJsonObject(message) ? message['_type'] : undefined
  if (!isJsonObject(message) || typeof type !== 'string')
    throw new CoreError('codec.wrong_type', 'expected an object with _type, found something else')
  if (type === 'encrypted')
    throw new CoreError(
      'codec.unsupported',
      'expected a message in plain text, found an encrypted one; its key is known to the app only',
    )
  const facts = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined
  if (facts === undefined) warnings.push('expected a known _type, found another')
  checkFields(message, type, facts?.needs ?? {})
  const read: { [name: string]: Json } = {}
  for (const [name, value] of Object.entries(message)) {
    if (name === 'tst' && facts?.isTimed === true) read['time'] = value
    else setKey(read, Object.hasOwn(NAMES, name) ? (NAMES[name] ?? name) : name, value)
  }
  const { waypoints } = message
  if (type === 'waypoints' && Array.isArray(waypoints))
    read['waypoints'] = waypoints.map((one: Json) => readMessage(asWaypoint(one), warnings))
  return read
}

/** In a list of regions each is one, whether it says so or not. */
function asWaypoint(one: Json): Json {
  return isJsonObject(one) ? { _type: 'waypoint', ...one } : one
}

function checkFields(message: JsonObject, type: string, needs: TypeFacts['needs']): void {
  for (const [name, kind] of Object.entries(needs)) {
    const value = message[name]
    const found = Array.isArray(value) ? 'object' : typeof value
    if (value === null || found !== kind)
      throw new CoreError(
        'codec.wrong_type',
        `${type}: expected ${kind === 'object' ? 'an array' : `a ${kind}`} in ${name}, found ${value === undefined ? 'nothing' : 'something else'}`,
      )
  }
  checkRange(message, 'lat', -90, 90)
  checkRange(message, 'lon', -180, 180)
  checkRange(message, 'tst', 0, 8.64e12)
}

function checkRange(message: JsonObject, name: string, least: number, most: number): void {
  const value = message[name]
  if (value === undefined) return
  if (typeof value !== 'number')
    throw new CoreError('codec.wrong_type', `expected a number in ${name}, found something else`)
  if (value < least || value > most)
    throw new CoreError(
      'codec.out_of_range',
      `expected ${least} to ${most} in ${name}, found a number outside`,
    )
}

/** The message as an app reads it. */
export function writeMessage(message: Json): Json {
  if (!isJsonObject(message)) return message
  const written: { [name: string]: Json } = {}
  for (const [name, value] of Object.entries(message))
    setKey(
      written,
      Object.hasOwn(SHORT_NAMES, name) ? (SHORT_NAMES[name] ?? name) : name,
      name === 'waypoints' && Array.isArray(value) ? value.map(writeMessage) : value,
    )
  return written
}
