import type { Json, JsonObject } from '../model/json.ts'
import { facts } from './fields.ts'

/** Gateways that are told of one message: the best ones. */
const MAX_GATEWAYS = 16

/** A gateway that heard a message. */
export interface Heard {
  readonly id: string | undefined
  /** Unit: dBm. */
  readonly rssi: number | undefined
  /** Unit: dB. */
  readonly snr: number | undefined
}

/** What LoRaWAN networks know of an uplink, by the same names for all of them. */
export interface LoraFacts {
  readonly network: string
  readonly devEui?: string | undefined
  readonly device?: string | undefined
  readonly application?: string | undefined
  readonly fPort?: number | undefined
  readonly fCnt?: number | undefined
  readonly dataRate?: number | undefined
  readonly spreadingFactor?: number | undefined
  /** Unit: Hz. */
  readonly bandwidth?: number | undefined
  /** Unit: Hz. */
  readonly frequency?: number | undefined
  readonly heard: readonly Heard[]
  readonly [more: string]: Json | readonly Heard[] | undefined
}

/** The `_network` object of a LoRaWAN uplink: `rssi` and `snr` are those of the gateway that heard it best. */
export function loraFacts({ heard, ...known }: LoraFacts): JsonObject {
  const best = heard.toSorted((a, b) => (b.rssi ?? -999) - (a.rssi ?? -999))
  const gateways = best
    .slice(0, MAX_GATEWAYS)
    .map(({ id, rssi, snr }): JsonObject => facts({ id, rssi, snr }))
  const members: Record<string, Json | undefined> = {}
  for (const [name, value] of Object.entries(known)) if (isPlain(value)) members[name] = value
  return facts({ ...members, rssi: best[0]?.rssi, snr: best[0]?.snr, gateways })
}

function isPlain(value: Json | readonly Heard[] | undefined): value is Json {
  return value !== undefined && !Array.isArray(value)
}

/** A LoRaWAN port, or none: 0 is that of the network itself. */
export function readPort(value: number | undefined): number | undefined {
  return value !== undefined && Number.isInteger(value) && value >= 1 && value <= 255
    ? value
    : undefined
}

/** The spreading factor and bandwidth of `SF7BW125`. Unit of the bandwidth: Hz. */
export function readDataRateName(name: string | undefined): {
  readonly spreadingFactor?: number
  readonly bandwidth?: number
} {
  const parts = /^SF\s*(\d{1,2})\s*BW\s*(\d{2,4})/i.exec(name ?? '')
  return parts === null
    ? {}
    : { spreadingFactor: Number(parts[1]), bandwidth: Number(parts[2]) * 1_000 }
}
