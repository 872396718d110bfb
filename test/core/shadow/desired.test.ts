import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../../core/model/json.ts'
import {
  AWS_SHADOW,
  clearReachedDesired,
  expireDesired,
  explainDelta,
  type Lifetimes,
  nextDesiredExpiry,
  reportValues,
  type ShadowDocument,
  type ShadowState,
  shadowDelta,
  updateShadow,
} from '../../../core/shadow/index.ts'
import { freeze, section } from './arbitrary.ts'

const dialect = { ...AWS_SHADOW, maxStateBytes: 1_000_000 }

function update(
  document: ShadowDocument | undefined,
  state: ShadowState | null,
  at: number,
  lifetimes: Lifetimes = {},
) {
  const change = updateShadow(document, { state }, { at, dialect, ...lifetimes })
  if ('rejected' in change) throw new Error(change.rejected.message)
  return change.document
}

describe('a desired value with an expiry', () => {
  const first = update(undefined, { desired: { keep: 1, led: { on: true, blink: [1] } } }, 1)
  const dated = update(first, { desired: { led: { on: false }, fan: 2 } }, 2, { expiresAt: 100 })

  it('is known by its pointer; what another update wrote has none', () => {
    expect(dated.expires).toEqual({ '/led/on': 100, '/fan': 100 })
    expect(nextDesiredExpiry(dated)).toBe(100)
    expect(nextDesiredExpiry(first)).toBeUndefined()
  })

  it('goes when its time has come, not before', () => {
    expect(expireDesired(dated, 99)).toBe(dated)
    expect(expireDesired(first, 99)).toBe(first)
    const after = expireDesired(freeze(dated as never) as ShadowDocument, 100)
    expect(after).toEqual({
      desired: { keep: 1, led: { blink: [1] } },
      metadata: { desired: { keep: { timestamp: 1 }, led: { blink: [{ timestamp: 1 }] } } },
      version: 3,
      desiredVersion: 3,
      reportedVersion: 0,
      updatedAt: 100,
      desiredVersions: { keep: 1, led: { blink: 1 } },
    })
    expect(expireDesired(after, 1_000)).toBe(after)
  })

  it('takes emptied objects and an emptied section with it', () => {
    const document = update(undefined, { desired: { a: { b: { c: 1 } } } }, 1, { expiresAt: 5 })
    const after = expireDesired(document, 5)
    expect(after).not.toHaveProperty('desired')
    expect(after.metadata).toEqual({})
    expect(after).not.toHaveProperty('expires')
  })

  it('stays without expiry when it is written again, above or below, or removed', () => {
    const document = update(undefined, { desired: { a: 1, b: { c: 1 }, d: 1, e: 1, f: 1 } }, 1, {
      expiresAt: 50,
    })
    const rewritten = update(document, { desired: { a: 1, b: 5, d: { x: 1 }, e: null } }, 2)
    expect(rewritten.expires).toEqual({ '/f': 50 })
    expect(update(rewritten, { desired: { f: 2 } }, 3)).not.toHaveProperty('expires')
    expect(update(document, { desired: null }, 3)).not.toHaveProperty('expires')
    expect(update(document, null, 3)).not.toHaveProperty('expires')
    expect(update(document, { reported: { a: 1 } }, 3).expires).toBe(document.expires)
    expect(update(document, { desired: { a: 1 } }, 3, { expiresAt: 40 }).expires).toMatchObject({
      '/a': 40,
      '/f': 50,
    })
    expect(nextDesiredExpiry(update(document, { desired: { a: 1 } }, 3, { expiresAt: 40 }))).toBe(
      40,
    )
  })

  it('is not in what is sent', () => {
    const change = updateShadow(
      undefined,
      { state: { desired: { a: 1 } } },
      { at: 1, dialect, expiresAt: 9 },
    )
    const { document: _, ...messages } = change as { document: unknown }
    expect(JSON.stringify(messages)).not.toContain('expires')
  })
})

describe('desired values that are wanted once', () => {
  const asked = { desired: { led: 'on', fan: { speed: 3, dir: 'l' }, l: [1], e: {} } }
  const wanted = update(undefined, asked, 1, { expiresAt: 99, once: true })

  it('go with the report that reaches them, in one update and without a delta', () => {
    const state = { reported: { led: 'on', fan: { speed: 3 }, l: [2] } }
    const change = updateShadow(wanted, { state }, { at: 2, dialect })
    expect(change).toMatchObject({
      document: {
        desired: { fan: { dir: 'l' }, l: [1], e: {} },
        metadata: { desired: { fan: { dir: { timestamp: 1 } }, l: [{ timestamp: 1 }] } },
        version: 2,
        desiredVersion: 2,
        expires: { '/fan/dir': 99, '/l': 99, '/e': 99 },
        desiredVersions: { fan: { dir: 1 }, l: 1, e: 1 },
      },
      delta: { state: { fan: { dir: 'l' }, l: [1], e: {} } },
    })
    const last = updateShadow(wanted, { state: { reported: wanted.desired! } }, { at: 2, dialect })
    for (const gone of ['delta', 'document.desired', 'document.expires', 'document.wishes'])
      expect(last).not.toHaveProperty(gone)
  })

  it('stay if they were written again without that, and go alone', () => {
    const again = update(wanted, { desired: { fan: { dir: 'l' }, l: [1] } }, 2)
    const reached = update(again, { reported: wanted.desired! }, 3)
    expect(reached.desired).toEqual({ fan: { dir: 'l' }, l: [1] })
    const other = update(update(undefined, { desired: { a: 1 } }, 1), { desired: { b: 1 } }, 2, {
      once: true,
    })
    expect(update(other, { reported: { a: 1, b: 1 } }, 3).desired).toEqual({ a: 1 })
  })

  it('go at once where the device reports them already', () => {
    const reported = update(undefined, { reported: { a: 1 } }, 1)
    const document = update(reported, { desired: { a: 1, b: 2 } }, 2, { once: true })
    expect(document).toMatchObject({ desired: { b: 2 }, desiredVersion: 1, version: 2 })
  })

  it('go after measured values too; nothing reached is nothing done', () => {
    const first = update(undefined, { desired: { t: 20, u: 1 } }, 1, { once: true })
    const reported = reportValues(first, { t: 20 }, 2)
    const cleared = clearReachedDesired(freeze(reported as never) as ShadowDocument, 2)
    expect(cleared).toMatchObject({
      desired: { u: 1 },
      version: 3,
      desiredVersion: 2,
      reportedVersion: 1,
    })
    expect(clearReachedDesired(cleared, 3)).toBe(cleared)
    expect(clearReachedDesired(first, 3)).toBe(first)
    expect(clearReachedDesired(update(undefined, {}, 1), 3)).toMatchObject({ version: 1 })
  })

  it('leave exactly the delta', () => {
    fc.assert(
      fc.property(section, section, (desired, reported) => {
        const document = update(undefined, { desired, reported }, 1, { once: true })
        expect(document.desired).toEqual(
          shadowDelta(desired, Object.keys(reported).length === 0 ? undefined : reported),
        )
      }),
    )
  })
})

