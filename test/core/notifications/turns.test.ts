import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SAMPLE } from '../../../core/notifications/template.ts'
import { isUrgent, takeTurns } from '../../../core/notifications/turns.ts'

const waiting = (priority: number, dueAt: number) => ({ priority, dueAt })

describe('takeTurns: a priority per message that overtakes, and cannot starve the rest', () => {
  it('a critical one among 10,000 is the first', () => {
    const low = Array.from({ length: 10_000 }, (_, index) => waiting(2, index))
    const critical = waiting(9, 10_000)
    expect(takeTurns([...low, critical], 10)[0]).toBe(critical)
  })

  it('one turn in four goes to what waits longest', () => {
    const urgent = Array.from({ length: 100 }, (_, index) => waiting(8, 1_000 + index))
    const low = Array.from({ length: 100 }, (_, index) => waiting(0, index))
    const order = takeTurns([...urgent, ...low], 12).map(({ priority }) => priority)
    expect(order).toEqual([8, 8, 8, 0, 8, 8, 8, 0, 8, 8, 8, 0])
  })

  it('also in batches of one, where turns are counted', () => {
    const due = [waiting(8, 5), waiting(8, 6), waiting(0, 1)]
    const first = [0, 1, 2, 3].map((turn) => takeTurns(due, 1, turn)[0]?.priority)
    expect(first).toEqual([8, 8, 8, 0])
  })

  it('among equals the longest due is first', () => {
    const order = takeTurns([waiting(5, 3), waiting(5, 1), waiting(5, 2)], 3)
    expect(order.map(({ dueAt }) => dueAt)).toEqual([1, 2, 3])
  })

  it('takes each once, no more than asked for, and leaves what it was given', () => {
    const one = fc.record({ priority: fc.nat(9), dueAt: fc.nat(50) })
    fc.assert(
      fc.property(fc.array(one), fc.nat(40), fc.nat(7), (due, limit, turn) => {
        const before = [...due]
        const taken = takeTurns(due, limit, turn)
        expect(due).toEqual(before)
        expect(taken).toHaveLength(Math.min(limit, due.length))
        expect(new Set(taken).size).toBe(taken.length)
      }),
      { seed: 10 },
    )
  })
})

describe('isUrgent', () => {
  it.each([
    { severity: 'critical', priority: undefined, urgent: true },
    { severity: 'warning', priority: undefined, urgent: false },
    { severity: 'info', priority: 7, urgent: true },
    { severity: 'critical', priority: 6, urgent: false },
  ] as const)('$severity with priority $priority: $urgent', ({ severity, priority, urgent }) => {
    const said = priority === undefined ? {} : { priority }
    expect(isUrgent({ ...SAMPLE, severity, ...said })).toBe(urgent)
  })
})
