import type { CommandContent, CommandRow, CommandStore } from '../../core/index.ts'
import { bytes, documentId, expireAt, type Firestore, text, type Write } from './firestore.ts'

/** No command lives as long: what is left goes by itself. Unit: ms. */
const LIFE_MS = 8 * 86_400_000

/** Contents of commands as documents below the record, written by its commits. */
export function createCommandStore(
  firestore: Firestore,
  recordPath: (deviceId: string) => string,
): CommandStore {
  return {
    async content(deviceId, contentId) {
      const path = contentPath(recordPath(deviceId), contentId)
      const document = (await firestore.get([path])).get(path)
      if (document === undefined) return undefined
      const facts: Omit<CommandContent, 'payload'> = JSON.parse(text(document, 'facts') ?? '')
      return { ...facts, payload: new Uint8Array(bytes(document, 'payload') ?? []) }
    },
  }
}

/** What a commit does with contents, as part of it. */
export function contentWrites(
  recordPath: string,
  rows: readonly CommandRow[],
  now: number,
): readonly Write[] {
  return rows.map(({ contentId, content }): Write => {
    const path = contentPath(recordPath, contentId)
    if (content === undefined) return { path, remove: true }
    const { payload, ...facts } = content
    return {
      path,
      fields: {
        facts: { stringValue: JSON.stringify(facts) },
        payload: { bytesValue: Buffer.from(payload).toString('base64') },
        ...expireAt(now + LIFE_MS),
      },
    }
  })
}

function contentPath(recordPath: string, contentId: string): string {
  return `${recordPath}/contents/${documentId(contentId)}`
}
