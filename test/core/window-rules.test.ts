import { describe, expect, it } from 'vitest'
import {
  type ConfigInput,
  CoreError,
  compileProgram,
  compileWindowedRule,
  createCore,
  type Json,
  parseConfig,
  type Uplink,
} from '../../core/index.ts'
import { createMemoryPorts, createWorld } from '../fakes/memory-ports.ts'

const NOW = 1_700_000_040_000 // a full minute

function build(rule: NonNullable<ConfigInput['rules']>[string], more: ConfigInput = {}) {
  const parsed = parseConfig({
    ...more,
    rules: { r: { actions: [{ republish: { topic: 'out/${device}' } }], ...rule } },
  })
  if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
  const compiled = compileProgram(parsed.config)
  if ('faults' in compiled) throw new Error(JSON.stringify(compiled.faults))
  const world = createWorld(NOW)
  const core = createCore(createMemoryPorts(world), compiled.program)
  const send = async (
    deviceId: string,
    ...bodies: { readonly [key: string]: Json }[]
  ): Promise<void> => {
    await core.ingest(bodies.map((body) => uplink(deviceId, body, world.now)))
    await core.gate.idle()
  }
  const outputs = (): Json[] => world.published.map(({ message }) => JSON.parse(message.payload))
  return { core, world, send, outputs }
}

function uplink(deviceId: string, body: Json, receivedAt: number): Uplink {
  const payload = new TextEncoder().encode(JSON.stringify(body))
  return {
    deviceId,
    topic: `devices/${deviceId}/telemetry`,
    payload,
    contentType: '',
    receivedAt,
    source: 'test',
  }
}

const MINUTE =
  "SELECT topic(2) AS device, avg(temp) AS temp, count(*) AS n, windowend() AS at FROM 'devices/+/telemetry' GROUP BY topic(2), TUMBLINGWINDOW(second, 60)"

