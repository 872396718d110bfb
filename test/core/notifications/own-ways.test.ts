import { describe, expect, it } from 'vitest'
import type { ConfigInput } from '../../../core/index.ts'
import { start, uplink } from '../harness.ts'

const CONFIG: ConfigInput = {
  channels: {
    topic: { type: 'mqtt', topic: 'alerts/{{severity}}/{{deviceId}}', qos: 0, retain: true },
    line: { type: 'queue', queue: 'alerts' },
    hook: {
      type: 'webhook',
      url: 'https://example.org/',
      words: {
        text: 'Es sind {{data.alarmId}}, {{at | time}}',
        locale: 'de',
        timeZone: 'Europe/Berlin',
      },
    },
  },
  alarms: { hot: { when: 'temp > 25', notify: ['topic', 'line', 'hook'], severity: 'critical' } },
}

describe('channels that are ways of our own', () => {
  it('a topic and a queue get what a webhook gets, under the key of the delivery', async () => {
    const { core, world } = start(CONFIG)
    await core.ingest([uplink({ temp: 30 })])
    await core.gate.idle()
    expect(await core.notify(10)).toMatchObject({ sent: 3, failed: 0 })
    const [published] = world.published
    expect(published?.message).toMatchObject({
      topic: 'alerts/critical/dev-1',
      qos: 0,
      retain: true,
      encoding: 'utf8',
    })
    const told = JSON.parse(published?.message.payload ?? '')
    expect(told).toMatchObject({
      deviceId: 'dev-1',
      severity: 'critical',
      data: { alarmId: 'hot' },
    })
    expect(published?.key).toContain('>topic')
    const [entry] = [...(world.queues.get('alerts')?.values() ?? [])]
    expect(JSON.stringify(entry)).toContain('hot raised on dev-1')
  })

  it('a channel words things its own way', async () => {
    const { core, world } = start(CONFIG)
    await core.ingest([uplink({ temp: 30 })])
    await core.gate.idle()
    await core.notify(10)
    expect(world.sent.map(({ notification }) => notification.text)).toEqual([
      expect.stringMatching(/^Es sind hot, 15\.06\.2025/),
    ])
  })
})