describe('who wants what', () => {
  it('is told for each value by the update that wrote it last', () => {
    let document = update(undefined, { desired: { a: { b: 1, c: 1 }, d: 1, l: [1, 2] } }, 10, {
      by: 'admin',
    })
    document = update(document, { desired: { a: { c: 2 }, l: [3] } }, 20, {
      by: 'rule night',
      expiresAt: 99,
    })
    document = update(document, { desired: { d: 2 } }, 30)
    expect(
      explainDelta(document).map(({ pointer, wantedBy, wantedSince, expiresAt }) => [
        pointer,
        wantedBy,
        wantedSince,
        expiresAt,
      ]),
    ).toEqual([
      ['/a/b', 'admin', 10, undefined],
      ['/a/c', 'rule night', 20, 99],
      ['/d', undefined, 30, undefined],
      ['/l', 'rule night', 20, 99],
    ])
    expect(document.desiredVersions).toEqual({ a: { b: 1, c: 2 }, d: 3, l: 2 })
  })

  it('is forgotten with the values, however many updates come', () => {
    let document: ShadowDocument | undefined
    for (let n = 0; n < 500; n++)
      document = update(document, { desired: { [`k${n % 5}`]: n } }, n, { by: `rule ${n}` })
    expect(Object.keys(document?.wishes ?? {}).length).toBeLessThanOrEqual(33)
    expect(explainDelta(document!).map(({ wantedBy }) => wantedBy)).toEqual(
      [495, 496, 497, 498, 499].map((n) => `rule ${n}`),
    )
    expect(update(document, { desired: null }, 600)).not.toHaveProperty('wishes')
  })

  it('is not in what is sent', () => {
    const options = { at: 1, dialect, by: 'admin-secret', once: true }
    const change = updateShadow(undefined, { state: { desired: { a: 1 } } }, options)
    const { document, ...messages } = change as { document: unknown }
    expect(JSON.stringify(document)).toContain('admin-secret')
    expect(JSON.stringify(messages)).not.toMatch(/admin-secret|wishes|Versions|once/)
  })
})

/** Neither who wants it nor until when was told. */
const untold = { wantedBy: undefined, expiresAt: undefined }

describe('explainDelta', () => {
  it('names every value that is wanted and not there: since when, and what was said last', () => {
    let document = update(
      undefined,
      { desired: { 'a/b': { c: 1, d: 2 }, list: [1, { x: 2 }], e: {} } },
      10,
    )
    document = update(document, { reported: { 'a/b': { c: 0, d: 2 }, list: [1] } }, 20)
    document = update(document, { desired: { shape: { x: 1 }, list: [1, 3] } }, 30)
    document = update(document, { reported: { shape: 5 } }, 40)
    expect(explainDelta(document)).toEqual([
      { pointer: '/a~1b/c', desired: 1, wantedSince: 10, ...untold, reported: 0, reportedAt: 20 },
      {
        pointer: '/list',
        desired: [1, 3],
        wantedSince: 30,
        ...untold,
        reported: [1],
        reportedAt: 20,
      },
      {
        pointer: '/e',
        desired: {},
        wantedSince: undefined,
        ...untold,
        reported: undefined,
        reportedAt: undefined,
      },
      {
        pointer: '/shape',
        desired: { x: 1 },
        wantedSince: 30,
        ...untold,
        reported: 5,
        reportedAt: 40,
      },
    ])
  })

  it('goes down into what was never reported', () => {
    const document = update(undefined, { desired: { a: { b: { c: 1 } } } }, 10)
    expect(explainDelta(document)).toEqual([
      {
        pointer: '/a/b/c',
        desired: 1,
        wantedSince: 10,
        ...untold,
        reported: undefined,
        reportedAt: undefined,
      },
    ])
  })

  it('has the leaves of the delta, and none without one', () => {
    fc.assert(
      fc.property(section, section, (desired, reported) => {
        const document = update(undefined, { desired, reported }, 1)
        const leaves = explainDelta(document)
        expect(leaves.length === 0).toBe(
          shadowDelta(document.desired, document.reported) === undefined,
        )
        expect(new Set(leaves.map(({ pointer }) => pointer)).size).toBe(leaves.length)
      }),
    )
    const none: JsonObject = {}
    expect(explainDelta(update(undefined, { desired: none }, 1))).toEqual([])
  })
})
