import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CoreError, type JsonObject } from '../../../core/index.ts'
import {
  compileCondition,
  createRouteSet,
  explainCondition,
  propertiesOf,
  ROUTE_FUNCTIONS,
  type RouteMessage,
} from '../../../core/routing/index.ts'

function messageOf(given: {
  properties?: Record<string, string | null>
  system?: Record<string, string | null>
  body?: JsonObject
  twin?: JsonObject
}): RouteMessage {
  return {
    properties: propertiesOf(given.properties ?? {}),
    systemProperties: propertiesOf(given.system ?? {}),
    body: given.body,
    twin: given.twin,
  }
}

const message = messageOf({
  properties: { level: 'high', empty: null, 'temp-1': '7' },
  system: { contentType: 'application/json', level: 'system' },
  body: {
    t: 21.5,
    ok: true,
    off: false,
    name: 'pump',
    nothing: null,
    list: [1, { deep: 2 }],
    time: '2017-03-09T00:00:00.000Z',
    day: '2017-03-09',
  },
  twin: { tags: { site: 'north', floor: 3 }, properties: { desired: { on: true }, reported: {} } },
})

describe('conditions', () => {
  it.each<[string, true | false | undefined]>([
    ["LEVEL = 'high'", true],
    ["$level = 'system'", true],
    ["{$level} = 'system'", true],
    ["temp-1 = '7'", true],
    ['as_number(temp-1) * 2 = 14', true],
    ["substring(level, 0, as_number(missing)) = ''", undefined],
    ["empty = ''", undefined],
    ['is_null(empty)', true],
    ['is_null(missing)', false],
    ['is_bool(missing = level)', undefined],
    ['is_null($body.nothing)', true],
    ['is_null($body.t)', false],
    ['is_null($body.list)', undefined],
    ['is_defined($body.list)', false],
    ['$body.t > 20', true],
    ['-($body.t) < 0', true],
    ['$body.t % 2 = 1.5', true],
    ['$body.ok', true],
    ['$body.ok AND NOT $body.off', true],
    ['true AND $body.ok', true],
    ['$body.name OR true', undefined],
    ['$body.name', undefined],
    ['$body.list[1].deep = 2', true],
    ['$body.list[7] = null', true],
    ["$body.time = '2017-03-09T00:00:00.000Z'", undefined],
    ["$body.day = '2017-03-09'", true],
    ['$body.T = 21.5', false],
    ['$BODY.t = 21.5', true],
    ["$twin.tags.site = 'north' AND $twin.tags.floor >= 3", true],
    ['$twin.properties.desired.on', true],
    ['undefined ?? undefined', undefined],
    ['/* why */ true', true],
    ["'\\u0041\\'' = \"A'\"", true],
    ['0xff = 255', true],
    ['0xffffffffffffffff = -1', true],
    ["as_number(' (1,234.5) ') = -1234.5", true],
    ["as_number('') = 0", undefined],
    ["as_number('12-') = -12", true],
    ["as_number('1e3x') = 1000", undefined],
    ['power(-1, 1 / 0) = 1', true],
    ['1 < 2 = true', true],
    ['2 + 3 * 4 = 14', true],
    ['true OR false AND false', true],
    ['', undefined],
  ])('%s → %s', (condition, verdict) => {
    expect(compileCondition(condition).evaluate(message)).toBe(verdict)
  })

  it.each([
    ['a = ', 'rule.syntax', 1, 5],
    ["a =\n  'b", 'rule.syntax', 2, 3],
    ["a = 'x' extra", 'rule.syntax', 1, 9],
    ["NOT level = 'high'", 'rule.type', 1, 1],
    ['level > 3', 'rule.type', 1, 7],
    ['lenght(level) > 3', 'rule.unknown_function', 1, 1],
    ['length(level, level) > 3', 'rule.type', 1, 1],
    ['a[0] = 3', 'rule.syntax', 1, 1],
    ['$body..a = 3', 'rule.syntax', 1, 1],
    ['$body.a[x] = 3', 'rule.syntax', 1, 1],
    ['/* open', 'rule.syntax', 1, 1],
    ['(true', 'rule.syntax', 1, 6],
    [`${'('.repeat(200)}true${')'.repeat(200)}`, 'rule.limit', 1, 102],
    [`true${' OR true'.repeat(1_100)}`, 'rule.limit', undefined, undefined],
  ])('refuses %.40s', (condition, code, line, column) => {
    const compile = () => compileCondition(condition)
    expect(compile).toThrow(CoreError)
    try {
      compile()
    } catch (error) {
      const { code: found, position } = error as CoreError
      expect(found).toBe(code)
      expect(position).toEqual(line === undefined ? undefined : { line, column })
    }
  })

  it('throws nothing but errors of its own, and gives a verdict whatever the message is', () => {
    const word = fc.constantFrom(
      ...[
        "'a'",
        '"b"',
        '3',
        '-4',
        '1e999',
        '0xf',
        '.5',
        'true',
        'null',
        'undefined',
        'level',
        'NOT',
      ],
      ...[
        '$level',
        '{$level}',
        '$body.t',
        '$body.list[0]',
        '$twin.tags.site',
        '(',
        ')',
        '{',
        '}',
        ',',
      ],
      ...[
        '=',
        '<>',
        '!=',
        '<',
        '>=',
        '+',
        '-',
        '*',
        '/',
        '%',
        '||',
        '??',
        'AND',
        'or',
        '/*',
        '*/',
        "'",
      ],
      ...[
        '\\',
        '[',
        ']',
        'twin_change_includes(tags.a)',
        ...[...ROUTE_FUNCTIONS.keys()].map((name) => `${name}(`),
      ],
    )
    const sentence = fc.array(word, { maxLength: 14 }).map((words) => words.join(' '))
    let compiled = 0
    fc.assert(
      fc.property(fc.oneof(sentence, fc.string({ unit: 'binary' })), (text) => {
        try {
          const condition = compileCondition(text)
          const verdict = condition.evaluate(message)
          expect([true, false, undefined]).toContain(verdict)
          expect(explainCondition(condition, message).verdict).toBe(String(verdict))
          compiled += 1
        } catch (error) {
          expect(error).toBeInstanceOf(CoreError)
        }
      }),
      { numRuns: 5_000, seed: 5 },
    )
    expect(compiled).toBeGreaterThan(50)
  })

  it('explains which part was what', () => {
    const condition = compileCondition("$body.t > 30 AND missing = 'x'")
    expect(explainCondition(condition, message)).toEqual({
      verdict: 'false',
      condition: {
        text: "$body.t > 30 AND missing = 'x'",
        value: false,
        parts: [
          { text: '$body.t > 30', value: false, parts: [{ text: '$body.t', value: 21.5 }] },
          {
            text: "missing = 'x'",
            undefined: 'because missing is Undefined',
            parts: [{ text: 'missing', undefined: 'the message has no such property' }],
          },
        ],
      },
    })
  })
})

