import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { evalTwin } from '../../../cli/eval/twin.ts'
import type { Json, JsonObject } from '../../../core/model/json.ts'
import {
  AZURE_EDGE_HUB,
  AZURE_IOT_HUB,
  followDesired,
  mergePatch,
  newShadow,
  parseTwinPatch,
  readPropertyAck,
  type ShadowDocument,
  shadowDelta,
  twinForBackEnd,
  twinForDevice,
  twinPatchFault,
  updateTwin,
  withoutAcks,
  withoutServiceProperties,
} from '../../../core/shadow/index.ts'
import { describeWithShared, readVectors } from '../../vectors.ts'
import { freeze, nested, section } from './arbitrary.ts'

interface TwinCase extends Readonly<Record<string, unknown>> {
  readonly id: string
  readonly kind: string
}

/** Kinds that other parts of the project test. */
const deviations = [
  { kind: 'topic', count: 2, reason: 'topics are the business of the Azure dialect of the broker' },
  { kind: 'propertyBag', count: 2, reason: 'as above: the bag is a part of the topic' },
]

const options = { at: 10, dialect: AZURE_IOT_HUB }

describeWithShared('twins agree with Azure', 'vectors/twin.json', () => {
  const all = readVectors<{ cases: TwinCase[] }>('twin.json').cases
  const of = <T>(kind: string) => all.filter((one) => one.kind === kind) as (TwinCase & T)[]

  const merges = of<{ target: Json; patch: Json; treatNullAsDelete: boolean; expected: Json }>(
    'merge',
  )
  const strips = of<{ input: JsonObject; expected: Json }>('stripMetadata')
  const reports = of<{
    before: JsonObject
    patch: JsonObject
    after: JsonObject
    responseTopic: string
  }>('reportedUpdate')
  const notifications = of<{
    before: JsonObject
    payload: JsonObject
    after: JsonObject
    ignored?: boolean
  }>('desiredNotification')
  const documents = of<{ document: { properties: Record<'desired' | 'reported', JsonObject> } }>(
    'document',
  )
  const acks = of<{ reported: JsonObject; meaning: string }>('pnpAck')
  const writables = of<{ desired: JsonObject; reported: JsonObject[] }>('pnpWritable')

  it('has all 31 published cases, 4 of them of two kinds that others test', () => {
    const tested = [merges, strips, reports, notifications, documents, acks, writables].map(
      ({ length }) => length,
    )
    expect(tested).toEqual([14, 2, 1, 2, 1, 4, 3])
    for (const { kind, count } of deviations) expect(of(kind)).toHaveLength(count)
    expect(all).toHaveLength(31)
  })

  it.each(merges)('$id', ({ target, patch, treatNullAsDelete, expected }) => {
    expect(evalTwin(freeze({ target, patch, treatNullAsDelete }))).toEqual({ result: expected })
  })

  it.each(strips)('$id', ({ input, expected }) => {
    expect(withoutServiceProperties(freeze(input))).toEqual(expected)
  })

  it.each(reports)('$id', ({ before, patch, after, responseTopic }) => {
    const current = stored({}, before)
    const change = updateTwin(current, { patches: { reported: patch } }, options)
    if ('rejected' in change) throw new Error(change.rejected.message)
    expect(twinForDevice(change.document, AZURE_IOT_HUB)['reported']).toEqual(after)
    expect(responseTopic).toContain(`$version=${change.reportedVersion}`)
    expect(change).not.toHaveProperty('desiredNotification')
  })

  it.each(notifications)('$id', ({ before, payload, after, ignored }) => {
    const followed = followDesired(freeze(before), freeze(payload))
    if (ignored === true) expect(followed).toEqual({ status: 'stale' })
    else expect(followed).toEqual({ status: 'applied', section: after })
  })

  it.each(documents)(
    '$id, but for its slip: $lastUpdated of reported is older than what it holds',
    ({ document }) => {
      const { desired, reported } = document.properties
      const twin = {
        ...stored(desired, reported),
        metadata: {
          desired: { telemetryConfig: { sendFrequency: { timestamp: 1459355088.789 } } },
          reported: {
            telemetryConfig: {
              sendFrequency: { timestamp: 1459442148.789 },
              status: { timestamp: 1459442148.789 },
            },
            batteryLevel: { timestamp: 1459528548.789 },
          },
        },
      }
      const { properties } = twinForBackEnd(twin, AZURE_IOT_HUB) as { properties: Json }
      const newest = {
        ...(reported['$metadata'] as JsonObject),
        $lastUpdated: '2016-04-01T16:35:48.789Z',
      }
      expect(properties).toEqual({ desired, reported: { ...reported, $metadata: newest } })
    },
  )

  it.each(acks)('$id: $meaning', ({ reported }) => {
    const { value, ac, av, ad } = reported['targetTemperature'] as JsonObject
    expect(readPropertyAck(reported['targetTemperature']!)).toEqual({
      value,
      code: ac,
      version: av,
      description: ad,
    })
  })

  it.each(writables)('$id', ({ id, desired, reported }) => {
    const answered = reported.reduce<Json>(
      (merged, patch) => mergePatch(merged, patch),
      {},
    ) as JsonObject
    const wanted = JSON.parse(JSON.stringify(desired), (key, value) =>
      key === '$version' ? undefined : value,
    )
    const left =
      id === 'azure-docs/pnp-component' ? { thermostat1: { targetTemperature: 21.3 } } : undefined
    expect(shadowDelta(wanted, withoutAcks(answered))).toEqual(left)
  })
})

