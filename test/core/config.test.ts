import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import * as z from 'zod'
import {
  type ConfigFault,
  compileProgram,
  configJsonSchema,
  defineConfig,
  parseConfig,
  readDuration,
} from '../../core/index.ts'

function faultsOf(input: unknown): readonly ConfigFault[] {
  const parsed = parseConfig(input)
  return 'faults' in parsed ? parsed.faults : []
}

const places = (faults: readonly ConfigFault[]) => faults.map(({ path }) => path.join('.'))

/** A config that uses everything, as a person would write it. */
const FULL = {
  $schema: './anyhub.schema.json',
  deviceTypes: {
    truck: {
      devices: 'truck-*',
      codec: 'json',
      time: '/data/time',
      timeUnit: 'ms',
      metrics: '/data',
      report: false,
    },
    default: { time: ['/ts', '/a~1b/0'] },
  },
  networks: {
    ttn: {
      type: 'the-things-stack',
      secret: 'sixteen characters',
      secretIn: { header: 'x-secret' },
      prefix: 'ttn-',
      use: 'bytes',
      codec: 'json',
      id: 'dev_eui',
      downlink: { url: 'https://eu1.cloud.thethings.network', apiKey: 'NNSXS.X', fPort: 2 },
    },
  },
  rules: {
    hot: {
      sql: "SELECT temp FROM 'devices/+/telemetry' WHERE temp > 25",
      sqlVersion: '2016-03-23',
      enabled: false,
      actions: [
        { republish: { topic: 'hot/${topic(2)}', qos: 0, retain: true } },
        {
          notify: {
            channels: ['ops', 'hook'],
            severity: 'critical',
            subject: 'x',
            text: '${temp}',
          },
        },
        { setDesired: { device: 'fan-1', shadow: 'config', state: { fan: '${temp}' } } },
      ],
    },
  },
  routes: {
    high: {
      source: 'telemetry',
      condition: "level = 'high' AND $body.temp > 25",
      enabled: false,
      enrichments: [{ key: 'site', value: '$twin.tags.site' }],
      output: 'message',
      actions: [{ queue: { name: 'high' } }],
      errorAction: { log: { text: 'not queued' } },
    },
    rest: { fallback: true },
  },
  alarms: {
    warm: {
      from: 'devices/+/telemetry',
      when: 'temp > 25',
      clear: 'temp < 20',
      for: '2m',
      severity: 'info',
      text: 'it is ${temp}',
      notify: ['ops'],
      notifyCleared: false,
    },
  },
  channels: {
    ops: { type: 'email', to: ['ops@example.org'], from: 'hub@example.org' },
    hook: {
      type: 'webhook',
      url: 'https://example.org/hook',
      secret: '0123456789abcdef',
      allowPrivate: true,
      timeout: '5s',
    },
  },
  smtp: { url: 'smtps://user:pass@mail.example.org:465', from: 'hub@example.org' },
  telephony: { account: 'AC1', token: 'secret', from: '+4930123456' },
  people: {
    ann: {
      name: 'Ann',
      groups: ['ops'],
      language: 'de-AT',
      timeZone: 'Europe/Vienna',
      addresses: ['ops'],
    },
  },
  subscriptions: {
    night: {
      to: { groups: ['ops'] },
      events: ['alarm'],
      devices: 'truck-*',
      tags: { site: 'a' },
      alarms: ['hot'],
      severity: 'warning',
      schedule: [{ days: ['mon'], from: '22:00', to: '06:00' }],
      timeZone: 'Europe/Vienna',
      language: 'de',
      words: { de: { subject: 'Zu warm: {{deviceId}}' } },
      priority: 7,
    },
  },
  storedSubscriptions: true,
  maintenance: {
    spring: { devices: 'truck-*', from: '2026-03-01T00:00:00Z', reason: 'new tyres' },
  },
  limits: { bodyBytes: 1_000, bodyDepth: 8, metrics: 16, future: '1h' },
  cold: { enabled: true },
  eventHub: { enabled: false, partitions: 2, events: 500, retention: '6h' },
  commands: { ttl: '30m', maxTtl: '1d', maxPending: 20, maxDeliveries: 3, lock: '90s' },
  api: { rules: 'fixed' },
  access: {
    oidc: [
      {
        issuer: 'https://login.example.com/',
        audience: 'anyhub',
        rolesClaim: '/realm/roles',
        roles: { ops: 'operator', ro: ['devices:read'] },
      },
    ],
  },
  retention: { telemetry: '7d', deadLetters: '12h' },
}

