import * as z from 'zod'
import { CoreError } from '../errors.ts'
import { isJsonObject } from '../model/json.ts'
import type { MetricValue } from '../model/telemetry.ts'
import type { RunAction } from './action.ts'
import { outputJson } from './output.ts'

/** Stores the values that the SQL selected as telemetry of the sender, beside what it measured. */
export const StoreSchema = z
  .strictObject({
    prefix: z
      .string()
      .max(64)
      .default('')
      .meta({ description: 'Put before the name of each value.' }),
  })
  .meta({
    description:
      'Stores the values that the SQL selected as telemetry of the sender, beside what it measured.',
  })

/** Writes the result of the SQL to the archive. */
export const ColdRowSchema = z
  .strictObject({})
  .meta({ description: 'Writes the result of the SQL to the archive.' })

export function compileStore(config: z.output<typeof StoreSchema>): RunAction {
  return ({ value, at, messageId, key }) => {
    if (value === undefined || value instanceof Uint8Array || !isJsonObject(value)) {
      throw new CoreError('rule.failed', 'store: expected an object of values, found none')
    }
    const metrics: Record<string, MetricValue> = {}
    for (const [name, one] of Object.entries(value)) {
      if (typeof one === 'number' || typeof one === 'boolean' || typeof one === 'string') {
        metrics[config.prefix + name] = one
      }
    }
    return { do: 'row', row: { at, messageId: `${key}~${messageId}`, metrics } }
  }
}

export function compileColdRow(): RunAction {
  return ({ value, deviceId, at, receivedAt, messageId, message }) => ({
    do: 'cold',
    row: {
      deviceId,
      at,
      receivedAt,
      messageId,
      topic: message.facts.topic,
      body: outputJson(value),
    },
  })
}
