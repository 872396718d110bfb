import * as z from 'zod'
import { CoreError } from '../errors.ts'
import { readDuration } from '../model/duration.ts'
import { isJsonObject, type Json } from '../model/json.ts'
import type { RunAction } from './action.ts'
import { jsonTemplate, renderDeviceId, type TemplateScope, template } from './templates.ts'

/** Changes the desired state of the sender or of another device. */
export const SetDesiredSchema = z
  .strictObject({
    device: z.string().optional().meta({ description: 'The device; the sender unless given.' }),
    shadow: z
      .string()
      .regex(
        /^[a-zA-Z0-9:_-]{0,64}$/,
        'expected the name of a shadow: up to 64 letters, digits and : _ -',
      )
      .default('')
      .meta({ description: 'The name of the shadow; the classic one unless given.' }),
    state: z
      .record(z.string(), z.json())
      .optional()
      .meta({ description: 'The desired state; the result of the SQL unless given.' }),
    for: z
      .string()
      .refine((text) => (readDuration(text) ?? 0) >= 1_000, 'expected a duration such as 90s or 2h')
      .optional()
      .meta({ description: 'How long it stays wanted, such as 90s or 2h; for ever unless given.' }),
    once: z
      .boolean()
      .default(false)
      .meta({ description: 'Takes the values away again as soon as the device reports them.' }),
  })
  .meta({ description: 'Changes the desired state of the sender or of another device.' })

export function compileSetDesired(
  config: z.output<typeof SetDesiredSchema>,
  scope: TemplateScope,
): RunAction {
  const device = config.device === undefined ? undefined : template(config.device, scope)
  const state = config.state === undefined ? undefined : jsonTemplate(config.state, scope)
  const name = config.shadow
  const forMs = config.for === undefined ? undefined : readDuration(config.for)
  const lifetime = {
    ...(forMs === undefined ? {} : { forMs }),
    ...(config.once ? { once: true } : {}),
  }
  return ({ message, value, deviceId, key }) => {
    const desired: Json | Uint8Array | undefined = state === undefined ? value : state(message)
    if (desired === undefined || desired instanceof Uint8Array || !isJsonObject(desired)) {
      throw new CoreError('rule.failed', 'setDesired: expected an object as desired state')
    }
    const target = renderDeviceId(device, message, deviceId)
    if (target === deviceId) return { do: 'desire', name, desired, ...lifetime }
    const by = `rule ${key.slice(0, key.indexOf('/'))}`
    return {
      do: 'emit',
      effect: { kind: 'desire', deviceId: target, name, desired, by, ...lifetime },
    }
  }
}
