import { describe, expect, it } from 'vitest'
import { type ConfigInput, renderCall } from '../../../core/index.ts'
import { programOf } from '../harness.ts'

const CHANNELS: NonNullable<ConfigInput['channels']> = {
  email: { type: 'email', to: ['ops@example.org'] },
  sms: { type: 'sms', to: ['+4930123456'] },
  push: { type: 'push', to: ['arn:aws:sns:eu-central-1:123456789012:endpoint/GCM/app/1'] },
  queue: { type: 'queue', queue: 'alerts' },
  http: { type: 'webhook', url: 'https://example.org/hook' },
  voice: { type: 'voice', to: ['+4930123456'] },
}

describe('email, SMS, push, queue and HTTP built in', () => {
  it.each(Object.keys(CHANNELS))('%s needs nothing but its entry in the config', (name) => {
    const channel = CHANNELS[name]
    if (channel === undefined) throw new Error('expected a channel')
    expect(programOf({ channels: { [name]: channel } }).config.channels[name]).toMatchObject(
      channel,
    )
  })
})

describe('voice', () => {
  it('is a call that says twice, as SSML, what a person has to know', () => {
    const { telephony } = programOf({
      telephony: { account: 'AC1', token: 'secret', from: '+4930987654' },
    }).config
    if (telephony === undefined) throw new Error('expected telephony')
    const [call] = renderCall(telephony, ['+4930123456'], {
      key: 'a>voice',
      channelId: 'voice',
      attempts: 0,
      notification: {
        key: 'a',
        channelIds: [],
        deviceId: 'pump-4',
        severity: 'critical',
        subject: 'Pump 4 stands still',
        text: 'pressure < 1 bar',
        at: 1_750_000_000_000,
        data: null,
      },
    })
    const twiml = new URLSearchParams(call?.body).get('Twiml') ?? ''
    expect(twiml.match(/Pump 4 stands still/g)).toHaveLength(2)
    expect(twiml).toContain('<prosody rate="90%">')
    expect(twiml).toContain('pressure &lt; 1 bar')
    expect(call?.to).toBe('+49…56')
  })
})
