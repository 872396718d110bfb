import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { evalShadow } from '../../../cli/eval/shadow.ts'
import { evalTwin } from '../../../cli/eval/twin.ts'
import { isJsonObject, type Json, type JsonObject } from '../../../core/model/json.ts'
import {
  AWS_SHADOW,
  deleteShadow,
  getShadow,
  isForgotten,
  isShadowName,
  parseShadowRequest,
  readClientToken,
  readShadowRequest,
  type ShadowDocument,
  shadowDelta,
  updateShadow,
} from '../../../core/shadow/index.ts'
import { freeze, json, nested, object } from './arbitrary.ts'

function ownCases<T>(name: string): T[] {
  const text = readFileSync(new URL(`../../cases/shadow/${name}`, import.meta.url), 'utf8')
  return (JSON.parse(text) as { cases: T[] }).cases
}

const options = { at: 10, dialect: AWS_SHADOW }
const roomy = { ...AWS_SHADOW, maxStateBytes: 1_000_000 }

describe('sequences', () => {
  const cases = ownCases<{ name: string; steps: Json[]; results: JsonObject[] }>('sequences.json')

  it('are 10', () => expect(cases).toHaveLength(10))

  it.each(cases)('$name', ({ steps, results }) => {
    const answer = evalShadow({ steps }) as unknown as { results: JsonObject[] }
    expect(answer.results).toHaveLength(results.length)
    for (const [index, expected] of results.entries()) {
      for (const [key, value] of Object.entries(expected))
        expect(answer.results[index]![key]).toEqual(value)
    }
  })
})

describe('bad requests', () => {
  const cases = ownCases<{ text: string; code: number; message: string; clientToken?: string }>(
    'bad-requests.json',
  )

  it('are 26', () => expect(cases).toHaveLength(26))

  it.each(cases)('$text → $message', ({ text, ...rejected }) => {
    expect(parseShadowRequest(text, options)).toEqual({ rejected: { ...rejected, timestamp: 10 } })
    expect(parseShadowRequest(new TextEncoder().encode(text), options)).toEqual({
      rejected: { ...rejected, timestamp: 10 },
    })
  })

  it('is refused as 415 if it is not UTF-8', () => {
    expect(parseShadowRequest(Uint8Array.of(0x7b, 0xff, 0x7d), options)).toEqual({
      rejected: {
        code: 415,
        message: 'Unsupported documented encoding; supported encoding is UTF-8',
        timestamp: 10,
      },
    })
  })
})

describe('limits, each at the limit and one past it', () => {
  const code = (text: string): number => {
    const read = parseShadowRequest(text, options)
    if ('rejected' in read) return read.rejected.code
    const change = updateShadow(undefined, read.request, options)
    return 'rejected' in change ? change.rejected.code : 200
  }

  it('6 levels, the section being the first', () => {
    const body = (levels: number) => JSON.stringify({ state: { reported: nested(levels) } })
    expect([code(body(6)), code(body(7))]).toEqual([200, 400])
    const array = (levels: number) =>
      `{"state":{"desired":{"a":${'['.repeat(levels)}${']'.repeat(levels)}}}}`
    expect([code(array(5)), code(array(6))]).toEqual([200, 400])
  })

  it('8192 bytes of state, desired and reported together, in UTF-8', () => {
    const body = (bytes: number) =>
      JSON.stringify({
        state: { desired: { a: 'ä'.repeat(100) }, reported: { b: 'x'.repeat(bytes) } },
      })
    const room = 8_192 - '{"a":""}'.length - 200 - '{"b":""}'.length
    expect([code(body(room)), code(body(room + 1))]).toEqual([200, 413])
  })

  it('the merged state counts, not the request', () => {
    const full = updateShadow(undefined, { state: { desired: { a: 'x'.repeat(8_000) } } }, options)
    if ('rejected' in full) throw new Error('expected room')
    const more = { state: { reported: { b: 'x'.repeat(200) } } }
    expect(updateShadow(full.document, more, options)).toEqual({
      rejected: {
        code: 413,
        message: 'The payload exceeds the maximum size allowed',
        timestamp: 10,
      },
    })
    expect(
      updateShadow(full.document, { state: { desired: null, ...more.state } }, options),
    ).toHaveProperty('document')
    const wide = { ...options, dialect: { ...AWS_SHADOW, maxStateBytes: 30_720 } }
    expect(updateShadow(full.document, more, wide)).toHaveProperty('document')
  })

  it('64 bytes of client token, in UTF-8', () => {
    const body = (clientToken: string) => JSON.stringify({ state: {}, clientToken })
    expect([code(body('x'.repeat(64))), code(body('x'.repeat(65)))]).toEqual([200, 400])
    expect([code(body('ä'.repeat(32))), code(body('ä'.repeat(33)))]).toEqual([200, 400])
    expect([code(body('😀'.repeat(16))), code(body('😀'.repeat(17)))]).toEqual([200, 400])
    expect(readClientToken(body('x'.repeat(64)), AWS_SHADOW)).toBe('x'.repeat(64))
    expect(readClientToken(body('x'.repeat(65)), AWS_SHADOW)).toBeUndefined()
  })

  it('131072 bytes of request, before it is read', () => {
    const body = (bytes: number) => `{"state":{}}${' '.repeat(bytes - 12)}`
    expect([code(body(131_072)), code(body(131_073))]).toEqual([200, 413])
    expect(code('ä'.repeat(131_072))).toBe(413)
    expect(parseShadowRequest(new Uint8Array(131_073), options)).toMatchObject({
      rejected: { code: 413 },
    })
  })

  it('64 characters of name', () => {
    expect(isShadowName('a'.repeat(64), AWS_SHADOW)).toBe(true)
    expect(isShadowName('a'.repeat(65), AWS_SHADOW)).toBe(false)
    expect(isShadowName('', AWS_SHADOW)).toBe(true)
    expect(isShadowName('Az9:_-', AWS_SHADOW)).toBe(true)
    for (const name of ['a b', 'a/b', 'ä', 'a\n', '$'])
      expect(isShadowName(name, AWS_SHADOW)).toBe(false)
  })

  it('48 hours of tombstone', () => {
    const tombstone = {
      metadata: {},
      version: 4,
      desiredVersion: 1,
      reportedVersion: 2,
      updatedAt: 0,
      deletedAt: 0,
    }
    expect(isForgotten(tombstone, 172_800, AWS_SHADOW)).toBe(false)
    expect(isForgotten(tombstone, 172_801, AWS_SHADOW)).toBe(true)
    const next = (at: number) => updateShadow(tombstone, { state: {} }, { ...options, at })
    expect(next(172_800)).toMatchObject({ document: { version: 5 } })
    expect(next(172_801)).toMatchObject({ document: { version: 1 } })
  })
})

