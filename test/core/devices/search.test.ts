import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseSearch, type Subject } from '../../../core/devices/search/search.ts'
import { CoreError } from '../../../core/errors.ts'
import { type DeviceRecord, newDeviceRecord } from '../../../core/model/device-record.ts'
import type { RegisteredDevice } from '../../../core/model/registered-device.ts'

const NOW = 1_750_000_000_000
const MINUTE = 60_000

function record(deviceId: string, changes: Partial<DeviceRecord> = {}): DeviceRecord {
  return { ...newDeviceRecord(deviceId, NOW), ...changes }
}

function registered(deviceId: string, changes: Partial<RegisteredDevice> = {}): RegisteredDevice {
  return {
    deviceId,
    tags: {},
    enabled: true,
    createdAt: NOW,
    version: 1,
    credentials: [],
    ...changes,
  }
}

const fridge: Subject = {
  deviceId: 'Fridge-7',
  type: 'Fridge',
  groups: new Set(['cold', 'north']),
  registered: registered('Fridge-7', {
    type: 'Fridge',
    enabled: false,
    tags: { site: 'West', 'a.b': 'dotted', floor: '12' },
  }),
  record: record('Fridge-7', {
    presence: { connected: true, changedAt: NOW - MINUTE, seenAt: NOW - 30 * MINUTE },
    last: {
      temp: { value: 5.5, at: NOW },
      door: { value: true, at: NOW },
      mode: { value: 'Eco', at: NOW },
      'gps.lat': { value: -33.8, at: NOW },
      'my metric': { value: 1, at: NOW },
    },
    alarms: {
      hot: alarm('active', 'critical'),
      door: alarm('active', 'warning'),
      old: alarm('cleared', 'info'),
    },
    shadows: {
      '': shadow({ led: 'on', list: [1, 'two'], none: null }, { fw: '1.10', n: { deep: 3 } }),
      net: shadow({}, { ssid: 'Home' }),
      gone: { ...shadow({}, { x: 1 }), deletedAt: 1 },
    },
    commands: [command('Enqueued'), command('Delivered'), command('Completed')],
  }),
}

/** Registered, and never heard of. */
const fresh: Subject = { deviceId: 'fresh', registered: registered('fresh') }

/** Heard of, and never registered. */
const stranger: Subject = {
  deviceId: 'aa:bb:01',
  record: record('aa:bb:01', {
    presence: { connected: false, changedAt: 0, seenAt: NOW - 5 },
    last: { temp: { value: '7', at: NOW } },
    shadows: { '': { ...shadow({}, {}), tags: { site: 'East', nested: { room: 4 } } } },
  }),
}

function alarm(status: 'active' | 'cleared', severity: 'critical' | 'warning' | 'info') {
  return { status, severity, since: NOW, text: '', judgedAt: NOW } as const
}

function shadow(desired: Record<string, never> | object, reported: object) {
  return {
    desired: JSON.parse(JSON.stringify(desired)),
    reported: JSON.parse(JSON.stringify(reported)),
    metadata: {},
    version: 1,
    desiredVersion: 1,
    reportedVersion: 1,
    updatedAt: 0,
  }
}

function command(state: 'Enqueued' | 'Delivered' | 'Completed') {
  return {
    commandId: state,
    name: 'x',
    state,
    contentId: 'x',
    enqueuedAt: NOW,
    expiresAt: NOW,
    deliveries: 0,
    maxDeliveries: 1,
    priority: 5,
    ack: 'none',
    bytes: 0,
  } as const
}

/** Which of the three devices a search finds: `f`ridge, fr`e`sh, `s`tranger. */
function found(text: string): string {
  const { test } = parseSearch(text)
  return (
    [
      ['f', fridge],
      ['e', fresh],
      ['s', stranger],
    ] as const
  )
    .filter(([, subject]) => test(subject, NOW))
    .map(([name]) => name)
    .join('')
}

