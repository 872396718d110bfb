import { createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createMqttListener } from '../../adapters/local/listeners/mqtt/index.ts'
import { readStoredData } from '../stored-data.ts'
import { startTestCloud, type TestCloud } from './local-cloud.ts'
import { type Folder, jsonl, runCli, temporaryFolder } from './run-cli.ts'

const HOT = `
rules:
  hot: {sql: "SELECT temp FROM 'devices/+/telemetry' WHERE temp > 25"}
  never: {sql: "SELECT * FROM 'devices/+/telemetry' WHERE temp > 1000"}
alarms:
  too-warm: {when: temp > 30, clear: temp < 28}
`
const START = 1_600_000_000

let folder: Folder
let cloud: TestCloud | undefined

beforeEach(() => {
  folder = temporaryFolder()
})

afterEach(async () => {
  await cloud?.cloud.close()
  cloud = undefined
  folder.remove()
})

/** Two devices in turn, temperatures 20 to 35, one message a second. */
function messages(count: number): { id: string; ts: number; temp: number }[] {
  return Array.from({ length: count }, (_, index) => ({
    id: `dev:${index % 2}`,
    ts: START + index + 0.25,
    temp: 20 + (index % 16),
  }))
}

async function replayJson(args: readonly string[], stdin?: string) {
  const result = await runCli(['replay', ...args, '--json'], {
    cwd: folder.path,
    ...(stdin === undefined ? {} : { stdin }),
  })
  return { ...result, json: JSON.parse(result.out) }
}

