import { describe, expect, it } from 'vitest'
import { evalShadow } from '../../../cli/eval/shadow.ts'
import type { Json, JsonObject } from '../../../core/model/json.ts'
import { describeWithShared, readVectors } from '../../vectors.ts'

interface Step {
  readonly op: string
  readonly shadowName?: string
  readonly payload?: Json
  readonly text?: string
  readonly state?: Json
  readonly version?: number
  readonly at?: number
  readonly expected?: Expected
  readonly deltaMessage?: (JsonObject & { metadataKeys?: string[] }) | null
  readonly documentsMessage?: { previous: Json; currentStateSubset: JsonObject }
}

interface Expected extends Readonly<Record<string, unknown>> {
  readonly state?: JsonObject
  readonly stateExact?: JsonObject
  readonly stateSubset?: JsonObject
  readonly stateAbsent?: string[]
  readonly metadataKeys?: Record<string, string[]>
  readonly results?: string[]
  readonly keys?: string[]
  readonly error?: number
  readonly message?: string
  readonly version?: number
  readonly versionGreaterThan?: number
  readonly hasTimestamp?: boolean
  readonly clientToken?: string
  readonly rejectedTopic?: boolean
}

interface Result {
  readonly accepted?: Record<string, never> & {
    state?: JsonObject
    metadata?: Record<string, JsonObject>
  }
  readonly rejected?: { code: number; message: string }
  readonly delta?: { state: JsonObject; metadata: JsonObject; clientToken?: string }
  readonly documents?: { previous: Json; current: { state: JsonObject } }
}

/** What the vectors may expect of an answer; a key that is not here would go unseen. */
const KNOWN = [
  'state',
  'stateExact',
  'stateSubset',
  'stateAbsent',
  'metadataKeys',
  'results',
  'keys',
  'error',
  'message',
  'version',
  'versionGreaterThan',
  'hasTimestamp',
  'clientToken',
  'rejectedTopic',
]

describeWithShared('evalShadow agrees with AWS', 'vectors/shadow.json', () => {
  const { cases } = readVectors<{ cases: { id: string; steps: Step[] }[] }>('shadow.json')

  it('has all 28 published sequences', () => expect(cases).toHaveLength(28))

  it.each(cases)('$id', ({ steps }) => {
    const answer = evalShadow({ steps: steps.map(toLine) }) as unknown as { results: Result[] }
    expect(answer).toMatchObject({ results: expect.any(Array) })
    expect(answer.results).toHaveLength(steps.length)
    for (const [index, step] of steps.entries()) check(step, answer.results[index]!)
  })
})

describe('a line that is no request', () => {
  it.each([
    [null, 'expected {"steps": […]}'],
    [{ steps: 5 }, 'expected {"steps": […]}'],
    [{ steps: [5] }, 'step 0: expected an object'],
    [
      { steps: [{ op: 'get' }, { op: 'burn' }] },
      'step 1: expected op update, get, delete, listNamed or seed',
    ],
    [{ steps: [{ op: 'get', at: 'now' }] }, 'step 0: expected epoch seconds as at'],
    [{ steps: [{ op: 'get', name: 1 }] }, 'step 0: expected a text as name'],
    [{ steps: [{ op: 'seed' }] }, 'step 0: expected a number as version'],
    [{ steps: [{ op: 'listNamed', pageSize: '1' }] }, 'step 0: expected a number as pageSize'],
    [{ steps: [{ op: 'listNamed', nextToken: 1 }] }, 'step 0: expected a text as nextToken'],
  ])('%j', (line, message) => {
    expect(evalShadow(line as Json)).toEqual({ error: { code: 'input.malformed', message } })
  })
})

function toLine({ op, shadowName, payload, text, state, version, at }: Step): JsonObject {
  return {
    op: op === 'updateRaw' ? 'update' : op === 'seedVersion' ? 'seed' : op,
    ...(shadowName === undefined ? {} : { name: shadowName }),
    ...(payload === undefined ? {} : { payload }),
    ...(text === undefined ? {} : { payloadText: text }),
    ...(state === undefined ? {} : { state }),
    ...(version === undefined ? {} : { version }),
    ...(at === undefined ? {} : { at }),
  }
}

function check(step: Step, result: Result): void {
  const expected = step.expected ?? {}
  expect(Object.keys(expected).filter((key) => !KNOWN.includes(key))).toEqual([])
  if (expected.error === undefined) {
    expect(result.rejected).toBeUndefined()
  } else {
    expect(result.rejected).toMatchObject({ code: expected.error })
    if (expected.message !== undefined)
      expect(result.rejected).toMatchObject({ message: expected.message })
  }
  const accepted: Record<string, unknown> = result.accepted ?? {}
  const state = result.accepted?.state ?? {}
  const exact = expected.state ?? expected.stateExact
  if (exact !== undefined) expect(state).toEqual(exact)
  for (const [name, value] of Object.entries(expected.stateSubset ?? {}))
    expect(state[name]).toEqual(value)
  for (const name of expected.stateAbsent ?? []) expect(state).not.toHaveProperty(name)
  for (const [name, keys] of Object.entries(expected.metadataKeys ?? {})) {
    expect(Object.keys(result.accepted?.metadata?.[name] ?? {})).toEqual(
      expect.arrayContaining(keys),
    )
  }
  if (expected.results !== undefined)
    expect(accepted['results']).toEqual([...expected.results].sort())
  if (expected.keys !== undefined)
    expect(Object.keys(accepted).sort()).toEqual([...expected.keys].sort())
  if (expected.version !== undefined) expect(accepted['version']).toBe(expected.version)
  if (expected.versionGreaterThan !== undefined) {
    expect(accepted['version']).toBeGreaterThan(expected.versionGreaterThan)
  }
  if (expected.hasTimestamp === true) expect(accepted['timestamp']).toEqual(expect.any(Number))
  if (expected.clientToken !== undefined) expect(accepted['clientToken']).toBe(expected.clientToken)
  if (step.deltaMessage === null) expect(result.delta).toBeUndefined()
  else if (step.deltaMessage !== undefined) {
    const { metadataKeys = [], ...message } = step.deltaMessage
    expect(result.delta).toMatchObject(message)
    expect(result.delta?.state).toEqual(message['state'])
    expect(Object.keys(result.delta?.metadata ?? {})).toEqual(metadataKeys)
  }
  if (step.documentsMessage !== undefined) {
    expect(result.documents?.previous).toEqual(step.documentsMessage.previous)
    expect(result.documents?.current.state).toEqual(step.documentsMessage.currentStateSubset)
  }
}