const CASES: readonly (readonly [search: string, finds: string])[] = [
  ['', 'fes'],
  [' \t\n ', 'fes'],
  ['fr', 'fe'],
  ['FRIDGE', 'f'],
  ['"fridge-7"', 'f'],
  ['fr*', 'fe'],
  ['*e*7', 'f'],
  ['f*d*e-7', 'f'],
  ['fr', 'fe'],
  ['r*h', ''],
  ['*', 'fes'],
  ['"*"', ''],
  ['"aa:bb"', 's'],
  ['id:aa:bb:01', 's'],
  ['id:aa:*', 's'],
  ['id:aa', ''],
  ['id>=f', 'fe'],
  ['id:f..fri', 'e'],
  ['id:"f..fri"', ''],
  ['type:fridge', 'f'],
  ['type:fri*', 'f'],
  ['type:*', 'f'],
  ['-type:*', 'es'],
  ['NOT type:fridge', 'es'],
  ['enabled:true', 'es'],
  ['enabled:FALSE', 'f'],
  ['enabled=false', 'f'],
  ['registered:true', 'fe'],
  ['registered:false', 's'],
  ['state:online', 'f'],
  ['state:unknown', 'es'],
  ['state:o*', 'f'],
  ['seen<1h', 'fs'],
  ['seen<30m', 's'],
  ['seen<=30m', 'fs'],
  ['seen > 1m', 'fe'],
  ['seen:1m..1h', 'f'],
  ['seen:[1m TO *]', 'fe'],
  ['seen:*', 'fs'],
  ['seen<0', ''],
  ['tags.site:west', 'f'],
  ['tags.site:*', 'fs'],
  ['tags.a.b:dotted', 'f'],
  ['tags."a.b":dotted', 'f'],
  ['tags.nested.room:4', 's'],
  ['tags.floor>5', 'f'],
  ['tags.floor:[10 TO 12]', 'f'],
  ['tags.floor<"2"', 'f'],
  ['tags.none:x', ''],
  ['last.temp>5', 'fs'],
  ['last.temp:5.50', 'f'],
  ['last.temp:7', 's'],
  ['last.temp>=5.5', 'fs'],
  ['last.temp>5.5', 's'],
  ['last.temp:5..6', 'f'],
  ['last.temp:*..6', 'f'],
  ['last.temp:6..*', 's'],
  ['last.temp:[5 TO 8]', 'fs'],
  ['last.temp:>6', 's'],
  ['last.temp:<=6', 'f'],
  ['type: fridge', 'f'],
  ['last.temp >6', 's'],
  ['last.gps.lat<-30', 'f'],
  ['last.gps.lat:-34..-33', 'f'],
  ['last."my metric":1', 'f'],
  ['last.my\\ metric:1', 'f'],
  ['last.door:true', 'f'],
  ['last.door>0', ''],
  ['last.mode:eco', 'f'],
  ['last.mode:E*', 'f'],
  ['last.mode>=ea', 'f'],
  ['last.constructor:*', ''],
  ['shadow.desired.led:on', 'f'],
  ['shadow.desired.list:two', 'f'],
  ['shadow.desired.list:1', 'f'],
  ['shadow.desired.list.0:1', 'f'],
  ['shadow.desired.none:null', 'f'],
  ['shadow.desired.none:*', ''],
  ['shadow.reported.fw:1.*', 'f'],
  ['shadow.reported.n.deep:3', 'f'],
  ['shadow.reported.n:*', 'f'],
  ['shadow.net.reported.ssid:home', 'f'],
  ['shadow.gone.reported.x:1', ''],
  ['shadow.reported.__proto__:*', ''],
  ['alarm:critical', 'f'],
  ['alarm:hot', 'f'],
  ['alarm:old', ''],
  ['alarm:info', ''],
  ['alarm:*', 'f'],
  ['-alarm:*', 'es'],
  ['alarms>0', 'f'],
  ['alarms:2', 'f'],
  ['alarms:0', 'es'],
  ['alarms<2', 'es'],
  ['group:cold', 'f'],
  ['group:n*', 'f'],
  ['group:*', 'f'],
  ['commands:2', 'f'],
  ['commands>=1', 'f'],
  ['fr type:fridge', 'f'],
  ['fr AND type:fridge', 'f'],
  ['aa OR type:fridge', 'fs'],
  ['fr type:fridge OR aa', 'fs'],
  ['fr (type:fridge OR aa)', 'f'],
  ['NOT (type:fridge OR aa)', 'e'],
  ['-(aa)', 'fe'],
  ['NOT NOT aa', 's'],
  ['--aa', 's'],
  ['and', ''],
  ['(((aa)))', 's'],
  ['type:fridge tags.site:west state:online last.temp>5 alarm:critical enabled:false', 'f'],
]

describe('what a search finds', () => {
  it.each(CASES)('%s', (text, finds) => {
    expect(found(text)).toBe(finds)
  })

  it('knows which searches ask for groups', () => {
    expect(parseSearch('a OR NOT (b group:x)').asksGroups).toBe(true)
    expect(parseSearch('id:group').asksGroups).toBe(false)
    expect(parseSearch(' ').isEmpty).toBe(true)
  })
})

