import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CoreError } from '../../../core/index.ts'
import {
  compileNotificationTemplate,
  renderTopic,
  SAMPLE,
} from '../../../core/notifications/template.ts'

const EN = { locale: 'en', timeZone: 'UTC' }
const DE = { locale: 'de-DE', timeZone: 'Europe/Berlin' }

describe('templates of channels', () => {
  it.each([
    ['{{subject}}', EN, 'too-warm raised on dev-1'],
    ['{{ deviceId }} is {{severity | upper}}', EN, 'dev-1 is CRITICAL'],
    ['{{data.temp}}', EN, '9.5'],
    ['{{data.temp | number 2}}', EN, '9.50'],
    ['{{data.temp | number 2}}', DE, '9,50'],
    ['{{data.status | number}}', EN, 'active'],
    ['{{at | date}}', DE, '15. Juni 2025'],
    ['{{at | time}}', DE, '15.06.2025, 17:06'],
    ['{{data}}', EN, '{"alarmId":"too-warm","status":"active","temp":9.5}'],
    ['{{data.none}}|{{data.temp.deep}}|{{data.constructor}}', EN, '||'],
    ['nothing to fill', EN, 'nothing to fill'],
  ])('%s', (text, locale, expected) => {
    expect(compileNotificationTemplate(text, locale)(SAMPLE)).toBe(expected)
  })

  it.each([
    ['{{}}', EN, 'expected a path'],
    ['{{data..x}}', EN, 'expected a path'],
    ['{{a b}}', EN, 'expected a path'],
    ['{{temp}}', EN, 'expected one of deviceId'],
    ['{{data.temp | money}}', EN, 'expected number, time, date or upper'],
    ['{{data.temp | number x}}', EN, 'expected 0 to 20 digits'],
    ['{{data.temp | number 1 2}}', EN, 'expected number, time'],
    ['{{data.temp', EN, 'stands alone'],
    ['data.temp}}', EN, 'stands alone'],
    ['x', { locale: 'no such', timeZone: 'UTC' }, 'expected a locale'],
    ['x', { locale: 'en', timeZone: 'Mars/Base' }, 'and a time zone'],
  ])('refuses %s and says why', (text, locale, says) => {
    expect(() => compileNotificationTemplate(text, locale)).toThrow(says)
  })

  it('whatever the text and the data: it renders, or says what is wrong', () => {
    fc.assert(
      fc.property(fc.string(), fc.jsonValue(), (text, value) => {
        try {
          const data = JSON.parse(JSON.stringify(value))
          const rendered = compileNotificationTemplate(text, DE)({ ...SAMPLE, data })
          expect(rendered.length).toBeLessThanOrEqual(10_000)
        } catch (error) {
          expect(error).toBeInstanceOf(CoreError)
        }
      }),
    )
  })

  it.each(['', ' | number', ' | upper', ' | time', ' | date'])(
    'writes an object that calls itself a text, as JSON%s',
    (format) => {
      const data = { odd: { toString: 1, valueOf: 'x' } }
      const rendered = compileNotificationTemplate(`{{data.odd${format}}}`, EN)({ ...SAMPLE, data })
      expect(rendered.toLowerCase()).toBe('{"tostring":1,"valueof":"x"}')
    },
  )

  it('fills a topic, and no device makes levels or wildcards of its own in it', () => {
    expect(renderTopic('alerts/{{severity}}/{{deviceId}}', SAMPLE)).toBe('alerts/critical/dev-1')
    expect(renderTopic('a/{{key}}', { ...SAMPLE, key: 'x/+/#' })).toBe('a/x____')
    expect(renderTopic('a/{{other}}', SAMPLE)).toBe('a/{{other}}')
  })
})
