import type { CommandContent, CommandRow, CommandStore } from '../../core/index.ts'
import { bytes, type Dynamo, type Item, text } from './dynamo.ts'

export interface CommandStoreOptions {
  readonly dynamo: Dynamo
  /** The table of small items. */
  readonly table: string
  /** Epoch ms. */
  readonly now: () => number
}

/** Contents of commands, with the side that commits write. */
export interface AwsCommandStore extends CommandStore {
  /** Keeps what comes with a commit, before it. */
  keep(deviceId: string, rows: readonly CommandRow[]): Promise<void>
  /** Removes what is needed no longer, after the commit. */
  drop(deviceId: string, rows: readonly CommandRow[]): Promise<void>
}

/** No command lives as long: what a lost commit left behind goes by itself. Unit: s. */
const TTL_SECONDS = 8 * 86_400

/** Contents of commands as items of DynamoDB. */
export function createCommandStore({ dynamo, table, now }: CommandStoreOptions): AwsCommandStore {
  return {
    async content(deviceId, contentId) {
      const item = await dynamo.get(table, keyOf(deviceId, contentId))
      if (item === undefined) return undefined
      const facts: Omit<CommandContent, 'payload'> = JSON.parse(text(item, 'facts') ?? '')
      return { ...facts, payload: new Uint8Array(bytes(item, 'payload') ?? []) }
    },

    async keep(deviceId, rows) {
      for (const { contentId, content } of rows) {
        if (content === undefined) continue
        const { payload, ...facts } = content
        await dynamo.put(table, {
          ...keyOf(deviceId, contentId),
          facts: { S: JSON.stringify(facts) },
          payload: { B: Buffer.from(payload).toString('base64') },
          ttl: { N: String(Math.ceil(now() / 1_000) + TTL_SECONDS) },
        })
      }
    },

    async drop(deviceId, rows) {
      for (const { contentId, content } of rows)
        if (content === undefined) await dynamo.remove(table, keyOf(deviceId, contentId))
    },
  }
}

function keyOf(deviceId: string, contentId: string): Item {
  return { tbl: { S: `$commands/${deviceId}` }, key: { S: contentId } }
}
