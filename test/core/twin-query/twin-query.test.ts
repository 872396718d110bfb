import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CoreError, compileTwinQuery, type JsonObject } from '../../../core/index.ts'

const twin = (deviceId: string, rest: JsonObject = {}): JsonObject => ({
  deviceId,
  status: 'enabled',
  connectionState: 'Disconnected',
  lastActivityTime: '2025-06-15T15:06:40.000Z',
  tags: {},
  properties: { desired: { $version: 1 }, reported: { $version: 1 } },
  ...rest,
})

const TWINS = [
  twin('a', {
    tags: { site: 'north', floor: 1, 'a-b': true, list: [1, { deep: 'x' }], none: null },
    properties: { desired: { on: true, $version: 3 }, reported: { temp: 20.5, $version: 2 } },
  }),
  twin('b', { tags: { site: 'north', floor: 2 }, status: 'disabled' }),
  twin('c', {
    tags: { site: 'south', floor: 2 },
    properties: { desired: {}, reported: { temp: 30, name: 'Pump' } },
  }),
  twin('d'),
]

function run(text: string): readonly JsonObject[] {
  const query = compileTwinQuery(text)
  const matching = TWINS.filter((one) => query.matches(one))
  if (!query.isGrouped) return matching.slice(0, query.top).map(query.project)
  const groups = query.startGroups()
  for (const one of matching) groups.add(one)
  return groups.rows()
}

const ids = (where: string) =>
  run(`SELECT deviceId FROM devices WHERE ${where}`)
    .map(({ deviceId }) => deviceId)
    .join('')

