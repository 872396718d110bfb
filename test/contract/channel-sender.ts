import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ChannelSender, Delivery } from '../../core/index.ts'

/** One request that a channel's other side got. */
export interface Arrived {
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
}

export interface ChannelSubject {
  readonly channels: ChannelSender
  /** A webhook channel whose other side answers as `answer` says, and one whose other side is not there. */
  readonly webhookId: string
  readonly deadWebhookId: string
  /** A channel whose address is not public and not allowed. */
  readonly forbiddenId: string
  answer: { status: number; headers?: Readonly<Record<string, string>> }
  arrived(): readonly Arrived[]
  close(): Promise<void>
}

function delivery(channelId: string): Delivery {
  return {
    key: `dev-1/alarm/hot/1/raised>${channelId}`,
    channelId,
    notification: {
      key: 'dev-1/alarm/hot/1/raised',
      channelIds: [channelId],
      deviceId: 'dev-1',
      severity: 'critical',
      subject: 'hot raised on dev-1',
      text: 'at 31 °C',
      at: 1_750_000_000_000,
      data: { alarmId: 'hot' },
    },
    attempts: 0,
  }
}

/** What every ChannelSender must do. */
export function channelSenderContract(name: string, open: () => Promise<ChannelSubject>): void {
  describe(`${name}: ChannelSender contract`, () => {
    let subject: ChannelSubject
    beforeEach(async () => {
      subject = await open()
    })
    afterEach(() => subject.close())

    it.each([200, 201, 202, 204])(
      'resolves when the other side has taken it: %d',
      async (status) => {
        subject.answer = { status }
        await subject.channels.send(delivery(subject.webhookId))
        expect(subject.arrived()).toHaveLength(1)
        expect(subject.arrived()[0]?.body).toContain('31 °C')
      },
    )

    it('names a delivery by the same key each time', async () => {
      subject.answer = { status: 200 }
      await subject.channels.send(delivery(subject.webhookId))
      await subject.channels.send({ ...delivery(subject.webhookId), attempts: 3 })
      const keys = subject.arrived().map(({ headers }) => headers['idempotency-key'])
      expect(keys[0]).toBe(delivery(subject.webhookId).key)
      expect(keys[1]).toBe(keys[0])
    })

    it.each([408, 425, 429, 500, 502, 503, 504])('may be tried again after %d', async (status) => {
      subject.answer = { status }
      await expect(subject.channels.send(delivery(subject.webhookId))).rejects.toMatchObject({
        code: 'channel.unavailable',
        retryable: true,
      })
    })

    it('says that an address is gone for good: 410', async () => {
      subject.answer = { status: 410 }
      await expect(subject.channels.send(delivery(subject.webhookId))).rejects.toMatchObject({
        code: 'channel.gone',
        retryable: false,
      })
      expect(subject.arrived()).toHaveLength(1)
    })

    it.each([301, 400, 401, 403, 404])('is not tried again after %d', async (status) => {
      subject.answer = { status, headers: { location: 'http://127.0.0.1:1/' } }
      await expect(subject.channels.send(delivery(subject.webhookId))).rejects.toMatchObject({
        code: 'channel.rejected',
        retryable: false,
      })
      expect(subject.arrived()).toHaveLength(1)
    })

    it.each([
      { header: '7', retryAfterMs: 7_000 },
      { header: '0', retryAfterMs: 0 },
      { header: '99999999', retryAfterMs: 86_400_000 },
      { header: 'Fri, 31 Dec 9999 23:59:59 GMT', retryAfterMs: 86_400_000 },
    ])(
      'says when the other side wants to be asked again: $header',
      async ({ header, retryAfterMs }) => {
        subject.answer = { status: 503, headers: { 'retry-after': header } }
        await expect(subject.channels.send(delivery(subject.webhookId))).rejects.toMatchObject({
          code: 'channel.unavailable',
          details: { retryAfterMs },
        })
      },
    )

    it('may be tried again where nobody listens', async () => {
      await expect(subject.channels.send(delivery(subject.deadWebhookId))).rejects.toMatchObject({
        code: 'channel.unavailable',
        retryable: true,
      })
    })

    it('refuses an address that is not public', async () => {
      await expect(subject.channels.send(delivery(subject.forbiddenId))).rejects.toMatchObject({
        code: 'channel.forbidden_address',
        retryable: false,
      })
      expect(subject.arrived()).toEqual([])
    })

    it.each(['nobody', '__proto__', 'constructor'])(
      'refuses a channel that is not configured: %s',
      async (id) => {
        await expect(subject.channels.send(delivery(id))).rejects.toMatchObject({
          code: 'channel.rejected',
          retryable: false,
        })
      },
    )
  })
}