describe('parseConfig', () => {
  it.each([[undefined], [null], [{}]])('gives defaults for %j', (input) => {
    expect(parseConfig(input)).toEqual({
      config: {
        deviceTypes: {
          default: {
            devices: '*',
            badValues: 'flag',
            calibration: {},
            codec: { type: 'json' },
            derived: {},
            examples: [],
            schema: {},
            unknownMetrics: 'keep',
            time: ['/ts', '/time', '/timestamp'],
            timeUnit: 'auto',
            metrics: '',
            report: true,
            expectEvery: 0,
            offlineAfter: 60_000,
          },
        },
        rules: {},
        routes: {},
        networks: {},
        access: { oidc: [] },
        api: { cors: { origins: [] }, rateLimit: { requests: 6_000, per: 60_000 } },
        alarms: {},
        channels: {},
        people: {},
        subscriptions: {},
        maintenance: {},
        storedSubscriptions: false,
        limits: {
          bodyBytes: 131_072,
          bodyDepth: 32,
          windows: 64,
          windowMessages: 256,
          metrics: 128,
          future: 600_000,
        },
        cold: { enabled: false },
        eventHub: { enabled: true, partitions: 4, events: 100_000, retention: 86_400_000 },
        commands: {
          ttl: 3_600_000,
          maxTtl: 172_800_000,
          maxPending: 50,
          maxDeliveries: 10,
          lock: 60_000,
        },
        retention: {
          telemetry: 90 * 86_400_000,
          deadLetters: 30 * 86_400_000,
          notifications: 30 * 86_400_000,
          audit: 365 * 86_400_000,
        },
      },
    })
  })

  it('gives defaults for what a rule, an alarm and a channel leave out', () => {
    const parsed = parseConfig({
      rules: { r: { sql: 'SELECT 1' } },
      alarms: { a: { when: 'x > 1' } },
      channels: { c: { type: 'webhook', url: 'http://example.org' } },
      smtp: { url: 'smtp://localhost' },
    })
    expect(parsed).toMatchObject({
      config: {
        rules: { r: { sqlVersion: '2016-03-23', enabled: true, actions: [] } },
        alarms: {
          a: {
            from: 'devices/+/telemetry',
            for: 0,
            severity: 'warning',
            notify: [],
            notifyCleared: true,
          },
        },
        channels: { c: { allowPrivate: false, timeout: 10_000 } },
        smtp: { from: 'anyhub@localhost.localdomain' },
      },
    })
  })

  it('reads all there is, durations in ms', () => {
    const parsed = parseConfig(FULL)
    expect(parsed).toMatchObject({
      config: {
        deviceTypes: { truck: { time: ['/data/time'] }, default: { time: ['/ts', '/a~1b/0'] } },
        alarms: { warm: { for: 120_000 } },
        channels: { hook: { timeout: 5_000 } },
        limits: { future: 3_600_000 },
        eventHub: { enabled: false, partitions: 2, events: 500, retention: 21_600_000 },
        commands: {
          ttl: 1_800_000,
          maxTtl: 86_400_000,
          maxPending: 20,
          maxDeliveries: 3,
          lock: 90_000,
        },
        access: {
          oidc: [
            {
              issuer: 'https://login.example.com/',
              audience: ['anyhub'],
              scope: 'openid profile email',
              rolesClaim: '/realm/roles',
              roles: { ops: 'operator', ro: ['devices:read'] },
              allowPrivate: false,
            },
          ],
        },
        retention: {
          telemetry: 604_800_000,
          deadLetters: 43_200_000,
          notifications: 2_592_000_000,
          audit: 31_536_000_000,
        },
      },
    })
  })

  const faulty: readonly { title: string; input: unknown; place: string; says: string }[] = [
    {
      title: 'a duration that is a number',
      input: { alarms: { a: { when: 't > 1', for: 3 } } },
      place: 'alarms.a.for',
      says: 'expected a duration such as 90s, 2m, 1h or 30d, or 0',
    },
    {
      title: 'an end of silence that has to hold',
      input: { alarms: { a: { missing: '3m', clearFor: '1m' } } },
      place: 'alarms.a.clearFor',
      says: 'expected it beside when, not beside missing',
    },
    { title: 'a list', input: [], place: '', says: 'expected object' },
    { title: 'a text', input: 'x', place: '', says: 'expected object' },
    { title: 'an unknown section', input: { rulez: {} }, place: 'rulez', says: 'unknown key' },
    {
      title: 'an unknown key of a rule',
      input: { rules: { r: { sql: 'SELECT 1', sqll: 1 } } },
      place: 'rules.r.sqll',
      says: 'unknown key "sqll"',
    },
    { title: 'no SQL', input: { rules: { r: {} } }, place: 'rules.r.sql', says: 'expected string' },
    {
      title: 'more routes than a hub has',
      input: { routes: Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`r${at}`, {}])) },
      place: 'routes',
      says: 'expected at most 100 routes',
    },
    {
      title: 'an issuer without TLS',
      input: { access: { oidc: [{ issuer: 'http://login.example.com', audience: 'a' }] } },
      place: 'access.oidc.0.issuer',
      says: 'expected https://; http is for this machine alone, with allowPrivate: true',
    },
    {
      title: 'an issuer twice',
      input: {
        access: {
          oidc: ['a', 'b'].map((audience) => ({ issuer: 'https://one.example', audience })),
        },
      },
      place: 'access.oidc',
      says: 'expected each issuer once',
    },
    {
      title: 'a role that there is not',
      input: {
        access: { oidc: [{ issuer: 'https://one.example', audience: 'a', defaultRole: 'root' }] },
      },
      place: 'access.oidc.0.defaultRole',
      says: 'expected a role or a list of scopes',
    },
    {
      title: 'a name with a space',
      input: { alarms: { 'too hot': { when: 'x' } } },
      place: 'alarms.too hot',
      says: 'expected 1 to 64 letters, digits, - or _',
    },
    {
      title: 'a name that would be lost',
      input: JSON.parse('{"alarms":{"__proto__":{"when":"x"}}}'),
      place: 'alarms.__proto__',
      says: '__proto__',
    },
    {
      title: 'a duration that is none',
      input: { alarms: { a: { when: 'x', for: '5 minutes' } } },
      place: 'alarms.a.for',
      says: 'expected a duration such as 90s, 2m, 1h or 30d, found "5 minutes"',
    },
    {
      title: 'a duration without a unit',
      input: { alarms: { a: { when: 'x', for: 5 } } },
      place: 'alarms.a.for',
      says: 'expected',
    },
    {
      title: 'a duration beyond all',
      input: { limits: { future: '99999999999d' } },
      place: 'limits.future',
      says: 'at most',
    },
    {
      title: 'a severity that is none',
      input: { alarms: { a: { when: 'x', severity: 'bad' } } },
      place: 'alarms.a.severity',
      says: 'expected one of "info"|"warning"|"critical"',
    },
    {
      title: 'an action that is none',
      input: { rules: { r: { sql: 'SELECT 1', actions: [{ shout: {} }] } } },
      place: 'rules.r.actions.0.shout',
      says: 'expected one of republish, ',
    },
    {
      title: 'an action that is nothing',
      input: { rules: { r: { sql: 'SELECT 1', actions: [{}] } } },
      place: 'rules.r.actions.0',
      says: 'republish',
    },
    {
      title: 'a fault inside an action',
      input: { rules: { r: { sql: 'SELECT 1', actions: [{ republish: { topic: '' } }] } } },
      place: 'rules.r.actions.0.republish.topic',
      says: '>=1',
    },
    {
      title: 'an unknown key inside an action',
      input: { rules: { r: { sql: 'SELECT 1', actions: [{ setDesired: { stat: {} } }] } } },
      place: 'rules.r.actions.0.setDesired.stat',
      says: 'unknown key "stat"',
    },
    {
      title: 'a quality of service that is none',
      input: {
        rules: { r: { sql: 'SELECT 1', actions: [{ republish: { topic: 'a', qos: 2 } }] } },
      },
      place: 'rules.r.actions.0.republish.qos',
      says: 'expected 0 or 1',
    },
    {
      title: 'a name of a shadow that is none',
      input: { rules: { r: { sql: 'SELECT 1', actions: [{ setDesired: { shadow: 'a/b' } }] } } },
      place: 'rules.r.actions.0.setDesired.shadow',
      says: 'expected the name of a shadow',
    },
    {
      title: 'a channel of no type',
      input: { channels: { c: { url: 'https://example.org' } } },
      place: 'channels.c.type',
      says: 'webhook',
    },
    {
      title: 'a webhook to a file',
      input: { channels: { c: { type: 'webhook', url: 'file:///etc/passwd' } } },
      place: 'channels.c.url',
      says: 'URL',
    },
    {
      title: 'a secret that is too short',
      input: { channels: { c: { type: 'webhook', url: 'https://example.org', secret: 'x' } } },
      place: 'channels.c.secret',
      says: 'expected at least 16 characters',
    },
    {
      title: 'a webhook that may take longer than a delivery is held',
      input: { channels: { c: { type: 'webhook', url: 'https://example.org', timeout: '2m' } } },
      place: 'channels.c.timeout',
      says: 'to 60s',
    },
    {
      title: 'a webhook that may take no time',
      input: { channels: { c: { type: 'webhook', url: 'https://example.org', timeout: 0 } } },
      place: 'channels.c.timeout',
      says: 'expected',
    },
    {
      title: 'a mail to nobody',
      input: { channels: { c: { type: 'email', to: [] } } },
      place: 'channels.c.to',
      says: '>=1',
    },
    {
      title: 'an address with a line break',
      input: { channels: { c: { type: 'email', to: ['a@example.org\nBcc: b@example.org'] } } },
      place: 'channels.c.to.0',
      says: 'email',
    },
    {
      title: 'a mail server that is none',
      input: { smtp: { url: 'http://x' } },
      place: 'smtp.url',
      says: 'smtp',
    },
    {
      title: 'no bytes at all',
      input: { limits: { bodyBytes: 0 } },
      place: 'limits.bodyBytes',
      says: '>=1',
    },
    {
      title: 'half a level',
      input: { limits: { bodyDepth: 1.5 } },
      place: 'limits.bodyDepth',
      says: 'int',
    },
    {
      title: 'too many values',
      input: { limits: { metrics: 9_999 } },
      place: 'limits.metrics',
      says: '<=1024',
    },
    {
      title: 'a pointer without a slash',
      input: { deviceTypes: { d: { time: 'ts' } } },
      place: 'deviceTypes.d.time',
      says: 'expected a JSON pointer',
    },
    {
      title: 'a pointer with a bare ~',
      input: { deviceTypes: { d: { metrics: '/a~b' } } },
      place: 'deviceTypes.d.metrics',
      says: 'expected a JSON pointer',
    },
    {
      title: 'a pointer in a list that is none',
      input: { deviceTypes: { d: { time: ['/ts', 'x'] } } },
      place: 'deviceTypes.d.time.1',
      says: 'expected a JSON pointer',
    },
  ]

  it.each(faulty)('finds $title at $place', ({ input, place, says }) => {
    const faults = faultsOf(input)
    expect(places(faults)).toEqual([place])
    expect(faults[0]?.message).toContain(says)
  })

  it('finds every fault, not only the first', () => {
    const input = {
      rulez: 1,
      rules: { r: { actions: [{ republish: {} }, { notify: { channels: [] } }] }, s: { sql: 5 } },
      alarms: { a: {}, b: { when: 'x', for: 'x', severity: 'x' } },
      limits: { bodyBytes: -1, metrics: 'x' },
    }
    expect(places(faultsOf(input)).toSorted()).toEqual([
      'alarms.a.when',
      'alarms.b.for',
      'alarms.b.severity',
      'limits.bodyBytes',
      'limits.metrics',
      'rules.r.actions.0.republish.topic',
      'rules.r.actions.1.notify.channels',
      'rules.r.sql',
      'rules.s.sql',
      'rulez',
    ])
  })
})

