import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  afterAnswer,
  afterFailure,
  askPassage,
  type Circuit,
  CLOSED,
  isOpen,
} from '../../../core/notifications/circuit.ts'

const RANDOM = { random: 0.999999 }

function failing(times: number, at = 0, from = CLOSED): Circuit {
  let circuit = from
  for (let time = 0; time < times; time++) circuit = afterFailure(circuit, at, RANDOM)
  return circuit
}

describe('the circuit of an endpoint', () => {
  it('stays closed up to four failures in a row, and an answer forgets them', () => {
    const circuit = failing(4)
    expect(isOpen(circuit)).toBe(false)
    expect(askPassage(circuit, 0)).toMatchObject({ passes: true })
    expect(failing(4, 0, afterAnswer())).toEqual(circuit)
  })

  it('opens at the fifth, for 5 s', () => {
    const circuit = failing(5, 1_000)
    expect(isOpen(circuit)).toBe(true)
    expect(askPassage(circuit, 1_000)).toEqual({ passes: false, until: 6_000 })
    expect(askPassage(circuit, 5_999)).toMatchObject({ passes: false })
  })

  it('lets one probe through at a time', () => {
    const first = askPassage(failing(5), 5_000)
    if (!first.passes) throw new Error('expected a probe')
    expect(askPassage(first.circuit, 5_000)).toEqual({ passes: false, until: 10_000 })
    expect(askPassage(afterAnswer(), 5_001)).toMatchObject({ passes: true })
  })

  it('a probe that is never heard of again lets the next through after a minute', () => {
    const first = askPassage(failing(5), 5_000)
    if (!first.passes) throw new Error('expected a probe')
    expect(askPassage(first.circuit, 64_999)).toMatchObject({ passes: false })
    expect(askPassage(first.circuit, 65_000)).toMatchObject({ passes: true })
  })

  it('rests twice as long after each probe that fails, up to five minutes', () => {
    let circuit = failing(5)
    const rests: number[] = []
    for (let probe = 0; probe < 8; probe++) {
      rests.push(circuit.restMs)
      const now = circuit.restsUntil
      const passage = askPassage(circuit, now)
      if (!passage.passes) throw new Error('expected a probe')
      circuit = afterFailure(passage.circuit, now, RANDOM)
    }
    expect(rests).toEqual([5e3, 10e3, 20e3, 40e3, 80e3, 160e3, 300e3, 300e3])
  })

  it('rests at least as long as the endpoint asked for', () => {
    const circuit = afterFailure(failing(4), 0, { random: 0, askedForMs: 60_000 })
    expect(circuit.restsUntil).toBe(60_000)
  })

  it('what was under way when the rest began does not lengthen it', () => {
    const circuit = failing(5)
    expect(failing(20, 100, circuit)).toMatchObject({
      restsUntil: circuit.restsUntil,
      restMs: circuit.restMs,
    })
  })

  it('whatever happens, it never rests longer than five minutes by itself, and never for ever', () => {
    const events = fc.array(fc.record({ ok: fc.boolean(), wait: fc.nat(400_000) }))
    fc.assert(
      fc.property(events, (all) => {
        let circuit = CLOSED
        let now = 0
        for (const { ok, wait } of all) {
          now += wait
          const passage = askPassage(circuit, now)
          if (!passage.passes) {
            expect(passage.until).toBeGreaterThan(now)
            expect(passage.until).toBeLessThanOrEqual(now + 300_000)
            continue
          }
          circuit = ok ? afterAnswer() : afterFailure(passage.circuit, now, { random: 0.5 })
        }
      }),
      { seed: 10 },
    )
  })
})