describe('what wants to break it', () => {
  it('refuses a depth bomb without following it', () => {
    const bomb = nested(200_000)
    expect(readShadowRequest({ state: { desired: bomb } }, options)).toMatchObject({
      rejected: { message: 'JSON contains too many levels of nesting; maximum is 6' },
    })
    expect(readShadowRequest(bomb, options)).toMatchObject({
      rejected: { message: 'Missing required node: state' },
    })
    const text = `{"state":{"desired":{"a":${'['.repeat(60_000)}${']'.repeat(60_000)}}}}`
    expect(parseShadowRequest(text, options)).toMatchObject({ rejected: { code: 400 } })
    expect(parseShadowRequest(`{"state":${'['.repeat(100_000)}`, options)).toMatchObject({
      rejected: { message: 'Invalid JSON' },
    })
    expect(
      evalShadow({ steps: [{ op: 'update', payload: { state: { reported: bomb } } }] }),
    ).toMatchObject({
      results: [{ rejected: { code: 400 } }],
    })
    expect(evalShadow({ steps: [{ op: 'get', payload: bomb }] })).toMatchObject({
      results: [{ rejected: { code: 404 } }],
    })
  })

  it('refuses a huge key by its size', () => {
    const request = { state: { reported: { ['k'.repeat(100_000)]: 1 } } }
    expect(updateShadow(undefined, request, options)).toMatchObject({ rejected: { code: 413 } })
  })

  it('keeps __proto__ a key, in state, stamps and delta', () => {
    const text = '{"state":{"desired":{"__proto__":{"polluted":1},"constructor":2}}}'
    const read = parseShadowRequest(text, options)
    if ('rejected' in read) throw new Error('expected a request')
    const change = updateShadow(undefined, read.request, options)
    if ('rejected' in change) throw new Error('expected a change')
    const got = getShadow(change.document, { ...options, name: '' })
    expect(JSON.stringify(got)).toBe(
      '{"accepted":{"state":{"desired":{"__proto__":{"polluted":1},"constructor":2},' +
        '"delta":{"__proto__":{"polluted":1},"constructor":2}},' +
        '"metadata":{"desired":{"__proto__":{"polluted":{"timestamp":10}},"constructor":{"timestamp":10}},' +
        '"delta":{"__proto__":{"polluted":{"timestamp":10}},"constructor":{"timestamp":10}}},' +
        '"version":1,"timestamp":10}}',
    )
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    expect(Object.getPrototypeOf(change.document.desired)).toBe(Object.prototype)
  })
})

