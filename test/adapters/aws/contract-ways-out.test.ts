import { createServer } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createChannelSender } from '../../../adapters/aws/channel-sender.ts'
import { createAwsClient } from '../../../adapters/aws/client.ts'
import { createDownlink } from '../../../adapters/aws/downlink.ts'
import { createQueueSender } from '../../../adapters/aws/queue-sender.ts'
import { createShadowOwner } from '../../../adapters/aws/shadow-owner.ts'
import { createSqs } from '../../../adapters/aws/sqs.ts'
import { systemClock } from '../../../adapters/node/clock.ts'
import { type Delivery, parseConfig } from '../../../core/index.ts'
import { channelSenderContract } from '../../contract/channel-sender.ts'
import { downlinkContract, type Received } from '../../contract/downlink.ts'
import { openWebhooks } from '../webhooks.ts'
import { type Account, freshName, openAccount, REGION } from './fresh-account.ts'
import { describeWithMoto, freePort, type Moto, startMoto } from './moto.ts'

const credentials = () => ({ accessKeyId: 'testing', secretAccessKey: 'testing' })

channelSenderContract('AWS, webhooks', () =>
  openWebhooks((config) =>
    createChannelSender({
      client: createAwsClient({
        region: REGION,
        endpoint: 'http://127.0.0.1:1',
        credentials,
        random: () => 0,
      }),
      config,
      clock: systemClock,
      mailFrom: undefined,
    }),
  ),
)

// The data plane of AWS IoT, as far as publishing goes: moto takes what is published and shows it to nobody.
downlinkContract('data plane of AWS IoT', async () => {
  const received: Received[] = []
  const woken: string[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const topic = /^\/topics\/([^?]*)\?qos=[01]/.exec(request.url ?? '')?.[1]
      if (topic !== undefined)
        received.push({ topic: decodeURIComponent(topic), payload: Buffer.concat(chunks) })
      response.setHeader('content-type', 'application/json')
      response.end('{"version": 1, "state": {}}')
    })
  })
  const port = await freePort()
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done))
  const client = createAwsClient({
    region: REGION,
    endpoint: `http://127.0.0.1:${port}`,
    credentials,
    random: () => 0,
  })
  return {
    downlink: createDownlink({
      client,
      deliverCommands: async (deviceId) => {
        woken.push(deviceId)
      },
      writeShadow: createShadowOwner(client),
    }),
    received: () => received,
    // Its owner tells devices of the shadow.
    shadowTopics: () => [],
    woken: () => woken,
    async close() {
      client.close()
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
})

describeWithMoto('AWS, what only clouds send, on moto', () => {
  let moto: Moto
  let account: Account
  beforeAll(async () => {
    moto = await startMoto()
    account = await openAccount(moto.endpoint)
  }, 90_000)
  afterAll(async () => {
    await account.close()
    await moto.stop()
  })

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
        data: {},
      },
      attempts: 0,
    }
  }

  function sender(channels: object) {
    const parsed = parseConfig({ channels })
    if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
    const { client } = account
    return createChannelSender({
      client,
      config: parsed.config,
      clock: systemClock,
      mailFrom: 'hub@example.com',
    })
  }

  /** Text messages that moto has taken. */
  async function sent(): Promise<readonly object[]> {
    const data: { sns: { SMS: { phone_number: string; message: string }[] } } = JSON.parse(
      await (await fetch(`${moto.endpoint}/moto-api/data.json`)).text(),
    )
    return data.sns.SMS.map(({ phone_number, message }) => ({ phone_number, message }))
  }

  it('sends a text message to each telephone', async () => {
    await sender({ ops: { type: 'sms', to: ['+15555550100', '+15555550101'] } }).send(
      delivery('ops'),
    )
    expect(await sent()).toEqual([
      { phone_number: '+15555550100', message: '[critical] hot raised on dev-1: at 31 °C' },
      { phone_number: '+15555550101', message: '[critical] hot raised on dev-1: at 31 °C' },
    ])
  })

  it('does not try again what SNS refuses', async () => {
    const push = sender({
      app: { type: 'push', to: [`arn:aws:sns:${REGION}:123456789012:nobody-listens`] },
    })
    await expect(push.send(delivery('app'))).rejects.toMatchObject({
      code: 'channel.rejected',
      retryable: false,
    })
  })

  it('does not try again a mail from a sender that SES does not know', async () => {
    const mail = sender({ ops: { type: 'email', to: ['a@example.com'] } })
    await expect(mail.send(delivery('ops'))).rejects.toMatchObject({ code: 'channel.rejected' })
  })

  describe('queues that we read ourselves', () => {
    let queues: ReturnType<typeof createQueueSender>
    beforeEach(async () => {
      const prefix = `${freshName()}-`
      await account.createQueue(`${prefix}own-feedback.fifo`, { FifoQueue: 'true' })
      queues = createQueueSender(createSqs(account.client), prefix)
    })

    it('hides what is claimed until it is released or its time is over, and forgets what is removed', async () => {
      await queues.send('$feedback', { n: 1 }, 'key-1')
      const [first] = await queues.claim('$feedback', 10, 60_000)
      expect(first?.body).toEqual({ n: 1 })
      expect(await queues.claim('$feedback', 10, 60_000)).toEqual([])
      await queues.release('$feedback', first?.id ?? '')
      const [second] = await queues.claim('$feedback', 10, 1_000)
      expect(second?.body).toEqual({ n: 1 })
      await new Promise((done) => setTimeout(done, 1_100))
      const [third] = await queues.claim('$feedback', 10, 60_000)
      expect(await queues.remove('$feedback', third?.id ?? '')).toBe(true)
      expect(await queues.remove('$feedback', 'no handle')).toBe(false)
    })
  })
})
