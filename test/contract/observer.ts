import { describe, expect, it } from 'vitest'
import type { Observer } from '../../core/index.ts'

export interface ObserverSubject {
  readonly observer: Observer
  /** What was counted under a name so far, facts added up. */
  count(name: string): number
  /** The log so far, one entry a line. */
  lines(): readonly string[]
}

/** What every Observer must do. */
export function observerContract(name: string, open: () => ObserverSubject): void {
  describe(`${name}: Observer contract`, () => {
    it('adds up what is counted, with facts and without', () => {
      const subject = open()
      subject.observer.count('rule.matched', 2, { ruleId: 'hot' })
      subject.observer.count('rule.matched', 3, { ruleId: 'cold' })
      subject.observer.count('rule.matched', 1)
      subject.observer.count('other', 1)
      expect(subject.count('rule.matched')).toBe(6)
      expect(subject.count('other')).toBe(1)
      expect(subject.count('nothing')).toBe(0)
    })

    it('writes one entry for one log, whatever the text', () => {
      const subject = open()
      subject.observer.log('info', 'first')
      subject.observer.log('error', 'two\nlines "quoted"', { deviceId: 'dev-1\n', messages: 3 })
      expect(subject.lines()).toHaveLength(2)
      expect(subject.lines()[1]).toContain('dev-1')
    })

    it.each([
      ['count', (observer: Observer) => observer.count('', Number.NaN, { '': '' })],
      ['count, many facts', manyFacts],
      ['time', (observer: Observer) => observer.time('x', -1)],
      ['time, not a number', (observer: Observer) => observer.time('x', Number.NaN)],
      ['log', (observer: Observer) => observer.log('warn', '', { n: Number.POSITIVE_INFINITY })],
      [
        'names of methods',
        (observer: Observer) => observer.count('constructor', 1, { toString: 'x' }),
      ],
    ])('never throws: %s', (_, call) => {
      expect(() => call(open().observer)).not.toThrow()
    })
  })
}

function manyFacts(observer: Observer): void {
  for (let index = 0; index < 20_000; index++) observer.count('many', 1, { id: `${index}` })
}
