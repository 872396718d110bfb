import { CoreError, type RegisteredDevice, type Registry } from '../../core/index.ts'
import {
  type Document,
  documentId,
  type Fields,
  type Firestore,
  number,
  text,
} from './firestore.ts'

const COLLECTION = 'registry'

/** Who is registered, with the keys that devices prove themselves by, as documents of Firestore. */
export function createRegistry(firestore: Firestore): Registry {
  async function find(deviceId: string): Promise<Document | undefined> {
    return (await firestore.get([pathOf(deviceId)])).get(pathOf(deviceId))
  }

  return {
    async create(device) {
      const path = pathOf(device.deviceId)
      const fields = toFields(device)
      const written = await firestore.commit([{ path, fields, if: { exists: false } }])
      if (!written.held)
        throw new CoreError('device.exists', `${device.deviceId}: expected a new id, found one`)
    },

    async get(deviceId) {
      const document = await find(deviceId)
      return document === undefined ? undefined : readDevice(document)
    },

    async list(afterId, limit) {
      if (limit <= 0) return []
      const documents = await firestore.query({
        parent: '',
        collection: COLLECTION,
        orderBy: '__name__',
        ...(afterId === '' ? {} : { after: documentId(afterId) }),
        limit,
      })
      return documents.map(readDevice)
    },

    async update(device) {
      const expected = device.version - 1
      const stored = await find(device.deviceId)
      const found = stored === undefined ? undefined : number(stored, 'v')
      const written =
        stored !== undefined && found === expected
          ? await firestore.commit([
              {
                path: stored.path,
                fields: toFields(device),
                if: { updateTime: stored.updateTime },
              },
            ])
          : { held: false }
      if (!written.held)
        throw new CoreError(
          'store.conflict',
          `${device.deviceId}: expected version ${expected}, found ${found ?? 'none'}`,
        )
    },

    async remove(deviceId) {
      const path = pathOf(deviceId)
      return (await firestore.commit([{ path, remove: true, if: { exists: true } }])).held
    },
  }
}

function pathOf(deviceId: string): string {
  return `${COLLECTION}/${documentId(deviceId)}`
}

function toFields(device: RegisteredDevice): Fields {
  return {
    v: { doubleValue: device.version },
    device: { stringValue: JSON.stringify(device) },
  }
}

function readDevice(document: Document): RegisteredDevice {
  return JSON.parse(text(document, 'device') ?? '')
}
