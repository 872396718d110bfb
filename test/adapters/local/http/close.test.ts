import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join, resolve as resolvePath } from 'node:path'
import { connectAsync } from 'mqtt'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { openCloud, temporaryFolder } from '../cloud.ts'
import { openListener } from './listener.ts'
import { dial } from './raw.ts'

const GET = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'

describe('closing', () => {
  it('is quick although streams, kept connections and WebSockets are open', async () => {
    const cloud = await openCloud()
    const port = cloud.httpPort!
    const page = await dial(port, 'GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n')
    const kept = await dial(port, GET)
    const silent = await dial(port)
    const half = await dial(port, 'POST /devices/d1/telemetry HTTP/1.1\r\nHost: loc')
    const mute = new WebSocket(`ws://127.0.0.1:${port}/mqtt`, 'mqtt')
    mute.on('error', () => undefined)
    await new Promise((resolve) => mute.once('open', resolve))
    const device = await connectAsync(cloud.mqtt, { clientId: 'dev-1', reconnectPeriod: 0 })
    onTestFinished(() => device.endAsync(true))
    await expect.poll(kept.text).toContain('200 OK')
    await expect.poll(page.text).toContain('snapshot')
    const from = performance.now()
    await cloud.close()
    expect(performance.now() - from).toBeLessThan(3_000)
    await Promise.all([page.closed, kept.closed, silent.closed, half.closed])
    await expect.poll(() => mute.readyState).toBe(WebSocket.CLOSED)
  })

  it('is at once where nothing is open', async () => {
    const cloud = await openCloud()
    await cloud.call('/healthz')
    const from = performance.now()
    await cloud.close()
    expect(performance.now() - from).toBeLessThan(500)
  })

  it('twice is once', async () => {
    const cloud = await openCloud()
    await Promise.all([cloud.close(), cloud.close()])
    await cloud.close()
  })

  it('frees port and folder', async () => {
    const data = temporaryFolder()
    const first = await openCloud({ data })
    await first.call('/devices/d1/telemetry', { method: 'POST', body: '{"temp":1}' })
    const settings = { httpPort: first.httpPort, mqttPort: first.mqttPort }
    await first.close()
    const second = await openCloud({ data, settings })
    expect(await second.core.ports.telemetry.count('d1')).toBe(1)
    expect(second.httpPort).toBe(first.httpPort)
  })

  it('answers the requests that are under way, and takes no more', async () => {
    const { port, url, close } = await openListener()
    const underWay = fetch(`${url}/slow`)
    const kept = await dial(port, GET)
    await expect.poll(kept.text).toContain('HTTP/1.1')
    await new Promise((resolve) => setTimeout(resolve, 50))
    const closed = close(2_000)
    await expect(fetch(`${url}/slow`)).rejects.toThrow()
    expect(await (await underWay).text()).toBe('done')
    await Promise.all([closed, kept.closed])
  })

  it('stores what was acknowledged', async () => {
    const data = temporaryFolder()
    const cloud = await openCloud({ data })
    const answers = Array.from({ length: 200 }, (_, index) =>
      cloud
        .call('/devices/d1/telemetry', { method: 'POST', body: JSON.stringify({ index }) })
        .then(({ status }) => status)
        .catch(() => 0),
    )
    await Promise.race(answers)
    await cloud.close()
    const accepted = (await Promise.all(answers)).filter((status) => status === 202).length
    expect(accepted).toBeGreaterThan(0)
    const again = await openCloud({ data })
    expect(await again.core.ports.telemetry.count('d1')).toBeGreaterThanOrEqual(accepted)
  })

  it('does not wait for a request that does not end', async () => {
    const { port, close } = await openListener()
    const client = await dial(
      port,
      'POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nstart',
    )
    const from = performance.now()
    await close(200)
    expect(performance.now() - from).toBeLessThan(1_000)
    await client.closed
  })
})

describe('a port that is taken', () => {
  it('is named, and nothing is left running', async () => {
    const data = temporaryFolder()
    const first = await openCloud()
    const settings = { httpPort: first.httpPort }
    await expect(openCloud({ data, settings })).rejects.toMatchObject({
      code: 'port.in_use',
      message: expect.stringMatching(
        new RegExp(`^port ${first.httpPort} on 127\\.0\\.0\\.1 is in use .*--http-port`),
      ),
    })
    await openCloud({ data })
  })

  it('of MQTT as well, and the one of HTTP is free again', async () => {
    const first = await openCloud()
    const data = temporaryFolder()
    await expect(openCloud({ data, settings: { mqttPort: first.mqttPort } })).rejects.toMatchObject(
      {
        code: 'port.in_use',
        message: expect.stringContaining('--mqtt-port'),
      },
    )
    await openCloud({ data })
  })

  it('and a folder that is', async () => {
    const first = await openCloud()
    await expect(openCloud({ data: first.data })).rejects.toMatchObject({ code: 'store.locked' })
    expect((await first.call('/healthz')).status).toBe(200)
  })
})

describe('Ctrl-C', () => {
  /** A cloud as a process, whose one alarm tells a webhook that never answers. */
  async function run() {
    const hole = createServer((socket) => void socket.on('error', () => undefined))
    let asked = 0
    hole.on('connection', () => asked++)
    await new Promise<void>((resolve) => hole.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void hole.close())
    const data = temporaryFolder()
    const config = join(temporaryFolder(), 'anyhub.yml')
    const url = `http://127.0.0.1:${(hole.address() as AddressInfo).port}/`
    const hook = { type: 'webhook', url, allowPrivate: true, timeout: '60s' }
    const alarms = { hot: { when: 'temp > 30', notify: ['hook'] } }
    writeFileSync(config, JSON.stringify({ channels: { hook }, alarms }))
    const main = resolvePath(import.meta.dirname, '../../../../cli/bin.mjs')
    const ports = ['--http-port', '0', '--mqtt-port', '0']
    const started = spawn(
      process.execPath,
      [main, 'start', '--json', '--config', config, '--data', data, ...ports],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    onTestFinished(() => void started.kill('SIGKILL'))
    const [line] = await once(started.stdout, 'data')
    const { http } = JSON.parse(String(line))
    const init = { method: 'POST', body: '{"temp":31}' }
    expect((await fetch(`${http}/devices/d1/telemetry`, init)).status).toBe(202)
    await expect.poll(() => asked).toBe(1)
    return { started, data }
  }

  it('once finishes within the grace, and nothing is lost', async () => {
    const { started, data } = await run()
    const exited = once(started, 'exit')
    const from = performance.now()
    started.kill('SIGINT')
    expect(await exited).toEqual([0, null])
    expect(performance.now() - from).toBeLessThan(6_000)
    const cloud = await openCloud({ data })
    expect(await cloud.core.ports.telemetry.count('d1')).toBe(1)
  })

  it('twice ends at once, and nothing is lost', async () => {
    const { started, data } = await run()
    const exited = once(started, 'exit')
    started.kill('SIGINT')
    await new Promise((resolve) => setTimeout(resolve, 300))
    const from = performance.now()
    started.kill('SIGINT')
    expect(await exited).toEqual([null, 'SIGINT'])
    expect(performance.now() - from).toBeLessThan(1_000)
    const cloud = await openCloud({ data })
    expect(await cloud.core.ports.telemetry.count('d1')).toBe(1)
  })
})
