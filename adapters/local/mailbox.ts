import { type ChannelConfig, type Delivery, type Json, renderMail } from '../../core/index.ts'
import type { Database } from './sqlite/database.ts'

type EmailConfig = Extract<ChannelConfig, { type: 'email' }>

/** So many mails are kept; older ones go. */
const KEPT = 200

/** Of our own, beside the tables of rules. */
const TABLE = '$mailbox'

/** A mail that would have been sent. */
export interface CaughtMail {
  /** Equal for every try: one that is sent again stands here once. */
  readonly id: string
  /** ISO 8601. */
  readonly at: string
  readonly to: readonly string[]
  readonly subject: string
  readonly text: string
}

/** Takes every mail where no mail server is configured, so that people see what would have been sent. */
export interface Mailbox {
  keep(channel: EmailConfig, delivery: Delivery): Promise<void>
  /** Newest first. */
  list(): Promise<readonly Json[]>
}

/** A mailbox in the database. Its keys sort the newest first. */
export function createMailbox(database: Database): Mailbox {
  const read = (after: string, limit: number) => database.read('itemList', TABLE, after, limit)
  return {
    async keep({ to }, delivery) {
      const { subject, text, messageId } = renderMail(delivery)
      const { at } = delivery.notification
      const mail = { id: messageId, at: new Date(at).toISOString(), to, subject, text }
      const key = `${String(Number.MAX_SAFE_INTEGER - at).padStart(17, '0')} ${messageId}`
      await database.write([['itemPut', TABLE, key, JSON.stringify(mail satisfies CaughtMail)]])
      const rows = await read('', KEPT + 10)
      const old = rows.slice(KEPT).map((row) => ['itemRemove', TABLE, String(row['key'])] as const)
      if (old.length > 0) await database.write(old)
    },

    async list() {
      return (await read('', KEPT)).map((row): Json => JSON.parse(String(row['item'])))
    },
  }
}
