import { beforeAll, describe, expect, it } from 'vitest'
import { evalRoute } from '../../../cli/eval/route.ts'
import type { Json, JsonObject } from '../../../core/index.ts'
import { describeWithShared, readVectors } from '../../vectors.ts'

interface Case {
  readonly condition: string
  readonly expected?: string
  readonly compile?: string
}

interface Conditions {
  readonly source: string
  readonly message: JsonObject
  readonly success: readonly Case[]
  readonly compileFailure: readonly Case[]
}

interface BodyCases {
  readonly messages: Readonly<Record<string, JsonObject>>
  readonly cases: readonly (Case & { readonly message: string })[]
}

/** The answer in the words of the vectors. */
function answer(condition: string, message: Json): string {
  const line = evalRoute({ condition, message })
  const { result, error } = line as { result?: Json; error?: { code: string; line?: number } }
  if (error === undefined) return String(result)
  expect(error.code).toMatch(/^rule\.(syntax|type|unknown_function)$/)
  expect(error.line).toBe(1)
  return 'compile-error'
}

describeWithShared(
  'conditions of routes agree with Azure/iotedge',
  'vectors/azure-routing-conditions.json',
  () => {
    let conditions: Conditions
    let body: BodyCases
    beforeAll(() => {
      conditions = readVectors('azure-routing-conditions.json')
      body = readVectors('azure-routing-body-twin.json')
    })

    it('has all published cases', () => {
      expect(conditions.success).toHaveLength(194)
      expect(conditions.compileFailure).toHaveLength(111)
      expect(body.cases).toHaveLength(44)
    })

    it('gives each published verdict', () => {
      const { success, message } = conditions
      const found = success.map(({ condition }) => [condition, answer(condition, message)])
      expect(found).toEqual(success.map(({ condition, expected }) => [condition, expected]))
    })

    it('refuses each condition that does not compile', () => {
      const { compileFailure, message } = conditions
      const taken = compileFailure.filter(
        ({ condition }) => answer(condition, message) !== 'compile-error',
      )
      expect(taken).toEqual([])
    })

    it('gives each published verdict on bodies and twin changes', () => {
      const found = body.cases.map(({ condition, message }) => [
        condition,
        answer(condition, body.messages[message]!),
      ])
      expect(found).toEqual(body.cases.map(({ condition, expected }) => [condition, expected]))
    })
  },
)

describe('eval route', () => {
  it('takes a body as text and properties by either name', () => {
    const systemProperties = {
      contentType: 'application/json; charset=utf-8',
      contentEncoding: 'UTF-16',
    }
    const condition = "$body.a[1].b = 2 AND Level = 'high'"
    for (const message of [
      { body: '{"a":[0,{"b":2}]}', properties: { LEVEL: 'high' }, systemProperties },
      { bodyText: '{"a":[0,{"b":2}]}', applicationProperties: { level: 'high' }, systemProperties },
      {
        bodyBase64: Buffer.from('{"a":[0,{"b":2}]}').toString('base64'),
        properties: { level: 'high' },
        systemProperties,
      },
    ])
      expect(evalRoute({ condition, message })).toEqual({ result: true })
  })

  it('says what is wrong with a line', () => {
    expect(evalRoute({ message: {} })).toEqual({
      error: { code: 'input.malformed', message: 'condition: expected a string' },
    })
    expect(evalRoute({ condition: 'true', message: { properties: 3 } })).toMatchObject({
      error: { code: 'input.malformed' },
    })
    expect(evalRoute({ condition: 'true', source: 'nothing' })).toMatchObject({
      error: { code: 'input.malformed' },
    })
  })

  it('has twin_change_includes only where twins change', () => {
    const condition = 'twin_change_includes(tags.site)'
    expect(evalRoute({ condition, source: 'twinChanges', message: {} })).toEqual({
      result: 'undefined',
    })
    expect(evalRoute({ condition, source: 'telemetry', message: {} })).toMatchObject({
      error: { code: 'rule.unsupported', line: 1, column: 22 },
    })
  })
})