describe('queries over twins', () => {
  it.each([
    ["tags.site = 'north'", 'ab'],
    ['tags.site = "north" AND tags.floor > 1', 'b'],
    ["tags.site != 'north'", 'c'],
    ["tags.site <> 'north' OR tags.floor = 1", 'ac'],
    ["NOT tags.site = 'north'", 'c'],
    ["tags.site IN ['north', 'west']", 'ab'],
    ["tags.site NIN ['north', 'west']", 'c'],
    ["tags.site NOT IN ('north')", 'c'],
    ["deviceId IN ['a', 'd']", 'ad'],
    ["devices.deviceId = 'd'", 'd'],
    ['is_defined(tags.site)', 'abc'],
    ['NOT IS_DEFINED(tags.site)', 'd'],
    ['is_null(tags.none)', 'a'],
    ['tags.none = null', 'a'],
    ["tags['a-b'] = true", 'a'],
    ["tags.list[1].deep = 'x'", 'a'],
    ['IS_ARRAY(tags.list) AND IS_OBJECT(tags) AND NOT IS_PRIMITIVE(tags)', 'a'],
    ['is_number(tags.floor) AND NOT is_string(tags.floor)', 'abc'],
    ['is_bool(properties.desired.on)', 'a'],
    ['properties.reported.temp >= 20.5', 'ac'],
    ['properties.reported.temp * 2 - 1 = 40', 'a'],
    ['-properties.reported.temp < -25', 'c'],
    ['properties.desired.$version = 3', 'a'],
    ['tags = tags', ''],
    ["tags.floor = '2'", ''],
    ["lastActivityTime < '2025-06-16'", 'abcd'],
    ["STARTSWITH(properties.reported.name, 'Pu')", 'c'],
    ["ends_with(lower(properties.reported.name), 'mp')", 'c'],
    ["contains(tags.site, 'out')", 'c'],
    ["tags.site || '!' = 'north!'", 'ab'],
    ['length(properties.reported.name) = 4', 'c'],
    ['properties.reported.temp / 0 > 1', ''],
    ["status = 'disabled' AND connectionState = 'Disconnected'", 'b'],
    ["(tags.site = 'south' OR tags.floor = 1) AND properties.reported.temp < 25", 'a'],
  ])('%s → %s', (where, found) => {
    expect(ids(where)).toBe(found)
  })

  it('gives whole twins, columns, and a number of them', () => {
    expect(run('SELECT * FROM devices')).toEqual(TWINS)
    expect(compileTwinQuery('select * from devices').isWhole).toBe(true)
    expect(run('SELECT TOP 1 deviceId, tags.site AS place, tags.none FROM devices')).toEqual([
      { deviceId: 'a', place: 'north', none: null },
    ])
    expect(run("SELECT upper(tags.site) AS site, 1 + 1 FROM devices WHERE deviceId = 'c'")).toEqual(
      [{ site: 'SOUTH', $1: 2 }],
    )
  })

  it('counts, in groups or not', () => {
    expect(
      run(
        'SELECT tags.site AS site, COUNT() AS devices, MAX(tags.floor) AS top FROM devices GROUP BY tags.site',
      ),
    ).toEqual([
      { site: 'north', devices: 2, top: 2 },
      { site: 'south', devices: 1, top: 2 },
      { devices: 1 },
    ])
    expect(
      run(
        'SELECT COUNT(*) AS n, AVG(tags.floor) AS mean, SUM(tags.floor) AS sum, MIN(deviceId) AS first FROM devices',
      ),
    ).toEqual([{ n: 4, mean: 5 / 3, sum: 5, first: 'a' }])
    expect(run("SELECT COUNT() AS n, AVG(x) AS mean FROM devices WHERE deviceId = 'z'")).toEqual([
      { n: 0 },
    ])
  })

  it.each([
    ['', 1, 'expected SELECT'],
    ['SELECT * FROM things', 15, 'expected devices, found "things"'],
    ['SELECT * FROM devices.jobs', 23, 'modules and jobs are not kept here'],
    ['SELECT * FROM devices ORDER BY deviceId', 23, 'expected no ORDER BY'],
    ['SELECT * FROM devices WHERE', 28, 'expected a value'],
    ["SELECT * FROM devices WHERE a = 'x", 33, "expected a closing '"],
    ['SELECT * FROM devices WHERE isdefined(a)', 29, 'did you mean is_defined?'],
    ['SELECT * FROM devices WHERE length(a, b) = 1', 29, 'expected 1 argument'],
    ['SELECT * FROM devices WHERE COUNT() > 1', 29, 'expected COUNT as a column of its own'],
    [
      'SELECT tags.a, COUNT() FROM devices',
      8,
      'expected an aggregate or a path that GROUP BY names',
    ],
    ['SELECT TOP 0 * FROM devices', 12, 'expected a count after TOP'],
    [`SELECT * FROM devices WHERE ${'('.repeat(60)}`, 79, 'levels of nesting'],
  ])('refuses %.50s', (text, column, says) => {
    try {
      compileTwinQuery(text)
      expect.unreachable()
    } catch (error) {
      if (!(error instanceof CoreError)) throw error
      expect(error.code).toBe('query.invalid')
      expect(error.message).toContain(says)
      expect(error.position).toEqual({ line: 1, column })
    }
  })

  it('is of at most 8192 characters', () => {
    const text = `SELECT * FROM devices WHERE a = '${'x'.repeat(8_192)}'`
    expect(() => compileTwinQuery(text)).toThrow('expected a query of at most 8192 characters')
  })

  it('throws nothing but errors of its own', () => {
    const words =
      'SELECT TOP * FROM devices WHERE GROUP BY AS AND OR NOT IN NIN ( ) [ ] . , = <> < + - / || 1 0.5'
    const word = fc.constantFrom(
      ...words.split(' '),
      ...["'x'", 'tags.site', 'is_defined(', 'COUNT()', 'AVG(', 'null', 'true', "'", '%'],
    )
    const value = fc.constantFrom(
      "'x'",
      'tags.site',
      'tags',
      '1',
      'null',
      'is_defined(tags.a)',
      '(1',
      '2)',
    )
    const sign = fc.constantFrom('=', '<>', '<', '+', '/', '||', 'AND', 'OR', 'AND NOT', 'IN')
    const fair = fc.tuple(value, fc.array(fc.tuple(sign, value), { maxLength: 3 }))
    const parts = fc.oneof(
      fair.map(([first, rest]) => [first, ...rest.flat()]),
      fc.array(word, { maxLength: 12 }),
    )
    const sentence = parts.map((some) => `SELECT * FROM devices WHERE ${some.join(' ')}`)
    let compiled = 0
    fc.assert(
      fc.property(fc.oneof(sentence, fc.string({ unit: 'binary' })), (text) => {
        try {
          const query = compileTwinQuery(text)
          for (const one of TWINS) expect(typeof query.matches(one)).toBe('boolean')
          compiled += 1
        } catch (error) {
          expect(error).toBeInstanceOf(CoreError)
        }
      }),
      { numRuns: 3_000, seed: 5 },
    )
    expect(compiled).toBeGreaterThan(100)
  })
})
