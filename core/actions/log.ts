import * as z from 'zod'
import type { RunAction } from './action.ts'
import { type TemplateScope, template } from './templates.ts'

/** Writes a line to the log. */
export const LogSchema = z
  .strictObject({
    text: z.string().min(1).meta({ description: 'The line; ${…} is evaluated on the message.' }),
    level: z.enum(['info', 'warn', 'error']).default('info').meta({ description: 'Its level.' }),
  })
  .meta({ description: 'Writes a line to the log.' })

export function compileLog(config: z.output<typeof LogSchema>, scope: TemplateScope): RunAction {
  const text = template(config.text, scope)
  return ({ message }) => ({ do: 'log', level: config.level, text: text.render(message) })
}
