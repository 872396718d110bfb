import { expect, it } from 'vitest'
import { evalSql } from '../../../cli/eval/sql.ts'
import { evalTemplate } from '../../../cli/eval/template.ts'
import { evalTopic } from '../../../cli/eval/topic.ts'
import { isJsonObject, type Json, type JsonObject } from '../../../core/model/json.ts'
import { describeWithShared, readVectors } from '../../vectors.ts'

interface SqlCase {
  readonly id: string
  readonly sql: string
  readonly topic: string
  readonly expected: {
    readonly output?: Json
    readonly outputBase64?: string
    readonly noMatch?: boolean
    readonly reason?: string
  }
  readonly disputed?: boolean
  readonly extension?: boolean
}

interface ParseCase {
  readonly id: string
  readonly sql: string
  readonly valid: boolean
  readonly sqlVersion?: string
  readonly extension?: boolean
}

interface TemplateCase {
  readonly id: string
  readonly template: string
  readonly expected: string
}

interface SqlVectors {
  readonly cases: readonly (SqlCase & JsonObject)[]
  readonly parseCases: readonly ParseCase[]
  readonly substitutionTemplates: readonly (TemplateCase & JsonObject)[]
}

/** Where we differ on purpose: case id and reason. */
const deviations: Readonly<Record<string, string>> = {}

/** Numbers agree within 1e-9, as the vectors ask. */
function close(actual: Json | undefined, expected: Json | undefined): boolean {
  if (typeof actual === 'number' && typeof expected === 'number') {
    return Math.abs(actual - expected) <= 1e-9 * Math.max(1, Math.abs(expected))
  }
  if (Array.isArray(actual) && Array.isArray(expected)) {
    return (
      actual.length === expected.length && actual.every((item, at) => close(item, expected[at]))
    )
  }
  if (isJsonObject(actual) && isJsonObject(expected)) {
    const keys = Object.keys(expected)
    return (
      Object.keys(actual).length === keys.length &&
      keys.every((key) => Object.hasOwn(actual, key) && close(actual[key], expected[key]))
    )
  }
  return actual === expected
}

function wanted({ expected }: SqlCase): Json {
  if (expected.noMatch === true) return { noMatch: expected.reason ?? '' }
  if (expected.outputBase64 !== undefined) return { outputBase64: expected.outputBase64 }
  return { output: expected.output ?? null }
}

describeWithShared('AWS IoT SQL agrees with published cases', 'vectors/aws-iot-sql.json', () => {
  const vectors = readVectors<SqlVectors>('aws-iot-sql.json')
  const cases = vectors.cases.filter(({ disputed, id }) => disputed !== true && !(id in deviations))

  it('has all cases', () => {
    expect(vectors.cases).toHaveLength(495)
    expect(cases).toHaveLength(484 - Object.keys(deviations).length)
    expect(cases.filter(({ extension }) => extension === true)).toHaveLength(42)
    expect(vectors.parseCases).toHaveLength(31)
    expect(vectors.substitutionTemplates).toHaveLength(5)
  })

  it.each(cases)('$id', (entry) => {
    const result = evalSql(entry)
    if (!close(result, wanted(entry))) expect(result).toEqual(wanted(entry))
    expect(close(result, wanted(entry))).toBe(true)
  })

  it.each(vectors.parseCases)('$id: $sql', ({ sql, valid, sqlVersion }) => {
    const result = evalSql({
      sql,
      topic: 'a',
      payload: {},
      ...(sqlVersion === undefined ? {} : { sqlVersion }),
    })
    expect(isJsonObject(result) && 'error' in result).toBe(!valid)
  })

  it.each(vectors.substitutionTemplates)('$id: $template', (entry) => {
    expect(evalTemplate(entry)).toEqual({ text: entry.expected })
  })
})

interface TopicVectors {
  readonly cases: readonly { filter: string; topic: string; match: boolean }[]
}

describeWithShared(
  'MQTT topic filters agree with mosquitto',
  'vectors/mqtt-topic-match.json',
  () => {
    const { cases } = readVectors<TopicVectors>('mqtt-topic-match.json')

    it('has all cases', () => expect(cases).toHaveLength(63))

    it.each(cases)('$filter on $topic: $match', ({ filter, topic, match }) => {
      expect(evalTopic({ filter, topic, dialect: 'mqtt' })).toEqual({ match })
    })
  },
)
