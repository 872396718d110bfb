import { resolve } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { createAws } from '../../../adapters/aws/index.ts'
import { type ConfigInput, parseConfig } from '../../../core/index.ts'
import { openTopicRules, sqsEvent, type TopicRules } from './events.ts'
import { describeWithMoto, type Moto, startMoto } from './moto.ts'
import { dollars, dynamoUsage, type Usage } from './paid-operations.ts'
import { openProxy, type RecordingProxy } from './recording-proxy.ts'
import { openStack, type Stack } from './stack.ts'

const DEVICES = 10
const BATCHES = 10
const PER_BATCH = 100
const MESSAGES = BATCHES * PER_BATCH

/** One message of a batch of each device is hot. */
const HOT = 40

describeWithMoto('AWS: what 1,000 messages of 10 devices cost, in ten batches', () => {
  let moto: Moto
  let proxy: RecordingProxy
  let stack: Stack
  let topicRules: TopicRules
  beforeAll(async () => {
    topicRules = await openTopicRules(resolve(import.meta.dirname, '../../parity/anyhub.yml'))
    moto = await startMoto()
  }, 90_000)
  afterAll(() => moto.stop())
  beforeEach(async () => {
    proxy = await openProxy(moto.endpoint)
    stack = await openStack(moto.endpoint, proxy.endpoint)
    vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    await stack.close()
    await proxy.close()
  })

  async function send(config: ConfigInput) {
    const parsed = parseConfig(config)
    if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
    const aws = createAws(stack.settings, parsed.config)
    const start = Date.now() - MESSAGES * 1_000
    for (let batch = 0; batch < BATCHES; batch++) {
      const bodies = Array.from({ length: PER_BATCH }, (_, index) => {
        const id = `meter-${index % DEVICES}`
        const position = batch * PER_BATCH + index
        const temp = index < DEVICES ? HOT : 20 + (position % 7) / 10
        const reading = {
          ts: start + position * 1_000,
          temp,
          humidity: 45 + (position % 11),
          battery: 97,
        }
        return topicRules({
          topic: `devices/${id}/telemetry`,
          payload: Buffer.from(JSON.stringify(reading)),
          clientId: id,
          at: Date.now(),
        })
      }).flat()
      expect(bodies).toHaveLength(PER_BATCH)
      expect(await aws.ingest(sqsEvent(bodies))).toEqual({ batchItemFailures: [] })
    }
    expect(await aws.core.ports.telemetry.count('')).toBe(MESSAGES)
    const calls = proxy.calls.filter(({ operation }) => operation !== 'Scan')
    return { calls, ...dynamoUsage(calls, stack.settings) }
  }

  it('reads and writes each record once per batch, where nothing acts and nothing is reported', async () => {
    const { calls, records, telemetry, usage } = await send({
      deviceTypes: { default: { report: false } },
    })
    expect(records.reads).toBeLessThanOrEqual(DEVICES * BATCHES)
    expect(records.writes).toBeLessThanOrEqual(DEVICES * BATCHES)
    // Ten rows of 80 bytes wait beside the record, and fill an item each.
    expect(telemetry.writes).toBeLessThanOrEqual(DEVICES * BATCHES)
    expect(telemetry.reads).toBe(0)
    // One request reads all records of a batch.
    expect(calls.filter(({ operation }) => operation === 'BatchGetItem')).toHaveLength(BATCHES)
    print('nothing reported', usage)
  }, 60_000)

  it('is not dearer with the default config', async () => {
    const { records, telemetry, usage } = await send({})
    expect(records.reads).toBeLessThanOrEqual(DEVICES * BATCHES)
    expect(records.writes).toBeLessThanOrEqual(DEVICES * BATCHES)
    expect(telemetry.reads).toBe(0)
    print('default', usage)
  }, 60_000)

  it('costs one more write where something acts, and what the act costs', async () => {
    const { calls, records, usage } = await send({
      rules: {
        hot: {
          sql: "SELECT temp FROM 'devices/+/telemetry' WHERE temp > 30",
          actions: [{ republish: { topic: 'fleet/hot' } }],
        },
      },
    })
    const acts = calls.filter(({ service }) => service === 'iotdata').length
    expect(acts).toBe(DEVICES * BATCHES)
    expect(records.reads).toBeLessThanOrEqual(DEVICES * BATCHES)
    expect(records.writes).toBeLessThanOrEqual(2 * DEVICES * BATCHES)
    print('ten per cent act', { ...usage, iotMessage: acts })
  }, 60_000)
})

/** What a message costs before we see it, at ten messages in each request of Lambda to SQS. */
const ARRIVAL: Usage = {
  iotMessage: MESSAGES,
  iotRule: MESSAGES,
  iotAction: MESSAGES,
  sqsRequest: MESSAGES + (2 * MESSAGES) / 10,
  lambdaRequest: BATCHES,
}

function print(name: string, usage: Usage): void {
  const perMillion = (one: Usage): string => `$${((dollars(one) * 1e6) / MESSAGES).toFixed(2)}`
  process.stderr.write(
    `${name}: ${JSON.stringify(usage)} for ${MESSAGES} messages; per million messages ${perMillion(usage)} here, and ${perMillion(ARRIVAL)} to arrive\n`,
  )
}