describe('readDuration', () => {
  it.each([
    ['0', 0],
    ['500ms', 500],
    ['90s', 90_000],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['30d', 2_592_000_000],
    ['1.5s', 1_500],
    ['0.5ms', 1],
    ['007s', 7_000],
  ])('%s is %d ms', (text, ms) => expect(readDuration(text)).toBe(ms))

  it.each([
    '',
    ' ',
    '5',
    's',
    '-1s',
    '1 s',
    '1S',
    '1w',
    '1e3s',
    '1,5s',
    '.5s',
    '1.s',
    '1s1s',
    'NaNs',
  ])('%j is none', (text) => expect(readDuration(text)).toBeUndefined())
})

describe('the JSON Schema', () => {
  const schema = configJsonSchema()

  it('is one, and describes all that anyhub.yml may say', () => {
    expect(schema).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      additionalProperties: false,
    })
    const { properties } = schema as { properties: object }
    expect(Object.keys(properties).toSorted()).toEqual(Object.keys(FULL).toSorted())
    expect(JSON.parse(JSON.stringify(schema))).toEqual(schema)
  })

  // Read back by zod's own reader of JSON Schema: another piece of code than the one that wrote it.
  const reader = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0])

  it.each([
    ['nothing', {}],
    ['everything', FULL],
    ['a webhook', { channels: { c: { type: 'webhook', url: 'https://example.org' } } }],
    ['a rule', { rules: { r: { sql: 'SELECT 1' } } }],
    ['no pause', { alarms: { a: { when: 'x', for: 0 } } }],
  ])('accepts %s', (_, input) => {
    expect(reader.safeParse(input)).toMatchObject({ success: true })
    expect(parseConfig(input)).toHaveProperty('config')
  })

  it('accepts the config that comes with the package', () => {
    const text = readFileSync(resolve(import.meta.dirname, '../../anyhub.yml'), 'utf8')
    const input: unknown = parse(text)
    expect(reader.safeParse(input)).toMatchObject({ success: true })
    expect(parseConfig(input)).toHaveProperty('config')
  })

  it.each([
    ['an unknown section', { rulez: {} }],
    ['a rule without SQL', { rules: { r: {} } }],
    ['an unknown key', { alarms: { a: { when: 'x', oops: 1 } } }],
    ['a severity that is none', { alarms: { a: { when: 'x', severity: 'bad' } } }],
    ['a number where a text belongs', { deviceTypes: { d: { codec: 5 } } }],
  ])('refuses %s', (_, input) => {
    expect(reader.safeParse(input).success).toBe(false)
  })
})

