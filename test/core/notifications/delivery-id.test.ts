import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deliveryId, mailMessageId } from '../../../core/notifications/delivery-id.ts'

const delivery = (key: string) => ({
  key,
  channelId: 'hook',
  attempts: 0,
  notification: {
    key,
    channelIds: ['hook'],
    deviceId: 'dev-1',
    severity: 'info' as const,
    subject: '',
    text: '',
    at: 0,
    data: null,
  },
})

describe('deliveryId', () => {
  it('leaves a usual key as it is', () => {
    const key = 'dev-1/alarm/too_hot/1700000000000/raised>ops-hook+0lq2'
    expect(deliveryId(delivery(key))).toBe(key)
  })

  it.each([
    ['a.b', 'a%2eb'],
    ['50%', '50%25'],
    ['a\r\nX-Evil: 1', 'a%0d%0aX-Evil:%201'],
    ['Sensor Küche', 'Sensor%20K%c3%bcche'],
    ['温度', '%e6%b8%a9%e5%ba%a6'],
  ])('writes %j as %j', (key, expected) => expect(deliveryId(delivery(key))).toBe(expected))

  it('never gives two keys the same id, nor one that a header could not hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
        expect(deliveryId(delivery(a))).toMatch(/^[!-~]*$/)
        expect(deliveryId(delivery(a))).not.toContain('.')
        expect(deliveryId(delivery(a)) === deliveryId(delivery(b))).toBe(a === b)
        expect(mailMessageId(delivery(a)) === mailMessageId(delivery(b))).toBe(a === b)
      }),
    )
  })
})

describe('mailMessageId', () => {
  it('is a dot-atom on both sides of the @', () => {
    const id = mailMessageId(delivery('d.1:x/alarm/hot/17/raised>ops@x <y> "z"'))
    expect(id).toBe('<d%2e1%3ax/alarm/hot/17/raised%3eops%40x%20%3cy%3e%20%22z%22@anyhub>')
    expect(id).toMatch(/^<[a-zA-Z0-9!#$%&'*+\-/=?^_`{|}~]+@[a-zA-Z0-9]+>$/)
  })
})