describe('anything at all', () => {
  const reply = (answer: Json) =>
    isJsonObject(answer) &&
    ('results' in answer || 'error' in answer || 'ok' in answer || 'result' in answer)

  it('as bytes or text is a request or a refusal, never an exception', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.string(),
          json.map((value) => JSON.stringify(value)),
        ),
        (body) => {
          const read = parseShadowRequest(body, options)
          expect('request' in read || read.rejected.code >= 400).toBe(true)
        },
      ),
    )
  })

  it('as a line to eval has an answer', () => {
    const op = fc.constantFrom('update', 'get', 'delete', 'listNamed', 'seed', 'x')
    const step = fc.record(
      {
        op,
        payload: json,
        payloadText: json,
        name: fc.constantFrom('', 'a', '__proto__'),
        version: json,
        at: json,
        state: json,
        pageSize: json,
      },
      { requiredKeys: ['op'] },
    )
    const twin = fc.record(
      { target: json, patch: json, validateReported: json, treatNullAsDelete: json },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(json, fc.array(fc.oneof(step, json)), twin, (line, steps, request) => {
        for (const one of [line, { steps: steps as Json[] }])
          expect(reply(evalShadow(one))).toBe(true)
        for (const one of [line, request as JsonObject]) expect(reply(evalTwin(one))).toBe(true)
      }),
    )
  })
})

describe('any updates', () => {
  const state = fc.record(
    { desired: fc.option(object), reported: fc.option(object) },
    { requiredKeys: [] },
  )
  const steps = fc.array(fc.oneof({ weight: 8, arbitrary: state }, fc.constant(null)), {
    minLength: 1,
    maxLength: 8,
  })

  it('count up by one, change nothing that they are given, and leave sections that their stamps mirror', () => {
    fc.assert(
      fc.property(steps, (patches) => {
        let document: ShadowDocument | undefined
        for (const [index, patch] of patches.entries()) {
          const before = document
          const read = readShadowRequest(freeze({ state: patch }), { at: index, dialect: roomy })
          if ('rejected' in read) continue
          const change = updateShadow(before, read.request, { at: index, dialect: roomy })
          if ('rejected' in change) throw new Error(change.rejected.message)
          document = change.document
          freeze(document as unknown as Json)
          expect(document.version).toBe((before?.version ?? 0) + 1)
          expect(change.accepted).toMatchObject({ version: document.version, timestamp: index })
          for (const name of ['desired', 'reported'] as const) {
            const section = document[name]
            expect(section === undefined).toBe(document.metadata[name] === undefined)
            if (section !== undefined) {
              expect(Object.keys(section)).not.toHaveLength(0)
              expect(hasNull(section)).toBe(false)
              expectMirror(section, document.metadata[name]!)
            }
          }
          expect(change.delta?.['state']).toEqual(shadowDelta(document.desired, document.reported))
          if (change.delta !== undefined)
            expectMirror(change.delta['state']!, change.delta['metadata']!)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('are idempotent but for the counting', () => {
    fc.assert(
      fc.property(state, state, (first, second) => {
        const apply = (document: ShadowDocument | undefined, patch: Json) => {
          const read = readShadowRequest({ state: patch }, { at: 1, dialect: roomy })
          if ('rejected' in read) return document
          const change = updateShadow(document, read.request, { at: 1, dialect: roomy })
          return 'rejected' in change ? document : change.document
        }
        const once = apply(apply(undefined, first as Json), second as Json)
        const twice = apply(once, second as Json)
        expect(twice?.desired).toEqual(once?.desired)
        expect(twice?.reported).toEqual(once?.reported)
        expect(twice?.metadata).toEqual(once?.metadata)
      }),
    )
  })
})

it('names a shadow that is not there by thing and name', () => {
  const message = (name: string, thingName?: string) => {
    const answer = deleteShadow(undefined, { ...options, name, thingName })
    return 'rejected' in answer ? answer.rejected : undefined
  }
  expect(message('', 'lamp')).toEqual({ code: 404, message: "No shadow exists with name: 'lamp'" })
  expect(message('cfg', 'lamp')).toEqual({
    code: 404,
    message: "No shadow exists with name: 'lamp~cfg'",
  })
})

function hasNull(value: Json): boolean {
  if (value === null) return true
  return typeof value === 'object' && Object.values(value).some(hasNull)
}

/** The stamps are the tree of the values, with a stamp for each scalar. */
function expectMirror(value: Json, metadata: Json): void {
  if (isJsonObject(value)) {
    expect(isJsonObject(metadata) && Object.keys(metadata).sort()).toEqual(
      Object.keys(value).sort(),
    )
    for (const key of Object.keys(value)) expectMirror(value[key]!, (metadata as JsonObject)[key]!)
  } else if (Array.isArray(value)) {
    expect(metadata).toHaveLength(value.length)
    for (const [index, item] of value.entries()) expectMirror(item, (metadata as Json[])[index]!)
  } else {
    expect(metadata).toEqual({ timestamp: expect.any(Number) })
  }
}
