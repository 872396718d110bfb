import { afterAll, beforeAll, expect, it } from 'vitest'
import { createAzure } from '../../../adapters/azure/index.ts'
import { parseConfig } from '../../../core/index.ts'
import { type Azurite, describeWithEmulators, startAzurite } from './azurite.ts'
import { type CosmosServer, startCosmos } from './cosmos-server.ts'
import { triggerOf } from './hub-events.ts'
import { openStack, type Stack } from './stack.ts'

const WRITERS = 8
const EACH = 5

describeWithEmulators('Azure: eight functions write one device at once', () => {
  let azurite: Azurite
  let cosmos: CosmosServer
  let stack: Stack
  beforeAll(async () => {
    ;[azurite, cosmos] = await Promise.all([startAzurite(), startCosmos()])
    stack = await openStack({ azurite, cosmos })
  }, 90_000)
  afterAll(async () => {
    await stack?.close()
    await Promise.all([azurite?.stop(), cosmos?.stop()])
  })

  it('and nothing is lost: what lost a race too often is handed over again', async () => {
    const parsed = parseConfig({})
    if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
    const { config } = parsed
    const functions = Array.from({ length: WRITERS }, () => createAzure(stack.settings, config))
    let again = 0
    /** The host hands a batch over again when it failed. */
    const deliver = async (writer: number, index: number): Promise<void> => {
      const [bodies, context] = triggerOf([
        {
          body: Buffer.from(JSON.stringify({ n: index, writer })),
          deviceId: 'dev-1',
          at: 1_750_000_000_000 + writer * 100 + index,
        },
      ])
      for (;;) {
        const failed = await functions[writer]?.ingest(bodies, context).then(
          () => false,
          () => true,
        )
        if (failed !== true) return
        again++
      }
    }
    await Promise.all(
      functions.map(async (_, writer) => {
        for (let index = 0; index < EACH; index++) await deliver(writer, index)
      }),
    )
    const [azure] = functions
    const record = await azure?.core.ports.devices.load('dev-1')
    expect(record?.accepted).toBe(WRITERS * EACH)
    expect(await azure?.core.ports.telemetry.count('dev-1')).toBe(WRITERS * EACH)
    const rows = await azure?.core.ports.telemetry.range('dev-1', {
      from: 0,
      to: 8.64e15,
      limit: 1_000,
      descending: false,
    })
    expect(new Set(rows?.map(({ messageId }) => messageId)).size).toBe(WRITERS * EACH)
    expect(again).toBeLessThan(WRITERS * EACH)
    await Promise.all(functions.map((one) => one.close()))
  }, 120_000)
})
