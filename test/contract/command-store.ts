import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CommandContent, CommandStore, DeviceStore } from '../../core/index.ts'
import { type Backend, commit } from './subject.ts'

/** The two that belong together: contents come in by commits only. */
export interface CommandStoreSubject extends Backend {
  readonly devices: DeviceStore
  readonly commands: CommandStore
}

const text: CommandContent = {
  payload: new TextEncoder().encode('{"on":true}'),
  contentType: 'application/json',
  correlationId: 'corr-"ü"',
  properties: { trace: 'abc', ['__proto__']: 'own', ü: '\n' },
}

const bytes: CommandContent = { payload: Uint8Array.of(0, 255, 128, 10), properties: {} }

/** What every CommandStore must do. */
export function commandStoreContract(name: string, open: () => Promise<CommandStoreSubject>): void {
  describe(`${name}: CommandStore contract`, () => {
    let subject: CommandStoreSubject
    beforeEach(async () => {
      subject = await open()
    })
    afterEach(() => subject.close())

    /** As plain values: stores may give other classes of bytes. */
    const read = async (deviceId: string, contentId: string) => {
      const content = await subject.commands.content(deviceId, contentId)
      return content && { ...content, payload: [...content.payload] }
    }
    const plain = (content: CommandContent) => ({ ...content, payload: [...content.payload] })

    it('has none at first', async () => {
      expect(await read('dev-1', 'c-1')).toBeUndefined()
    })

    it('gives contents as they were, each device its own', async () => {
      const contents = [
        { contentId: 'c-1', content: text },
        { contentId: 'c-2', content: bytes },
      ]
      await subject.devices.commit(commit('dev-1', 1, { contents }))
      await subject.devices.commit(
        commit('dev-2', 1, { contents: [{ contentId: 'c-1', content: bytes }] }),
      )
      expect(await read('dev-1', 'c-1')).toEqual(plain(text))
      expect(await read('dev-1', 'c-2')).toEqual(plain(bytes))
      expect(await read('dev-2', 'c-1')).toEqual(plain(bytes))
      expect(await read('dev-2', 'c-2')).toBeUndefined()
    })

    it('holds the largest payload, and nothing at all', async () => {
      const large = { payload: new Uint8Array(65_536).fill(7), properties: {} }
      const empty = { payload: new Uint8Array(), properties: {} }
      await subject.devices.commit(
        commit('dev-1', 1, {
          contents: [
            { contentId: 'large', content: large },
            { contentId: 'empty', content: empty },
          ],
        }),
      )
      expect((await subject.commands.content('dev-1', 'large'))?.payload.length).toBe(65_536)
      expect(await read('dev-1', 'empty')).toEqual(plain(empty))
    })

    it('lets go of what is removed, and only of that', async () => {
      const contents = ['c-1', 'c-2'].map((contentId) => ({ contentId, content: text }))
      await subject.devices.commit(commit('dev-1', 1, { contents }))
      await subject.devices.commit(
        commit('dev-1', 2, {
          contents: [
            { contentId: 'c-1', content: undefined },
            { contentId: 'never', content: undefined },
          ],
        }),
      )
      expect(await read('dev-1', 'c-1')).toBeUndefined()
      expect(await read('dev-1', 'c-2')).toEqual(plain(text))
    })

    it('keeps the content of a command whose removal lost the race', async () => {
      await subject.devices.commit(
        commit('dev-1', 1, { contents: [{ contentId: 'c-1', content: text }] }),
      )
      const late = commit('dev-1', 1, { contents: [{ contentId: 'c-1', content: undefined }] })
      await expect(subject.devices.commit(late)).rejects.toMatchObject({ code: 'store.conflict' })
      expect(await read('dev-1', 'c-1')).toEqual(plain(text))
    })

    it('fails with store.unavailable while its backend is away', async () => {
      await subject.takeAway()
      await expect(subject.commands.content('dev-1', 'c-1')).rejects.toMatchObject({
        code: 'store.unavailable',
        retryable: true,
      })
    })
  })
}
