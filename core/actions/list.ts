import * as z from 'zod'
import type { RunAction } from './action.ts'
import {
  ClearAlarmSchema,
  compileClearAlarm,
  compileRaiseAlarm,
  RaiseAlarmSchema,
} from './alarm.ts'
import { compileLog, LogSchema } from './log.ts'
import { compileNotify, NotifySchema } from './notify.ts'
import {
  compileQueue,
  compileTable,
  compileWebhook,
  QueueSchema,
  TableSchema,
  WebhookSchema,
} from './outlets.ts'
import { compileRepublish, RepublishSchema } from './republish.ts'
import { ColdRowSchema, compileColdRow, compileStore, StoreSchema } from './rows.ts'
import { compileSendCommand, SendCommandSchema } from './send-command.ts'
import { compileSetDesired, SetDesiredSchema } from './set-desired.ts'
import type { TemplateScope } from './templates.ts'

/** Every action, by the key that names it in anyhub.yml: exactly one key stands in each action. */
export const ActionSchema = z.union([
  z.strictObject({ republish: RepublishSchema }),
  z.strictObject({ store: StoreSchema }),
  z.strictObject({ raiseAlarm: RaiseAlarmSchema }),
  z.strictObject({ clearAlarm: ClearAlarmSchema }),
  z.strictObject({ notify: NotifySchema }),
  z.strictObject({ setDesired: SetDesiredSchema }),
  z.strictObject({ sendCommand: SendCommandSchema }),
  z.strictObject({ webhook: WebhookSchema }),
  z.strictObject({ queue: QueueSchema }),
  z.strictObject({ table: TableSchema }),
  z.strictObject({ coldRow: ColdRowSchema }),
  z.strictObject({ log: LogSchema }),
])

export type ActionConfig = z.output<typeof ActionSchema>

/** Makes an action ready to run. @throws CoreError `rule.*` for a faulty template. */
export function compileAction(action: ActionConfig, scope: TemplateScope): RunAction {
  if ('republish' in action) return compileRepublish(action.republish, scope)
  if ('store' in action) return compileStore(action.store)
  if ('raiseAlarm' in action) return compileRaiseAlarm(action.raiseAlarm, scope)
  if ('clearAlarm' in action) return compileClearAlarm(action.clearAlarm)
  if ('notify' in action) return compileNotify(action.notify, scope)
  if ('setDesired' in action) return compileSetDesired(action.setDesired, scope)
  if ('sendCommand' in action) return compileSendCommand(action.sendCommand, scope)
  if ('webhook' in action) return compileWebhook(action.webhook)
  if ('queue' in action) return compileQueue(action.queue, scope)
  if ('table' in action) return compileTable(action.table, scope)
  if ('coldRow' in action) return compileColdRow()
  return compileLog(action.log, scope)
}

/** The channels that an action names, with the path to each inside the action. */
export function channelsOf(
  action: ActionConfig,
): readonly { readonly id: string; readonly path: readonly (string | number)[] }[] {
  if ('webhook' in action) return [{ id: action.webhook.channel, path: ['webhook', 'channel'] }]
  if ('notify' in action)
    return action.notify.channels.map((id, at) => ({ id, path: ['notify', 'channels', at] }))
  if ('raiseAlarm' in action)
    return action.raiseAlarm.notify.map((id, at) => ({ id, path: ['raiseAlarm', 'notify', at] }))
  if ('clearAlarm' in action)
    return action.clearAlarm.notify.map((id, at) => ({ id, path: ['clearAlarm', 'notify', at] }))
  return []
}
