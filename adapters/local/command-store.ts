import type { CommandContent, CommandRow, CommandStore } from '../../core/index.ts'
import type { Database } from './sqlite/database.ts'
import type { Operation } from './sqlite/protocol.ts'

/** Contents of commands as a table of SQLite. */
export function createCommandStore(database: Database): CommandStore {
  return {
    async content(deviceId, contentId) {
      const [row] = await database.read('commandGet', deviceId, contentId)
      const payload = row?.['payload']
      if (row === undefined || !(payload instanceof Uint8Array)) return undefined
      const facts: Omit<CommandContent, 'payload'> = JSON.parse(String(row['facts']))
      return { ...facts, payload }
    },
  }
}

/** What a commit writes for the content of one command. */
export function commandOperation(deviceId: string, { contentId, content }: CommandRow): Operation {
  if (content === undefined) return ['commandRemove', deviceId, contentId]
  const { payload, ...facts } = content
  return ['commandPut', deviceId, contentId, JSON.stringify(facts), payload]
}
