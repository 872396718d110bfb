import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  adminTokenPath,
  carriesToken,
  ensureAdminToken,
} from '../../../adapters/local/admin-token.ts'
import { ensureDataFolder } from '../../../adapters/local/data-folder.ts'
import { openCloud, temporaryFolder } from './cloud.ts'

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8)

describe('the admin token', () => {
  it('is made once, long, and only for the owner', () => {
    const data = temporaryFolder()
    const token = ensureAdminToken(data)
    expect(token).toMatch(/^[A-Za-z0-9_-]{32}$/)
    expect(readFileSync(adminTokenPath(data), 'utf8')).toBe(`${token}\n`)
    expect(modeOf(adminTokenPath(data))).toBe('600')
    expect(ensureAdminToken(data)).toBe(token)
    expect(ensureAdminToken(temporaryFolder())).not.toBe(token)
  })

  it('is closed to others again where somebody opened it', () => {
    const data = temporaryFolder()
    const token = ensureAdminToken(data)
    chmodSync(adminTokenPath(data), 0o644)
    expect(ensureAdminToken(data)).toBe(token)
    expect(modeOf(adminTokenPath(data))).toBe('600')
  })

  it.each(['', '\n', 'short', 'with space in it that is long enough'])(
    'is made anew where the file holds %j',
    (text) => {
      const data = temporaryFolder()
      writeFileSync(adminTokenPath(data), text)
      const token = ensureAdminToken(data)
      expect(token).toMatch(/^[A-Za-z0-9_-]{32}$/)
      expect(ensureAdminToken(data)).toBe(token)
    },
  )

  it('may be one that the owner chose', () => {
    const data = temporaryFolder()
    const chosen = 'x'.repeat(40)
    writeFileSync(adminTokenPath(data), `${chosen}\n`)
    expect(ensureAdminToken(data)).toBe(chosen)
  })

  const TOKEN = 'abcdefghijklmnopqrstuvwxyz012345'

  it.each([`Bearer ${TOKEN}`, `bearer ${TOKEN}`, `BEARER   ${TOKEN}`])(
    'is carried by %j',
    (header) => expect(carriesToken(header, TOKEN)).toBe(true),
  )

  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    TOKEN,
    `Basic ${TOKEN}`,
    `Bearer ${TOKEN}x`,
    `Bearer ${TOKEN.slice(1)}`,
    `Bearer ${TOKEN.toUpperCase()}`,
    `Bearer ${TOKEN} ${TOKEN}`,
    `Bearer ü${TOKEN.slice(1)}`,
  ])('is not carried by %j', (header) => expect(carriesToken(header, TOKEN)).toBe(false))

  it('is not carried by nothing, even if the token were empty', () => {
    for (const header of [undefined, '', 'Bearer', 'Bearer '])
      expect(carriesToken(header, '')).toBe(false)
  })

  it('guards what changes things, and stands in no log and no answer', async () => {
    const cloud = await openCloud()
    const { adminToken } = cloud
    await cloud.call('/devices/d1/telemetry', { method: 'POST', body: '{' })
    const [letter] = await cloud.core.ports.deadLetters.list('', 1)
    const path = `/dead-letters/${letter!.id}`
    const answers: string[] = []
    const remove = async (authorization?: string) => {
      const headers = authorization === undefined ? {} : { authorization }
      const answer = await cloud.call(path, { method: 'DELETE', headers })
      answers.push(await answer.text())
      return answer
    }
    const refused = await remove()
    expect(refused.status).toBe(401)
    expect(refused.headers.get('www-authenticate')).toBe('Bearer')
    expect((await remove(`Bearer ${adminToken.slice(1)}`)).status).toBe(401)
    expect((await remove(adminToken)).status).toBe(401)
    expect((await remove(`Bearer ${adminToken}`)).status).toBe(204)
    for (const path of ['/', '/metrics', '/stats', '/devices', '/dead-letters', '/devices/d1'])
      answers.push(await (await cloud.call(path)).text())
    await cloud.close()
    for (const text of [...answers, ...cloud.logs]) expect(text).not.toContain(adminToken)
  })
})

describe('the data folder', () => {
  it('is made with all above it, and is only for the owner', () => {
    const data = join(temporaryFolder(), 'a', 'b')
    const database = ensureDataFolder(data)
    expect(modeOf(data)).toBe('700')
    expect(modeOf(database)).toBe('600')
  })

  it('is closed to others if it was there, empty or ours', () => {
    const data = join(temporaryFolder(), 'open')
    mkdirSync(data, { mode: 0o755 })
    ensureDataFolder(data)
    expect(modeOf(data)).toBe('700')
    chmodSync(data, 0o755)
    ensureAdminToken(data)
    ensureDataFolder(data)
    expect(modeOf(data)).toBe('700')
  })

  it('is left as it is if it holds other things, but its database is not', () => {
    const data = join(temporaryFolder(), 'home')
    mkdirSync(data, { mode: 0o755 })
    chmodSync(data, 0o755)
    writeFileSync(join(data, 'thesis.txt'), '')
    const database = ensureDataFolder(data)
    expect(modeOf(data)).toBe('755')
    expect(modeOf(database)).toBe('600')
    ensureDataFolder(data)
    expect(modeOf(data)).toBe('755')
  })

  it('shows others nothing of a running cloud', async () => {
    const data = join(temporaryFolder(), 'cloud')
    const cloud = await openCloud({ data })
    await cloud.call('/devices/d1/telemetry', { method: 'POST', body: '{"temp":1}' })
    for (const file of ['anyhub.db', 'anyhub.db-wal', 'admin-token'])
      expect([file, modeOf(join(data, file))]).toEqual([file, '600'])
  })
})
