import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createNotificationQueue } from '../../../adapters/local/notification-queue.ts'
import { openDatabase } from '../../../adapters/local/sqlite/database.ts'
import type { Delivery } from '../../../core/index.ts'
import { openCloud, temporaryFolder } from './cloud.ts'

function delivery(key: string, channelId: string): Delivery {
  const notification = {
    key,
    channelIds: [channelId],
    deviceId: 'dev-1',
    severity: 'info' as const,
    subject: '',
    text: '',
    at: 0,
    data: null,
  }
  return { key, channelId, attempts: 0, notification }
}

async function openQueue(limit: number) {
  const database = await openDatabase({
    path: `${temporaryFolder()}/queue.db`,
    durability: 'normal',
  })
  onTestFinished(() => database.close())
  const clock = { time: 1_000, now: () => clock.time }
  let rooms = 0
  const create = () =>
    createNotificationQueue({
      database,
      clock,
      onEnqueue: () => undefined,
      perChannel: { limit, onRoom: () => void rooms++ },
    })
  return { create, queue: create(), clock, rooms: () => rooms }
}

const keysOf = (deliveries: readonly Delivery[]): string[] => deliveries.map(({ key }) => key)

describe('the share of one channel', () => {
  it('is never exceeded, and others are not held by it', async () => {
    const { queue, clock, rooms } = await openQueue(2)
    await queue.enqueue(['a1', 'a2', 'a3', 'a4'].map((key) => delivery(key, 'a')))
    clock.time++
    await queue.enqueue([delivery('b1', 'b')])
    expect(keysOf(await queue.claim(clock.time, 10, 60_000))).toEqual(['a1', 'a2', 'b1'])
    expect(await queue.claim(clock.time, 10, 60_000)).toEqual([])
    await queue.settle('b1')
    expect(rooms()).toBe(0)
    await queue.settle('a1')
    expect(rooms()).toBe(1)
    expect(keysOf(await queue.claim(clock.time, 10, 60_000))).toEqual(['a3'])
    await queue.retry('a2', clock.time + 5_000)
    expect(rooms()).toBe(2)
    expect(keysOf(await queue.claim(clock.time, 10, 60_000))).toEqual(['a4'])
  })

  it('comes free when a lease ends unkept', async () => {
    const { queue, clock } = await openQueue(1)
    await queue.enqueue([delivery('a1', 'a'), delivery('a2', 'a')])
    expect(await queue.claim(clock.time, 10, 1_000)).toHaveLength(1)
    clock.time += 999
    expect(await queue.claim(clock.time, 10, 1_000)).toEqual([])
    clock.time += 1
    expect(await queue.claim(clock.time, 10, 1_000)).toHaveLength(1)
  })

  it('is free after a restart: who held the leases is gone', async () => {
    const { queue, create, clock } = await openQueue(2)
    await queue.enqueue(['a1', 'a2', 'a3'].map((key) => delivery(key, 'a')))
    expect(await queue.claim(clock.time, 10, 60_000)).toHaveLength(2)
    expect(keysOf(await create().claim(clock.time, 10, 60_000))).toEqual(['a1', 'a2'])
  })
})

describe('1,000 deliveries to ten webhooks, one of which hangs', () => {
  it('reach the nine within seconds, each once', async () => {
    const received: string[] = []
    let hanging = 0
    let most = 0
    const server = createServer((request, response) => {
      if (request.url === '/dead') {
        most = Math.max(most, ++hanging)
        response.on('close', () => hanging--)
        return
      }
      // As far away as a service on the internet.
      setTimeout(() => {
        received.push(String(request.headers['webhook-id']))
        response.end()
      }, 30)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    const { port } = server.address() as AddressInfo
    const names = ['dead', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7', 'c8', 'c9']
    const channels = Object.fromEntries(
      names.map((name) => [
        name,
        { type: 'webhook' as const, url: `http://127.0.0.1:${port}/${name}`, allowPrivate: true },
      ]),
    )
    const cloud = await openCloud({
      config: {
        channels,
        rules: {
          tell: {
            sql: "SELECT * FROM 'devices/+/telemetry'",
            actions: [{ notify: { channels: names } }],
          },
        },
      },
    })
    const from = performance.now()
    const messages = Array.from({ length: 100 }, (_, index) => JSON.stringify({ index }))
    const answer = await cloud.call('/devices/dev-1/telemetry', {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: messages.join('\n'),
    })
    expect(await answer.json()).toMatchObject({ accepted: 100 })
    await expect.poll(() => received.length, { timeout: 8_000 }).toBe(900)
    const seconds = (performance.now() - from) / 1_000
    expect(seconds).toBeLessThan(5)
    expect(new Set(received).size).toBe(900)
    expect(most).toBe(8)
    await expect.poll(async () => (await cloud.stats())['notification.sent']).toBe(900)
    await expect.poll(async () => (await cloud.stats())['notifications.waiting']).toBe(100)
  })
})
