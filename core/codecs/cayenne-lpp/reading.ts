import type { Json, JsonObject } from '../../model/json.ts'

/** One measured value of a frame: a type of JSON, so that it travels as it is. */
export type LppReading = {
  readonly channel: number
  readonly type: number
  readonly name: string
  readonly value: LppValue
}

export type LppValue = number | JsonObject

/** How frames stand in telemetry. */
export type LppForm = 'readings' | 'keys' | 'chirpstack'

/** Whether a value is what `decode` gives for one reading, or what people write for it. */
export interface GivenReading {
  readonly channel: Json | undefined
  readonly type: Json | undefined
  readonly value: Json | undefined
}