describe('compileProgram', () => {
  function compiled(input: unknown) {
    const parsed = parseConfig(input)
    if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
    return compileProgram(parsed.config)
  }

  const faultsIn = (input: unknown) => {
    const result = compiled(input)
    return 'faults' in result ? result.faults : []
  }

  it('compiles a config that uses everything', () => {
    const result = compiled(FULL)
    expect(result).toHaveProperty('program')
    if (!('program' in result)) return
    expect(result.program.rules.size).toBe(0)
    expect(result.program.alarms.size).toBe(1)
    expect(result.program.deviceType('truck-7')?.name).toBe('truck')
    expect(result.program.deviceType('other')?.name).toBe('default')
  })

  it.each([
    {
      title: 'an unknown codec',
      input: { deviceTypes: { d: { codec: 'jsn' } } },
      place: 'deviceTypes.d.codec',
      says: 'expected a codec (json',
    },
    {
      title: 'an unknown channel of an alarm',
      input: { alarms: { a: { when: 'x > 1', notify: ['nobody'] } } },
      place: 'alarms.a.notify.0',
      says: 'none is declared',
    },
    {
      title: 'a channel that objects inherit',
      input: { alarms: { a: { when: 'x > 1', notify: ['constructor'] } } },
      place: 'alarms.a.notify.0',
      says: 'found "constructor"',
    },
    {
      title: 'an unknown channel of an action',
      input: {
        channels: { ops: { type: 'email', to: ['a@example.org'] } },
        rules: { r: { sql: 'SELECT 1', actions: [{ notify: { channels: ['ops', 'nobody'] } }] } },
      },
      place: 'rules.r.actions.0.notify.channels.1',
      says: 'expected the name of a channel (ops), found "nobody"',
    },
    {
      title: 'a condition of a route that is none',
      input: { routes: { r: { condition: "level = 'x' AND 3" } } },
      place: 'routes.r.condition',
      says: 'expected true or false beside AND, found true or false and a number (line 1, column 13)',
    },
    {
      title: 'twin_change_includes in a route of telemetry',
      input: { routes: { r: { condition: 'twin_change_includes(tags.a)' } } },
      place: 'routes.r.condition',
      says: 'expected twin_change_includes in a route whose source is twinChanges',
    },
    {
      title: 'a fallback with a condition',
      input: { routes: { r: { fallback: true, condition: 'true' } } },
      place: 'routes.r.condition',
      says: 'expected none beside fallback',
    },
    {
      title: 'an enrichment that reads nothing',
      input: { routes: { r: { enrichments: [{ key: 'a', value: '$twin.etag' }] } } },
      place: 'routes.r.enrichments.0.value',
      says: 'expected a text, $iothubname, or a path',
    },
    {
      title: 'an unknown channel of a route',
      input: { routes: { r: { actions: [{ notify: { channels: ['nobody'] } }] } } },
      place: 'routes.r.actions.0.notify.channels.0',
      says: 'none is declared',
    },
    {
      title: 'a route whose action asks a store',
      input: { routes: { r: { actions: [{ log: { text: "${lookup('t', 'k')}" } }] } } },
      place: 'routes.r.actions.0',
      says: 'in routes nobody answers',
    },
    {
      title: 'a topic filter that is none',
      input: { alarms: { a: { from: 'devices/#/x', when: 'x > 1' } } },
      place: 'alarms.a.from',
      says: 'expected # to be the whole last level',
    },
    {
      title: 'a topic filter with a quote',
      input: { alarms: { a: { from: "it's/#/x", when: 'x > 1' } } },
      place: 'alarms.a.from',
      says: 'expected # to be the whole last level',
    },
    {
      title: 'a condition that is none',
      input: { alarms: { a: { when: 'x >' } } },
      place: 'alarms.a.when',
      says: 'line 1',
    },
    {
      title: 'a clearing condition that is none',
      input: { alarms: { a: { when: 'x > 1', clear: 'nope(x)' } } },
      place: 'alarms.a.clear',
      says: 'nope',
    },
    {
      title: 'a text with an open template',
      input: { alarms: { a: { when: 'x > 1', text: 'at ${x' } } },
      place: 'alarms.a.text',
      says: '}',
    },
    {
      title: 'an action with a faulty template',
      input: { rules: { r: { sql: 'SELECT 1', actions: [{ republish: { topic: 'a/${x +}' } }] } } },
      place: 'rules.r.actions.0',
      says: 'line 1',
    },
    {
      title: 'a state with a faulty template',
      input: {
        rules: { r: { sql: 'SELECT 1', actions: [{ setDesired: { state: { a: ['${+}'] } } }] } },
      },
      place: 'rules.r.actions.0',
      says: 'line 1',
    },
  ])('finds $title at $place', ({ input, place, says }) => {
    const faults = faultsIn(input)
    expect(places(faults)).toEqual([place])
    expect(faults[0]?.message).toContain(says)
  })

  it('tells where in the SQL a fault is, line and column', () => {
    const [fault] = faultsIn({ rules: { r: { sql: "SELECT temp,\n  nope(x)\nFROM 'a'" } } })
    expect(fault).toMatchObject({ path: ['rules', 'r', 'sql'], position: { line: 2, column: 3 } })
  })

  it('gives no place in a text that nobody wrote', () => {
    const [fault] = faultsIn({ alarms: { a: { from: 'a/#/b', when: 'x > 1' } } })
    expect(fault).not.toHaveProperty('position')
    expect(fault?.message).not.toContain('SELECT')
  })

  it('finds the faults of what is switched off, too', () => {
    expect(places(faultsIn({ rules: { r: { sql: 'SELEKT', enabled: false } } }))).toEqual([
      'rules.r.sql',
    ])
  })

  it('finds every fault, not only the first', () => {
    const faults = faultsIn({
      deviceTypes: { d: { codec: 'a' }, e: { codec: 'b' } },
      rules: {
        r: { sql: 'SELEKT', actions: [{ notify: { channels: ['x'] } }] },
        s: { sql: 'SELECT nope()' },
      },
      alarms: { a: { when: '(', clear: ')', text: '${', notify: ['y'] } },
    })
    expect(places(faults).toSorted()).toEqual([
      'alarms.a.clear',
      'alarms.a.notify.0',
      'alarms.a.text',
      'alarms.a.when',
      'deviceTypes.d.codec',
      'deviceTypes.e.codec',
      'rules.r.actions.0.notify.channels.0',
      'rules.r.sql',
      'rules.s.sql',
    ])
  })

  it('takes the device type whose pattern says most', () => {
    const result = compiled({
      deviceTypes: {
        all: { devices: '*' },
        trucks: { devices: 'truck-*' },
        one: { devices: 'truck-7' },
        middle: { devices: '*-x-*' },
        dotted: { devices: 'a.b' },
      },
    })
    if (!('program' in result)) throw new Error('expected a program')
    const named = (id: string) => result.program.deviceType(id)?.name
    expect(
      ['truck-7', 'truck-70', 'truck-', 'xtruck-7', 'a-x-b', 'a.b', 'aXb', ''].map(named),
    ).toEqual(['one', 'trucks', 'trucks', 'all', 'middle', 'dotted', 'all', 'all'])
  })

  it('has no device type for what none covers', () => {
    const result = compiled({ deviceTypes: { trucks: { devices: 'truck-*' } } })
    expect('program' in result && result.program.deviceType('car-1')).toBeUndefined()
  })

  it('does not take long over a pattern of many stars', () => {
    const result = compiled({ deviceTypes: { d: { devices: `${'*a'.repeat(12)}b` } } })
    if (!('program' in result)) throw new Error('expected a program')
    const started = performance.now()
    expect(result.program.deviceType('a'.repeat(128))).toBeUndefined()
    expect(performance.now() - started).toBeLessThan(1_000)
  })
})

describe('defineConfig', () => {
  it('returns what it is given', () => {
    const config = { rules: { r: { sql: 'SELECT 1' } } }
    expect(defineConfig(config)).toBe(config)
  })
})
