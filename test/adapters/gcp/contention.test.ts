import { afterAll, beforeAll, expect, it } from 'vitest'
import { createGcp } from '../../../adapters/gcp/index.ts'
import { parseConfig } from '../../../core/index.ts'
import { describeWithEmulators, type Emulator, startFirestore, startPubSub } from './emulators.ts'
import { openStack, type Stack } from './stack.ts'

const WRITERS = 8
const EACH = 5

describeWithEmulators('Google: eight functions write one device at once', () => {
  let firestore: Emulator
  let pubsub: Emulator
  let stack: Stack
  beforeAll(async () => {
    ;[firestore, pubsub] = await Promise.all([startFirestore(), startPubSub()])
    stack = await openStack({ firestore, pubsub })
  }, 120_000)
  afterAll(async () => {
    await stack?.close()
    await Promise.all([firestore?.stop(), pubsub?.stop()])
  })

  it('and nothing is lost: what lost a race too often is sent again', async () => {
    const parsed = parseConfig({})
    if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
    const { config } = parsed
    const functions = Array.from({ length: WRITERS }, () => createGcp(stack.settings, config))
    let nacks = 0
    /** Pub/Sub delivers until it is acknowledged. */
    const deliver = async (writer: number, index: number): Promise<void> => {
      const event = {
        id: `${writer}-${index}`,
        data: {
          message: {
            messageId: `${writer}-${index}`,
            publishTime: new Date(1_750_000_000_000 + writer * 100 + index).toISOString(),
            data: Buffer.from(JSON.stringify({ n: index })).toString('base64'),
            attributes: { topic: 'devices/dev-1/telemetry' },
          },
        },
      }
      for (;;) {
        const failed = await functions[writer]?.ingest(event).then(
          () => false,
          () => true,
        )
        if (failed !== true) return
        nacks++
      }
    }
    await Promise.all(
      functions.map(async (_, writer) => {
        for (let index = 0; index < EACH; index++) await deliver(writer, index)
      }),
    )
    const [gcp] = functions
    const record = await gcp?.core.ports.devices.load('dev-1')
    expect(record?.accepted).toBe(WRITERS * EACH)
    expect(await gcp?.core.ports.telemetry.count('dev-1')).toBe(WRITERS * EACH)
    const rows = await gcp?.core.ports.telemetry.range('dev-1', {
      from: 0,
      to: 8.64e15,
      limit: 1_000,
      descending: false,
    })
    expect(new Set(rows?.map(({ messageId }) => messageId)).size).toBe(WRITERS * EACH)
    expect(nacks).toBeLessThan(WRITERS * EACH)
  }, 120_000)
})
