import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { signWebhook, verifyWebhook } from '../../../adapters/node/signature.ts'

describe('signWebhook', () => {
  // Source: the test vector of the Standard Webhooks libraries.
  const published = {
    secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    timestamp: 1_614_265_330,
    body: '{"test": 2432232314}',
    signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  }

  it('agrees with the published vector', () => {
    const { secret, id, timestamp, body, signature } = published
    expect(signWebhook(secret, id, timestamp, body)).toBe(signature)
    expect(verifyWebhook(secret, id, timestamp, body, signature)).toBe(true)
  })

  it('takes the bytes of a secret without the prefix as they are', () => {
    const secret = 'pässwörd that is long'
    const digest = createHmac('sha256', Buffer.from(secret, 'utf8'))
      .update('key.17.{"a":"ü"}')
      .digest('base64')
    expect(signWebhook(secret, 'key', 17, '{"a":"ü"}')).toBe(`v1,${digest}`)
  })

  it('finds the right one among several signatures, as after a change of the secret', () => {
    const { secret, id, timestamp, body, signature } = published
    const other = signWebhook('another secret of mine', id, timestamp, body)
    expect(verifyWebhook(secret, id, timestamp, body, `${other} ${signature}`)).toBe(true)
    expect(verifyWebhook(secret, id, timestamp, body, `v1a,xyz= ${other}`)).toBe(false)
  })

  it.each([
    ['another id', { id: 'msg_p5jXN8AQM9LWM0D4loKWxJel' }],
    ['another time', { timestamp: 1_614_265_331 }],
    ['another body', { body: '{"test": 2432232315}' }],
    ['another secret', { secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx' }],
    ['no signature', { signature: '' }],
    ['a cut signature', { signature: published.signature.slice(0, -1) }],
    ['another version', { signature: published.signature.replace('v1', 'v2') }],
  ])('refuses %s', (_what, change) => {
    const { secret, id, timestamp, body, signature } = { ...published, ...change }
    expect(verifyWebhook(secret, id, timestamp, body, signature)).toBe(false)
  })
})
