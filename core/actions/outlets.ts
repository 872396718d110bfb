import * as z from 'zod'
import { CoreError } from '../errors.ts'
import type { RunAction } from './action.ts'
import { outputJson } from './output.ts'
import { jsonTemplate, type TemplateScope, template } from './templates.ts'

/** Posts the result of the SQL, as it is, to a channel of type webhook. */
export const WebhookSchema = z
  .strictObject({
    channel: z.string().min(1).meta({ description: 'A channel of type webhook.' }),
  })
  .meta({ description: 'Posts the result of the SQL, as it is, to a channel of type webhook.' })

/** Appends the result of the SQL to a queue for other programs. */
export const QueueSchema = z
  .strictObject({
    name: z.string().min(1).meta({ description: 'The queue; ${…} is evaluated on the message.' }),
  })
  .meta({ description: 'Appends the result of the SQL to a queue for other programs.' })

/** Puts the result of the SQL, or an item, into a table under a key. */
export const TableSchema = z
  .strictObject({
    table: z.string().min(1).meta({ description: 'The table; ${…} is evaluated on the message.' }),
    key: z.string().min(1).meta({ description: 'The key; ${…} is evaluated on the message.' }),
    item: z.json().optional().meta({ description: 'The result of the SQL unless given.' }),
  })
  .meta({ description: 'Puts the result of the SQL, or an item, into a table under a key.' })

export function compileWebhook(config: z.output<typeof WebhookSchema>): RunAction {
  return ({ value, deviceId, at, key, message }) => ({
    do: 'emit',
    effect: {
      kind: 'notify',
      notification: {
        key: `${deviceId}/${key}/${at}`,
        channelIds: [config.channel],
        deviceId,
        severity: 'info',
        subject: message.facts.topic,
        text: '',
        at,
        data: null,
        body: outputJson(value),
      },
    },
  })
}

export function compileQueue(
  config: z.output<typeof QueueSchema>,
  scope: TemplateScope,
): RunAction {
  const name = template(config.name, scope)
  return ({ message, value }) => ({
    do: 'emit',
    effect: { kind: 'queue', queue: name.render(message), body: outputJson(value) },
  })
}

export function compileTable(
  config: z.output<typeof TableSchema>,
  scope: TemplateScope,
): RunAction {
  const key = template(config.key, scope)
  const table = template(config.table, scope)
  const item = config.item === undefined ? undefined : jsonTemplate(config.item, scope)
  return ({ message, value }) => {
    const name = table.render(message)
    if (name.startsWith('$'))
      throw new CoreError('rule.failed', 'table: expected a name that does not begin with $')
    return {
      do: 'emit',
      effect: {
        kind: 'table',
        table: name,
        key: key.render(message),
        item: item === undefined ? outputJson(value) : item(message),
      },
    }
  }
}
