import * as z from 'zod'
import { toBase64 } from '../model/base64.ts'
import type { RunAction } from './action.ts'
import { renderTopic, type TemplateScope, template } from './templates.ts'

/** Publishes the result of the SQL on a topic. */
export const RepublishSchema = z
  .strictObject({
    topic: z.string().min(1).meta({ description: 'A topic; ${…} is evaluated on the message.' }),
    payload: z.string().optional().meta({ description: 'A text with ${…} instead of the result.' }),
    qos: z
      .union([z.literal(0), z.literal(1)])
      .default(1)
      .meta({ description: 'Quality of service.' }),
    retain: z
      .boolean()
      .default(false)
      .meta({ description: 'Whether the broker keeps it for later subscribers.' }),
  })
  .meta({ description: 'Publishes the result of the SQL on a topic.' })

export function compileRepublish(
  config: z.output<typeof RepublishSchema>,
  scope: TemplateScope,
): RunAction {
  const topic = template(config.topic, scope)
  const payload = config.payload === undefined ? undefined : template(config.payload, scope)
  const { qos, retain } = config
  return ({ message, value }) => {
    const kind = 'publish' as const
    const rendered = { kind, topic: renderTopic(topic, message), qos, retain }
    if (payload !== undefined) {
      return {
        do: 'emit',
        effect: { ...rendered, payload: payload.render(message), encoding: 'utf8' },
      }
    }
    if (value instanceof Uint8Array) {
      return { do: 'emit', effect: { ...rendered, payload: toBase64(value), encoding: 'base64' } }
    }
    const text = value === undefined ? '' : JSON.stringify(value)
    return { do: 'emit', effect: { ...rendered, payload: text, encoding: 'utf8' } }
  }
}
