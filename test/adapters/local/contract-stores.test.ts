import { createColdStore } from '../../../adapters/local/cold-store.ts'
import { createCommandStore } from '../../../adapters/local/command-store.ts'
import { createDeviceStore } from '../../../adapters/local/device-store.ts'
import { createTelemetryStore } from '../../../adapters/local/telemetry-store.ts'
import { systemClock } from '../../../adapters/node/clock.ts'
import { coldStoreContract } from '../../contract/cold-store.ts'
import { type CommandStoreSubject, commandStoreContract } from '../../contract/command-store.ts'
import { deviceStoreContract } from '../../contract/device-store.ts'
import type { StoreSubject } from '../../contract/subject.ts'
import { telemetryStoreContract } from '../../contract/telemetry-store.ts'
import { openFresh } from './fresh-database.ts'
import { packedFirst } from './pack-all.ts'

function openStores(
  cacheSize: number,
  isPacked = false,
): () => Promise<StoreSubject & CommandStoreSubject> {
  return async () => {
    const { database, ...backend } = await openFresh()
    const telemetry = createTelemetryStore(database)
    return {
      ...backend,
      devices: createDeviceStore({
        database,
        clock: systemClock,
        cacheSize,
        onCommit: () => undefined,
      }),
      telemetry: isPacked ? packedFirst(database, telemetry) : telemetry,
      cold: createColdStore(database),
      commands: createCommandStore(database),
    }
  }
}

deviceStoreContract('SQLite', openStores(100))
deviceStoreContract('SQLite, hardly anything in memory', openStores(1))
telemetryStoreContract('SQLite', openStores(100))
telemetryStoreContract('SQLite, packed', openStores(100, true))
coldStoreContract('SQLite', openStores(100))
commandStoreContract('SQLite', openStores(100))
