import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startTestCloud, type TestCloud } from './local-cloud.ts'
import { type CliResult, type Folder, runCli, temporaryFolder } from './run-cli.ts'

const TRUCKS = "deviceTypes: {trucks: {devices: 'truck-*'}}"
const ALL = "deviceTypes: {trucks: {devices: '*'}}"

let folder: Folder
let started: TestCloud

beforeEach(async () => {
  folder = temporaryFolder()
  started = await startTestCloud(folder, TRUCKS)
})

afterEach(async () => {
  await started.cloud.close()
  folder.remove()
})

function deadLetters(...args: string[]): Promise<CliResult> {
  return runCli(['dead-letters', ...args, '--url', started.http, '--data', 'data'], {
    cwd: folder.path,
  })
}

async function post(deviceId: string, body: string | Uint8Array): Promise<number> {
  const url = `${started.http}/devices/${deviceId}/telemetry`
  return (await fetch(url, { method: 'POST', body: Buffer.from(body) })).status
}

/** The cloud again on the same data, with another config. */
async function restart(yaml: string): Promise<void> {
  await started.cloud.close()
  started = await startTestCloud(folder, yaml)
}

async function listed(): Promise<Record<string, unknown>[]> {
  const { out } = await deadLetters('list', '--json')
  return JSON.parse(out).deadLetters
}

describe('anyhub dead-letters', () => {
  it('lists newest first, for people and for programs', async () => {
    expect((await deadLetters('list')).out).toBe('no dead letters\n')
    expect(await post('van-1', '{"temp": 1}')).toBe(422)
    expect(await post('truck-1', '{"temp":')).toBe(422)
    expect(await post('truck-1', '{"temp": 2}')).toBe(202)
    const letters = await listed()
    expect(letters).toMatchObject([
      { deviceId: 'truck-1', code: 'codec.malformed', source: 'http', payloadText: '{"temp":' },
      { deviceId: 'van-1', code: 'uplink.bad_device_id', payloadText: '{"temp": 1}' },
    ])
    const { code, out } = await deadLetters('list')
    expect(code).toBe(0)
    expect(out.split('\n')[0]).toContain('codec.malformed')
    expect(out).toContain('2 of 2\n')
    expect((await deadLetters('list', '--limit', '1')).out).toContain('1 of 2\n')
    const wrong = await deadLetters('list', '--limit', 'many')
    expect(wrong.code).toBe(1)
    expect(wrong.err).toContain('limit: expected a whole number')
  })

  it('shows one with its bytes, in hex where they are no text', async () => {
    await post('truck-1', Buffer.from([0xff, 0x00, 0x7b]))
    const [letter] = await listed()
    const { code, out } = await deadLetters('show', String(letter!['id']))
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      id: letter!['id'],
      payloadHex: 'ff007b',
      payloadBytes: 3,
      topic: 'devices/truck-1/telemetry',
    })
    const none = await deadLetters('show', 'none')
    expect(none.code).toBe(1)
    expect(none.err).toContain('expected the id of a dead letter')
  })

  it('redrives one after its cause is gone, once', async () => {
    await post('van-1', '{"temp": 1}')
    const [letter] = await listed()
    const id = String(letter!['id'])
    const early = await deadLetters('redrive', id)
    expect(early.code).toBe(1)
    expect(await listed()).toHaveLength(1)
    await restart(ALL)
    const { code, out } = await deadLetters('redrive', id)
    expect(out).toBe(`${id}  accepted\n`)
    expect(code).toBe(0)
    expect(await listed()).toEqual([])
    const again = await deadLetters('redrive', id)
    expect(again.code).toBe(1)
    expect(await started.cloud.core.ports.telemetry.count('van-1')).toBe(1)
  })

  it('redrives all that can be, and keeps the others under their ids', async () => {
    for (let index = 0; index < 120; index++) await post(`van-${index % 3}`, `{"temp": ${index}}`)
    await post('truck-1', 'no JSON')
    await restart(ALL)
    const { code, out } = await deadLetters('redrive', '--all', '--json')
    expect(code).toBe(1)
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.filter(({ status }) => status === 'accepted')).toHaveLength(120)
    expect(await listed()).toMatchObject([{ deviceId: 'truck-1', payloadText: 'no JSON' }])
    expect(await started.cloud.core.ports.telemetry.count('')).toBe(120)
    const second = await deadLetters('redrive', '--all')
    expect(second.code).toBe(1)
    expect(await started.cloud.core.ports.telemetry.count('')).toBe(120)
  })

  it("asks for the admin's token where something is changed", async () => {
    await post('van-1', '{"temp": 1}')
    const [letter] = await listed()
    const args = ['dead-letters', 'redrive', String(letter!['id']), '--url', started.http]
    const { code, out, err } = await runCli(args, { cwd: folder.path })
    expect(code).toBe(1)
    expect(out + err).toContain("expected the admin's token")
  })

  it('says that nothing answers', async () => {
    const { code, err } = await runCli(['dead-letters', 'list', '--url', 'http://127.0.0.1:1'])
    expect(code).toBe(1)
    expect(err).toContain('nothing answers at http://127.0.0.1:1')
  })
})
