import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type LocalCloud, type LocalSettings, startLocalCloud } from '../../adapters/local/index.ts'
import { connectDevice } from '../../cli/demo/device-link.ts'
import { requireConfig } from '../../cli/load-config.ts'
import { run } from '../../cli/main.ts'
import type { Terminal } from '../../cli/terminal.ts'

const root = resolve(import.meta.dirname, '../..')

/** A terminal that keeps what is written on it, and that can be told to stop. */
function memoryTerminal(interactive = false) {
  let stop = (): void => undefined
  const stopped = new Promise<void>((done) => {
    stop = done
  })
  const seen = { out: '', err: '' }
  const terminal: Terminal = {
    env: {},
    cwd: root,
    interactive,
    out(text) {
      seen.out += text
    },
    err(text) {
      seen.err += text
    },
    stdin: (async function* () {})(),
    untilStopped: () => stopped,
  }
  const events = (): Record<string, unknown>[] =>
    seen.out
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  return { terminal, seen, stop, events }
}

describe('anyhub demo', () => {
  let data: string
  let cloud: LocalCloud
  const settings = (): LocalSettings => ({
    host: '127.0.0.1',
    httpPort: 0,
    httpsPort: undefined,
    mqttPort: 0,
    mqttsPort: undefined,
    amqpsPort: undefined,
    keepEvents: false,
    data,
    durability: 'normal',
    requireAuth: false,
  })

  async function open(ports: Partial<LocalSettings> = {}): Promise<LocalCloud> {
    const { program } = await requireConfig(join(root, 'anyhub.yml'), root, {})
    return startLocalCloud({ program, settings: { ...settings(), ...ports }, log: () => undefined })
  }

  const addresses = (): string[] => [
    '--mqtt',
    `mqtt://127.0.0.1:${cloud.mqttPort}`,
    '--http',
    `http://127.0.0.1:${cloud.httpPort}`,
  ]

  beforeEach(async () => {
    data = mkdtempSync(join(tmpdir(), 'anyhub-demo-'))
    cloud = await open()
  })
  afterEach(async () => {
    await cloud.close()
    rmSync(data, { recursive: true })
  })

  // The clock ends the run: an alarm of its last moment is raised, and not told any more. Then it is run again.
  it('tells its story through rules, shadows and alarms of the built-in config', {
    retry: 2,
  }, async () => {
    const { terminal, seen, events } = memoryTerminal()
    const args = ['demo', ...addresses(), '--speed', '600', '--duration', '9s', '--json']
    expect(await run(args, terminal)).toBe(0)
    expect(seen.err).toBe('')

    const told = events()
    expect(told[0]).toMatchObject({ kind: 'started', devices: 20, speed: 600, seed: 1 })
    const of = (deviceId: string) =>
      told.filter((event) => event['deviceId'] === deviceId).map(({ kind }) => kind)
    // Its compressor has failed: a rule calls the technician, the alarm is raised and clears with the repair.
    expect(of('container-03')).toEqual(
      expect.arrayContaining(['called', 'raised', 'repaired', 'cleared']),
    )
    expect(of('container-07')).toEqual(expect.arrayContaining(['raised', 'dark', 'awake']))
    // Its door was open for long: a rule lowers the setpoint through its shadow.
    expect(told).toContainEqual(
      expect.objectContaining({ kind: 'setpoint', deviceId: 'container-11', from: -18, to: -20 }),
    )
    expect(of('container-19')).toContain('cut')

    const summary = told.at(-1)!
    const sent = Number(summary['sent'])
    expect(summary).toMatchObject({ kind: 'summary', acknowledged: sent, cut: 1, dropped: 0 })
    expect(sent).toBeGreaterThan(140)
    const [cut, repeated] = [Number(summary['cut']), Number(summary['repeated'])]
    expect(repeated).toBe(1)
    const stats = await cloud.stats()
    expect(stats['uplink.received']).toBe(sent)
    expect(stats['uplink.accepted']).toBe(sent - cut - repeated)
    expect(stats['uplink.duplicate']).toBe(repeated)
    expect(stats['dead_letters.kept']).toBe(cut)
    expect(await cloud.core.ports.telemetry.count('')).toBe(sent - cut - repeated)
    const raised = told.filter(({ kind }) => kind === 'raised')
    expect(raised.length).toBe(summary['raised'])
    expect(stats['alarm.raised']).toBe(raised.length)
  })

  it('sends the time of the clock, however fast the physics runs', async () => {
    const { terminal } = memoryTerminal()
    const from = Date.now()
    const args = ['demo', ...addresses(), '--speed', '3600', '--duration', '2500ms', '--json']
    expect(await run([...args, '--devices', '2'], terminal)).toBe(0)
    const to = Date.now()
    const rows = await cloud.core.ports.telemetry.range('container-01', {
      from: 0,
      to: 8.64e15,
      limit: 10,
      descending: false,
    })
    expect(rows.length).toBeGreaterThanOrEqual(2)
    for (const { at } of rows) {
      expect(at).toBeGreaterThanOrEqual(from)
      expect(at).toBeLessThanOrEqual(to)
    }
    expect((await cloud.stats())['uplink.rejected']).toBeUndefined()
  })

  it('obeys a setpoint that a person desires, also one from before it connected', async () => {
    const { terminal, stop, events } = memoryTerminal()
    const desire = async (setpoint: number): Promise<void> => {
      const answer = await fetch(`http://127.0.0.1:${cloud.httpPort}/devices/container-01/shadow`, {
        method: 'PATCH',
        headers: { authorization: `Bearer ${cloud.adminToken}` },
        body: JSON.stringify({ state: { desired: { setpoint } } }),
      })
      expect(answer.status).toBe(200)
    }
    const reported = async (): Promise<unknown> =>
      (await cloud.core.ports.devices.load('container-01'))?.shadows['']?.reported?.['setpoint']

    await desire(-25)
    const running = run(['demo', ...addresses(), '--devices', '1', '--json'], terminal)
    await expect.poll(reported, { timeout: 5_000 }).toBe(-25)
    await desire(-22)
    await expect.poll(reported, { timeout: 5_000 }).toBe(-22)
    stop()
    expect(await running).toBe(0)
    const setpoints = events().filter(({ kind }) => kind === 'setpoint')
    expect(setpoints.map(({ from, to }) => [from, to])).toEqual([
      [-18, -25],
      [-25, -22],
    ])
    await expect
      .poll(async () => (await cloud.core.ports.devices.load('container-01'))?.presence.connected)
      .toBe(false)
  })

  it('ends with a summary for people when it is asked to', async () => {
    const { terminal, seen, stop } = memoryTerminal(true)
    const running = run(['demo', ...addresses(), '--duration', '0'], terminal)
    await expect.poll(() => seen.out, { timeout: 10_000 }).toContain('compressor-failed')
    await expect.poll(() => seen.out, { timeout: 10_000 }).toMatch(/20 online · \d+ sent/)
    stop()
    expect(await running).toBe(0)
    expect(seen.out).toMatch(/^.*20 refrigerated containers → mqtt:\/\/127\.0\.0\.1:\d+/)
    expect(seen.out).toMatch(/done.*: \d+ messages sent and acknowledged, \d+ alarms? raised/)
    expect((await cloud.stats())['mqtt.connections']).toBe(0)
  })

  it('goes on when the cloud was away, and loses nothing that was measured meanwhile', async () => {
    const { terminal, stop, events } = memoryTerminal()
    const kinds = () => events().map(({ kind }) => kind)
    const running = run(['demo', ...addresses(), '--devices', '5', '--json'], terminal)
    await expect.poll(kinds, { timeout: 5_000 }).toContain('raised')
    const { httpPort, mqttPort } = cloud
    await cloud.close()
    await expect.poll(kinds, { timeout: 5_000 }).toContain('lost')
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    cloud = await open({ httpPort, mqttPort })
    await expect.poll(kinds, { timeout: 10_000 }).toContain('back')
    await expect
      .poll(async () => (await cloud.stats())['uplink.received'] ?? 0, { timeout: 10_000 })
      .toBeGreaterThan(12)
    stop()
    expect(await running).toBe(0)
    const summary = events().at(-1)!
    expect(summary).toMatchObject({ acknowledged: summary['sent'], dropped: 0 })
    const lost = Number(summary['cut']) + Number(summary['repeated'])
    // What was acknowledged is stored; a message whose acknowledgement was lost is stored once.
    expect(await cloud.core.ports.telemetry.count('')).toBe(Number(summary['sent']) - lost)
  })

  it('ends after what a device measured while the cloud was away has arrived', async () => {
    const { httpPort, mqttPort } = cloud
    await cloud.close()
    let acknowledged = 0
    const link = connectDevice({
      url: `mqtt://127.0.0.1:${mqttPort}`,
      deviceId: 'container-01',
      onDesired: () => undefined,
      onAcknowledged: () => acknowledged++,
    })
    link.publish(JSON.stringify({ ts: Date.now(), air: -18 }))
    cloud = await open({ httpPort, mqttPort })
    await link.end()
    expect(acknowledged).toBe(1)
    expect(link.connected).toBe(false)
    expect(await cloud.core.ports.telemetry.count('')).toBe(1)
  })

  it('ends also where the cloud stays away', async () => {
    const { mqttPort } = cloud
    await cloud.close()
    const link = connectDevice({
      url: `mqtt://127.0.0.1:${mqttPort}`,
      deviceId: 'container-01',
      onDesired: () => undefined,
      onAcknowledged: () => expect.unreachable('nobody can acknowledge'),
    })
    expect(link.publish('{}')).toBe(true)
    await link.end()
    expect(link.connected).toBe(false)
  })

  it('says how to start a cloud where none answers', async () => {
    const { terminal, seen } = memoryTerminal()
    const { mqttPort } = cloud
    await cloud.close()
    expect(await run(['demo', '--mqtt', `mqtt://127.0.0.1:${mqttPort}`], terminal)).toBe(1)
    expect(seen.err).toBe(
      `no cloud answers at mqtt://127.0.0.1:${mqttPort}: start one with "npm start", or name another with --mqtt\n`,
    )
    expect(seen.out).toBe('')
  })

  it.each([
    [['--devices', '0'], '--devices: expected a whole number from 1 to 1000, found "0"'],
    [['--devices', '2.5'], '--devices: expected a whole number from 1 to 1000, found "2.5"'],
    [['--speed', 'fast'], '--speed: expected a number from 0.1 to 3600, found "fast"'],
    [['--duration', '5'], '--duration: expected a time such as 90s, 5m or 1h, or 0, found "5"'],
    [['--seed=-1'], '--seed: expected a whole number from 0 to 4294967295, found "-1"'],
    [['--mqtt', 'localhost'], '--mqtt: expected a URL such as mqtt://127.0.0.1:1883, found'],
    [['--http', 'ftp://a'], '--http: expected a URL such as http://127.0.0.1:8080, found'],
    [['now'], 'expected only flags, found "now"'],
  ])('refuses %j', async (args, message) => {
    const { terminal, seen } = memoryTerminal()
    expect(await run(['demo', ...args], terminal)).toBe(2)
    expect(seen.err).toContain(message)
  })
})
