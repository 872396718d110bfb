import { afterAll, beforeAll } from 'vitest'
import { createColdStore } from '../../../adapters/azure/cold-store.ts'
import { createCommandStore } from '../../../adapters/azure/command-store.ts'
import { createDeviceStore } from '../../../adapters/azure/device-store.ts'
import { createHotTails } from '../../../adapters/azure/hot-tails.ts'
import { createTelemetryStore } from '../../../adapters/azure/telemetry-store.ts'
import { coldStoreContract } from '../../contract/cold-store.ts'
import { type CommandStoreSubject, commandStoreContract } from '../../contract/command-store.ts'
import { deviceStoreContract } from '../../contract/device-store.ts'
import type { StoreSubject } from '../../contract/subject.ts'
import { telemetryStoreContract } from '../../contract/telemetry-store.ts'
import { type Azurite, describeWithEmulators, startAzurite } from './azurite.ts'
import { type CosmosServer, startCosmos } from './cosmos-server.ts'
import { openAccount } from './fresh-account.ts'

describeWithEmulators('Azure, stores on the emulators', () => {
  let azurite: Azurite
  let cosmos: CosmosServer
  beforeAll(async () => {
    ;[azurite, cosmos] = await Promise.all([startAzurite(), startCosmos()])
  }, 90_000)
  afterAll(() => Promise.all([azurite?.stop(), cosmos?.stop()]))

  /** `remembered`: how many tails a process keeps; with 0 each commit has to read. */
  function openStores(
    remembered: number,
    archives = false,
  ): () => Promise<StoreSubject & CommandStoreSubject> {
    return async () => {
      const account = await openAccount(archives ? { cosmos, azurite } : { cosmos })
      const tails = createHotTails(remembered)
      let nonce = 0
      const cold = createColdStore({
        blobs: account.blobs,
        writer: 'test',
        now: Date.now,
        random: Math.random,
      })
      const commands = createCommandStore(account.cosmos)
      return {
        takeAway: account.takeAway,
        close: account.close,
        cold,
        commands,
        devices: createDeviceStore({
          cosmos: account.cosmos,
          tails,
          archive: archives ? cold.archive : async () => undefined,
          contents: commands,
          retentionMs: 86_400_000,
          newId: () => `n${++nonce}`,
        }),
        telemetry: createTelemetryStore({ cosmos: account.cosmos, tails }),
      }
    }
  }

  deviceStoreContract('Cosmos', openStores(1_000))
  deviceStoreContract('Cosmos, nothing in memory', openStores(0))
  telemetryStoreContract('Cosmos', openStores(1_000))
  telemetryStoreContract('Cosmos, nothing in memory', openStores(0))
  commandStoreContract('Cosmos', openStores(1_000))
  coldStoreContract('Blob Storage', openStores(1_000, true))
})
