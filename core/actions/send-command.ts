import * as z from 'zod'
import type { RunAction } from './action.ts'
import { outputJson } from './output.ts'
import {
  jsonTemplate,
  renderDeviceId,
  renderTopic,
  type TemplateScope,
  template,
} from './templates.ts'

/** Queues a command for the sender or for another device. */
export const SendCommandSchema = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .max(128)
      .meta({ description: 'What the device is asked to do; ${…} is evaluated.' }),
    device: z.string().optional().meta({ description: 'The device; the sender unless given.' }),
    payload: z.json().optional().meta({ description: 'The result of the SQL unless given.' }),
  })
  .meta({ description: 'Queues a command for the sender or for another device.' })

export function compileSendCommand(
  config: z.output<typeof SendCommandSchema>,
  scope: TemplateScope,
): RunAction {
  const name = template(config.name, scope)
  const device = config.device === undefined ? undefined : template(config.device, scope)
  const payload = config.payload === undefined ? undefined : jsonTemplate(config.payload, scope)
  return ({ message, value, deviceId }) => ({
    do: 'emit',
    effect: {
      kind: 'command',
      deviceId: renderDeviceId(device, message, deviceId),
      name: renderTopic(name, message),
      payload: payload === undefined ? outputJson(value) : payload(message),
    },
  })
}
