import type { CommandContent, CommandRow, CommandStore } from '../../core/index.ts'
import { bytes, type Cosmos, expireIn, itemId, text } from './cosmos.ts'

/** Contents of commands, with the side that commits write. */
export interface AzureCommandStore extends CommandStore {
  /** Keeps what comes with a commit, before it. */
  keep(deviceId: string, rows: readonly CommandRow[]): Promise<void>
  /** Removes what is needed no longer, after the commit. */
  drop(deviceId: string, rows: readonly CommandRow[]): Promise<void>
}

/** No command lives as long: what a lost commit left behind goes by itself. Unit: ms. */
const LIFE_MS = 8 * 86_400_000

/** Contents of commands as items of Cosmos, those of a device in one partition. */
export function createCommandStore(cosmos: Cosmos): AzureCommandStore {
  return {
    async content(deviceId, contentId) {
      const item = await cosmos.get('items', shelfOf(deviceId), itemId(contentId))
      if (item === undefined) return undefined
      const facts: Omit<CommandContent, 'payload'> = JSON.parse(text(item, 'facts') ?? '')
      return { ...facts, payload: new Uint8Array(bytes(item, 'payload') ?? []) }
    },

    async keep(deviceId, rows) {
      for (const { contentId, content } of rows) {
        if (content === undefined) continue
        const { payload, ...facts } = content
        await cosmos.put('items', shelfOf(deviceId), {
          id: itemId(contentId),
          shelf: shelfOf(deviceId),
          facts: JSON.stringify(facts),
          payload: Buffer.from(payload).toString('base64'),
          ...expireIn(LIFE_MS),
        })
      }
    },

    async drop(deviceId, rows) {
      for (const { contentId, content } of rows)
        if (content === undefined)
          await cosmos.remove('items', shelfOf(deviceId), itemId(contentId))
    },
  }
}

function shelfOf(deviceId: string): string {
  return `$commands/${deviceId}`
}
