import { afterAll, beforeAll, expect, it } from 'vitest'
import { createCommandStore } from '../../../adapters/aws/command-store.ts'
import { createDeviceStore } from '../../../adapters/aws/device-store.ts'
import type { Dynamo } from '../../../adapters/aws/dynamo.ts'
import { createHotTails } from '../../../adapters/aws/hot-tails.ts'
import { createTelemetryStore } from '../../../adapters/aws/telemetry-store.ts'
import { commit, row, THREE } from '../../contract/subject.ts'
import { devicesTable, freshName, openAccount, pairTable } from './fresh-account.ts'
import { describeWithMoto, type Moto, startMoto } from './moto.ts'

describeWithMoto('AWS: a writer who lost', () => {
  let moto: Moto
  beforeAll(async () => {
    moto = await startMoto()
  }, 90_000)
  afterAll(() => moto.stop())

  it('and comes late with old rows takes none away', async () => {
    const account = await openAccount(moto.endpoint)
    const name = freshName()
    const [table, telemetryTable] = [`${name}-d`, `${name}-t`]
    const create = 'DynamoDB_20120810.CreateTable'
    await account.create('dynamodb', create, devicesTable(table))
    await account.create('dynamodb', create, pairTable(telemetryTable, 'deviceId', 'sk'))
    let nonce = 0
    const open = (dynamo: Dynamo) => {
      const tails = createHotTails(10)
      return {
        devices: createDeviceStore({
          dynamo,
          table,
          telemetryTable,
          tails,
          contents: createCommandStore({ dynamo, table, now: Date.now }),
          archive: async () => undefined,
          now: Date.now,
          retentionMs: 86_400_000,
          newId: () => `${++nonce}`,
        }),
        telemetry: createTelemetryStore({ dynamo, table, telemetryTable, tails }),
      }
    }
    const reached = Promise.withResolvers<void>()
    const late = Promise.withResolvers<void>()
    const { dynamo } = account
    const fast = open(dynamo)
    const slow = open({
      ...dynamo,
      async put(into, item, condition) {
        if (into === telemetryTable) {
          reached.resolve()
          await late.promise
        }
        return dynamo.put(into, item, condition)
      },
    })
    const many = (prefix: string) =>
      Array.from({ length: 10 }, (_, index) => row(THREE + index, `${prefix}-${index}`.padEnd(60)))
    await fast.devices.commit(commit('dev-1', 1, { rows: many('a') }))
    // It reads the tail of the first commit, and stays on its way to the items.
    const losing = slow.devices.commit(commit('dev-1', 2, { rows: many('b') }))
    await reached.promise
    await fast.devices.commit(commit('dev-1', 2, { rows: [row(THREE, 'short')] }))
    await fast.devices.commit(commit('dev-1', 3, { rows: many('c') }))
    late.resolve()
    await expect(losing).rejects.toMatchObject({ code: 'store.conflict' })
    const all = { from: 0, to: 8e15, limit: 100, descending: false }
    const found = (await fast.telemetry.range('dev-1', all)).map(({ messageId }) => messageId)
    expect(found).toHaveLength(21)
    expect(found).toContain('short')
    await account.close()
  }, 30_000)
})
