import { describe, expect, it } from 'vitest'
import {
  type Delivery,
  parseConfig,
  renderApns,
  renderFcm,
  renderWebPush,
  slack,
} from '../../../core/index.ts'

function delivery(subject: string, text: string): Delivery {
  return {
    key: 'n-1>ops',
    channelId: 'ops',
    notification: {
      key: 'n-1',
      channelIds: ['ops'],
      deviceId: 'dev-1',
      severity: 'info',
      subject,
      text,
      at: 1_750_000_000_000,
      data: {},
    },
    attempts: 0,
  }
}

function channelOf(input: object) {
  const parsed = parseConfig(JSON.parse(JSON.stringify({ channels: { ops: input } })))
  if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
  const { ops } = parsed.config.channels
  if (ops === undefined) throw new Error('no channel')
  return ops
}

const bytesIn = (text: string): number => new TextEncoder().encode(text).length

describe('what is sent is as small as who takes it wants', () => {
  const texts: readonly [string, string][] = [
    ['plain', 'x'.repeat(2_000)],
    ['three bytes each', '温'.repeat(2_000)],
    ['pairs of surrogates', '🌡'.repeat(1_500)],
    ['all of it escaped', '"\\'.repeat(1_000)],
    ['line breaks', '\n'.repeat(2_000)],
  ]

  it.each(texts)('APNs: 4,096 bytes of %s', (_title, text) => {
    const channel = channelOf({
      type: 'apns',
      key: 'PRIVATE KEY',
      keyId: 'K',
      team: 'T',
      topic: 't',
      tokens: ['ab'.repeat(32)],
    })
    if (channel.type !== 'apns') throw new Error('another channel')
    const [request] = renderApns(channel, delivery('温'.repeat(200), text))
    expect(bytesIn(request?.body ?? '')).toBeLessThanOrEqual(4_096)
    const shown: string = JSON.parse(request?.body ?? '').aps.alert.body
    expect(text.startsWith(shown)).toBe(true)
    expect(shown.length).toBeGreaterThan(500)
  })

  it.each(texts)('FCM: 4,096 bytes of %s, whatever the token', (_title, text) => {
    const channel = channelOf({ type: 'fcm', serviceAccount: '{}', tokens: ['t'.repeat(4_000)] })
    if (channel.type !== 'fcm') throw new Error('another channel')
    const [request] = renderFcm(channel, 'p', delivery('温'.repeat(200), text))
    const { token, ...message } = JSON.parse(request?.body ?? '').message
    expect(token).toHaveLength(4_000)
    expect(bytesIn(JSON.stringify(message))).toBeLessThanOrEqual(4_096)
    expect(text.startsWith(message.notification.body)).toBe(true)
    expect(message.notification.body.length).toBeGreaterThan(500)
  })

  it.each(texts)('Web Push: 3,993 bytes of %s', (_title, text) => {
    const payload = renderWebPush(delivery('温'.repeat(200), text))
    expect(bytesIn(payload)).toBeLessThanOrEqual(3_993)
    expect(text.startsWith(JSON.parse(payload).body)).toBe(true)
  })

  it.each([
    ['&'.repeat(2_000), 3_000],
    [`x${'<'.repeat(2_000)}`, 3_000],
    ['x'.repeat(2_000), 2_000],
  ])('Slack: a section of 3,000 characters, no escape cut in two', (text, most) => {
    const channel = channelOf({ type: 'slack', url: 'https://hooks.slack.com/x' })
    if (channel.type !== 'slack') throw new Error('another channel')
    const [request] = slack.render(channel, delivery('s', text))
    const section: string = JSON.parse(request?.body ?? '').blocks[1].text.text
    expect(section.length).toBeLessThanOrEqual(most)
    expect(section.length).toBeGreaterThan(most - 5)
    expect(section.replaceAll(/&(amp|lt|gt);/g, '')).not.toContain('&')
  })

  it('a title that is cut ends with no half of a character', () => {
    const { title } = JSON.parse(renderWebPush(delivery('🌡'.repeat(150), '')))
    expect(title.isWellFormed()).toBe(true)
  })
})