describe('patches of reported properties', () => {
  const { cases } = JSON.parse(
    readFileSync(new URL('../../cases/shadow/reported-patches.json', import.meta.url), 'utf8'),
  ) as { cases: { patch: JsonObject; message?: string }[] }

  it('are 24', () => expect(cases).toHaveLength(24))

  it.each(cases)('$patch', ({ patch, message }) => {
    expect(evalTwin(freeze({ validateReported: patch }))).toEqual(
      message === undefined ? { ok: true } : { error: { code: 400, message } },
    )
  })

  it('have names of up to 1024 bytes and texts of up to 4096, in UTF-8', () => {
    const fault = (patch: JsonObject) => twinPatchFault(patch, AZURE_EDGE_HUB)
    expect(fault({ ['k'.repeat(1_024)]: 1, ['ä'.repeat(512)]: 1 })).toBeUndefined()
    expect(fault({ ['k'.repeat(1_025)]: 1 })).toBe(
      'Length of property name kkkkkkkkkk.. exceeds maximum length of 1024',
    )
    expect(fault({ ['ä'.repeat(513)]: 1 })).toBe(
      'Length of property name ääääääääää.. exceeds maximum length of 1024',
    )
    expect(fault({ t: 'x'.repeat(4_096), u: ['ä'.repeat(2_048)] })).toBeUndefined()
    expect(fault({ t: 'x'.repeat(4_097) })).toBe(
      'Value associated with property name t has length 4097 that exceeds maximum length of 4096',
    )
    expect(fault({ t: ['ä'.repeat(2_049)] })).toBe(
      'Value associated with property name  has length 4098 that exceeds maximum length of 4096',
    )
  })

  it('have up to 32768 bytes as JSON in Edge Hub, judged before all else', () => {
    const patch = (bytes: number): JsonObject => {
      const text = 'x'.repeat(4_000)
      const full = {
        a: text,
        b: text,
        c: text,
        d: text,
        e: text,
        f: text,
        g: text,
        h: text,
        'i.': '',
      }
      return { ...full, 'i.': 'x'.repeat(bytes - JSON.stringify(full).length) }
    }
    expect(twinPatchFault(patch(32_768), AZURE_EDGE_HUB)).toBe(
      "Property name i. contains invalid character '.'",
    )
    expect(twinPatchFault(patch(32_769), AZURE_EDGE_HUB)).toBe(
      'Twin properties size 32769 exceeds maximum 32768',
    )
    expect(twinPatchFault(patch(32_769), AZURE_IOT_HUB)).toBe(
      "Property name i. contains invalid character '.'",
    )
  })

  it('may have # and other white space than the space in IoT Hub', () => {
    expect(twinPatchFault({ '#': 1, 'a\u2003': 1 }, AZURE_IOT_HUB)).toBeUndefined()
    expect(twinPatchFault({ ' ': 1 }, AZURE_IOT_HUB)).toBe(
      "Property name   contains invalid character ' '",
    )
  })

  it('are refused when they are depth bombs, without being followed', () => {
    const message = 'Nested depth of twin property exceeds 10'
    const bomb = nested(200_000) as JsonObject
    expect(evalTwin({ validateReported: bomb })).toEqual({ error: { code: 400, message } })
    expect(evalTwin({ validateReported: { 'a.': 1, bomb } })).toMatchObject({
      error: { code: 400 },
    })
    expect(evalTwin({ target: {}, patch: bomb })).toEqual({ error: { code: 400, message } })
    expect(evalTwin({ target: bomb, patch: {} })).toEqual({ error: { code: 400, message } })
    expect(updateTwin(undefined, { patches: { desired: bomb } }, options)).toEqual({
      rejected: { code: 400, message },
    })
  })
})

