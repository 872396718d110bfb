import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMemoryRetainedStore } from '../../../../adapters/local/listeners/mqtt/index.ts'
import { createSubscriptionIndex } from '../../../../adapters/local/listeners/mqtt/subscription-index.ts'
import { filterMatches, parseFilter } from '../../../../adapters/local/listeners/mqtt/topic.ts'

/** The rules of section 4.7 once more, as a regular expression. */
function oracle(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && /^[+#]/.test(filter)) return false
  const escaped = filter.replace(/[$()*.?[\\\]^{|}]/g, '\\$&')
  const pattern = escaped
    .replaceAll('+', '[^/]*')
    .replace(/(^|\/)#$/, (_, slash) => (slash === '' ? '.*' : '(/.*)?'))
  return new RegExp(`^${pattern}$`, 's').test(topic)
}

const word = fc.constantFrom('a', 'b', '', '$a', 'é')
const topic = fc
  .array(word, { minLength: 1, maxLength: 6 })
  .map((levels) => levels.join('/'))
  .filter((name) => name !== '')
const filter = fc
  .tuple(fc.array(fc.oneof(word, fc.constant('+')), { minLength: 1, maxLength: 6 }), fc.boolean())
  .map(([levels, hash]) => [...levels, ...(hash ? ['#'] : [])].join('/'))
  .filter((text) => text !== '')

function subscription(text: string) {
  const parsed = parseFilter(text)
  if (!parsed) throw new Error(`not a filter: ${text}`)
  return {
    filter: text,
    parsed,
    qos: 0 as const,
    noLocal: false,
    retainAsPublished: false,
    identifier: 0,
  }
}

describe('topic filters', () => {
  it.each([
    // The examples of MQTT 5.0 sections 4.7.1 and 4.7.2.
    ['sport/tennis/player1/#', 'sport/tennis/player1', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/ranking', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon', true],
    ['sport/#', 'sport', true],
    ['#', 'a/b', true],
    ['sport/tennis/+', 'sport/tennis/player1', true],
    ['sport/tennis/+', 'sport/tennis/player1/ranking', false],
    ['sport/+', 'sport', false],
    ['sport/+', 'sport/', true],
    ['+/+', '/finance', true],
    ['/+', '/finance', true],
    ['+', '/finance', false],
    ['#', '$SYS/x', false],
    ['+/monitor/Clients', '$SYS/monitor/Clients', false],
    ['$SYS/#', '$SYS/', true],
    ['$SYS/monitor/+', '$SYS/monitor/Clients', true],
  ])('%s and %s: %s', (text, name, expected) => {
    expect(filterMatches(text.split('/'), name.split('/'))).toBe(expected)
    expect(oracle(text, name)).toBe(expected)
  })

  it.each(['sport/tennis#', 'sport/tennis/#/ranking', 'sport+', '', '##', '+#', 'a/+b/c'])(
    '%s is none',
    (text) => expect(parseFilter(text)).toBeUndefined(),
  )
})

describe('the subscription index', () => {
  it('finds what a linear search finds, through every change', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('add' as const), who: fc.nat(3), filter }),
      fc.record({ kind: fc.constant('remove' as const), who: fc.nat(3), filter }),
      fc.record({ kind: fc.constant('match' as const), topic }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const index = createSubscriptionIndex<number>()
        const known = new Map<string, ReturnType<typeof index.topic>>()
        const naive = new Map<string, { who: number; filter: string }>()
        for (const one of steps) {
          if (one.kind === 'add') {
            index.add(one.who, subscription(one.filter))
            naive.set(`${one.who} ${one.filter}`, one)
          } else if (one.kind === 'remove') {
            index.remove(one.who, subscription(one.filter))
            naive.delete(`${one.who} ${one.filter}`)
          } else {
            // A topic is kept by its connection, so its matches must follow every change.
            const entry = known.get(one.topic) ?? index.topic(one.topic)
            known.set(one.topic, entry)
            const got = index.matches(entry).deliveries.map(({ subscriber }) => subscriber)
            const expected = [...naive.values()]
              .filter((other) => oracle(other.filter, one.topic))
              .map(({ who }) => who)
            expect(got.sort()).toEqual([...new Set(expected)].sort())
          }
          expect(index.size).toBe(naive.size)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('stays right when more topics and devices pass by than it remembers', () => {
    const index = createSubscriptionIndex<string>()
    const kept = index.topic('devices/kept/telemetry/x')
    expect(index.matches(kept).deliveries).toEqual([])
    for (let device = 0; device < 60_000; device += 1) {
      index.matches(index.topic(`devices/${device}/telemetry`))
    }
    index.add('late', subscription('devices/kept/telemetry/#'))
    expect(index.matches(kept).deliveries.map(({ subscriber }) => subscriber)).toEqual(['late'])
    index.remove('late', subscription('devices/kept/telemetry/#'))
    expect(index.matches(kept).deliveries).toEqual([])
  })
})

describe('the retained store in memory', () => {
  const message = (name: string, payload = 'x') => ({
    topic: name,
    payload: Buffer.from(payload),
    qos: 0 as const,
    properties: new Uint8Array(0),
    expiresAt: Infinity,
  })

  it('finds what a linear search finds', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ topic, remove: fc.boolean() }), { maxLength: 30 }),
        filter,
        (steps, text) => {
          const store = createMemoryRetainedStore()
          const naive = new Set<string>()
          for (const one of steps) {
            store.set(one.topic, one.remove ? undefined : message(one.topic))
            if (one.remove) naive.delete(one.topic)
            else naive.add(one.topic)
          }
          expect(store.size).toBe(naive.size)
          const got = store.match(text.split('/')).map((found) => found.topic)
          expect(got.sort()).toEqual([...naive].filter((name) => oracle(text, name)).sort())
        },
      ),
      { numRuns: 500 },
    )
  })

  it('keeps within its bounds and counts what is replaced', () => {
    const byCount = createMemoryRetainedStore({ maxMessages: 2, maxBytes: 1_000_000 })
    expect([byCount.set('a', message('a')), byCount.set('b', message('b'))]).toEqual([true, true])
    expect(byCount.set('c', message('c'))).toBe(false)
    expect(byCount.set('a', message('a', 'new'))).toBe(true)
    expect(byCount.set('b', undefined)).toBe(true)
    expect(byCount.set('c', message('c'))).toBe(true)
    expect(byCount.match(['#']).map((found) => found.topic)).toEqual(['a', 'c'])

    const byBytes = createMemoryRetainedStore({ maxMessages: 1_000, maxBytes: 2_000 })
    expect(byBytes.set('a', message('a', 'x'.repeat(1_500)))).toBe(true)
    expect(byBytes.set('b', message('b', 'x'.repeat(1_500)))).toBe(false)
    expect(byBytes.set('a', message('a', 'x'))).toBe(true)
    expect(byBytes.set('b', message('b', 'x'.repeat(1_500)))).toBe(true)
    expect(byBytes.get('b')?.payload).toHaveLength(1_500)
  })
})
