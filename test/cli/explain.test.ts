import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Folder, jsonl, runCli, temporaryFolder } from './run-cli.ts'

const CONFIG = `
channels: {hook: {type: webhook, url: 'https://example.com/'}}
rules:
  hot:
    sql: "SELECT temp / 2 AS half FROM 'devices/+/telemetry' WHERE temp > 25 AND site.floor = 3"
    actions:
      - republish: {topic: 'hot/\${topic(2)}/\${site.floor}'}
      - notify: {channels: [hook], severity: warning, text: 'it is \${temp} °C'}
      - setDesired: {state: {fan: '\${temp > 20}'}}
  asks: {sql: "SELECT get_thing_shadow(topic(2), 'arn') AS s FROM 'devices/#'"}
  off: {sql: "SELECT * FROM 'devices/+/telemetry'", enabled: false}
  elsewhere: {sql: "SELECT * FROM 'factory/#'"}
alarms:
  at-once: {when: temp > 25, clear: temp < 20, notify: [hook], text: 'warm: \${temp}'}
  later: {when: temp > 25, for: 90s, severity: critical}
  calm: {when: temp > 100}
  silent: {when: pressure > 1}
`

let folder: Folder

beforeEach(() => {
  folder = temporaryFolder()
  folder.write('anyhub.yml', CONFIG)
})

afterEach(() => folder.remove())

const message = { temp: 27, site: { floor: 3 }, ts: 1_600_000_000 }

async function explainJson(args: readonly string[], stdin = '') {
  const { code, out } = await runCli(['explain', ...args, '--json'], { cwd: folder.path, stdin })
  return { code, json: JSON.parse(out) }
}