describe('updateTwin', () => {
  it('starts every section at $version 1 and counts each by itself', () => {
    expect(twinForDevice(undefined, AZURE_IOT_HUB)).toEqual({
      desired: { $version: 1 },
      reported: { $version: 1 },
    })
    const first = accept(undefined, { patches: { reported: { t: 1 } } })
    expect(first.reportedVersion).toBe(2)
    const second = accept(first.document, {
      patches: { desired: { led: 'on', old: null }, tags: { site: 'roof' } },
    })
    expect(second.desiredNotification).toEqual({ led: 'on', old: null, $version: 2 })
    expect(twinForDevice(second.document, AZURE_IOT_HUB)).toEqual({
      desired: { led: 'on', $version: 2 },
      reported: { t: 1, $version: 2 },
    })
    expect(twinForBackEnd(second.document, AZURE_IOT_HUB)).toEqual({
      version: 3,
      tags: { site: 'roof' },
      properties: {
        desired: {
          led: 'on',
          $metadata: {
            $lastUpdated: '1970-01-01T00:00:10.000Z',
            $lastUpdatedVersion: 2,
            led: { $lastUpdated: '1970-01-01T00:00:10.000Z', $lastUpdatedVersion: 2 },
          },
          $version: 2,
        },
        reported: {
          t: 1,
          $metadata: {
            $lastUpdated: '1970-01-01T00:00:10.000Z',
            t: { $lastUpdated: '1970-01-01T00:00:10.000Z' },
          },
          $version: 2,
        },
      },
    })
  })

  it('says of each desired value which version wrote it last, of an object the newest', () => {
    const first = accept(undefined, { patches: { desired: { a: { b: 1, c: [1] }, d: {} } } })
    const second = accept(first.document, { patches: { desired: { a: { c: [2, 3] } } } })
    const third = accept(second.document, { patches: { reported: { a: 1 } } })
    const { properties } = twinForBackEnd(third.document, AZURE_IOT_HUB) as { properties: Json }
    expect(properties).toMatchObject({
      desired: {
        $version: 3,
        $metadata: {
          $lastUpdatedVersion: 3,
          a: {
            $lastUpdatedVersion: 3,
            b: { $lastUpdatedVersion: 2 },
            c: { $lastUpdatedVersion: 3 },
          },
          d: { $lastUpdatedVersion: 2 },
        },
      },
    })
    expect(JSON.stringify((properties as { reported: Json }).reported)).not.toContain('Version":3')
    const replaced = accept(third.document, { patches: { desired: { x: 1 } }, replace: true })
    expect(replaced.document.desiredVersions).toEqual({ x: 3 })
  })

  it('drops what the service itself adds, at the top only', () => {
    const desired = { a: 1, $version: 9, $metadata: { $lastUpdated: 'x' } }
    const change = accept(undefined, { patches: { desired } })
    expect(change.document.desired).toEqual({ a: 1 })
    expect(change.desiredNotification).toEqual({ a: 1, $version: 2 })
    expect(
      updateTwin(undefined, { patches: { desired: { a: { $version: 9 } } } }, options),
    ).toEqual({
      rejected: { code: 400, message: "Property name $version contains invalid character '$'" },
    })
  })

  it('replaces whole sections and tells the device what changed', () => {
    const before = accept(undefined, {
      patches: { desired: { a: 1, b: { c: 1, d: 2 } }, tags: { x: 1, y: 2 } },
    }).document
    const change = accept(
      before,
      { patches: { desired: { b: { c: 1 }, e: 5 }, tags: { y: 3 } }, replace: true },
      20,
    )
    expect(change.document).toMatchObject({
      desired: { b: { c: 1 }, e: 5 },
      tags: { y: 3 },
      desiredVersion: 2,
    })
    expect(change.document.tags).toEqual({ y: 3 })
    expect(change.document.metadata.desired).toEqual({
      b: { c: { timestamp: 20 } },
      e: { timestamp: 20 },
    })
    expect(change.desiredNotification).toEqual({ a: null, b: { d: null }, e: 5, $version: 3 })
    const cleared = accept(before, { patches: { desired: null, tags: null } })
    expect(cleared.desiredNotification).toEqual({ a: null, b: null, $version: 3 })
    expect(cleared.document).not.toHaveProperty('tags')
  })

  it('writes only over the version that was read', () => {
    const { document } = accept(undefined, { patches: { tags: { a: 1 } } })
    const write = (version: number) =>
      updateTwin(document, { patches: { tags: { a: 2 } }, version }, options)
    expect(write(2)).toHaveProperty('document')
    expect(write(1)).toEqual({
      rejected: { code: 412, message: 'Precondition failed: expected version 2, found 1' },
    })
  })

  it.each([
    ['tags', 8_192],
    ['desired', 32_768],
    ['reported', 32_768],
  ] as const)(
    'keeps %s within %i bytes: names and texts by length, 8 for a number, 4 for a bool',
    (name, limit) => {
      const fill = (bytes: number): JsonObject => {
        const patch: Record<string, Json> = { n: 1, b: true, ä: [2], o: { p: false } }
        for (let index = 100, left = bytes - 9 - 5 - 10 - 6; left > 0; index++, left -= 1_003) {
          patch[`k${String(index).slice(1)}`] = 'x'.repeat(Math.min(1_000, left - 3))
        }
        return patch
      }
      expect(updateTwin(undefined, { patches: { [name]: fill(limit) } }, options)).toHaveProperty(
        'document',
      )
      expect(updateTwin(undefined, { patches: { [name]: fill(limit + 1) } }, options)).toEqual({
        rejected: {
          code: 400,
          message: `Twin properties size ${limit + 1} exceeds maximum ${limit}`,
        },
      })
      const full = accept(undefined, { patches: { [name]: fill(limit) } }).document
      expect(updateTwin(full, { patches: { [name]: { q: '' } } }, options)).toHaveProperty(
        'rejected',
      )
      expect(updateTwin(full, { patches: { [name]: { n: null, q: '' } } }, options)).toHaveProperty(
        'document',
      )
    },
  )

  it('leads the device to the desired section, by its notifications alone', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(named, fc.boolean()), { maxLength: 6 }), (writes) => {
        let document: ShadowDocument | undefined
        let device = twinForDevice(undefined, AZURE_IOT_HUB)['desired'] as JsonObject
        for (const [desired, replace] of writes) {
          const change = accept(document, freeze({ patches: { desired }, replace }))
          document = change.document
          const followed = followDesired(device, change.desiredNotification!)
          if (followed.status !== 'applied') throw new Error(followed.status)
          device = followed.section
        }
        expect(device).toEqual(twinForDevice(document, AZURE_IOT_HUB)['desired'])
      }),
    )
  })

  it('tells a device that missed one to read again', () => {
    expect(followDesired({ $version: 3 }, { a: 1, $version: 5 })).toEqual({ status: 'gap' })
    expect(followDesired({ $version: 3 }, { a: 1, $version: 3 })).toEqual({ status: 'stale' })
  })
})

