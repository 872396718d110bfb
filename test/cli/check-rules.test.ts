import { resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CliResult, type Folder, runCli, temporaryFolder } from './run-cli.ts'

const ROOT = resolve(import.meta.dirname, '../..')

const CONFIG = `
rules:
  hot:
    sql: SELECT temp, topic(2) AS device FROM 'devices/+/telemetry' WHERE temp > 30
    actions:
      - republish: { topic: 'hot/\${topic(2)}', qos: 0 }
      - notify: { channels: [ops], subject: 'hot \${temp}', text: 'at \${topic(2)}' }
      - raiseAlarm: { alarm: heat, text: '\${temp} degrees' }
  cool:
    sql: SELECT 18 AS setpoint FROM 'devices/+/telemetry' WHERE temp > 40
    actions:
      - setDesired: {}
      - setDesired: { device: 'fan-\${topic(2)}', state: { speed: '\${temp}' } }
  average:
    sql: >-
      SELECT avg(temp) AS temp, count(*) AS n FROM 'devices/+/telemetry'
      GROUP BY TUMBLINGWINDOW(second, 60) HAVING count(*) > 1
    actions:
      - republish: { topic: averages }
  everyone:
    sql: SELECT site, count(*) AS n FROM 'devices/+/telemetry' GROUP BY site, TUMBLINGWINDOW(minute, 1)
    group: fleet
    actions:
      - queue: { name: sites }
  named:
    sql: SELECT lookup('sites', site).name AS name, get_secret('s', 'SecretString', 'arn').key AS key FROM 'sites/+'
    actions:
      - table: { table: names, key: '\${site}' }
      - sendCommand: { name: greet, payload: { to: '\${site}' } }
      - store: { prefix: site_ }
      - coldRow: {}
      - log: { text: 'site \${site}', level: warn }
      - webhook: { channel: hook }
  broken:
    sql: SELECT * FROM 'broken/+'
    actions:
      - republish: { topic: 'a/\${wild}' }
    errorAction:
      republish: { topic: 'errors' }
  bytes:
    sql: SELECT encode(*, 'base64') AS raw, clientid() AS client FROM 'raw/+'
alarms:
  cold:
    when: temp < 0
    for: 10s
    text: '\${temp} is cold'
channels:
  ops: { type: email, to: [a@example.com] }
  hook: { type: webhook, url: 'https://example.com/' }
`

let folder: Folder

beforeEach(() => {
  folder = temporaryFolder()
  folder.write('anyhub.yml', CONFIG)
})
afterEach(() => folder.remove())

function check(tests: string, ...args: string[]): Promise<CliResult> {
  folder.write('rules.test.yml', tests)
  return runCli(['check', ...args], { cwd: folder.path })
}

/** The cases of a file, so that each test shows only what it is about. */
function cases(...texts: string[]): string {
  return `cases:\n${texts.map((text) => text.replace(/^/gm, '    ').replace('    ', '  - ')).join('\n')}\n`
}

/** Runs one case and gives what differs, as `path: expected / found`. */
async function differences(text: string): Promise<string[]> {
  const { out, err } = await check(cases(text), '--json')
  expect(err).toBe('')
  const { tests } = JSON.parse(out)
  expect(tests[0].faults).toEqual([])
  expect(tests[0].cases).toHaveLength(1)
  return tests[0].cases[0].differences.map(
    (one: { path: (string | number)[]; expected?: unknown; found?: unknown }) =>
      `${one.path.slice(2).join('.')}: ${JSON.stringify(one.expected)} / ${JSON.stringify(one.found)}`,
  )
}

describe('the example beside the built-in config', () => {
  it('passes', async () => {
    const { code, out } = await runCli(['check'], { cwd: ROOT })
    expect(out).toContain('rules.test.yml: fine (')
    expect(code).toBe(0)
  })
})

