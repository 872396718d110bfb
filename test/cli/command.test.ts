import { connectAsync, type MqttClient } from 'mqtt'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { startTestCloud, type TestCloud } from './local-cloud.ts'
import { type CliOptions, type CliResult, type Folder, runCli, temporaryFolder } from './run-cli.ts'

let folder: Folder
let started: TestCloud

beforeEach(async () => {
  folder = temporaryFolder()
  started = await startTestCloud(folder, '{}')
  const url = `${started.http}/devices/pump-1/telemetry`
  await fetch(url, { method: 'POST', body: '{"t":1}' })
})

afterEach(async () => {
  await started.cloud.close()
  folder.remove()
})

function cli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const rest = ['--url', started.http, '--data', 'data']
  return runCli([...args, ...rest], { cwd: folder.path, ...options })
}

async function connect(filter: string): Promise<MqttClient> {
  const client = await connectAsync(started.mqtt, { clientId: 'pump-1', reconnectPeriod: 0 })
  onTestFinished(() => void client.end(true))
  await client.subscribeAsync(filter, { qos: 1 })
  return client
}

describe('anyhub command', () => {
  it('sends, lists, purges and tells', async () => {
    const sent = await cli([
      'command',
      'send',
      'pump-1',
      'stop',
      '--payload',
      '{"now":true}',
      ...['--id', 'c-1', '--ttl', '10m', '--priority', '3', '--max-deliveries', '2'],
      ...['--ack', 'full', '--property', 'trace=a=b', '--json'],
    ])
    expect(sent.err).toBe('')
    expect(JSON.parse(sent.out)).toMatchObject({
      commandId: 'c-1',
      state: 'Enqueued',
      priority: 3,
      maxDeliveries: 2,
      ack: 'full',
    })
    const content = await started.cloud.core.commands.receive('pump-1')
    expect(content?.properties).toEqual({ trace: 'a=b' })
    expect(Buffer.from(content?.payload ?? []).toString()).toBe('{"now":true}')
    folder.write('image.bin', Uint8Array.of(0, 255))
    await cli(['command', 'send', 'pump-1', 'flash', '--file', 'image.bin', '--id', 'c-2'])
    const { out } = await cli(['command', 'list', 'pump-1'])
    expect(out.split('\n').map((text) => text.slice(10).replace(/ +/g, ' '))).toEqual([
      'c-1 stop Delivered 0/2',
      'c-2 flash Enqueued 0/10',
      '',
    ])
    expect((await cli(['command', 'purge', 'pump-1'])).out).toBe('2 commands purged\n')
    await expect
      .poll(async () => (await cli(['command', 'feedback', '--keep'])).out)
      .toMatch(/pump-1 +c-1 +Purged {2}Purged\n$/)
    expect((await cli(['command', 'feedback', '--json'])).out).toMatch(/"originalMessageId":"c-1"/)
    expect((await cli(['command', 'feedback'])).out).toBe('')
  })

  it('watches a command to its end', async () => {
    const client = await connect('devices/pump-1/executions/#')
    client.on('message', (topic) => {
      const word = topic.endsWith('/bad') ? 'reject' : 'complete'
      client.publish(topic.replace(/\/[^/]+$/, `/${word}`), '{"reason":"stuck"}')
    })
    const good = await cli(['command', 'send', 'pump-1', 'good', '--text', 'x', '--wait'])
    expect(good.code).toBe(0)
    expect(good.out).toMatch(/Completed/)
    const bad = await cli(['command', 'send', 'pump-1', 'bad', '--id', 'b', '--wait'])
    expect(bad.code).toBe(1)
    expect(bad.out).toMatch(/Rejected +0\/10 {2}stuck/)
    expect((await cli(['command', 'watch', 'pump-1', 'b'])).code).toBe(1)
    const all = await cli(['command', 'watch', 'pump-1'], { stopped: Promise.resolve() })
    expect(all.code).toBe(0)
  })

  it.each([
    [['command']],
    [['command', 'send', 'pump-1']],
    [['command', 'list']],
    [['command', 'list', 'pump-1', 'more']],
    [['command', 'feedback', 'pump-1']],
    [['command', 'send', 'pump-1', 'go', '--payload', '{']],
    [['command', 'send', 'pump-1', 'go', '--payload', '1', '--text', 'x']],
    [['command', 'send', 'pump-1', 'go', '--file', 'missing']],
    [['command', 'send', 'pump-1', 'go', '--ttl', 'soon']],
    [['command', 'send', 'pump-1', 'go', '--priority', 'high']],
    [['command', 'send', 'pump-1', 'go', '--property', 'x']],
    [['method', 'pump-1', 'go']],
    [['method', 'call', 'pump-1']],
    [['method', 'call', 'pump-1', 'go', '--connect-timeout', 'x']],
  ])('%j is wrong use', async (args) => {
    expect((await cli(args)).code).toBe(2)
  })

  it('says what the cloud refused', async () => {
    const refused = await cli(['command', 'send', 'stranger', 'go'])
    expect(refused).toMatchObject({ code: 1, out: '' })
    expect(refused.err).toMatch(/404 nobody has heard of "stranger"/)
    expect((await cli(['command', 'send', 'pump-1', 'go', '--ack', 'no'])).err).toMatch(/400 ack:/)
  })
})

describe('anyhub method call', () => {
  it('prints the answer; its status decides how it ends', async () => {
    const offline = await cli(['method', 'call', 'pump-1', 'echo'])
    expect(offline.code).toBe(1)
    expect(offline.err).toMatch(/404 pump-1: expected a connection/)
    const client = await connect('devices/pump-1/methods/#')
    client.on('message', (topic, payload) => {
      const [, , , name, requestId] = topic.split('/')
      const status = name === 'echo' ? 200 : 501
      client.publish(`devices/pump-1/methods/${requestId}/${status}`, payload)
    })
    expect(await cli(['method', 'call', 'pump-1', 'echo', '--payload', '{"a":1}'])).toEqual({
      code: 0,
      out: '200 {"a":1}\n',
      err: '',
    })
    const json = ['method', 'call', 'pump-1', 'else', '--response-timeout', '5', '--json']
    expect(await cli(json)).toMatchObject({ code: 1, out: '{"status":501,"payload":null}\n' })
  })
})