const FAULTS: readonly (readonly [search: string, line: number, column: number, says: string])[] = [
  ['(a', 1, 3, 'expected ")", found the end'],
  ['a)', 1, 2, 'expected the end, AND or OR, found ")"'],
  ['a AND', 1, 6, 'expected a word, a field or "(", found the end'],
  ['a OR OR b', 1, 6, 'found "OR"'],
  ['OR', 1, 1, 'found "OR"'],
  ['()', 1, 2, 'found ")"'],
  ['-', 1, 2, 'found the end'],
  ['NOT', 1, 4, 'found the end'],
  ['"abc', 1, 1, 'expected a closing "'],
  ['type:"a', 1, 6, 'expected a closing "'],
  ['colour:red', 1, 1, 'expected a field (id, type,'],
  ['aa:bb', 1, 1, 'expected a field'],
  ['tag.site:x', 1, 1, 'expected a field'],
  ['tags.:x', 1, 6, 'expected a name behind "tags."'],
  ['tags.a..b:x', 1, 8, 'expected a name behind "tags."'],
  ['last.t*:1', 1, 6, 'expected a name without wildcards'],
  ['shadow.fw:1', 1, 8, 'expected shadow.desired.…'],
  ['shadow.net.fw:1', 1, 12, 'expected shadow.desired.…'],
  ['type:', 1, 6, 'expected a value, found the end'],
  ['last.temp>', 1, 11, 'expected a value, found the end'],
  ['last.temp>>', 1, 11, 'expected a value to compare with (in quotes if it starts so), found ">"'],
  ['seen<=<1h', 1, 7, 'expected a value to compare with (in quotes if it starts so), found "<"'],
  ['last.temp>a*', 1, 11, 'expected a value without wildcards'],
  ['last.temp>*', 1, 11, 'expected a value to compare with'],
  ['last.temp : 5', 1, 11, 'found ":"'],
  ['last.temp:[1 TO', 1, 16, 'expected a value, found the end'],
  ['last.temp:[1 2]', 1, 14, 'expected TO, found "2"'],
  ['last.temp:[1 TO 2', 1, 18, 'expected "]", found the end'],
  ['enabled:yes', 1, 9, 'expected true or false, found "yes"'],
  ['enabled:t*', 1, 9, 'expected true or false'],
  ['enabled>false', 1, 9, 'expected a value for enabled, which has no order'],
  ['state:on', 1, 7, 'expected online, late, offline, unreachable, unknown'],
  ['seen:1h', 1, 6, 'expected a comparison such as seen<1h'],
  ['seen<soon', 1, 6, 'expected a duration'],
  ['seen<1', 1, 6, 'expected a duration'],
  ['alarms>many', 1, 8, 'expected a count'],
  ['commands:*1', 1, 10, 'expected a count'],
  ['alarm>1', 1, 7, 'which has no order'],
  ['group:a..b', 1, 7, 'which has no order'],
  ['a\nb\n  state:x', 3, 9, 'expected online'],
  [`${'('.repeat(33)}a${')'.repeat(33)}`, 1, 34, 'at most 32 levels'],
  [`${'-'.repeat(40)}a`, 1, 34, 'at most 32 levels'],
  ['a '.repeat(101), 1, 201, 'at most 100 terms'],
  ['a'.repeat(2_001), 1, 2_001, 'at most 2000 characters, found 2001'],
]

describe('what is no search', () => {
  it.each(FAULTS)('%s', (text, line, column, says) => {
    let fault: unknown
    try {
      parseSearch(text)
    } catch (error) {
      fault = error
    }
    expect(fault).toBeInstanceOf(CoreError)
    expect(fault).toMatchObject({ code: 'query.invalid', position: { line, column } })
    expect((fault as CoreError).message).toContain(says)
  })
})

/** A search as a tree, written and judged by the test itself. */
type Naive =
  | { readonly is: 'word'; readonly text: string }
  | { readonly is: 'temp'; readonly sign: '>' | '>=' | '<' | '<='; readonly than: number }
  | { readonly is: 'site'; readonly pattern: string }
  | { readonly is: 'not'; readonly of: Naive }
  | { readonly is: 'and' | 'or'; readonly of: readonly [Naive, Naive] }

function written(node: Naive): string {
  switch (node.is) {
    case 'word':
      return `"${node.text}"`
    case 'temp':
      return `last.temp${node.sign}${node.than}`
    case 'site':
      return `tags.site:${node.pattern}`
    case 'not':
      return `NOT (${written(node.of)})`
    case 'and':
      return `(${written(node.of[0])}) (${written(node.of[1])})`
    case 'or':
      return `(${written(node.of[0])} OR ${written(node.of[1])})`
  }
}