describe('anyhub check with rules.test.yml', () => {
  it('says nothing of tests where there are none', async () => {
    const { code, out } = await runCli(['check'], { cwd: folder.path })
    expect(code).toBe(0)
    expect(out).not.toContain('test.yml')
  })

  it('runs *.rules.test.yml as well, and fails if one of them fails', async () => {
    folder.write(
      'more.rules.test.yml',
      cases('name: no\nmessage: { payload: { temp: 31 } }\nexpect: { rules: { hot: no match } }'),
    )
    const { code, out } = await check(
      cases('name: yes\nmessage: { payload: { temp: 31 } }\nexpect: { rules: { hot: match } }'),
    )
    expect(code).toBe(1)
    expect(out).toContain('more.rules.test.yml: 1 case, 1 of them failed')
    expect(out).toContain('/rules.test.yml: fine (1 case)')
  })

  it('shows expected and found, with the path and the place in the file', async () => {
    const { code, out } = await check(`cases:
  - name: hot is told
    message: { topic: devices/d-1/telemetry, payload: { temp: 31 } }
    expect:
      rules:
        hot:
          output:
            temp: 32
            device: d-1
          actions:
            - republish: { topic: hot/d-2 }
            - notify: { subject: hot 31 }
            - raiseAlarm: {}
`)
    expect(code).toBe(1)
    const file = `${folder.path}/rules.test.yml`
    expect(
      out
        .split('\n')
        .filter((line) => !line.startsWith('warning: '))
        .slice(1),
    ).toEqual([
      `${file}:2:11  hot is told`,
      '  rules.test.yml:8:19  rules.hot.output.temp',
      '    expected  32',
      '    found     31',
      '  rules.test.yml:11:35  rules.hot.actions[0].republish.topic',
      '    expected  "hot/d-2"',
      '    found     "hot/d-1"',
      `${file}: 1 case, 1 of them failed`,
      '',
    ])
  })

  it('tells programs the same', async () => {
    const { code, out } = await check(
      cases('name: n\nmessage: { payload: { temp: 31 } }\nexpect: { rules: { hot: no match } }'),
      '--json',
    )
    expect(code).toBe(1)
    expect(JSON.parse(out)).toMatchObject({
      ok: false,
      faults: [],
      tests: [
        {
          faults: [],
          cases: [
            {
              name: 'n',
              line: 2,
              differences: [
                {
                  path: ['cases', 0, 'expect', 'rules', 'hot'],
                  line: 4,
                  expected: 'no match',
                  found: 'match',
                },
              ],
            },
          ],
        },
      ],
    })
  })

  it('warns of what AWS does not have, and is content', async () => {
    const { code, out } = await runCli(['check'], { cwd: folder.path })
    expect(code).toBe(0)
    expect(out.split('\n').slice(1)).toEqual([
      'warning: rules.average: GROUP BY is not in AWS IoT SQL',
      'warning: rules.everyone: GROUP BY is not in AWS IoT SQL',
      'warning: rules.named: lookup is not in the AWS IoT SQL reference: the rule may not deploy to AWS',
      '',
    ])
    const json = JSON.parse((await runCli(['check', '--json'], { cwd: folder.path })).out)
    expect(json.warnings).toHaveLength(3)
    expect(json.ok).toBe(true)
  })

  it('runs no tests of a config with faults', async () => {
    folder.write('anyhub.yml', 'rules: { hot: { sql: SELECT } }')
    const { code, out } = await check(cases('name: n'))
    expect(code).toBe(1)
    expect(out).toContain('1 fault')
    expect(out).not.toContain('rules.test.yml')
  })
})

