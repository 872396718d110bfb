import { describe, expect, it } from 'vitest'
import { type ConfigInput, PreviewSchema, preview } from '../../../core/index.ts'
import { programOf, start } from '../harness.ts'

const CONFIG = {
  channels: {
    ops: { type: 'webhook', url: 'https://example.org/hook', secret: 'a secret of ours 123' },
    mail: {
      type: 'email',
      to: ['ops@example.org'],
      words: {
        subject: 'Zu warm: {{deviceId}}',
        text: '{{data.temp | number 1}} °C um {{at | time}}',
        locale: 'de',
        timeZone: 'Europe/Berlin',
      },
    },
    phone: { type: 'sms', to: ['+4915112345'] },
    call: { type: 'voice', to: ['+4915112345'] },
    bus: { type: 'mqtt', topic: 'alarms/{{deviceId}}' },
    line: { type: 'queue', queue: 'alarms' },
    chat: {
      type: 'telegram',
      token: '123456:abcdefghijklmnopqrstuvwxyzABCDEFGHI',
      chats: ['-100123'],
    },
    room: { type: 'slack', url: 'https://hooks.slack.com/services/T/B/secretsecret' },
    team: { type: 'teams', url: 'https://example.webhook.office.com/secretsecret' },
    apps: { type: 'fcm', serviceAccount: '{"private_key":"secretsecret"}', tokens: ['tokentoken'] },
  },
  telephony: { account: 'AC1', token: 'secretsecret', from: '+4930123456' },
} satisfies ConfigInput

const program = programOf(CONFIG)
const plan = { channels: program.config.channels, words: program.words }
const show = (request: object = {}) => preview(plan, PreviewSchema.parse(request))

describe('a preview', () => {
  it('shows what each channel would send, in the words of the channel', () => {
    const shown = show()
    expect(shown.map(({ channel }) => channel)).toEqual(Object.keys(CONFIG.channels))
    expect(shown.find(({ channel }) => channel === 'mail')?.content).toMatchObject({
      subject: '[critical] Zu warm: dev-1',
      text: expect.stringMatching(/^9,5 °C um 15\.06\.2025, 17:06\n/),
    })
    expect(shown.find(({ channel }) => channel === 'bus')?.content).toMatchObject({
      topic: 'alarms/dev-1',
      payload: { deviceId: 'dev-1', subject: 'too-warm raised on dev-1' },
    })
    expect(JSON.stringify(shown.find(({ channel }) => channel === 'call'))).toContain(
      '<s>critical</s>',
    )
  })

  it('holds no secret and no address', () => {
    const text = JSON.stringify(show())
    for (const secret of ['secret', '123456:', '-100123', '+49', 'tokentoken', 'ops@example.org'])
      expect(text).not.toContain(secret)
  })

  it('fills in what is given', () => {
    const [one, ...rest] = show({
      channel: 'ops',
      subject: '{{data.site | upper}}',
      text: '{{data.load | number 2}}',
      data: { site: 'graz', load: 1234.5 },
      deviceId: 'truck-7',
      severity: 'info',
      language: 'de-AT',
      words: { de: { subject: 'Ort: {{data.site}}' } },
    })
    expect(rest).toEqual([])
    expect(one?.content).toMatchObject({
      deviceId: 'truck-7',
      severity: 'info',
      subject: 'Ort: graz',
      text: '1\u00a0234,50',
    })
  })

  it('says what it cannot fill in', () => {
    expect(() => show({ subject: '{{who}}' })).toThrow('expected one of deviceId')
    const { broadcasts } = start(CONFIG).core
    for (const [body, says] of [
      [{ subject: '{{who}}' }, 'words: expected one of deviceId'],
      [{ channel: 'nowhere' }, 'channel: expected a channel of the config'],
      [{ sujet: 'x' }, 'unknown key "sujet"'],
      [{ language: '??' }, 'language: expected a language'],
    ] as const)
      expect(() => broadcasts.preview(body)).toThrow(says)
    expect(broadcasts.preview({ channel: 'phone' })).toHaveLength(1)
  })
})