describe('anyhub explain', () => {
  const flags = ['--topic', 'devices/dev-7/telemetry', '--payload', JSON.stringify(message)]

  it('shows which clause was true with what values, and what each action would do', async () => {
    const { code, json } = await explainJson(flags)
    expect(code).toBe(0)
    expect(json).toMatchObject({
      topic: 'devices/dev-7/telemetry',
      deviceId: 'dev-7',
      addressed: true,
      deviceType: 'default',
      at: 1_600_000_000_000,
      timed: true,
      values: { temp: 27, 'site.floor': 3 },
    })
    const [hot, asks, off, elsewhere] = json.rules
    expect(hot).toMatchObject({
      ruleId: 'hot',
      enabled: true,
      explanation: {
        topic: { filter: 'devices/+/telemetry', matched: true },
        where: {
          verdict: 'true',
          value: true,
          parts: [
            { text: 'temp > 25', value: true, parts: [{ text: 'temp', value: 27 }] },
            { text: 'site.floor = 3', value: true, parts: [{ text: 'site.floor', value: 3 }] },
          ],
        },
        result: { status: 'output', value: { half: 13 } },
      },
      actions: [
        {
          action: 'republish',
          result: { do: 'emit', effect: { topic: 'hot/dev-7/3', payload: '{"half":13}' } },
        },
        {
          action: 'notify',
          result: {
            effect: {
              notification: { channelIds: ['hook'], severity: 'warning', text: 'it is 27 °C' },
            },
          },
        },
        { action: 'setDesired', result: { do: 'desire', desired: { fan: true } } },
      ],
    })
    expect(asks).toMatchObject({
      ruleId: 'asks',
      asks: [{ function: 'get_thing_shadow', args: ['dev-7', 'arn'] }],
      explanation: { result: { status: 'output', value: {} } },
    })
    expect(off).toMatchObject({
      enabled: false,
      actions: [],
      explanation: { topic: { matched: true } },
    })
    expect(elsewhere).toMatchObject({
      actions: [],
      explanation: {
        topic: { filter: 'factory/#', matched: false },
        result: { status: 'no_match', reason: 'topic' },
      },
    })
  })

  it('shows what the alarms of a fresh device would do', async () => {
    const { json } = await explainJson(flags)
    const [atOnce, later, calm, silent] = json.alarms
    expect(atOnce).toMatchObject({
      alarmId: 'at-once',
      when: { verdict: 'true', parts: [{ text: 'temp', value: 27 }] },
      clear: { verdict: 'false' },
      transition: 'raised',
      state: { status: 'active', text: 'warm: 27', raisedAt: 1_600_000_000_000 },
      channelIds: ['hook'],
    })
    expect(later).toMatchObject({
      transition: 'pending',
      forMs: 90_000,
      state: { status: 'pending', severity: 'critical', since: 1_600_000_000_000 },
    })
    expect(calm).toMatchObject({ when: { verdict: 'false' }, transition: 'none' })
    expect(calm.state).toBeUndefined()
    expect(silent).toMatchObject({
      when: { verdict: 'undefined', undefined: expect.stringContaining('pressure is Undefined') },
      transition: 'none',
    })
  })

  it('says why a clause is Undefined, and that nothing follows', async () => {
    const payload = JSON.stringify({ temp: 27, site: 'attic' })
    const { json } = await explainJson(['--payload', payload])
    const [hot] = json.rules
    expect(hot.explanation.where).toMatchObject({
      verdict: 'undefined',
      parts: [
        { text: 'temp > 25', value: true },
        { undefined: 'because site.floor is Undefined', parts: [{ undefined: 'site is String' }] },
      ],
    })
    expect(hot.explanation.result).toEqual({ status: 'no_match', reason: 'where' })
    expect(hot.actions).toEqual([])
  })

  it('is an indented tree for people', async () => {
    const { code, out } = await runCli(['explain', ...flags], { cwd: folder.path })
    expect(code).toBe(0)
    expect(out).toContain(
      [
        'rule hot',
        "  FROM 'devices/+/telemetry' matches devices/dev-7/telemetry",
        '  WHERE is true: temp > 25 AND site.floor = 3 → true',
        '    temp > 25 → true',
        '      temp → 27',
        '    site.floor = 3 → true',
        '      site.floor → 3',
      ].join('\n'),
    )
    expect(out).toContain('  action 1, republish: ')
    expect(out).toContain('topic hot/dev-7/3')
    expect(out).toContain('  action 2, notify: to hook, severity warning')
    expect(out).toContain('text it is 27 °C')
    expect(out).toContain('  asks get_thing_shadow("dev-7", "arn"): nobody answers here')
    expect(out).toContain('rule off (switched off)')
    expect(out).toContain('on a fresh device: raised (warning), told to hook: warm: 27')
    expect(out).toContain(
      'on a fresh device: pending; raised (critical) if it still holds 90 s later',
    )
    expect(out).toContain('alarm calm\n')
    expect(out).toContain('not reached by this topic\n  rule elsewhere')
  })

  it('reads a message on stdin, and makes a device up where the topic names none', async () => {
    const { json } = await explainJson(
      ['--topic', 'factory/line-1'],
      `${JSON.stringify(message)}\n`,
    )
    expect(json).toMatchObject({ topic: 'factory/line-1', addressed: false })
    const matched = json.rules.filter(
      (rule: { explanation: { topic: { matched: boolean } } }) => rule.explanation.topic.matched,
    )
    expect(matched.map(({ ruleId }: { ruleId: string }) => ruleId)).toEqual(['elsewhere'])
  })

  it('takes one line of a recording, JSONL or CSV', async () => {
    const lines = [{ id: 'a' }, { id: 'dev:9', ...message }, { id: 'c' }]
    folder.write('a.jsonl', `${jsonl(lines)}broken\n`)
    folder.write('a.csv', 'id,temp\ndev:9,27\n')
    const args = ['--device', 'id', '--line', '2', '--file']
    expect((await explainJson([...args, 'a.jsonl'])).json).toMatchObject({
      topic: 'devices/dev:9/telemetry',
      values: { id: 'dev:9', temp: 27, 'site.floor': 3 },
    })
    expect((await explainJson([...args, 'a.csv'])).json).toMatchObject({
      topic: 'devices/dev:9/telemetry',
      timed: false,
      values: { id: 'dev:9', temp: 27 },
    })
    for (const [line, text] of [
      ['4', 'line 4: expected a line of JSON'],
      ['5', 'expected a message in line 5'],
    ] as const) {
      const { code, err } = await runCli(['explain', '--file', 'a.jsonl', '--line', line], {
        cwd: folder.path,
      })
      expect(err).toContain(text)
      expect(code).toBe(1)
    }
  })

  it.each([
    ['no JSON', 'devices/d/telemetry', '{"temp":', 'codec.malformed'],
    ['no object', 'devices/d/telemetry', '[1]', 'codec.wrong_type'],
    ['a time in the future', 'devices/d/telemetry', '{"ts":4000000000}', 'uplink.future_time'],
    ['too much', 'devices/d/telemetry', `{"a":"${'x'.repeat(140_000)}"}`, 'uplink.too_large'],
  ])('tells that the cloud would set %s aside', async (_, topic, payload, code) => {
    const result = await explainJson(['--topic', topic, '--payload', payload])
    expect(result.json).toMatchObject({ refused: { code }, rules: [], alarms: [] })
    expect(result.code).toBe(1)
    const { out } = await runCli(['explain', '--topic', topic, '--payload', payload], {
      cwd: folder.path,
    })
    expect(out).toContain(`goes to the dead letters: ${code}`)
  })

  it('shows the window that a message goes into, and what it would come to', async () => {
    folder.write(
      'anyhub.yml',
      `
rules:
  mean:
    sql: >-
      SELECT room, avg(temp) AS mean, count(*) AS n FROM 'devices/+/telemetry' WHERE temp > 3
      GROUP BY room, TUMBLINGWINDOW(second, 60) HAVING avg(temp) > 4
    actions: [{republish: {topic: 'mean/\${room}'}}]
  off:
    sql: "SELECT count(*) AS n FROM 'devices/+/telemetry' WHERE temp > 3 GROUP BY TUMBLINGWINDOW(second, 60)"
    enabled: false
`,
    )
    const start = 1_600_000_020_000
    const explain = (temp: number) =>
      explainJson(['--payload', JSON.stringify({ ts: 1_600_000_030, room: 'attic', temp })])
    const { json } = await explain(5)
    expect(json.rules[0]).toMatchObject({
      explanation: { sql: expect.stringContaining('TUMBLINGWINDOW'), where: { verdict: 'true' } },
      window: {
        group: ['attic'],
        alone: [
          {
            start,
            end: start + 60_000,
            matched: true,
            value: { room: 'attic', mean: 5, n: 1 },
          },
        ],
      },
      actions: [{ action: 'republish', result: { effect: { topic: 'mean/attic' } } }],
    })
    expect(json.rules[1]).toMatchObject({
      enabled: false,
      explanation: { where: { verdict: 'true' } },
      actions: [],
    })
    const below = await explain(3.5)
    expect(below.json.rules[0]).toMatchObject({
      window: { alone: [{ matched: false }] },
      actions: [],
    })
    const outside = await explain(2)
    expect(outside.json.rules[0].window).toBeUndefined()
    const payload = '{"ts":1600000030,"room":"attic","temp":5}'
    const { out } = await runCli(['explain', '--payload', payload], { cwd: folder.path })
    expect(out).toContain(
      'window 2020-09-13T12:27:00.000Z to 2020-09-13T12:28:00.000Z of group ["attic"]: alone in it, the message gives {"room":"attic","mean":5,"n":1}',
    )
    expect(out).not.toContain('output: 1')
  })

  it('does not know devices that no type covers', async () => {
    folder.write('anyhub.yml', "deviceTypes: {trucks: {devices: 'truck-*'}}")
    const { code, json } = await explainJson(['--topic', 'devices/van-1/telemetry'], '{"a":1}')
    expect(json).toMatchObject({ refused: { code: 'uplink.bad_device_id' } })
    expect(code).toBe(1)
  })

  it('says that a message is the first of several', async () => {
    folder.write(
      'anyhub.yml',
      'deviceTypes: {default: {codec: {type: senml, names: short}}}\nalarms: {hot: {when: temp > 25}}',
    )
    const pack = [
      { n: 'temp', v: 20, t: 1_600_000_000 },
      { n: 'temp', v: 30, t: 1_600_000_060 },
      { n: 'temp', v: 31, t: 1_600_000_120 },
    ]
    const given = ['--payload', JSON.stringify(pack)]
    const { json } = await explainJson(given)
    expect(json).toMatchObject({ values: { temp: 20 }, others: 2 })
    const { out } = await runCli(['explain', ...given], { cwd: folder.path, stdin: '' })
    expect(out).toContain('  the first of 3 messages that came together')
  })
})