describe('what a case can expect', () => {
  it('match, no match, no other match', async () => {
    expect(
      await differences(
        'name: n\nmessage: { payload: { temp: 31 } }\nexpect: { rules: { hot: match, cool: no match }, otherRules: no match }',
      ),
    ).toEqual([])
    expect(
      await differences(
        'name: n\nmessage: { payload: { temp: 41 } }\nexpect: { rules: { hot: match, broken: match }, otherRules: no match }',
      ),
    ).toEqual([
      'expect.rules.broken: "match" / "no match"',
      'expect.otherRules: "no match" / "cool matches"',
    ])
  })

  it('what each action came to', async () => {
    const found = await differences(`name: n
device: dev-9
message: { topic: sites/n, payload: { site: north } }
tables: { sites: { north: { name: North } } }
lookups: [{ function: get_secret, args: [s, SecretString, arn], value: { key: k } }]
expect:
  rules:
    named:
      output: { name: North, key: k }
      actions:
        - table: { table: names, key: north, item: { name: North, key: k } }
        - sendCommand: { device: dev-9, name: greet, payload: { to: north } }
        - store: { values: { site_name: North, site_key: k } }
        - coldRow: { body: { name: North, key: k } }
        - log: { text: site north, level: warn }
        - webhook: { channel: hook, body: { name: North, key: k } }`)
    expect(found).toEqual([])
  })

  it('a wish for the sender and for another device, and actions in full', async () => {
    expect(
      await differences(`name: n
message: { topic: devices/a/telemetry, payload: { temp: 41 } }
expect:
  rules:
    cool:
      actions:
        - setDesired: { device: a, shadow: '', state: { setpoint: 18 } }
        - setDesired: { device: fan-a, state: { speed: 41 } }
    hot:
      actions:
        - republish: { topic: hot/a, payload: { temp: 41, device: a }, qos: 0, retain: false }
        - log: { text: x }`),
    ).toEqual([
      'expect.rules.hot.actions.1: {"log":{"text":"x"}} / {"notify":{"channels":["ops"],"severity":"info","subject":"hot 41","text":"at a","data":{"temp":41,"device":"a"}}}',
      'expect.rules.hot.actions.2: undefined / {"raiseAlarm":{"alarm":"heat","severity":"warning","text":"41 degrees","notify":[]}}',
    ])
  })

  it('alarms that rules raise, and those of the config, with time', async () => {
    const test = (last: string): string => `name: n
messages:
  - payload: { temp: -1 }
  - at: 9s
    expect: { alarms: { cold: unchanged } }
  - at: 10s
    expect: { alarms: { cold: { is: raised, text: -1 is cold, severity: warning, device: device-1 } } }
  - at: 11s
    payload: { temp: 31 }
expect: { alarms: { cold: ${last}, heat: raised } }`
    expect(await differences(test('[raised, cleared]'))).toEqual([])
    expect(await differences(test('raised'))).toEqual([
      'expect.alarms.cold: "raised" / ["raised","cleared"]',
    ])
    expect(await differences(test('{ is: raised }'))).toEqual([
      'expect.alarms.cold.is: "raised" / ["raised","cleared"]',
    ])
  })

  it('what windows give once time has passed, of a device and of all', async () => {
    const found = await differences(`name: n
messages:
  - payload: { temp: 10, site: north }
    device: a
  - payload: { temp: 20, site: north }
    device: a
    at: 59s
  - payload: { temp: 5, site: north }
    device: b
    expect: { rules: { average: no match, everyone: no match } }
  - at: 60s
    expect:
      rules:
        average: { output: { temp: 15, n: 2 }, actions: [{ republish: { topic: averages } }] }
        everyone: { output: { site: north, n: 3 }, actions: [{ queue: { name: sites } }] }
  - at: 10m
    expect: { otherRules: no match }
expect: { rules: { average: { times: 1 } } }`)
    expect(found).toEqual([])
  })

  it('each of several outputs', async () => {
    const test = (rule: string): string =>
      `name: n\nmessages: [{ payload: { temp: 31 } }, { payload: { temp: 32 } }]\nexpect: { rules: { hot: ${rule} } }`
    const outputs = '[{ temp: 31, device: device-1 }, { temp: 32, device: device-1 }]'
    expect(await differences(test(`{ outputs: ${outputs}, times: 2 }`))).toEqual([])
    expect(await differences(test('{ times: 3 }'))).toEqual(['expect.rules.hot.times: 3 / 2'])
    expect(await differences(test('{ outputs: [] }'))).toEqual([
      'expect.rules.hot.outputs.0: undefined / {"temp":31,"device":"device-1"}',
      'expect.rules.hot.outputs.1: undefined / {"temp":32,"device":"device-1"}',
    ])
    expect(await differences(test('{ output: 1 }'))).toEqual([
      'expect.rules.hot.output: 1 / "2 matches: [{\\"temp\\":31,\\"device\\":\\"device-1\\"},{\\"temp\\":32,\\"device\\":\\"device-1\\"}]"',
    ])
  })

  it('failures, the error action, and no failure that nobody expects', async () => {
    const message = 'name: n\ndevice: d\nmessage: { topic: broken/x, payload: { wild: "+" } }\n'
    const expected = `${message}expect:
  rules:
    broken:
      failed: without wildcards
      output: { wild: '+' }
      actions: [{ republish: { failed: expected a topic } }]
      errorAction: [{ republish: { topic: errors } }]`
    expect(await differences(expected)).toEqual([])
    for (const rules of ['{ broken: match }', '{ broken: {} }', '{ hot: no match }']) {
      expect(await differences(`${message}expect: { rules: ${rules} }`)).toEqual([
        'expect.rules.broken.failed: undefined / "expected a topic without wildcards, found \\"a/+\\""',
      ])
    }
  })

  it('bytes, text, the sender, duplicates and dead letters', async () => {
    const found = await differences(`name: n
device: d
messages:
  - { topic: raw/x, text: '{"a": 1.50}', clientId: c-1, expect: { rules: { bytes: { output: { raw: eyJhIjogMS41MH0=, client: c-1 } } } } }
  - { base64: eyJ0ZW1wIjogMzF9, messageId: m-1, expect: { rules: { hot: match } } }
  - { base64: eyJ0ZW1wIjogMzF9, messageId: m-1, expect: { outcome: duplicate, otherRules: no match } }
  - { text: '{', expect: { outcome: codec.malformed } }
  - { text: '', topic: nowhere }`)
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(/^messages\.4\.expect\.outcome: "accepted" \/ "codec\.malformed: /)
    expect(
      await differences(
        'name: n\nmessage: { topic: devices/a, payload: 1 }\nexpect: { otherRules: no match }',
      ),
    ).toEqual([expect.stringContaining('expect.outcome: "accepted" / "uplink.no_device: ')])
  })

  it('plain topics of a client, and messages for one rule only', async () => {
    const found = await differences(`name: n
messages:
  - { topic: raw/x, clientId: c-9, payload: 1, expect: { rules: { bytes: { output: { raw: MQ==, client: c-9 } } } } }
  - topic: $aws/rules/hot/devices/d/telemetry
    payload: { temp: 50 }
    expect:
      rules: { hot: { output: { temp: 50, device: d }, actions: [{ republish: { topic: hot/d } }, {notify: {}}, {raiseAlarm: {}}] } }
      otherRules: no match`)
    expect(found).toEqual([])
  })

  it('tells the same each time', async () => {
    folder.write(
      'anyhub.yml',
      "rules:\n  r:\n    sql: SELECT newuuid() AS id, rand() AS x, timestamp() AS t FROM '#'",
    )
    const test = 'name: n\nmessage: { payload: {} }\nexpect: { rules: { r: { output: 0 } } }'
    const first = await differences(test)
    expect(first[0]).toContain('"t":1767225600000')
    expect(await differences(test)).toEqual(first)
  })
})

describe('faults of a test file', () => {
  const good = 'name: n\nmessage: { payload: 1 }\nexpect: {}'

  it.each([
    ['text that is no YAML', 'cases: [', 1, 'Flow sequence'],
    ['no cases', 'cases: []', 1, 'Too small'],
    ['an unknown key', cases(`${good}\nwhat: 1`), 5, 'unknown key "what"'],
    ['no message', cases('name: n\nexpect: {}'), 2, 'expected either message or messages'],
    ['no expectation', cases('name: n\nmessage: { payload: 1 }'), 2, 'expects nothing'],
    ['no payload', cases('name: n\nmessage: { topic: a }\nexpect: {}'), 3, 'found none'],
    ['two payloads', cases('name: n\nmessage: { payload: 1, text: a }\nexpect: {}'), 3, 'found 2'],
    ['no base64', cases('name: n\nmessage: { base64: "*" }\nexpect: {}'), 3, 'base64'],
    [
      'an unknown rule',
      cases('name: n\nmessage: { payload: 1 }\nexpect:\n  rules:\n    hott: match'),
      6,
      'found "hott"',
    ],
    [
      'an unknown alarm',
      cases('name: n\nmessage: { payload: 1 }\nexpect:\n  alarms:\n    icy: raised'),
      6,
      '(cold, heat), found "icy"',
    ],
    [
      'an unknown action',
      cases(
        'name: n\nmessage: { payload: 1 }\nexpect:\n  rules:\n    hot:\n      actions:\n        - republishh: {}',
      ),
      8,
      'republishh',
    ],
    [
      'an unknown field of an action',
      cases(
        'name: n\nmessage: { payload: 1 }\nexpect:\n  rules:\n    hot:\n      actions:\n        - republish: { topik: a }',
      ),
      8,
      'unknown key "topik"',
    ],
    [
      'a time that is none',
      cases('name: n\nmessages:\n  - at: soon\nexpect: {}'),
      4,
      'found "soon"',
    ],
    [
      'a time that is over',
      cases('name: n\nmessages:\n  - at: 2s\n  - at: 1s\nexpect: {}'),
      5,
      'expected a time not before 2026-01-01T00:00:02.000Z',
    ],
    [
      'an outcome of no message',
      cases('name: n\nmessages:\n  - at: 2s\n    expect: { outcome: duplicate }'),
      5,
      'time passes',
    ],
  ])('%s', async (_name, text, line, says) => {
    const { code, out } = await check(text, '--json')
    expect(code).toBe(1)
    const [report] = JSON.parse(out).tests
    expect(report.cases).toEqual([])
    expect(report.faults).toContainEqual(
      expect.objectContaining({ line, message: expect.stringContaining(says) }),
    )
    expect((await check(text)).out).toMatch(/rules\.test\.yml:\d+:\d+ {2}/)
  })
})

describe('anyhub check --schema', () => {
  it('prints the schema of either file', async () => {
    const config = JSON.parse((await runCli(['check', '--schema'])).out)
    expect(config.title).toBe('anyhub.yml')
    const tests = JSON.parse((await runCli(['check', '--schema', 'rules-test'])).out)
    expect(tests.title).toBe('rules.test.yml')
    expect(Object.keys(tests.properties)).toEqual(['$schema', 'cases'])
  })

  it('names the files that have one', async () => {
    const { code, err } = await runCli(['check', '--schema', 'yml'])
    expect(code).toBe(2)
    expect(err).toContain('expected one of config, rules-test, found "yml"')
  })
})
