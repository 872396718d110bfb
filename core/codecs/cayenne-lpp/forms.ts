import type { Json, JsonObject } from '../../model/json.ts'
import type { LppReading } from './reading.ts'
import { LPP_BY_BYTE } from './types.ts'

/**
 * The body that rules and telemetry see: `temperature_3`, as The Things Stack names it. A second value of the same name
 * in one frame gets `_2`, so that none is lost.
 */
export function toKeys(readings: readonly LppReading[]): JsonObject {
  const body: Record<string, Json> = {}
  for (const { channel, type, value } of readings) {
    const key = `${LPP_BY_BYTE[type]?.key}_${channel}`
    let free = key
    for (let more = 2; body[free] !== undefined; more++) free = `${key}_${more}`
    body[free] = value
  }
  return body
}

/** As ChirpStack gives it: by type, then by channel. Of values of one type and channel the last counts. */
export function toChirpStack(readings: readonly LppReading[]): JsonObject {
  const body: Record<string, Record<string, Json>> = {}
  for (const { channel, type, value } of readings) {
    const name = LPP_BY_BYTE[type]?.chirpStack ?? ''
    const channels = body[name] ?? {}
    body[name] = channels
    channels[channel] = value
  }
  return body
}
