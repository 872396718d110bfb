import { afterAll, beforeAll } from 'vitest'
import { createColdStore } from '../../../adapters/gcp/cold-store.ts'
import { createCommandStore } from '../../../adapters/gcp/command-store.ts'
import { createDeviceStore, recordPath } from '../../../adapters/gcp/device-store.ts'
import { createHotTails } from '../../../adapters/gcp/hot-tails.ts'
import { createTelemetryStore } from '../../../adapters/gcp/telemetry-store.ts'
import { coldStoreContract } from '../../contract/cold-store.ts'
import { type CommandStoreSubject, commandStoreContract } from '../../contract/command-store.ts'
import { deviceStoreContract } from '../../contract/device-store.ts'
import type { StoreSubject } from '../../contract/subject.ts'
import { telemetryStoreContract } from '../../contract/telemetry-store.ts'
import { openBigQuery } from './bigquery.ts'
import { describeWithEmulators, type Emulator, startFirestore, startPubSub } from './emulators.ts'
import { openProject } from './fresh-project.ts'

describeWithEmulators('Google, stores on the emulators', () => {
  let firestore: Emulator
  let pubsub: Emulator
  beforeAll(async () => {
    ;[firestore, pubsub] = await Promise.all([startFirestore(), startPubSub()])
  }, 120_000)
  afterAll(() => Promise.all([firestore?.stop(), pubsub?.stop()]))

  /** `remembered`: how many tails a process keeps; with 0 each commit has to read. */
  function openStores(
    remembered: number,
    archives = false,
  ): () => Promise<StoreSubject & CommandStoreSubject> {
    return async () => {
      const bigquery = await openBigQuery()
      const cloud = openProject({ firestore, pubsub, endpoint: bigquery.endpoint })
      await cloud.createTopic('cold')
      bigquery.fillFrom(() => cloud.pull('cold'))
      const tails = createHotTails(remembered)
      let nonce = 0
      const cold = createColdStore({
        client: cloud.client,
        pubsub: cloud.pubsub,
        project: cloud.project,
        topic: 'cold',
        table: 'anyhub.cold',
        now: Date.now,
        random: Math.random,
      })
      return {
        takeAway: cloud.takeAway,
        async close() {
          await bigquery.close()
          await cloud.close()
        },
        cold,
        commands: createCommandStore(cloud.firestore, recordPath),
        devices: createDeviceStore({
          firestore: cloud.firestore,
          tails,
          archive: archives ? cold.archive : async () => undefined,
          now: Date.now,
          retentionMs: 86_400_000,
          newId: () => `${++nonce}`,
        }),
        telemetry: createTelemetryStore({ firestore: cloud.firestore, tails }),
      }
    }
  }

  deviceStoreContract('Firestore', openStores(1_000))
  deviceStoreContract('Firestore, nothing in memory', openStores(0))
  telemetryStoreContract('Firestore', openStores(1_000))
  telemetryStoreContract('Firestore, nothing in memory', openStores(0))
  commandStoreContract('Firestore', openStores(1_000))
  coldStoreContract('Pub/Sub and BigQuery', openStores(1_000, true))
})
