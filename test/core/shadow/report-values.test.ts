import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  AWS_SHADOW,
  reportValues,
  type ShadowDocument,
  updateShadow,
} from '../../../core/shadow/index.ts'
import { flat, freeze, object, section } from './arbitrary.ts'

const dialect = { ...AWS_SHADOW, maxStateBytes: 1_000_000 }

function update(document: ShadowDocument | undefined, state: object, at: number): ShadowDocument {
  const change = updateShadow(document, { state }, { at, dialect })
  if ('rejected' in change) throw new Error(change.rejected.message)
  return change.document
}

describe('reportValues', () => {
  it('equals an update with the same reported values', () => {
    fc.assert(
      fc.property(
        object,
        object,
        fc.array(fc.oneof(flat, section), { maxLength: 4 }),
        (desired, reported, batches) => {
          let quick: ShadowDocument | undefined = update(undefined, { desired, reported }, 1)
          let slow: ShadowDocument | undefined = quick
          for (const [index, values] of batches.entries()) {
            quick = reportValues(quick, freeze(values), index + 2)
            slow = update(slow, { reported: values }, index + 2)
          }
          expect(quick).toEqual(slow)
        },
      ),
    )
  })

  it('equals it where several come within one second, and what is stamped already stays as it is', () => {
    fc.assert(
      fc.property(object, fc.array(fc.oneof(flat, section), { maxLength: 4 }), (state, batches) => {
        let quick: ShadowDocument | undefined = update(undefined, { reported: state }, 1)
        let slow: ShadowDocument | undefined = quick
        for (const [index, values] of batches.entries()) {
          const at = 1 + (index >> 1)
          quick = reportValues(quick, freeze(values), at)
          slow = update(slow, { reported: values }, at)
        }
        expect(quick).toEqual(slow)
      }),
    )
    const first = reportValues(undefined, { t: 20 }, 7)
    expect(reportValues(freeze(first as never), { t: 21 }, 7).metadata).toBe(first.metadata)
    expect(reportValues(first, { t: 21 }, 8).metadata.reported).toEqual({ t: { timestamp: 8 } })
  })

  it('equals it on no document at all', () => {
    fc.assert(
      fc.property(flat, (values) => {
        expect(reportValues(undefined, values, 7)).toEqual(
          update(undefined, { reported: values }, 7),
        )
      }),
    )
  })

  it('leaves everything that it does not name the same object', () => {
    const before = update(
      undefined,
      { desired: { led: { on: true } }, reported: { t: 20, gps: { lat: 1 }, mode: 'eco' } },
      1,
    )
    const after = reportValues(freeze(before as never), { t: 21 }, 2)
    expect(after.reported).toEqual({ t: 21, gps: { lat: 1 }, mode: 'eco' })
    expect(after.reported?.['gps']).toBe(before.reported?.['gps'])
    expect(after.desired).toBe(before.desired)
    expect(after.metadata.desired).toBe(before.metadata.desired)
    expect(after.metadata.reported?.['gps']).toBe(before.metadata.reported?.['gps'])
    expect(after.metadata.reported?.['mode']).toEqual({ timestamp: 1 })
    expect(after.metadata.reported?.['t']).toEqual({ timestamp: 2 })
    expect(after).toMatchObject({ version: 2, desiredVersion: 1, reportedVersion: 2, updatedAt: 2 })
  })

  it('stamps values that are the same as before and keeps the section', () => {
    const before = update(undefined, { reported: { t: 20, u: 1 } }, 1)
    const after = reportValues(before, { t: 20 }, 2)
    expect(after.reported).toBe(before.reported)
    expect(after.metadata.reported).toEqual({ t: { timestamp: 2 }, u: { timestamp: 1 } })
    expect(after.version).toBe(2)
  })

  it('brings a deleted shadow back to life', () => {
    const tombstone = {
      metadata: {},
      version: 4,
      desiredVersion: 1,
      reportedVersion: 2,
      updatedAt: 1,
      deletedAt: 1,
    }
    expect(reportValues(tombstone, { t: 1 }, 2)).toEqual({
      reported: { t: 1 },
      metadata: { reported: { t: { timestamp: 2 } } },
      version: 5,
      desiredVersion: 1,
      reportedVersion: 3,
      updatedAt: 2,
    })
  })
})
