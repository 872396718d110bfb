import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Delivery,
  fanOut,
  type Notification,
  renderMail,
  renderText,
  renderWebhook,
} from '../../../core/index.ts'

function notification(changes: Partial<Notification> = {}): Notification {
  return {
    key: 'dev-1/alarm/hot/1750000000000/raised/7',
    channelIds: ['ops'],
    deviceId: 'dev-1',
    severity: 'critical',
    subject: 'hot raised on dev-1',
    text: 'at 31 °C',
    at: 1_750_000_000_000,
    data: { alarmId: 'hot' },
    ...changes,
  }
}

function delivery(changes: Partial<Notification> = {}): Delivery {
  const one = notification(changes)
  return { key: `${one.key}>ops`, channelId: 'ops', notification: one, attempts: 0 }
}

describe('fanOut', () => {
  it('makes one delivery for each channel, each with a key of its own', () => {
    const one = notification({ channelIds: ['ops', 'mail', 'ops'] })
    expect(fanOut(one)).toEqual([
      { key: `${one.key}>ops`, channelId: 'ops', notification: one, attempts: 0 },
      { key: `${one.key}>mail`, channelId: 'mail', notification: one, attempts: 0 },
    ])
    expect(fanOut(notification({ channelIds: [] }))).toEqual([])
  })
})

describe('renderWebhook', () => {
  it('says what happened, for programs', () => {
    expect(renderWebhook(delivery())).toMatchObject({
      deviceId: 'dev-1',
      severity: 'critical',
      subject: 'hot raised on dev-1',
      text: 'at 31 °C',
      at: '2025-06-15T15:06:40.000Z',
      data: { alarmId: 'hot' },
    })
  })

  it('names a delivery the same at every try', () => {
    const first = renderWebhook(delivery())
    expect(renderWebhook({ ...delivery(), attempts: 5 })).toEqual(first)
  })
})

describe('renderMail', () => {
  it('says what happened, for people', () => {
    const mail = renderMail(delivery())
    expect(mail.subject).toBe('[critical] hot raised on dev-1')
    expect(mail.text.split('\n')).toEqual([
      'at 31 °C',
      '',
      'Device    dev-1',
      'Severity  critical',
      'Time      2025-06-15T15:06:40.000Z',
      '',
    ])
  })

  it('has the subject for a text where there is none', () => {
    expect(renderMail(delivery({ text: '' })).text).toMatch(/^hot raised on dev-1\n/)
  })

  it.each([
    'x\r\nBcc: victim@example.org',
    'x\nBcc: victim@example.org',
    'x\rBcc: victim@example.org',
    'x\r\n\r\nbody',
    'x\u0000y',
    'x\u000b\u000c\u0085y',
    '\r\n',
  ])('never lets a header end in the subject: %j', (subject) => {
    expect(renderMail(delivery({ subject })).subject).not.toMatch(/\p{Cc}/u)
  })

  it('has one line for a subject and for an id, whatever a device sends', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (subject, key) => {
        const mail = renderMail(delivery({ subject, key }))
        expect(mail.subject).not.toMatch(/\p{Cc}/u)
        expect(mail.subject.length).toBeLessThanOrEqual(200)
        expect(mail.messageId).toMatch(/^<[^\s<>@]+@anyhub>$/)
      }),
    )
  })

  it('names a mail the same at every try, and two deliveries never the same', () => {
    expect(renderMail({ ...delivery(), attempts: 5 }).messageId).toBe(
      renderMail(delivery()).messageId,
    )
    const ids = ['a:b', 'a_b', 'a/b', 'a b', 'a%b', 'a%3ab', 'ä'].map(
      (key) => renderMail(delivery({ key })).messageId,
    )
    expect(new Set(ids).size).toBe(ids.length)
  })
})

describe('renderText', () => {
  it('says in one line what matters', () => {
    expect(renderText(delivery())).toBe('[critical] hot raised on dev-1: at 31 °C')
    expect(renderText(delivery({ text: '' }))).toBe('[critical] hot raised on dev-1')
    expect(renderText(delivery({ text: 'two\nlines\u0000' }))).toBe(
      '[critical] hot raised on dev-1: two lines ',
    )
  })

  it('is no longer than a text message may be', () => {
    expect(renderText(delivery({ text: 'x'.repeat(5_000) }))).toHaveLength(1_600)
  })
})
