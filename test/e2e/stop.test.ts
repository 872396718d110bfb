import { existsSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import mqtt from 'mqtt'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Folder, temporaryFolder } from '../cli/run-cli.ts'
import { readStoredData } from '../stored-data.ts'
import { killProcesses, runProcess, runUntil, startProcess } from './cloud-process.ts'

const START = 1_600_000_000

let folder: Folder
let occupied: Server | undefined

beforeEach(() => {
  folder = temporaryFolder()
  folder.write(
    'anyhub.yml',
    `rules: {all: {sql: "SELECT * FROM 'devices/+/telemetry'", actions: [{republish: {topic: 'all/\${topic(2)}'}}]}}`,
  )
})

afterEach(async () => {
  await killProcesses()
  occupied?.close()
  occupied = undefined
  folder.remove()
})

const args = (): string[] => [
  '--config',
  `${folder.path}/anyhub.yml`,
  '--data',
  `${folder.path}/data`,
]

function occupy(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer()
    occupied = server
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
}

describe('anyhub start as a process', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'finishes what it has taken when it is asked to end by %s',
    async (signal) => {
      const cloud = await startProcess(...args())
      // A page that listens and a subscriber that stays are let go as well.
      const page = await fetch(`${cloud.http}/events`)
      const client = mqtt.connect(cloud.mqtt, { protocolVersion: 5, reconnectPeriod: 0 })
      client.on('error', () => undefined)
      await new Promise((resolve) => client.once('connect', resolve))
      await client.subscribeAsync('all/#', { qos: 1 })
      const acked = new Set<number>()
      await new Promise<void>((resolve) => {
        let next = 0
        const publishNext = (): void => {
          const ts = START + next++
          const payload = JSON.stringify({ ts, temp: next })
          client.publish(`devices/dev-${next % 3}/telemetry`, payload, { qos: 1 }, (error) => {
            if (error) return
            acked.add(ts)
            if (acked.size === 500) resolve()
            if (client.connected) publishNext()
          })
        }
        for (let index = 0; index < 300; index++) publishNext()
      })
      const asked = Date.now()
      const ended = await cloud.stop(signal)
      expect(ended).toMatchObject({ code: 0, signal: null, err: '' })
      expect(ended.out.trim().split('\n')).toHaveLength(1)
      expect(Date.now() - asked).toBeLessThan(8_000)
      client.end(true)
      await page.body?.cancel().catch(() => undefined)

      const { rows, devices } = await readStoredData(`${folder.path}/data`)
      const stored = new Set(rows.map(({ at }) => at / 1_000))
      expect(rows.length).toBeGreaterThanOrEqual(500)
      expect([...acked].filter((ts) => !stored.has(ts))).toEqual([])
      // Nothing that rules asked for waits for a later start.
      for (const device of Object.values(devices)) expect(device).toMatchObject({ outbox: [] })
      const again = await startProcess(...args())
      expect(await again.stop()).toMatchObject({ code: 0, err: '' })
    },
  )

  it('tells people that it is running, and that it stopped cleanly', async () => {
    const ports = ['--http-port', '0', '--mqtt-port', 'off', '--mqtts-port', 'off']
    const { out, code } = await runUntil('Ctrl-C', 'start', ...args(), ...ports)
    expect(out).toMatch(
      /^anyhub is running\n\n {2}page {4}http:\/\/127\.0\.0\.1:\d+\n {2}mqtt {4}off/,
    )
    expect(out).toContain('stopped cleanly; 0 messages stored since the start')
    expect(code).toBe(0)
  })

  it.each([
    ['--http-port', ['--mqtt-port', '0']],
    ['--mqtt-port', ['--http-port', '0']],
  ])('names a busy port and its flag: %s', async (flag, other) => {
    const port = await occupy()
    const ended = await runProcess('start', ...args(), flag, String(port), ...other, '--json')
    expect(ended).toMatchObject({ code: 1, out: '' })
    expect(ended.err).toBe(
      `port ${port} on 127.0.0.1 is in use by another program: choose another with ${flag}, or 0 for any that is free\n`,
    )
    // Nothing is left locked.
    const cloud = await startProcess(...args())
    expect(await cloud.stop()).toMatchObject({ code: 0 })
  })

  it('refuses a data folder that another process has open, which goes on', async () => {
    const first = await startProcess(...args())
    const second = await runProcess('start', ...args(), '--http-port', '0', '--mqtt-port', '0')
    expect(second).toMatchObject({ code: 1, out: '' })
    expect(second.err).toContain('the data folder is in use by another process')
    expect(second.err).toContain(`${folder.path}/data`)
    const answer = await fetch(`${first.http}/devices/dev-1/telemetry`, {
      method: 'POST',
      body: '{"temp": 1}',
    })
    expect(answer.status).toBe(202)
    expect(await first.stop()).toMatchObject({ code: 0, err: '' })
  })

  it('starts nothing with a faulty config, and lists its faults', async () => {
    folder.write(
      'anyhub.yml',
      'rules:\n  a: {sql: SELECT}\n  b: {sgl: SELECT}\nalarms:\n  c: {when: temp > }\ncolour: blue\n',
    )
    const ended = await runProcess('start', ...args(), '--http-port', '0', '--mqtt-port', '0')
    expect(ended).toMatchObject({ code: 1, out: '' })
    const places = ended.err
      .split('\n')
      .filter((line) => line.startsWith(`${folder.path}/anyhub.yml:`))
      .map((line) => line.slice(folder.path.length + '/anyhub.yml:'.length).split('  ')[0])
    expect(places).toEqual(['2:18', '3:3', '3:7', '5:19', '6:1'])
    expect(ended.err).toContain('5 faults')
    expect(existsSync(`${folder.path}/data`)).toBe(false)
  })
})