describe('rules with windows', () => {
  it('give out once when the window closes, with HAVING', async () => {
    const { send, outputs, world } = build({ sql: `${MINUTE} HAVING avg(temp) > 10` })
    await send('a', { temp: 10, ts: NOW }, { temp: 20, ts: NOW + 59_999 })
    expect(outputs()).toEqual([])
    await send('a', { temp: 1, ts: NOW + 60_000 })
    expect(outputs()).toEqual([{ device: 'a', temp: 15, n: 2, at: NOW + 60_000 }])
    expect(world.published[0]?.message.topic).toBe('out/a')
    await send('a', { temp: 1, ts: NOW + 120_000 })
    expect(outputs()).toHaveLength(1)
  })

  it('a word may stand right behind an aggregate or a key', async () => {
    const { send, outputs } = build({
      sql: "SELECT topic(2)AS device, avg(temp)AS mean, (max(temp ))AS most FROM 'devices/+/telemetry' GROUP BY topic(2), TUMBLINGWINDOW(second, 60)",
    })
    await send('a', { temp: 10, ts: NOW }, { temp: 20, ts: NOW + 1 }, { temp: 1, ts: NOW + 60_000 })
    expect(outputs()).toEqual([{ device: 'a', mean: 15, most: 20 }])
  })

  it('close by our clock even if no message comes, and only once', async () => {
    const { send, outputs, world, core } = build({ sql: MINUTE })
    await send('a', { temp: 10, ts: NOW })
    world.now = NOW + 59_999
    await core.tick(10)
    expect(outputs()).toEqual([])
    world.now = NOW + 60_000
    await core.tick(10)
    await core.gate.idle()
    expect(outputs()).toEqual([{ device: 'a', temp: 10, n: 1, at: NOW + 60_000 }])
    await core.tick(10)
    await send('a', { temp: 99, ts: NOW + 1 }, { temp: 5, ts: NOW + 200_000 })
    expect(outputs()).toHaveLength(1)
    expect(world.counts['window.late']).toBe(1)
  })

  it('a duplicate counts once, and WHERE keeps messages out', async () => {
    const { send, outputs } = build({
      sql: MINUTE.replace('GROUP BY', 'WHERE temp < 100 GROUP BY'),
    })
    await send('a', { temp: 10, ts: NOW }, { temp: 10, ts: NOW }, { temp: 500, ts: NOW + 1 })
    await send('a', { temp: 10, ts: NOW })
    await send('a', { temp: 0, ts: NOW + 70_000 })
    expect(outputs()).toMatchObject([{ temp: 10, n: 1 }])
  })

  it('each device has windows of its own, or all share those of a group', async () => {
    const sql =
      "SELECT room, max(temp) AS top, count(*) AS n FROM 'devices/+/telemetry' GROUP BY room, TUMBLINGWINDOW(minute, 1)"
    const own = build({ sql })
    for (const device of ['a', 'b'])
      await own.send(
        device,
        { room: 'x', temp: device === 'a' ? 1 : 2, ts: NOW },
        { room: 'x', temp: 0, ts: NOW + 60_000 },
      )
    expect(own.outputs()).toEqual([
      { room: 'x', top: 1, n: 1 },
      { room: 'x', top: 2, n: 1 },
    ])
    const shared = build({ sql, group: 'fleet' })
    for (const device of ['a', 'b', 'c'])
      await shared.send(device, {
        room: device === 'c' ? 'y' : 'x',
        temp: device === 'a' ? 1 : 2,
        ts: NOW,
      })
    await shared.send('a', { room: 'x', temp: 0, ts: NOW + 60_000 })
    expect(shared.outputs()).toEqual([{ room: 'x', top: 2, n: 2 }])
    expect((await shared.core.ports.devices.load('a'))?.outbox).toEqual([])
    expect((await shared.core.ports.devices.load('a'))?.windows).toEqual({})
  })

  it('wait for late data if told to', async () => {
    const { send, outputs } = build({ sql: MINUTE, lateness: '30s' })
    await send('a', { temp: 10, ts: NOW }, { temp: 0, ts: NOW + 61_000 }, { temp: 30, ts: NOW + 2 })
    expect(outputs()).toEqual([])
    await send('a', { temp: 0, ts: NOW + 90_000 })
    expect(outputs()).toMatchObject([{ temp: 20, n: 2 }])
  })

  it('hold as many windows as allowed, and count what finds no room', async () => {
    const sql =
      "SELECT room, count(*) AS n FROM 'devices/+/telemetry' GROUP BY room, TUMBLINGWINDOW(minute, 1)"
    const { send, outputs, core } = build({ sql }, { limits: { windows: 2 } })
    await send('a', ...['x', 'y', 'z'].map((room, index) => ({ room, ts: NOW + index })))
    expect((await core.ports.devices.load('a'))?.windows['r']).toMatchObject({
      dropped: 1,
      panes: [{ group: ['x'] }, { group: ['y'] }],
    })
    await send('a', { room: 'w', ts: NOW + 60_000 })
    expect(outputs()).toEqual([
      { room: 'x', n: 1 },
      { room: 'y', n: 1 },
    ])
  })

  it('name values by SET, for WHERE, keys and aggregates', async () => {
    const { send, outputs } = build({
      sql: `SET @f = temp * 9 / 5 + 32, @hot = @f > 86
        SELECT @hot AS hot, max(@f) AS top, count(*) AS n, topic(2) AS device
        FROM 'devices/+/telemetry' WHERE @f > 0
        GROUP BY topic(2), @hot, TUMBLINGWINDOW(second, 60) HAVING max(@f) < 1000`,
    })
    await send(
      'a',
      { temp: 31, ts: NOW },
      { temp: 40, ts: NOW + 1 },
      { temp: 20, ts: NOW + 2 },
      { temp: -40, ts: NOW + 3 },
      { temp: 20, ts: NOW + 60_000 },
    )
    expect(outputs()).toEqual([
      { hot: true, top: 104, n: 2, device: 'a' },
      { hot: false, top: 68, n: 1, device: 'a' },
    ])
  })

  it('do not know the variables of SET in the templates of their actions', () => {
    const parsed = parseConfig({
      rules: {
        r: {
          sql: `SET @v = temp SELECT avg(@v) AS x FROM 'a' GROUP BY TUMBLINGWINDOW(second, 60)`,
          actions: [{ log: { text: 'v is ${@v}' } }],
        },
      },
    })
    if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
    expect(compileProgram(parsed.config)).toMatchObject({
      faults: [{ message: expect.stringContaining('@v is not set before it is used') }],
    })
  })

  it('survive in the record: another process goes on where the first stopped', async () => {
    const first = build({ sql: MINUTE })
    await first.send('a', { temp: 10, ts: NOW })
    const second = createCore(createMemoryPorts(first.world, { process: 'q' }), first.core.program)
    await second.ingest([
      uplink('a', { temp: 20, ts: NOW + 1 }, NOW),
      uplink('a', { temp: 0, ts: NOW + 60_000 }, NOW),
    ])
    await second.gate.idle()
    expect(first.outputs()).toMatchObject([{ temp: 15, n: 2 }])
  })
})

