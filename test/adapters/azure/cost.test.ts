import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { createAzure } from '../../../adapters/azure/index.ts'
import { type ConfigInput, parseConfig } from '../../../core/index.ts'
import { type Azurite, describeWithEmulators, startAzurite } from './azurite.ts'
import { type CosmosCall, type CosmosServer, startCosmos } from './cosmos-server.ts'
import { triggerOf } from './hub-events.ts'
import { openStack, type Stack } from './stack.ts'

const DEVICES = 10
const BATCHES = 20
const PER_BATCH = 100
const MESSAGES = BATCHES * PER_BATCH

describeWithEmulators('Azure: what 2,000 messages of 10 devices cost, in twenty batches', () => {
  let azurite: Azurite
  let cosmos: CosmosServer
  let stack: Stack
  beforeAll(async () => {
    ;[azurite, cosmos] = await Promise.all([startAzurite(), startCosmos()])
  }, 90_000)
  afterAll(() => Promise.all([azurite?.stop(), cosmos?.stop()]))
  beforeEach(async () => {
    stack = await openStack({ azurite, cosmos })
  })

  async function send(config: ConfigInput): Promise<readonly (readonly CosmosCall[])[]> {
    const parsed = parseConfig(config)
    if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
    const azure = createAzure(stack.settings, parsed.config)
    const start = Date.now() - MESSAGES * 1_000
    const batches: (readonly CosmosCall[])[] = []
    for (let batch = 0; batch < BATCHES; batch++) {
      const messages = Array.from({ length: PER_BATCH }, (_, index) => {
        const position = batch * PER_BATCH + index
        const at = start + position * 1_000
        const reading = {
          ts: at,
          temp: 20 + (position % 7) / 10,
          humidity: 45 + (position % 11),
          battery: 97,
        }
        const body = Buffer.from(JSON.stringify(reading))
        return { body, deviceId: `meter-${index % DEVICES}`, at }
      })
      const before = cosmos.asked.length
      await azure.ingest(...triggerOf(messages))
      batches.push(cosmos.asked.slice(before))
    }
    expect(await azure.core.ports.telemetry.count('')).toBe(MESSAGES)
    await azure.close()
    await stack.close()
    return batches
  }

  const records = (calls: readonly CosmosCall[], methods: readonly string[]) =>
    calls.filter(({ method, path }) => methods.includes(method) && path.includes('/colls/devices/'))

  it('reads and writes each record once per batch, with the default config', async () => {
    const batches = await send({})
    for (const calls of batches) {
      expect(records(calls, ['GET'])).toHaveLength(DEVICES)
      expect(records(calls, ['POST', 'PUT'])).toHaveLength(DEVICES)
    }
    const rest = batches.flat().filter(({ path }) => !path.includes('/colls/devices/'))
    // What is left is an item of rows for some eight thousand characters of them.
    expect(
      rest.every(({ method, path }) => method === 'POST' && path.includes('/colls/telemetry/')),
    ).toBe(true)
    expect(rest.length).toBeLessThanOrEqual((DEVICES * BATCHES) / 5)
    print('default', batches.flat())
  }, 60_000)

  it('costs one more write where something acts', async () => {
    const batches = await send({
      rules: {
        hot: {
          sql: "SELECT temp FROM 'devices/+/telemetry' WHERE temp > 20.5",
          actions: [{ table: { table: 'hot', key: '${topic(2)}' } }],
        },
      },
    })
    for (const calls of batches) {
      expect(records(calls, ['GET']).length).toBeLessThanOrEqual(DEVICES)
      expect(records(calls, ['POST', 'PUT']).length).toBeLessThanOrEqual(2 * DEVICES)
    }
    print('a rule acts', batches.flat())
  }, 60_000)
})

/**
 * Request units as Microsoft says they are: 1 KB read by its id is 1, 100 KB 10; 1 KB written without an index 5, 100 KB 50.
 *
 * Source: Azure Cosmos DB, "Request units" and "Optimize the cost of your requests".
 */
function unitsOf({ method, bytesIn, bytesOut }: CosmosCall): number {
  const extra = (bytes: number): number => Math.max(0, bytes / 1_024 - 1) / 99
  return method === 'GET' ? 1 + 9 * extra(bytesOut) : 5 + 45 * extra(bytesIn)
}

function print(name: string, calls: readonly CosmosCall[]): void {
  const reads = calls.filter(({ method }) => method === 'GET').length
  const units = calls.reduce((sum, call) => sum + unitsOf(call), 0)
  const of = (part: string) => calls.filter(({ path }) => path.includes(part)).length
  process.stderr.write(
    `${name}: ${reads} reads, ${calls.length - reads} writes (${of('/colls/telemetry/')} of rows, ${of('/colls/items/')} of items), ${units.toFixed(0)} RU for ${MESSAGES} messages: ${(units / MESSAGES).toFixed(2)} RU each\n`,
  )
}
