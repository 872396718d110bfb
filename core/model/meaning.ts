import type { Json } from './json.ts'
import type { MetricValue } from './telemetry.ts'

/** Why a value is flagged. */
export type Flag = 'type' | 'range' | 'value' | 'missing' | 'unknown' | 'failed'

/** What the values of a message mean, after units, calibration and derived values. */
export interface Meant {
  /** Values that differ from what was sent, and derived ones. */
  readonly changed: Readonly<Record<string, MetricValue>>
  readonly flags: Readonly<Record<string, Flag>>
}

/** A message whose values are looked at. */
export interface MeasuredMessage {
  readonly deviceId: string
  readonly topic: string
  /** Epoch ms. */
  readonly receivedAt: number
  readonly bytes: Uint8Array
  readonly metrics: Readonly<Record<string, MetricValue>>
  /** The body with other values in their places and without those that are flagged: what derived values are made of. */
  bodyOf(meant: Meant): Json
}

/** The schema of a device type, compiled. */
export interface Meaning {
  /**
   * What of a message changes; `undefined`: it stays as it is.
   * @throws CoreError `uplink.bad_value` or `uplink.unknown_metric` where the type refuses such messages.
   */
  read(message: MeasuredMessage): Meant | undefined
}
