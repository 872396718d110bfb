import { describe, expect, it } from 'vitest'
import type { ConfigInput, Delivery } from '../../../core/index.ts'
import { openCloud } from './cloud.ts'

const CONFIG: ConfigInput = { channels: { mail: { type: 'email', to: ['ops@example.org'] } } }

function delivery(key: string, at: number, subject = 'hot raised'): Delivery {
  return {
    key,
    channelId: 'mail',
    attempts: 0,
    notification: {
      key,
      channelIds: [],
      deviceId: 'dev-1',
      severity: 'critical',
      subject,
      text: 'at 31 °C <script>alert(1)</script>',
      at,
      data: null,
    },
  }
}

async function caught(cloud: Awaited<ReturnType<typeof openCloud>>, count: number) {
  for (;;) {
    const answer = await cloud.call('/mailbox')
    const { mails } = (await answer.json()) as { mails: { id: string; subject: string }[] }
    if (mails.length >= count) return mails
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

describe('a mailbox that takes every mail, where no mail server is configured', () => {
  it('shows what would have been sent, the newest first, and keeps no dead letters', async () => {
    const cloud = await openCloud({ config: CONFIG })
    const { notifications, deadLetters } = cloud.core.ports
    await notifications.enqueue([
      delivery('a', 1_750_000_000_000),
      delivery('b', 1_750_000_001_000),
    ])
    expect(await caught(cloud, 2)).toEqual([
      {
        id: '<b@anyhub>',
        at: '2025-06-15T15:06:41.000Z',
        to: ['ops@example.org'],
        subject: '[critical] hot raised',
        text: expect.stringContaining('at 31 °C'),
      },
      expect.objectContaining({ id: '<a@anyhub>' }),
    ])
    expect(await deadLetters.count()).toBe(0)
  })

  it('as a page whose mails are text', async () => {
    const cloud = await openCloud({ config: CONFIG })
    const empty = await cloud.call('/mailbox', { headers: { accept: 'text/html' } })
    expect(await empty.text()).toContain('No mail yet')
    const told = delivery('a', 1_750_000_000_000, '<b>hot</b>')
    await cloud.core.ports.notifications.enqueue([told])
    await caught(cloud, 1)
    const page = await cloud.call('/mailbox', { headers: { accept: 'text/html,*/*' } })
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
    const html = await page.text()
    expect(html).toContain('[critical] &lt;b&gt;hot&lt;/b&gt;')
    expect(html).not.toContain('<script>')
    expect((await cloud.call('/mailbox.css')).status).toBe(200)
  })

  it('holds the latest 200', async () => {
    const cloud = await openCloud({ config: CONFIG })
    const many = Array.from({ length: 230 }, (_, at) => delivery(`m${at}`, 1_750_000_000_000 + at))
    await cloud.core.ports.notifications.enqueue(many)
    for (;;) {
      const { counters } = cloud.counts()
      if ((counters['notification.sent'] ?? 0) === 230) break
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const mails = await caught(cloud, 1)
    expect(mails.length).toBe(200)
    expect(mails[0]?.id).toBe('<m229@anyhub>')
  })

  it('asks for the token where everybody has to prove who he is', async () => {
    const cloud = await openCloud({ config: CONFIG, settings: { requireAuth: true } })
    expect((await cloud.call('/mailbox')).status).toBe(401)
    const headers = { authorization: `Bearer ${cloud.adminToken}` }
    expect((await cloud.call('/mailbox', { headers })).status).toBe(200)
  })
})

describe('an acknowledgement of a delivery', () => {
  it('needs its own token and no other, also where everybody has to prove who he is', async () => {
    const cloud = await openCloud({ config: CONFIG, settings: { requireAuth: true } })
    const answer = await cloud.call('/notifications/deliveries/a/ack', {
      method: 'POST',
      headers: { authorization: 'Bearer x.y' },
    })
    expect(answer.status).toBe(404)
  })
})