describe('anyhub replay, in-process', () => {
  const flags = ['--device', 'id', '--time', 'ts', '--config', 'hot.yml']

  beforeEach(() => {
    folder.write('hot.yml', HOT)
  })

  it('gives the whole result as JSON', async () => {
    const given = messages(320)
    folder.write('a.jsonl', jsonl(given))
    const { code, json, err } = await replayJson(['a.jsonl', ...flags])
    const hot = given.filter(({ temp }) => temp > 25).length
    // The odd device alone gets over 30: once every 16 messages it rises to 35 and falls to 20.
    const { seconds, ...rest } = json
    expect(rest).toEqual({
      messages: 320,
      stored: 320,
      duplicates: 0,
      deadLetters: 0,
      matched: { hot, never: 0 },
      alarms: 40,
      notifications: 0,
      faulty: 0,
      faults: [],
    })
    expect(seconds).toBeGreaterThan(0)
    expect(code).toBe(0)
    expect(err).toBe('')
  })

  it('tells people the same without a progress bar, unless a person looks on', async () => {
    folder.write('a.jsonl', jsonl(messages(32)))
    const quiet = await runCli(['replay', 'a.jsonl', ...flags], { cwd: folder.path })
    expect(quiet.out).toMatch(/^32 messages in \d+\.\d s \([\d,]+\/s\)\n {2}stored {8}32\n/)
    expect(quiet.out).toContain('matches       hot 20, never 0')
    expect(quiet.err).toBe('')
    const slow = ['--speed', '60x']
    const watched = await runCli(['replay', 'a.jsonl', ...flags, ...slow], {
      cwd: folder.path,
      interactive: true,
    })
    expect(watched.err).toMatch(/\r\[#+\.*\] \d+ % {2}\d+ messages/)
    expect(watched.out).toContain('stored        32')
  })

  it('counts faulty lines, says where they are, and goes on', async () => {
    const good = messages(3).map((message) => JSON.stringify(message))
    const lines = [
      good[0],
      '{"id": "dev:0", "ts":',
      '',
      '{"ts": 1600000000, "temp": 1}',
      '{"id": "dev:0", "temp": 1}',
      '{"id": "dev:0", "ts": "yesterday", "temp": 1}',
      '{"id": "a/+/b", "ts": 1600000000, "temp": 1}',
      '42',
      good[1],
      good[2],
    ]
    folder.write('a.jsonl', lines.join('\r\n'))
    const { code, json } = await replayJson(['a.jsonl', ...flags])
    expect(code).toBe(1)
    expect(json).toMatchObject({ messages: 3, stored: 3, deadLetters: 0, faulty: 6 })
    expect(json.faults.map(({ line }: { line: number }) => line)).toEqual([2, 4, 5, 6, 7, 8])
    expect(json.faults[1].reason).toBe('expected a device id at id, found nothing')
    expect(json.faults[2].reason).toBe('expected a time at ts, found nothing')
    const shown = await runCli(['replay', 'a.jsonl', ...flags], { cwd: folder.path })
    expect(shown.out).toContain('6 faulty lines\n  line 2: expected a line of JSON')
  })

  it('tells of a thousand faulty lines by their number and the first twenty', async () => {
    folder.write('a.jsonl', 'no\n'.repeat(1_000) + jsonl(messages(1)))
    const { json } = await replayJson(['a.jsonl', ...flags])
    expect(json).toMatchObject({ messages: 1, faulty: 1_000 })
    expect(json.faults).toHaveLength(20)
    const shown = await runCli(['replay', 'a.jsonl', ...flags], { cwd: folder.path })
    expect(shown.out).toContain('1,000 faulty lines')
    expect(shown.out).toContain('  and 980 more')
  })

  it('sends the bytes of the line as they are, and what is no telemetry to the dead letters', async () => {
    const line = '{"id":"dev:0", "ts":1600000000, "temp": [1.50, "\\u00e9"]}'
    const wide = `{"id":"dev:0","ts":1600000001,"text":"${'x'.repeat(140_000)}"}`
    folder.write('a.jsonl', `\ufeff${line}\n${wide}\n${jsonl(messages(2))}`)
    const { code, json } = await replayJson(['a.jsonl', ...flags, '--data', 'kept'])
    expect(json).toMatchObject({ messages: 4, stored: 3, deadLetters: 1, faulty: 0 })
    expect(code).toBe(1)
    expect(await deadLetterPayloads('kept')).toEqual([wide])
  })

  it('adds nothing the second time to a data folder', async () => {
    folder.write('a.jsonl', jsonl(messages(200)))
    const first = await replayJson(['a.jsonl', ...flags, '--data', 'kept'])
    const second = await replayJson(['a.jsonl', ...flags, '--data', 'kept'])
    expect(first.json).toMatchObject({ stored: 200, duplicates: 0 })
    expect(second.json).toMatchObject({
      messages: 200,
      stored: 0,
      duplicates: 200,
      matched: { hot: 0, never: 0 },
      alarms: 0,
      notifications: 0,
    })
    expect(second.code).toBe(0)
  })

  it('counts notifications and sends none', async () => {
    let asked = 0
    const server = createServer((socket) => {
      asked++
      socket.destroy()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    folder.write(
      'notify.yml',
      `
channels:
  hook: {type: webhook, url: 'http://127.0.0.1:${port}/', allowPrivate: true}
rules:
  hot:
    sql: "SELECT temp FROM 'devices/+/telemetry' WHERE temp > 25"
    actions: [{notify: {channels: [hook], text: 'hot'}}]
`,
    )
    folder.write('a.jsonl', jsonl(messages(160)))
    const args = ['--device', 'id', '--time', 'ts', '--config', 'notify.yml']
    const { json } = await replayJson(['a.jsonl', ...args])
    await new Promise((resolve) => server.close(resolve))
    expect(json).toMatchObject({ matched: { hot: 100 }, notifications: 100 })
    expect(asked).toBe(0)
  })

  it('says that a running cloud has the data folder open', async () => {
    cloud = await startTestCloud(folder, HOT)
    folder.write('a.jsonl', jsonl(messages(2)))
    const { code, err } = await runCli(['replay', 'a.jsonl', ...flags, '--data', 'data'], {
      cwd: folder.path,
    })
    expect(code).toBe(1)
    expect(err).toContain('in use by another process')
  })

  it('keeps the gaps, or divides them', async () => {
    const at = (seconds: number) => ({ id: 'dev-1', ts: START + seconds, temp: 1 })
    folder.write('a.jsonl', jsonl([at(0), at(0.3), at(0.2), at(0.6)]))
    const real = await replayJson(['a.jsonl', ...flags, '--speed', 'real'])
    const triple = await replayJson(['a.jsonl', ...flags, '--speed', '3x'])
    const most = await replayJson(['a.jsonl', ...flags, '--speed', 'max'])
    expect(real.json.stored).toBe(4)
    expect(real.json.seconds).toBeGreaterThanOrEqual(0.6)
    expect(triple.json.seconds).toBeGreaterThanOrEqual(0.2)
    expect(triple.json.seconds).toBeLessThan(0.6)
    expect(most.json.seconds).toBeLessThan(0.2)
  })

  it('stops when it is asked to, and tells what was sent until then', async () => {
    const at = (seconds: number) => ({ id: 'dev-1', ts: START + seconds, temp: 1 })
    folder.write('a.jsonl', jsonl([at(0), at(1), at(90_000)]))
    const { code, out, err } = await runCli(
      ['replay', 'a.jsonl', ...flags, '--speed', '100x', '--json'],
      { cwd: folder.path, stopped: new Promise((resolve) => setTimeout(resolve, 200)) },
    )
    expect(JSON.parse(out)).toMatchObject({ messages: 2, stored: 2 })
    expect(err).toContain('stopped before the end')
    expect(code).toBe(1)
  })

  it('finds device, time, topic and payload by name, pointer and template', async () => {
    const rows = [
      { meta: { 'a/b': ['dev-7'] }, at: '2024-01-02T03:04:05Z', kind: 'room', body: { temp: 27 } },
      { meta: { 'a/b': [8] }, at: '2024-01-02 03:04:06', kind: 'hall', body: '{"temp":28}' },
    ]
    folder.write(
      'topics.yml',
      `rules: {room: {sql: "SELECT * FROM 'devices/+/telemetry/room' WHERE temp = 27"}, hall: {sql: "SELECT * FROM 'devices/8/telemetry/hall' WHERE temp = 28"}}`,
    )
    const { code, json } = await replayJson(
      [
        '-',
        ...['--device', '/meta/a~1b/0', '--time', 'at', '--payload', '/body'],
        ...['--topic', 'devices/{id}/telemetry/${kind}', '--config', 'topics.yml'],
        ...['--data', 'kept'],
      ],
      jsonl(rows),
    )
    expect(json).toMatchObject({ stored: 2, matched: { room: 1, hall: 1 } })
    expect(code).toBe(0)
    expect(await storedRows('kept')).toEqual([
      { deviceId: '8', at: Date.parse('2024-01-02T03:04:06Z'), metrics: { temp: 28 } },
      { deviceId: 'dev-7', at: Date.parse('2024-01-02T03:04:05Z'), metrics: { temp: 27 } },
    ])
  })

  it.each([
    ['s', 1_600_000_000.5],
    ['s', '1600000000.5'],
    ['ms', 1_600_000_000_500],
    ['iso', '2020-09-13T12:26:40.500Z'],
    ['iso', '2020-09-13 12:26:40.5'],
    ['auto', 1_600_000_000.5],
    ['auto', '2020-09-13T14:26:40.500+02:00'],
  ])('reads a time in %s: %s', async (unit, ts) => {
    const { json } = await replayJson(
      ['-', '--device', '=dev-1', '--time', 't', '--time-unit', unit, '--data', 'kept'],
      jsonl([{ t: ts, temp: 1 }]),
    )
    expect(json).toMatchObject({ stored: 1, faulty: 0 })
    expect((await storedRows('kept')).map(({ at }) => at)).toEqual([1_600_000_000_500])
  })
})

describe('anyhub replay of CSV', () => {
  const flags = ['--device', 'device', '--time', 'time', '--data', 'kept']

  it('takes numbers for numbers, and texts for texts', async () => {
    const csv = [
      '\ufefftime,device,temp,door,note,code,big,empty,on',
      '1.6E9,"b8:27:eb",21.5,"closed, locked","he said ""no""",007,12345678901234567890,,true',
      '',
      '1600000001,b8:27:eb,-.5,"two',
      'lines",x,1e3,0x10,,false',
    ]
    folder.write('a.csv', `${csv.join('\r\n')}\r\n`)
    const { code, json } = await replayJson(['a.csv', ...flags])
    expect(json).toMatchObject({ messages: 2, stored: 2, faulty: 0 })
    expect(code).toBe(0)
    expect(await storedRows('kept')).toEqual([
      {
        deviceId: 'b8:27:eb',
        at: 1_600_000_000_000,
        metrics: {
          device: 'b8:27:eb',
          temp: 21.5,
          door: 'closed, locked',
          note: 'he said "no"',
          code: '007',
          big: '12345678901234567890',
          on: true,
        },
      },
      {
        deviceId: 'b8:27:eb',
        at: 1_600_000_001_000,
        metrics: {
          device: 'b8:27:eb',
          temp: -0.5,
          door: 'two\r\nlines',
          note: 'x',
          code: 1000,
          big: '0x10',
          on: false,
        },
      },
    ])
  })

  it('counts rows that do not fit the header, with their line', async () => {
    const csv =
      'time,device,temp\n1600000000,a,1\n1600000001,a\n"x\ny",a,1,2\n,a,1\n1600000002,a,2\n'
    folder.write('a.csv', csv)
    const { code, json } = await replayJson(['a.csv', ...flags])
    expect(json).toMatchObject({ messages: 2, stored: 2, faulty: 3 })
    expect(json.faults).toEqual([
      { line: 3, reason: 'expected 3 cells as in the header, found 2' },
      { line: 4, reason: 'expected 3 cells as in the header, found 4' },
      { line: 6, reason: 'expected a time at time, found nothing' },
    ])
    expect(code).toBe(1)
  })

  it('tells of a quote that is never closed', async () => {
    folder.write('a.csv', 'time,device,temp\n1600000000,a,1\n1600000001,a,"2\n1600000002,a,2\n')
    const { json } = await replayJson(['a.csv', ...flags])
    expect(json).toMatchObject({ messages: 1, faulty: 1, faults: [{ line: 3 }] })
    expect(json.faults[0].reason).toContain('closing quote')
  })

  it('refuses a header that names one column twice', async () => {
    folder.write('a.csv', 'time,device,temp,temp\n1600000000,a,1,2\n')
    const { code, err } = await runCli(['replay', 'a.csv', ...flags], { cwd: folder.path })
    expect(code).toBe(1)
    expect(err).toContain('found "temp" twice')
  })

  it('reads times without a zone as UTC and takes one id for all', async () => {
    folder.write('a.csv', 'timestamp,value\n2014-04-01 00:05:00,20.5\n')
    const args = ['--device', '=boiler', '--time', 'timestamp', '--data', 'kept']
    const { json } = await replayJson(['a.csv', ...args])
    expect(json).toMatchObject({ stored: 1 })
    expect(await storedRows('kept')).toEqual([
      { deviceId: 'boiler', at: Date.UTC(2014, 3, 1, 0, 5), metrics: { value: 20.5 } },
    ])
  })
})

describe('anyhub replay over the wire', () => {
  const flags = ['--device', 'id', '--time', 'ts']

  it('gives the same result and the same rows in-process, over MQTT, WebSocket and HTTP', async () => {
    const bad = [
      { id: 'dev:0', ts: START + 500, temp: 1, deep: nested(40) },
      { id: 'a/b', ts: START + 501, temp: 1 },
      { id: 'ä ö', ts: START + 502, temp: 1 },
      { id: 'dev:0', ts: 4_000_000_000, temp: 1 },
    ]
    const given = [...messages(300), ...bad, ...messages(16)]
    folder.write('a.jsonl', jsonl(given))
    folder.write('hot.yml', HOT)
    const inProcess = await replayJson([
      'a.jsonl',
      ...flags,
      '--config',
      'hot.yml',
      '--data',
      'kept',
    ])
    const { seconds: _, ...expected } = inProcess.json
    expect(expected).toMatchObject({
      messages: 320,
      stored: 300,
      duplicates: 16,
      deadLetters: 4,
      matched: { hot: given.slice(0, 300).filter(({ temp }) => temp > 25).length, never: 0 },
      faulty: 0,
    })
    expect(inProcess.code).toBe(1)
    const rows = await storedRows('kept')
    expect(rows).toHaveLength(300)

    for (const way of ['mqtt', 'ws', 'http'] as const) {
      const data = `${folder.path}/${way}`
      const started = await startTestCloud(folder, HOT, data)
      cloud = started
      const { http, mqtt } = started
      const url = { mqtt, http, ws: `${http.replace('http', 'ws')}/mqtt` }[way]
      const first = await replayJson(['a.jsonl', ...flags, '--to', url])
      expect({ way, ...first.json }).toMatchObject({ way, ...expected })
      expect(first.code).toBe(1)
      const second = await replayJson(['a.jsonl', ...flags, '--to', url])
      expect({ way, ...second.json }).toMatchObject({
        way,
        stored: 0,
        duplicates: 316,
        deadLetters: 4,
        matched: { hot: 0, never: 0 },
        alarms: 0,
      })
      await started.cloud.close()
      expect({ way, rows: await storedRows(way) }).toEqual({ way, rows })
      expect(await deadLetterPayloads(way)).toEqual(
        [...bad, ...bad].map((body) => JSON.stringify(body)).sort(),
      )
    }
  })

  it.each(['mqtt', 'http'] as const)(
    '%s: gives the time along, and payloads as they are',
    async (way) => {
      const lines = [
        { id: 'dev-1', ts: START, body: { temp: 1 } },
        { id: 'dev-1', ts: START + 1, body: '{"temp":\n2}' },
        { id: 'dev-1', ts: START + 2, body: 'no JSON\nat all' },
        { id: 'dev-1', ts: START + 3, body: '[1,\n2]' },
        { id: 'dev-1', ts: START + 4, body: { temp: 5 } },
      ]
      folder.write('a.jsonl', jsonl(lines))
      const started = await startTestCloud(folder, '{}')
      cloud = started
      const { code, json } = await replayJson([
        'a.jsonl',
        ...flags,
        '--payload',
        'body',
        '--to',
        started[way],
      ])
      expect(json).toMatchObject({ messages: 5, stored: 3, deadLetters: 2 })
      expect(code).toBe(1)
      await started.cloud.close()
      expect(
        (await storedRows('data')).map(({ at, metrics }) => [at / 1_000 - START, metrics]),
      ).toEqual([
        [0, { temp: 1 }],
        [1, { temp: 2 }],
        [4, { temp: 5 }],
      ])
      expect(await deadLetterPayloads('data')).toEqual(['[1,\n2]', 'no JSON\nat all'])
    },
  )

  it('keeps the order of each of many devices over HTTP', async () => {
    const many = Array.from({ length: 3_000 }, (_, index) => ({
      id: `dev-${index % 40}`,
      ts: START + Math.floor(index / 40),
      temp: index,
    }))
    folder.write('a.jsonl', jsonl(many))
    const started = await startTestCloud(folder, 'rules: {all: {sql: "SELECT temp FROM \'#\'"}}')
    cloud = started
    const { json } = await replayJson(['a.jsonl', ...flags, '--to', started.http])
    expect(json).toMatchObject({ stored: 3_000, matched: { all: 3_000 } })
    for (let device = 0; device < 40; device++) {
      const record = await started.cloud.core.ports.devices.load(`dev-${device}`)
      expect(record?.last['temp']?.value).toBe(2_960 + device)
    }
  })

  it('sends what goes over the limit of one request on its own', async () => {
    const started = await startTestCloud(folder, 'limits: {bodyBytes: 1000}')
    cloud = started
    const body = (index: number, size: number) => ({
      id: 'dev-1',
      ts: START + index,
      text: 'x'.repeat(size),
    })
    const lines = Array.from({ length: 60 }, (_, index) =>
      body(index, index === 30 ? 20_000 : index === 31 ? 40_000 : 800),
    )
    folder.write('a.jsonl', jsonl(lines))
    const { code, json } = await replayJson(['a.jsonl', ...flags, '--to', started.http])
    expect(json).toMatchObject({ messages: 60, stored: 58, deadLetters: 2, faulty: 0 })
    expect(code).toBe(1)
  })

  it('tells of a message that no MQTT broker takes, and goes on', async () => {
    const started = await startTestCloud(folder, '{}')
    cloud = started
    const lines = [
      { id: 'dev-1', ts: START, temp: 1 },
      { id: 'dev-1', ts: START + 1, text: 'x'.repeat(2_000_000) },
      { id: 'dev-1', ts: START + 2, temp: 2 },
    ]
    folder.write('a.jsonl', jsonl(lines))
    const { code, json } = await replayJson(['a.jsonl', ...flags, '--to', started.mqtt])
    expect(json).toMatchObject({ messages: 2, stored: 2, faulty: 1, faults: [{ line: 2 }] })
    expect(json.faults[0].reason).toContain('the most that the broker takes')
    expect(code).toBe(1)
  })

  it.each(['mqtt', 'http'] as const)(
    '%s: proves to a cloud that asks for it that it may send for all devices',
    async (way) => {
      const started = await startTestCloud(folder, HOT, `${folder.path}/data`, true)
      cloud = started
      folder.write('a.jsonl', jsonl(messages(20)))
      const args = ['replay', 'a.jsonl', ...flags, '--to', started[way], '--json']
      const stranger = await runCli(args, { cwd: folder.path })
      expect({ code: stranger.code, out: stranger.out }).toEqual({ code: 1, out: '' })
      expect(stranger.err).toContain(started[way])
      const token = started.cloud.adminToken
      const admin = await runCli([...args, '--token', token], { cwd: folder.path })
      expect(JSON.parse(admin.out)).toMatchObject({
        stored: 20,
        matched: { hot: expect.any(Number) },
      })
      const byEnv = await runCli(args, { cwd: folder.path, env: { ANYHUB_TOKEN: token } })
      expect(JSON.parse(byEnv.out)).toMatchObject({ stored: 0, duplicates: 20 })
    },
  )

  it('does not know what a broker that is no anyhub made of it', async () => {
    const received: string[] = []
    const listener = createMqttListener({
      hooks: {
        connect: () => ({ accept: true, principal: 'anybody' }),
        publish(message) {
          received.push(message.topic)
          return { accept: true, route: false }
        },
        subscribe: () => ({ accept: true }),
        connected: () => undefined,
        disconnected: () => undefined,
      },
    })
    const server = createServer((socket) =>
      listener.attach(socket, { secure: false, websocket: false, remoteAddress: '127.0.0.1' }),
    )
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    folder.write('a.jsonl', jsonl(messages(10)))
    const to = ['--to', `mqtt://127.0.0.1:${port}`]
    const { code, json } = await replayJson(['a.jsonl', ...flags, ...to])
    const shown = await runCli(['replay', 'a.jsonl', ...flags, ...to], { cwd: folder.path })
    server.close()
    await listener.close()
    expect(json).toMatchObject({ messages: 10, stored: null, matched: null, notifications: null })
    expect(code).toBe(0)
    expect(shown.out).toContain('does not tell its counters')
    expect(received.filter((topic) => topic.startsWith('devices/'))).toHaveLength(20)
  })

  it.each(['mqtt://127.0.0.1:1', 'ws://127.0.0.1:1/mqtt', 'http://127.0.0.1:1'])(
    'says that nothing answers at %s',
    async (url) => {
      folder.write('a.jsonl', jsonl(messages(1)))
      const { code, err } = await runCli(['replay', 'a.jsonl', ...flags, '--to', url], {
        cwd: folder.path,
      })
      expect(err).toContain(`answers at ${url}`)
      expect(code).toBe(1)
    },
  )
})

describe('anyhub replay --against', () => {
  const flags = ['--device', 'id', '--time', 'ts', '--config', 'old.yml', '--against', 'new.yml']

  it('tells what another config would do differently, with the first messages', async () => {
    folder.write(
      'old.yml',
      `
channels: {hook: {type: webhook, url: 'https://example.com/'}}
rules:
  hot: {sql: "SELECT temp FROM 'devices/+/telemetry' WHERE temp > 25"}
  same: {sql: "SELECT temp FROM 'devices/+/telemetry' WHERE temp = 20"}
  gone: {sql: "SELECT temp FROM 'devices/+/telemetry' WHERE temp = 21"}
  says:
    sql: "SELECT temp FROM 'devices/+/telemetry' WHERE temp = 22"
    actions: [{notify: {channels: [hook], text: 'it is \${temp}'}}]
alarms:
  warm: {when: temp > 33, clear: temp < 25}
  slow: {when: temp > 33, clear: temp < 25, for: 1m}
`,
    )
    folder.write(
      'new.yml',
      `
channels: {hook: {type: webhook, url: 'https://example.com/'}}
limits: {bodyBytes: 60}
rules:
  hot: {sql: "SELECT temp FROM 'devices/+/telemetry' WHERE temp > 24 AND temp <> 30"}
  same: {sql: "SELECT temp FROM 'devices/+/telemetry' WHERE temp = 20"}
  fresh: {sql: "SELECT temp FROM 'devices/+/telemetry' WHERE temp = 21"}
  says:
    sql: "SELECT temp FROM 'devices/+/telemetry' WHERE temp = 22"
    actions: [{notify: {channels: [hook], text: 'it was \${temp}'}}]
alarms:
  warm: {when: temp > 32, clear: temp < 22}
  slow: {when: temp > 33, clear: temp < 25, for: 1m}
`,
    )
    const given = messages(160)
    const wide = { id: 'dev:0', ts: START + 1_000, temp: 20, text: 'x'.repeat(100) }
    folder.write('a.jsonl', `${jsonl(given)}${jsonl([wide])}not a line\n`)
    const { code, json } = await replayJson(['a.jsonl', ...flags])
    expect(code).toBe(1)
    expect(json).toMatchObject({
      messages: 161,
      faulty: 1,
      faults: [{ line: 162 }],
      unanswered: [],
    })
    const either = ['--device', 'id', '--time', 'ts', '--against', 'old.yml', 'new.yml', 'a.jsonl']
    expect((await replayJson(either)).json).toEqual(json)
    expect(json.rules.hot).toMatchObject({ before: 100, after: 100, lost: 10, gained: 10 })
    expect(json.rules.hot.examples).toHaveLength(6)
    expect(json.rules.hot.examples[0]).toEqual({
      difference: 'gained',
      line: 6,
      deviceId: 'dev:1',
      at: (START + 5.25) * 1_000,
      topic: 'devices/dev:1/telemetry',
      payload: JSON.stringify(given[5]),
    })
    expect(json.rules.same).toMatchObject({ before: 11, after: 10, lost: 1, gained: 0 })
    expect(json.rules.gone).toMatchObject({ before: 10, after: 0, lost: 10 })
    expect(json.rules.fresh).toMatchObject({ before: 0, after: 10, gained: 10 })
    expect(json.rules.says).toMatchObject({ before: 10, after: 10, lost: 0, changed: 10 })
    expect(json.deadLetters).toMatchObject({ before: 0, after: 1, gained: 1 })
    // Device 1 alone sees 33 and 35; device 0 has 34, which is over 33 as well.
    expect(json.alarms.warm.raised).toMatchObject({ before: 20, after: 20, gained: 10, lost: 10 })
    // What is still pending at the end is raised before the last message comes, 840 seconds later.
    expect(json.alarms.slow.raised).toMatchObject({ before: 2, after: 2 })
    expect(json.alarms.slow.cleared).toMatchObject({ before: 1, after: 0, lost: 1 })
    const shown = await runCli(['replay', 'a.jsonl', ...flags], { cwd: folder.path })
    expect(shown.out).toContain('161 messages through both configs')
    expect(shown.out).toContain('rule hot  100 → 100  (+10 -10)\n  + line 6  dev:1  2020-')
    expect(shown.out).toContain('rule says  10 → 10  (+0 -0 ~10)')
    expect(shown.out).toContain('without a difference:')
  })

  it('says so where nothing would be different, and counts as a replay does', async () => {
    folder.write('old.yml', HOT)
    folder.write('new.yml', HOT)
    folder.write('a.jsonl', jsonl([...messages(200), ...messages(200)]))
    const { code, out } = await runCli(['replay', 'a.jsonl', ...flags], { cwd: folder.path })
    expect(out).toContain('nothing would be different')
    expect(code).toBe(0)
    const compared = await replayJson(['a.jsonl', ...flags])
    const played = await replayJson([
      'a.jsonl',
      '--device',
      'id',
      '--time',
      'ts',
      '--config',
      'old.yml',
    ])
    expect(played.json).toMatchObject({ stored: 200, duplicates: 200 })
    expect(compared.json.rules.hot.before).toBe(played.json.matched.hot)
    expect(compared.json.alarms['too-warm'].raised.after).toBe(played.json.alarms)
  })

  it('closes windows by the clock of the recording, of devices and of the whole fleet', async () => {
    const config = (seconds: number) => `
rules:
  each: {sql: "SELECT avg(temp) AS mean FROM 'devices/+/telemetry' GROUP BY TUMBLINGWINDOW(second, ${seconds})"}
  all:
    sql: "SELECT count(*) AS messages FROM 'devices/+/telemetry' GROUP BY TUMBLINGWINDOW(second, ${seconds})"
    group: fleet
`
    folder.write('old.yml', config(60))
    folder.write('new.yml', config(30))
    // Ten minutes, and a last message an hour later: until then every window is over.
    const late = { id: 'dev:0', ts: START + 3_600, temp: 1 }
    folder.write('a.jsonl', jsonl([...messages(600), late]))
    const { json } = await replayJson(['a.jsonl', ...flags])
    // START is 40 s after a full minute: eleven minutes are touched, and 21 halves of minutes.
    expect(json.rules.each).toMatchObject({ before: 22, after: 42 })
    expect(json.rules.all).toMatchObject({ before: 11, after: 21 })
  })

  it('tells of every message of a pack', async () => {
    const config = (least: number) => `
deviceTypes: {default: {codec: {type: senml, names: short}}}
rules: {hot: {sql: "SELECT temp FROM 'devices/+/telemetry' WHERE temp > ${least}"}}`
    folder.write('old.yml', config(25))
    folder.write('new.yml', config(15))
    const body = [10, 20, 30].map((v, index) => ({ n: 'temp', v, t: START + index }))
    folder.write('a.jsonl', jsonl([{ id: 'dev-1', ts: START + 5, body }]))
    const { json } = await replayJson(['a.jsonl', ...flags, '--payload', '/body'])
    expect(json.rules.hot).toMatchObject({ before: 1, after: 2, gained: 1 })
  })

  it('waits with alarms as long as the recording waited', async () => {
    const silent = [
      { id: 'dev:0', ts: START, temp: 40 },
      { id: 'dev:1', ts: START + 3_600, temp: 20 },
      { id: 'dev:0', ts: START + 3_601, temp: 20 },
      { id: 'dev:1', ts: START + 3_602, temp: 40 },
      { id: 'dev:0', ts: START + 7_200, temp: 20 },
    ]
    folder.write('a.jsonl', jsonl(silent))
    folder.write('old.yml', 'alarms: {hot: {when: temp > 30, for: 2h}}')
    folder.write('new.yml', 'alarms: {hot: {when: temp > 30, for: 30m}}')
    const { json } = await replayJson(['a.jsonl', ...flags])
    // Both devices kept the condition for 30 minutes without saying so again; no device for two hours.
    expect(json.alarms.hot.raised).toMatchObject({ before: 0, after: 2, gained: 1 })
    expect(json.alarms.hot.raised.examples).toMatchObject([{ line: 3, deviceId: 'dev:0' }])
    expect(json.alarms.hot.cleared).toMatchObject({ before: 0, after: 1, gained: 1 })
  })
})

describe('wrong use of anyhub replay', () => {
  it.each([
    [[], 'expected one file, found 0'],
    [['a.jsonl', 'b.jsonl'], 'expected one file, found 2'],
    [['a.jsonl', '--time', 'ts'], 'expected --device'],
    [['a.jsonl', '--device', 'id'], 'expected --time'],
    [['a.jsonl', '--device', '=', '--time', 'ts'], 'expected --device'],
    [['none.jsonl', '--device', 'id', '--time', 'ts'], 'expected a file at'],
    [['.', '--device', 'id', '--time', 'ts'], 'found a folder'],
    [['a.jsonl', '--device', 'id', '--time', 'ts', '--to', 'ftp://x'], '--to: expected in-process'],
    [['a.jsonl', '--device', 'id', '--time', 'ts', '--speed', '0x'], '--speed: expected max'],
    [['a.jsonl', '--device', 'id', '--time', 'ts', '--speed', 'fast'], '--speed: expected max'],
    [['a.jsonl', '--device', 'id', '--time', 'ts', '--time-unit', 'h'], '--time-unit: expected'],
    [['a.jsonl', '--device', 'id', '--time', 'ts', '--format', 'xml'], '--format: expected'],
    [['a.jsonl', '--device', 'id', '--time', 'ts', '--nonsense'], '--nonsense'],
    [
      ['a.jsonl', '--device', 'id', '--time', 'ts', '--to', 'http://x', '--data', 'd'],
      '--data: works in-process only',
    ],
    [
      ['a.jsonl', '--device', 'id', '--time', 'ts', '--to', 'http://x', '--topic', 't'],
      '--topic: HTTP has no topics',
    ],
    [
      ['a.jsonl', '--device', 'id', '--time', 'ts', '--token', 't'],
      '--token: means something only',
    ],
    [
      ['a.jsonl', '--device', 'id', '--time', 'ts', '--against', 'b.yml', '--speed', 'real'],
      '--speed: means nothing',
    ],
    [
      ['--against', 'b.yml', 'c.yml', 'a.jsonl', '--config', 'd.yml'],
      '--config: means nothing with two configs',
    ],
    [['b.yml', 'a.jsonl', '--device', 'id', '--time', 'ts'], 'expected one file, found 2'],
  ])('%j', async (args, message) => {
    folder.write('a.jsonl', jsonl(messages(1)))
    const { code, out, err } = await runCli(['replay', ...args], { cwd: folder.path })
    expect(code).toBe(2)
    expect(err).toContain(message)
    expect(err).toContain('usage: anyhub')
    expect(out).toBe('')
  })

  it('refuses a config that is not there', async () => {
    folder.write('a.jsonl', jsonl(messages(1)))
    const args = ['a.jsonl', '--device', 'id', '--time', 'ts', '--config', 'none.yml']
    const { code, err } = await runCli(['replay', ...args], { cwd: folder.path })
    expect(code).toBe(2)
    expect(err).toContain('expected a config file at')
  })

  it('refuses a faulty topic template and a faulty config', async () => {
    folder.write('a.jsonl', jsonl(messages(1)))
    const flags = ['a.jsonl', '--device', 'id', '--time', 'ts']
    const topic = await runCli(['replay', ...flags, '--topic', 'a/${'], { cwd: folder.path })
    expect(topic.code).toBe(1)
    expect(topic.err).toContain('expected')
    folder.write('bad.yml', 'rules: {a: {sql: "SELEC"}}\n')
    const config = await runCli(['replay', ...flags, '--config', 'bad.yml'], { cwd: folder.path })
    expect(config.code).toBe(1)
    expect(config.err).toContain('bad.yml:1:')
  })
})

function nested(levels: number): object {
  return levels === 0 ? {} : { a: nested(levels - 1) }
}

/** Telemetry of a data folder that is not open. */
async function storedRows(data: string) {
  const { rows } = await readStoredData(`${folder.path}/${data}`)
  return rows.map(({ deviceId, at, metrics }) => ({ deviceId, at, metrics }))
}

async function deadLetterPayloads(data: string): Promise<readonly string[]> {
  return (await readStoredData(`${folder.path}/${data}`)).deadLetters
}
