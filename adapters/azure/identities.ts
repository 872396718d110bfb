import {
  type Clock,
  CoreError,
  type DeviceCredential,
  isLive,
  type JsonObject,
  mergeDiff,
  type RegisteredDevice,
  type SymmetricKeys,
} from '../../core/index.ts'
import type { Hub, Identity } from './hub.ts'

/** How often a write that met another one is tried. */
const MAX_RACES = 5

/** What the hub knows of devices: an identity for each, with its proof, and the tags of its twin. */
export interface Identities {
  /** Adds the identity. Gives false if there is one of this id. */
  create(device: RegisteredDevice): Promise<boolean>
  /** Brings the identity to what the registry says; doing it again changes nothing. One that is not there is made. */
  sync(device: RegisteredDevice): Promise<void>
  /** Puts tags in place of those that the twin has. */
  writeTags(device: RegisteredDevice): Promise<void>
  /** The device as the hub has it, for one that was made elsewhere; `undefined` if there is none. */
  read(deviceId: string): Promise<RegisteredDevice | undefined>
  /** Gives false if there was none. */
  remove(deviceId: string): Promise<boolean>
}

/**
 * The identity registry of IoT Hub. By it devices prove themselves: our own registry says with what.
 *
 * Source: IoT Hub, "Understand the identity registry in your IoT hub"; service REST reference, Devices.
 */
export function createIdentities(hub: Hub, clock: Clock): Identities {
  async function create(device: RegisteredDevice): Promise<boolean> {
    const body = bodyOf(device, undefined, clock.now())
    return (await hub.putIdentity(device.deviceId, body, undefined)) !== undefined
  }

  return {
    create,

    async sync(device) {
      for (let race = 1; race <= MAX_RACES; race++) {
        const found = await hub.identity(device.deviceId)
        if (found === undefined) {
          if (await create(device)) return
          continue
        }
        const body = bodyOf(device, found, clock.now())
        if (isSame(found, body)) return
        if ((await hub.putIdentity(device.deviceId, body, found.etag)) !== undefined) return
      }
      throw contended(device.deviceId)
    },

    async writeTags({ deviceId, tags }) {
      for (let race = 1; race <= MAX_RACES; race++) {
        const twin = await hub.twin(deviceId)
        if (twin === undefined)
          throw new CoreError(
            'input.not_found',
            `${deviceId}: expected a device of the hub, found none`,
          )
        const patch = mergeDiff(twin.tags, tags)
        if (Object.keys(patch).length === 0) return
        if (await hub.patchTwin(deviceId, { tags: patch }, twin.etag)) return
      }
      throw contended(deviceId)
    },

    async read(deviceId) {
      const [identity, twin] = await Promise.all([hub.identity(deviceId), hub.twin(deviceId)])
      if (identity === undefined) return undefined
      const { status, statusReason } = identity
      return {
        deviceId,
        tags: textsOf(twin?.tags ?? {}),
        enabled: status !== 'disabled',
        ...(statusReason === '' ? {} : { statusReason }),
        createdAt: clock.now(),
        version: 1,
        // With what it proves itself only the hub knows: it stays as it is there.
        credentials: [],
      }
    },

    remove: (deviceId) => hub.removeIdentity(deviceId),
  }
}

/** What the hub is told. What it has otherwise, such as capabilities, stays. */
function bodyOf(
  { deviceId, enabled, statusReason = '', credentials }: RegisteredDevice,
  found: Identity | undefined,
  now: number,
): JsonObject {
  const { etag: _, ...before } = found ?? {}
  const authentication = authenticationOf(credentials, now)
  return {
    ...before,
    deviceId,
    status: enabled ? 'enabled' : 'disabled',
    statusReason,
    ...(authentication === undefined ? {} : { authentication }),
  }
}

/**
 * With what the device proves itself: the newest key or certificate, and the one before as the second as long as that is
 * still good. `undefined` where we know of none: the hub keeps what it has, or makes keys that it shows to its owners alone.
 */
function authenticationOf(
  credentials: readonly DeviceCredential[],
  now: number,
): JsonObject | undefined {
  const ours = credentials.filter(({ kind }) => kind === 'key' || kind === 'certificate')
  if (ours.length === 0) return undefined
  const live = ours.filter((one) => isLive(one, now)).toReversed()
  const [newest, ...older] = live
  if (newest?.kind === 'certificate') {
    const before = older.find(({ kind }) => kind === 'certificate')
    return {
      type: 'selfSigned',
      x509Thumbprint: {
        primaryThumbprint: newest.digest.toUpperCase(),
        secondaryThumbprint: before?.digest.toUpperCase() ?? null,
      },
    }
  }
  const [keys, before] = live.flatMap((one) => one.keys ?? [])
  return {
    type: 'sas',
    symmetricKey:
      keys === undefined
        ? keysOf(randomKeys())
        : keysOf({ primary: keys.primary, secondary: before?.primary ?? keys.secondary }),
  }
}

/** Keys that nobody holds: what had been good is good no more. */
function randomKeys(): SymmetricKeys {
  const { randomBytes } = process.getBuiltinModule('node:crypto')
  const random = (): string => randomBytes(32).toString('base64')
  return { primary: random(), secondary: random() }
}

function keysOf({ primary, secondary }: SymmetricKeys): JsonObject {
  return { primaryKey: primary, secondaryKey: secondary }
}

/** Whether the hub has all that it would be told. */
function isSame(found: Identity, body: JsonObject): boolean {
  const { etag: _, ...before } = found
  return Object.keys(mergeDiff(before, { ...before, ...withKnown(before, body) })).length === 0
}

/** What is said of the proof counts; what the hub adds to it does not. */
function withKnown(before: JsonObject, body: JsonObject): JsonObject {
  const [was, is] = [before['authentication'], body['authentication']]
  if (!isObject(was) || !isObject(is)) return body
  const merged = Object.fromEntries(
    Object.entries(was).map(([name, value]) => {
      const said = is[name]
      return [name, isObject(value) && isObject(said) ? { ...value, ...said } : (said ?? value)]
    }),
  )
  return { ...body, authentication: { ...is, ...merged } }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Tags that are texts: others are seen in the twin alone. */
function textsOf(tags: JsonObject): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(tags).flatMap(([name, value]) =>
      typeof value === 'string' ? [[name, value]] : [],
    ),
  )
}

function contended(deviceId: string): CoreError {
  return new CoreError(
    'store.conflict',
    `${deviceId}: the hub's device was changed ${MAX_RACES} times meanwhile`,
  )
}