describe('route sets', () => {
  const route = (name: string, condition: string | undefined, source = 'telemetry' as const) => ({
    name,
    source,
    condition: condition === undefined ? undefined : compileCondition(condition),
  })
  const set = createRouteSet([
    route('rest', undefined),
    route('high', "level = 'high' AND $body.t > 20"),
    route('low', "'low' = level"),
    route('any', 'true'),
    route('north', "$twin.tags.site = 'north'"),
    route('high again', "level = 'high' AND $body.t > 20"),
  ])

  it('finds the routes that match, in their order', () => {
    expect(set.match('telemetry', message).map(({ name }) => name)).toEqual([
      'high',
      'any',
      'north',
      'high again',
    ])
    expect(set.match('lifecycle', message)).toEqual([])
    expect(set.needsTwin('telemetry')).toBe(true)
    expect(set.has('twinChanges')).toBe(false)
  })

  it('falls back where nothing else matches', () => {
    const alone = createRouteSet([route('rest', undefined), route('low', "level = 'low'")])
    expect(alone.match('telemetry', message).map(({ name }) => name)).toEqual(['rest'])
    const low = messageOf({ properties: { level: 'low' } })
    expect(alone.match('telemetry', low).map(({ name }) => name)).toEqual(['low'])
  })

  it('agrees with each condition by itself', () => {
    const texts = [
      "a = 'x'",
      "a = 'y' AND b = 'x'",
      "b = 'x' OR a = 'x'",
      '$body.n = 1',
      "$body.n = '1'",
      'NOT $body.o',
    ]
    const routes = texts.map((text) => route(text, text))
    const all = createRouteSet(routes)
    const value = fc.constantFrom('x', 'y', 'z')
    fc.assert(
      fc.property(
        fc.record({ a: value, b: value }, { requiredKeys: [] }),
        fc.constantFrom<JsonObject | undefined>(undefined, { n: 1 }, { n: '1' }, { o: false }),
        (properties, body) => {
          const one = messageOf({ properties, ...(body === undefined ? {} : { body }) })
          const alone = routes.filter(({ condition }) => condition?.evaluate(one) === true)
          expect(all.match('telemetry', one)).toEqual(alone)
        },
      ),
      { numRuns: 200, seed: 5 },
    )
  })
})
