import * as z from 'zod'

// What many endpoints take and give.

/** Id of a device in a path. What is none is the id of no device: that it is not there is answer enough. */
export const DeviceId = z.string().meta({ description: 'Id of the device.', example: 'truck-7' })

export const DeviceParams = z.strictObject({ deviceId: DeviceId })

/** Where a list goes on: `next` of the page before. */
export const After = z
  .string()
  .max(1_024)
  .optional()
  .meta({ description: '`next` of the page before; the first page unless given.' })

/** How many a page holds. */
export function limit(usual: number, most: number) {
  return whole(0, most)
    .optional()
    .transform((found) => found ?? usual)
    .meta({ description: `How many, at most ${most}; ${usual} unless given.` })
}

/** A whole number in a query, which is a text there. */
export function whole(least: number, most: number) {
  return z
    .string()
    .regex(/^\d{1,16}$/, `expected a whole number from ${least} to ${most}`)
    .transform(Number)
    .refine(
      (count) => count >= least && count <= most,
      `expected a whole number from ${least} to ${most}`,
    )
    .meta({ type: 'integer', minimum: least, maximum: most })
}

/** What else the engine's parser would make a date of is none. */
const ISO_DATE = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d))?$/

/** Epoch ms, or ISO 8601: a day of UTC, or a time with its zone. */
export const Time = z
  .string()
  .transform((text) =>
    /^\d{1,16}$/.test(text) ? Number(text) : ISO_DATE.test(text) ? Date.parse(text) : Number.NaN,
  )
  .refine((at) => !Number.isNaN(at), 'expected epoch milliseconds or ISO 8601')
  .meta({ description: 'Epoch milliseconds, or ISO 8601: a day of UTC, or a time with its zone.' })

/** A switch in a query. */
export const Switch = z
  .enum(['true', 'false'])
  .transform((text) => text === 'true')
  .meta({ type: 'boolean' })

/** Any value of JSON. */
export const AnyJson = z.json().meta({ id: 'Json' })

/** An object of JSON whose keys are the sender's. */
export const AnyObject = z.record(z.string(), AnyJson)

/** Epoch ms. */
export const Instant = z.int().meta({ description: 'Epoch milliseconds.' })