describe('parseTwinPatch', () => {
  it.each([
    ['{"a":1}', { patch: { a: 1 } }],
    ['{', { rejected: { code: 400, message: 'The request is not JSON' } }],
    ['[]', { rejected: { code: 400, message: 'Twin properties must be a JSON object' } }],
    [Uint8Array.of(0xff), { rejected: { code: 400, message: 'The request is not in UTF-8' } }],
    ['x'.repeat(262_145), { rejected: { code: 413, message: 'The request is too large' } }],
  ])('%.20s', (body, expected) => {
    expect(parseTwinPatch(body, AZURE_IOT_HUB)).toEqual(expected)
  })
})

describe('evalTwin', () => {
  const usage = 'expected {"target": …, "patch": …} or {"validateReported": …}'

  it.each([
    [5, { error: { code: 'input.malformed', message: usage } }],
    [{ target: {} }, { error: { code: 'input.malformed', message: usage } }],
    [
      { validateReported: [] },
      { error: { code: 400, message: 'Twin properties must be a JSON object' } },
    ],
    [{ target: 1, patch: { a: null } }, { result: { a: null } }],
    [{ target: { a: 1 }, patch: 2 }, { result: 2 }],
  ])('%j', (line, expected) => expect(evalTwin(line as Json)).toEqual(expected))

  it('keeps __proto__ a key', () => {
    const patch = JSON.parse('{"__proto__":{"polluted":1}}')
    expect(JSON.stringify(evalTwin({ target: {}, patch }))).toBe(
      '{"result":{"__proto__":{"polluted":1}}}',
    )
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})

it('an acknowledgement has a value, a code and a version', () => {
  for (const value of [
    1,
    { value: 1 },
    { value: 1, ac: 200 },
    { ac: 200, av: 1 },
    { value: 1, ac: '200', av: 1 },
  ]) {
    expect(readPropertyAck(value)).toBeUndefined()
  }
  expect(readPropertyAck({ value: null, ac: 200, av: 1 })).toEqual({
    value: null,
    code: 200,
    version: 1,
  })
})

/** Names that a twin may have. */
const named = section
  .map((value) => JSON.parse(JSON.stringify(value).replaceAll('"a/b"', '"ab"')) as JsonObject)
  .filter((value) => twinPatchFault(value, AZURE_IOT_HUB) === undefined)

function accept(
  document: ShadowDocument | undefined,
  update: Parameters<typeof updateTwin>[1],
  at = 10,
) {
  const change = updateTwin(document, update, { ...options, at })
  if ('rejected' in change) throw new Error(change.rejected.message)
  return change
}

function stored(desired: JsonObject, reported: JsonObject): ShadowDocument {
  const count = (part: JsonObject) => Number(part['$version'] ?? 1) - AZURE_IOT_HUB.firstVersion
  return {
    ...newShadow(0),
    desired: withoutServiceProperties(desired),
    reported: withoutServiceProperties(reported),
    desiredVersion: count(desired),
    reportedVersion: count(reported),
  }
}
