import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Downlink, PublishEffect, ShadowEffect } from '../../core/index.ts'

/** What somebody who subscribed to everything got. */
export interface Received {
  readonly topic: string
  readonly payload: Uint8Array
}

export interface DownlinkSubject {
  readonly downlink: Downlink
  received(): readonly Received[]
  /** The topics on which a push is expected, in the dialects of the subject. */
  shadowTopics(message: ShadowEffect): readonly string[]
  /** Devices that somebody was told about. */
  woken(): readonly string[]
  close(): Promise<void>
}

function publishEffect(changes: Partial<PublishEffect> = {}): PublishEffect {
  return {
    kind: 'publish',
    topic: 'fleet/doors/dev-1',
    payload: '{"open":true}',
    encoding: 'utf8',
    qos: 1,
    retain: false,
    ...changes,
  }
}

/** What every Downlink must do. */
export function downlinkContract(name: string, open: () => Promise<DownlinkSubject>): void {
  describe(`${name}: Downlink contract`, () => {
    let subject: DownlinkSubject
    beforeEach(async () => {
      subject = await open()
    })
    afterEach(() => subject.close())

    it.each([
      { title: 'text', effect: publishEffect(), bytes: new TextEncoder().encode('{"open":true}') },
      {
        title: 'text beyond ASCII',
        effect: publishEffect({ payload: '"ü\u{1F600}"' }),
        bytes: new TextEncoder().encode('"ü\u{1F600}"'),
      },
      { title: 'nothing', effect: publishEffect({ payload: '' }), bytes: new Uint8Array() },
      {
        title: 'bytes that are no text',
        effect: publishEffect({ payload: '/wCAfw==', encoding: 'base64' }),
        bytes: Uint8Array.of(0xff, 0, 0x80, 0x7f),
      },
      {
        title: 'QoS 0',
        effect: publishEffect({ qos: 0 }),
        bytes: new TextEncoder().encode('{"open":true}'),
      },
    ])('publishes $title as it is', async ({ effect, bytes }) => {
      await subject.downlink.publish(effect, 'key-1')
      const received = subject
        .received()
        .map(({ topic, payload }) => ({ topic, payload: [...payload] }))
      expect(received).toEqual([{ topic: 'fleet/doors/dev-1', payload: [...bytes] }])
    })

    it('keeps the order', async () => {
      for (const payload of ['1', '2', '3']) {
        await subject.downlink.publish(publishEffect({ payload }), `key-${payload}`)
      }
      const texts = subject.received().map(({ payload }) => new TextDecoder().decode(payload))
      expect(texts).toEqual(['1', '2', '3'])
    })

    it.each([
      { name: '', event: 'delta' },
      { name: '', event: 'documents' },
      { name: 'config', event: 'delta' },
    ] as const)('pushes $event of shadow "$name"', async ({ name: shadow, event }) => {
      const body = { state: { led: 'on' }, version: 3 }
      const message: ShadowEffect = { kind: 'shadow', deviceId: 'dev-1', name: shadow, event, body }
      await subject.downlink.shadow(message, 'key-1')
      const received = subject.received()
      expect(received.map(({ topic }) => topic)).toEqual(subject.shadowTopics(message))
      for (const { payload } of received)
        expect(JSON.parse(new TextDecoder().decode(payload))).toEqual(body)
    })

    it('tells whoever holds a connection of a device that commands wait', async () => {
      await subject.downlink.command('dev-1')
      await subject.downlink.command('dev-2')
      await subject.downlink.command('dev-1')
      expect(subject.woken()).toEqual(['dev-1', 'dev-2', 'dev-1'])
      expect(subject.received()).toEqual([])
    })
  })
}
