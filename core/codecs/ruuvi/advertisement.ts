import { isJsonObject, type Json } from '../../model/json.ts'
import { pairsOf } from './fields.ts'

/** What a radio heard: a data format of Ruuvi, and what stood around it. */
export interface Heard {
  /** From the byte that names the format. */
  readonly data: Uint8Array
  /** Where `data` begins in the message. */
  readonly at: number
  readonly address?: string
  /** dBm. */
  readonly rssi?: number
  /** When the gateway heard it. Epoch seconds. */
  readonly timestamp?: number
}

/**
 * Finds the data in what gateways hand on: the data itself, with the number of the company before it, a whole
 * advertisement, a report of the controller (HCI), the address of an Eddystone beacon, or the JSON of a Ruuvi Gateway.
 */
export function findRuuvi(bytes: Uint8Array): Heard {
  const told = fromGateway(bytes)
  if (told === undefined) return findBytes(bytes)
  return { ...findBytes(told.bytes), ...told.facts }
}

function findBytes(bytes: Uint8Array): Heard {
  return (
    fromReport(bytes) ??
    fromCompany(bytes, 0) ??
    fromAdvertisement(bytes, 0) ??
    fromUrl(bytes, 0) ?? { data: bytes, at: 0 }
  )
}

const utf8 = new TextDecoder()

const BRACE = 0x7b

/** What a Ruuvi Gateway publishes by MQTT, or the digits of it alone. Source: docs.ruuvi.com, GW data formats. */
function fromGateway(
  bytes: Uint8Array,
): { readonly bytes: Uint8Array; readonly facts: Partial<Heard> } | undefined {
  if (bytes.length < 12 || (bytes[0] !== BRACE && !isHexDigit(bytes[0]))) return undefined
  const text = utf8.decode(bytes)
  if (bytes[0] !== BRACE) {
    const found = fromHex(text.trim())
    return found === undefined ? undefined : { bytes: found, facts: {} }
  }
  const message = parsed(text)
  const data = isJsonObject(message) ? message['data'] : undefined
  const found = typeof data === 'string' ? fromHex(data) : undefined
  if (!isJsonObject(message) || found === undefined) return undefined
  const facts: { -readonly [K in keyof Heard]?: Heard[K] } = {}
  const { rssi, ts } = message
  if (typeof rssi === 'number') facts.rssi = rssi
  const seconds = typeof ts === 'string' || typeof ts === 'number' ? Number(ts) : Number.NaN
  if (seconds > 0 && Number.isFinite(seconds)) facts.timestamp = seconds
  return { bytes: found, facts }
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isHexDigit(byte: number | undefined): boolean {
  return byte !== undefined && /[0-9A-Fa-f]/.test(String.fromCharCode(byte))
}

function fromHex(text: string): Uint8Array | undefined {
  if (!/^(?:[0-9a-f]{2})+$/i.test(text)) return undefined
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

/** Source: Bluetooth Core, volume 4, part E, 7.7.65.2 and 7.7.65.13 (LE Advertising Report and its extended form). */
function fromReport(bytes: Uint8Array): Heard | undefined {
  if (bytes[0] !== 0x04 || bytes[1] !== 0x3e || bytes[2] !== bytes.length - 3) return undefined
  const extended = bytes[3] === 0x0d
  if (!extended && bytes[3] !== 0x02) return undefined
  const lengthAt = extended ? 28 : 13
  const length = bytes[lengthAt] ?? 0
  const from = lengthAt + 1
  if (from + length > bytes.length) return undefined
  const heard = fromAdvertisement(bytes.subarray(from, from + length), from)
  if (heard === undefined) return undefined
  const addressAt = extended ? 8 : 7
  const signal = bytes[extended ? 18 : from + length]
  const address = pairsOf(bytes.slice(addressAt, addressAt + 6).reverse()).join(' ')
  return signal === undefined
    ? { ...heard, address }
    : { ...heard, address, rssi: (signal << 24) >> 24 }
}

/** Its structures: length, type, data. Ours is of type 0xFF (of the manufacturer) or 0x16 (Eddystone). */
function fromAdvertisement(bytes: Uint8Array, base: number): Heard | undefined {
  let at = 0
  while (at < bytes.length) {
    const length = bytes[at] ?? 0
    if (length === 0) return undefined
    const end = at + 1 + length
    if (end > bytes.length) return undefined
    const data = bytes.subarray(at + 2, end)
    const kind = bytes[at + 1]
    const found =
      kind === 0xff
        ? fromCompany(data, base + at + 2)
        : kind === 0x16
          ? fromEddystone(data, base + at + 2)
          : undefined
    if (found !== undefined) return found
    at = end
  }
  return undefined
}

/** The number of Ruuvi Innovations, low byte first. */
function fromCompany(bytes: Uint8Array, base: number): Heard | undefined {
  return bytes[0] === 0x99 && bytes[1] === 0x04 && bytes.length > 2
    ? { data: bytes.subarray(2), at: base + 2 }
    : undefined
}

/** Frame of an address: service 0xFEAA, 0x10, power, scheme, text. */
function fromEddystone(bytes: Uint8Array, base: number): Heard | undefined {
  return bytes[0] === 0xaa && bytes[1] === 0xfe && bytes[2] === 0x10
    ? fromUrl(bytes.subarray(5), base + 5)
    : undefined
}

const HOST = /^(?:https?:\/\/)?ruu\.vi\/#([A-Za-z0-9_-]{8,9})$/

function fromUrl(bytes: Uint8Array, base: number): Heard | undefined {
  if (bytes.length > 32) return undefined
  const digits = HOST.exec(String.fromCharCode(...bytes))?.[1]
  return digits === undefined ? undefined : { data: fromBase64Url(digits), at: base }
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The six bytes of eight digits; a ninth tells tags apart and is no reading. */
function fromBase64Url(digits: string): Uint8Array {
  const bytes = new Uint8Array(6)
  for (let group = 0; group < 2; group++) {
    let bits = 0
    for (let index = 0; index < 4; index++)
      bits = (bits << 6) | DIGITS.indexOf(digits[4 * group + index] ?? 'A')
    bytes[3 * group] = bits >> 16
    bytes[3 * group + 1] = bits >> 8
    bytes[3 * group + 2] = bits
  }
  return bytes
}
