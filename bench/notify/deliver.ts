import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createChannelSender } from '../../adapters/local/channel-sender.ts'
import { readLocalSettings, startLocalCloud } from '../../adapters/local/index.ts'
import { systemClock } from '../../adapters/node/clock.ts'
import { signWebhook } from '../../adapters/node/signature.ts'
import { createWebhookSender } from '../../adapters/node/webhook.ts'
import {
  compileProgram,
  type Delivery,
  deliveryId,
  type Priority,
  parseConfig,
  renderWebhook,
} from '../../core/index.ts'

// A process of its own: node deliver.ts WHO URL COUNT CHANNELS. Sends so many notifications to a webhook and prints what it
// took as one line of JSON. WHO: anyhub, the whole of it with its queue on disk; sender, its sender of webhooks alone; http,
// the bare client. Each with as many under way.

const [who = '', url = '', countText = '', channelsText = ''] = process.argv.slice(2)
const count = Number(countText)
const channels = Number(channelsText)

/** What the embedded cloud has under way to one channel. Source: adapters/local/index.ts. */
const PER_CHANNEL = 8
const SECRET = 'a secret of at least 16 characters'

function deliveryOf(index: number, priority: Priority = 2): Delivery {
  return {
    key: `dev-${index}/alarm/hot/1750000000000/raised>hook${index % channels}`,
    channelId: `hook${index % channels}`,
    attempts: 0,
    notification: {
      key: `dev-${index}/alarm/hot/1750000000000/raised`,
      channelIds: [`hook${index % channels}`],
      deviceId: `dev-${index}`,
      severity: 'warning',
      subject: `hot raised on dev-${index}`,
      text: 'at 31 °C',
      at: Date.now(),
      data: { alarmId: 'hot', status: 'active', temp: 31 },
      priority,
    },
  }
}

async function sendBare(): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: PER_CHANNEL * channels })
  const target = new URL(url)
  const post = (delivery: Delivery): Promise<void> =>
    new Promise((resolve, reject) => {
      const body = JSON.stringify(renderWebhook(delivery))
      const id = deliveryId(delivery)
      const timestamp = Math.floor(Date.now() / 1_000)
      const headers = {
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(body)),
        'user-agent': 'bench',
        'idempotency-key': id,
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': signWebhook(SECRET, id, timestamp, body),
      }
      const outgoing = request(target, { method: 'POST', headers, agent }, (answer) => {
        answer.resume()
        answer.once('end', resolve)
      })
      outgoing.once('error', reject)
      outgoing.end(body)
    })
  const ms = await timeAll(post)
  agent.destroy()
  return ms
}

async function sendAlone(): Promise<number> {
  const sender = createWebhookSender({ clock: systemClock })
  const rest = { timeout: 10_000, ack: 'receipt', ackWithin: 300_000 } as const
  const config = { type: 'webhook', url, secret: SECRET, allowPrivate: true, ...rest } as const
  const ms = await timeAll((delivery) => sender.send(config, delivery))
  sender.close()
  return ms
}

async function timeAll(send: (delivery: Delivery) => Promise<void>): Promise<number> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) await send(deliveryOf(next++))
  }
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: PER_CHANNEL * channels }, worker))
  return performance.now() - startedAt
}

/** The whole way: from the queue, where all wait, to the last one settled; and how many went before an urgent one that came last. */
async function sendOurs(): Promise<{ readonly ms: number; readonly overtaken: number }> {
  const data = mkdtempSync(join(tmpdir(), 'anyhub-bench-'))
  const hooks = Array.from({ length: channels }, (_, index) => [
    `hook${index}`,
    { type: 'webhook', url, secret: SECRET, allowPrivate: true } as const,
  ])
  const parsed = parseConfig({ channels: Object.fromEntries(hooks) })
  const compiled = 'config' in parsed ? compileProgram(parsed.config) : parsed
  if (!('program' in compiled)) throw new Error('expected a config without faults')
  const { program } = compiled
  const sender = createChannelSender(program.config, systemClock)
  const urgent = deliveryOf(count, 9)
  let begun = 0
  let begunBefore = 0
  let overtaken = Number.NaN
  const cloud = await startLocalCloud({
    program,
    settings: readLocalSettings({ data, 'http-port': 'off', 'mqtt-port': 'off' }, {}),
    log: () => undefined,
    channels: {
      send(delivery, sending) {
        if (delivery.key === urgent.key) overtaken = begun - begunBefore
        begun++
        return sender.send(delivery, sending)
      },
    },
  })
  try {
    const { notifications } = cloud.core.ports
    const startedAt = performance.now()
    await notifications.enqueue(Array.from({ length: count }, (_, index) => deliveryOf(index)))
    const sendingAt = performance.now()
    begunBefore = begun
    await notifications.enqueue([urgent])
    while ((cloud.counts().counters['notification.sent'] ?? 0) < count + 1)
      await new Promise((resolve) => setTimeout(resolve, 2))
    // What was sent while the rest was still being queued counts as if it had begun when the queue stood.
    const ms = performance.now() - (begunBefore === 0 ? sendingAt : startedAt)
    return { ms, overtaken }
  } finally {
    sender.close()
    await cloud.close()
    rmSync(data, { recursive: true, force: true })
  }
}

async function run(): Promise<object> {
  if (who === 'http') return { ms: await sendBare() }
  return who === 'sender' ? { ms: await sendAlone() } : sendOurs()
}

console.log(JSON.stringify(await run()))
process.exit(0)