function judged(node: Naive, { id, temp, site }: Plain): boolean {
  switch (node.is) {
    case 'word':
      return id.includes(node.text)
    case 'temp': {
      if (temp === undefined) return false
      const results = {
        '>': temp > node.than,
        '>=': temp >= node.than,
        '<': temp < node.than,
        '<=': temp <= node.than,
      }
      return results[node.sign]
    }
    case 'site':
      return site !== undefined && new RegExp(`^${node.pattern.replaceAll('*', '.*')}$`).test(site)
    case 'not':
      return !judged(node.of, { id, temp, site })
    case 'and':
      return node.of.every((one) => judged(one, { id, temp, site }))
    case 'or':
      return node.of.some((one) => judged(one, { id, temp, site }))
  }
}

interface Plain {
  readonly id: string
  readonly temp: number | undefined
  readonly site: string | undefined
}

function subjectOf({ id, temp, site }: Plain): Subject {
  return {
    deviceId: id,
    record: record(id, { last: temp === undefined ? {} : { temp: { value: temp, at: NOW } } }),
    registered: registered(id, { tags: site === undefined ? {} : { site } }),
  }
}

const letters = (max: number) =>
  fc
    .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: max })
    .map((all) => all.join(''))

const { tree } = fc.letrec<{ tree: Naive }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ is: fc.constant('word' as const), text: letters(2) }),
    fc.record({
      is: fc.constant('temp' as const),
      sign: fc.constantFrom('>', '>=', '<', '<='),
      than: fc.integer({ min: -3, max: 3 }),
    }),
    fc.record({
      is: fc.constant('site' as const),
      pattern: fc
        .array(fc.constantFrom('a', 'b', '*'), { minLength: 1, maxLength: 5 })
        .map((all) => all.join('')),
    }),
    fc.record({ is: fc.constant('not' as const), of: tie('tree') }),
    fc.record({ is: fc.constantFrom('and', 'or'), of: fc.tuple(tie('tree'), tie('tree')) }),
  ),
}))

describe('a search and a naive evaluator', () => {
  it('agree on 2,000 random searches', () => {
    const plain: fc.Arbitrary<Plain> = fc.record({
      id: letters(4),
      temp: fc.option(fc.integer({ min: -4, max: 4 }), { nil: undefined }),
      site: fc.option(letters(4), { nil: undefined }),
    })
    void fc.assert(
      fc.property(tree, fc.array(plain, { minLength: 1, maxLength: 5 }), (node, devices) => {
        const text = written(node)
        fc.pre(text.length <= 2_000)
        const { test } = parseSearch(text)
        for (const device of devices)
          expect(test(subjectOf(device), NOW)).toBe(judged(node, device))
      }),
      { numRuns: 2_000 },
    )
  })

  it('reads any text, or says where it is wrong', () => {
    void fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...'ab:.*-"\\()[]<>= TOANDR1h'), { maxLength: 40 }),
        (signs) => {
          const text = signs.join('')
          try {
            expect(typeof parseSearch(text).test(fridge, NOW)).toBe('boolean')
          } catch (error) {
            expect(error).toMatchObject({ code: 'query.invalid' })
            const { position } = error as CoreError
            expect(position?.line).toBe(1)
            expect(position?.column).toBeLessThanOrEqual(text.length + 1)
          }
        },
      ),
      { numRuns: 3_000 },
    )
  })
})

describe('the speed of a search', () => {
  it('filters 10,000 devices in less than 100 ms', () => {
    const devices = Array.from({ length: 10_000 }, (_, index): Subject => {
      const deviceId = `device-${index}`
      return {
        ...fridge,
        deviceId,
        registered: registered(deviceId, { tags: { site: index % 2 ? 'West' : 'East' } }),
      }
    })
    const { test } = parseSearch(
      'dev*9 (tags.site:w* OR last.temp>100) shadow.reported.fw:1.* alarm:critical seen<1h -alarms:0',
    )
    const times = Array.from({ length: 5 }, () => {
      const before = performance.now()
      const count = devices.filter((device) => test(device, NOW)).length
      expect(count).toBe(1_000)
      return performance.now() - before
    })
    expect(Math.min(...times)).toBeLessThan(100)
  })

  it('does not backtrack over many wildcards', () => {
    const { test } = parseSearch(`${'*a'.repeat(900)}*b`)
    const deviceId = 'a'.repeat(128)
    const before = performance.now()
    for (let round = 0; round < 1_000; round++) test({ deviceId }, NOW)
    expect(performance.now() - before).toBeLessThan(1_000)
  })
})
