import type { Json } from './json.ts'

/** One message as it goes to the archive: flat, whole, never read by the core again. */
export interface ColdRow {
  readonly deviceId: string
  /** Event time, epoch ms. */
  readonly at: number
  readonly receivedAt: number
  readonly messageId: string
  readonly topic: string
  readonly body: Json
}
