import { callAt } from '../dialects/client-dialect.ts'
import type { AmqpConnection } from '../listeners/amqp/index.ts'
import type { AmqpServices } from './services.ts'
import { ofEventHubsSas } from './tokens.ts'

/** Who a device of a connection is, by its proof. */
export interface DeviceGrant {
  readonly principal: string
}

/** What a connection has proved so far: to be some devices, or the owner. */
export interface Grants {
  /** Takes a token of claims-based security in. Gives why it proves nothing, or `undefined` if it does. */
  put(audience: string, token: string): string | undefined
  /** By user name and password. */
  login(username: string, password: string): boolean
  /** The proof of being this device, or why there is none. */
  device(deviceId: string): DeviceGrant | string
  readonly isOwner: boolean
  /** What was shown for this device counts no more. */
  revoke(deviceId: string): void
  /** Nothing of it counts any more. */
  end(): void
}

export interface GrantsOptions {
  readonly connection: AmqpConnection
  readonly services: Pick<AmqpServices, 'core' | 'identities' | 'adminToken'>
  /** A proof has ended: of one device, or of the owner. */
  readonly onExpired: (deviceId: string | undefined) => void
}

/** Devices that one connection may speak for. Source: Azure IoT Hub multiplexes up to 1,000. */
const MAX_DEVICES = 1_000

export function createGrants({ connection, services, onExpired }: GrantsOptions): Grants {
  const { identities, adminToken, core } = services
  const { clock, observer } = core.ports
  const devices = new Map<string, { readonly principal: string; cancel: () => void }>()
  let owner: { cancel: () => void } | undefined

  function grantDevice(deviceId: string, principal: string, expiresAt: number | undefined): void {
    devices.get(deviceId)?.cancel()
    const cancel =
      expiresAt === undefined
        ? () => undefined
        : callAt(expiresAt, clock.now, () => {
            devices.delete(deviceId)
            observer.count('amqp.expired', 1)
            onExpired(deviceId)
          })
    devices.set(deviceId, { principal, cancel })
    connection.prove()
  }

  function grantOwner(expiresAt: number | undefined): void {
    owner?.cancel()
    const cancel =
      expiresAt === undefined
        ? () => undefined
        : callAt(expiresAt, clock.now, () => {
            owner = undefined
            observer.count('amqp.expired', 1)
            onExpired(undefined)
          })
    owner = { cancel }
    connection.prove()
  }

  function putForDevice(deviceId: string, token: string): string | undefined {
    if (!devices.has(deviceId) && devices.size >= MAX_DEVICES)
      return `one connection speaks for at most ${MAX_DEVICES} devices`
    const judged = identities.ofSas(deviceId, token)
    if (judged.kind === 'refused') return judged.why
    if (judged.kind === 'device') grantDevice(deviceId, judged.principal, judged.expiresAt)
    return undefined
  }

  function putForOwner(token: string): string | undefined {
    const judged = identities.ofServiceSas(token)
    if (judged.kind === 'admin') {
      grantOwner(judged.expiresAt)
      return undefined
    }
    const owned = ofEventHubsSas(token, adminToken, clock.now())
    if (owned === undefined) return judged.kind === 'refused' ? judged.why : 'not the owner'
    grantOwner(owned.expiresAt)
    return undefined
  }

  return {
    put(audience, token) {
      const deviceId = deviceOfAudience(audience)
      return deviceId === undefined ? putForOwner(token) : putForDevice(deviceId, token)
    },

    login(username, password) {
      // Source: learn.microsoft.com, iot-hub-amqp-support: {device}@sas.{hub}, {policy}@sas.root.{hub}.
      const device = /^([^@]+)@sas\.(?!root\.)/.exec(username)?.[1]
      if (device !== undefined) return putForDevice(device, password) === undefined
      return putForOwner(password) === undefined
    },

    device(deviceId) {
      const granted = devices.get(deviceId)
      if (granted !== undefined)
        return identities.isDisabled(deviceId) ? 'device is disabled' : granted
      const { peerCertificate } = connection.transport
      if (peerCertificate === undefined) return 'neither certificate nor token of this device'
      const judged = identities.ofCertificate(peerCertificate)
      if (judged.kind === 'refused') return judged.why
      if (judged.kind === 'admin' || judged.deviceId !== deviceId)
        return 'the certificate is of another device'
      connection.prove()
      return { principal: judged.principal }
    },

    get isOwner() {
      return owner !== undefined
    },

    revoke(deviceId) {
      devices.get(deviceId)?.cancel()
      devices.delete(deviceId)
    },

    end() {
      for (const { cancel } of devices.values()) cancel()
      devices.clear()
      owner?.cancel()
      owner = undefined
    },
  }
}

/** The device that a token is for: `{host}/devices/{id}`, as it stands or encoded once or twice. */
function deviceOfAudience(audience: string): string | undefined {
  let text = audience
  for (let times = 0; times < 3; times++) {
    const found = /\/devices\/([^/]+)\/?$/i.exec(text)?.[1]
    if (found !== undefined) return decode(found)
    text = decode(text)
  }
  return undefined
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