describe('faults of statements with windows', () => {
  const from = "FROM 'devices/+/telemetry'"
  it.each([
    [
      `SELECT temp ${from} GROUP BY TUMBLINGWINDOW(second, 60)`,
      'rule.type',
      'expected an aggregate or a key of GROUP BY, found temp',
      8,
    ],
    [`SELECT avg(temp) ${from} GROUP BY room`, 'rule.syntax', 'expected a window', 54],
    [
      `SELECT avg(temp) ${from} GROUP BY TUMBLINGWINDOW(week, 1)`,
      'rule.syntax',
      'expected a unit',
      69,
    ],
    [`SELECT avg(temp) ${from} GROUP BY TUMBLINGWINDOW(day, 8)`, 'rule.syntax', 'up to 7 days', 74],
    [
      `SELECT avg(temp) ${from} GROUP BY HOPPINGWINDOW(second, 60, 61)`,
      'rule.syntax',
      'a hop no longer than the window',
      80,
    ],
    [
      `SELECT avg(temp) ${from} GROUP BY HOPPINGWINDOW(second, 650, 10)`,
      'rule.syntax',
      'at most 64 windows at one moment',
      81,
    ],
    [
      `SELECT avg(temp) ${from} GROUP BY TUMBLINGWINDOW(second, 1), TUMBLINGWINDOW(second, 2)`,
      'rule.syntax',
      'expected one window, found a second',
      81,
    ],
    [
      `SELECT percentile(temp, 95) ${from} GROUP BY TUMBLINGWINDOW(second, 1)`,
      'rule.type',
      'expected a share from 0 to 1',
      8,
    ],
    [
      `SELECT avg(*) ${from} GROUP BY TUMBLINGWINDOW(second, 1)`,
      'rule.type',
      'expected a value, found *',
      8,
    ],
    [
      `SELECT count(*) ${from} GROUP BY TUMBLINGWINDOW(second, 1) HAVING temp > 1`,
      'rule.type',
      'found temp',
      86,
    ],
    [
      `SET @a = 1 SELECT @a ${from} GROUP BY TUMBLINGWINDOW(second, 1)`,
      'rule.type',
      'found @a',
      19,
    ],
    [
      `SET @a = 1 SELECT avg(@b) ${from} GROUP BY TUMBLINGWINDOW(second, 1)`,
      'rule.type',
      '@b is not set',
      23,
    ],
    [
      `SELECT avg(temp) ${from} WHERE temp >> 1 GROUP BY TUMBLINGWINDOW(second, 1)`,
      'rule.syntax',
      `1 | SELECT avg(temp) ${from} WHERE temp >> 1 GROUP BY TUMBLINGWINDOW(second, 1)\n  | ${' '.repeat(56)}^`,
      57,
    ],
    [
      `SELECT avg(lenght(temp)) ${from} GROUP BY TUMBLINGWINDOW(second, 1)`,
      'rule.unknown_function',
      'did you mean length?',
      12,
    ],
    [
      `SELECT lenght(avg(temp)) ${from} GROUP BY TUMBLINGWINDOW(second, 1)`,
      'rule.unknown_function',
      'did you mean length?',
      8,
    ],
    [
      `SELECT avg(temp) ${from} GROUP BY lenght(room), TUMBLINGWINDOW(second, 1)`,
      'rule.unknown_function',
      'did you mean length?',
      54,
    ],
    [
      `SELECT avg(temp) ${from} GROUP BY TUMBLINGWINDOW(second, 1) HAVING lenght(avg(temp)) > 1`,
      'rule.unknown_function',
      'did you mean length?',
      87,
    ],
  ])('%s', (sql, code, message, column) => {
    try {
      compileWindowedRule(sql)
      expect.unreachable()
    } catch (error) {
      if (!(error instanceof CoreError)) throw error
      expect({ code: error.code, column: error.position?.column }).toEqual({ code, column })
      expect(error.message).toContain(message)
    }
  })

  it('in later lines are shown there', () => {
    try {
      compileWindowedRule(
        `SELECT\n  avg(temp)\n${from}\nWHERE x >\nGROUP BY room,\n  TUMBLINGWINDOW(second, 1)`,
      )
      expect.unreachable()
    } catch (error) {
      if (!(error instanceof CoreError)) throw error
      expect(error.position?.line).toBe(5)
    }
    try {
      compileWindowedRule(
        `SELECT\n  avg(temp)\n${from}\nGROUP BY room +,\n  TUMBLINGWINDOW(second, 1)`,
      )
      expect.unreachable()
    } catch (error) {
      if (!(error instanceof CoreError)) throw error
      expect(error.position).toEqual({ line: 4, column: 16 })
      expect(error.message).toContain('4 | GROUP BY room +,\n  |                ^')
    }
  })

  it('accepts 64 windows at one moment and 7 days', () => {
    expect(
      compileWindowedRule(`SELECT count(*) ${from} GROUP BY HOPPINGWINDOW(second, 640, 10)`).window
        .sizeMs,
    ).toBe(640_000)
    expect(
      compileWindowedRule(`SELECT count(*) ${from} GROUP BY TUMBLINGWINDOW(day, 7)`).window.sizeMs,
    ).toBe(604_800_000)
  })
})
