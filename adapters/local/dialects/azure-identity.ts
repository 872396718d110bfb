import * as z from 'zod'
import {
  AZURE_IOT_HUB,
  type Core,
  CoreError,
  type DeviceCredential,
  type DeviceRecord,
  isAlive,
  isLive,
  isPending,
  type JsonObject,
  type RegisteredDevice,
  type SymmetricKeys,
  twinForBackEnd,
} from '../../../core/index.ts'

// Devices of the registry in the words of IoT Hub: identities and twins.

/** Ended credentials that are remembered, as in the registry. */
const MAX_CREDENTIALS = 50

/** What IoT Hub says of a time that there is none of. */
const NEVER = '0001-01-01T00:00:00Z'

const Keys = z.looseObject({
  primaryKey: z.string().nullish(),
  secondaryKey: z.string().nullish(),
})

const Thumbprints = z.looseObject({
  primaryThumbprint: z.string().nullish(),
  secondaryThumbprint: z.string().nullish(),
})

/** What of an identity may be written. Other keys are those that IoT Hub itself sets, and are passed over. */
export const IdentityBody = z.looseObject({
  status: z.enum(['enabled', 'disabled']).nullish(),
  statusReason: z.string().max(128).nullish(),
  etag: z.string().nullish(),
  authentication: z
    .looseObject({
      type: z.enum(['sas', 'selfSigned', 'certificateAuthority', 'none']).nullish(),
      symmetricKey: Keys.nullish(),
      x509Thumbprint: Thumbprints.nullish(),
    })
    .nullish(),
})

export type IdentityBody = z.output<typeof IdentityBody>

/** The version of a device as an entity tag, without quotes. */
export function etagOf(version: number): string {
  return Buffer.from(String(version)).toString('base64')
}

/**
 * The version that an entity tag stands for, with or without quotes; `undefined` for any (`*`, or none given), NaN for a
 * tag that is none of ours.
 */
export function versionOf(etag: string | null | undefined): number | undefined {
  const tag = (etag ?? '').replace(/^W\//, '').replace(/^"(.*)"$/s, '$1')
  if (tag === '' || tag === '*') return undefined
  const text = Buffer.from(tag, 'base64').toString('utf8')
  return /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
}

/** The identity of a device with its keys: for the back end alone. */
export function identityOf(
  device: RegisteredDevice,
  record: DeviceRecord | undefined,
  now: number,
): JsonObject {
  const { deviceId, createdAt, version } = device
  const [keys] = liveKeys(device, now)
  const [primary, secondary] = liveThumbprints(device, now)
  return {
    deviceId,
    generationId: String(createdAt),
    etag: etagOf(version),
    ...stateOf(device, record),
    connectionStateUpdatedTime: timeOf(record?.presence.changedAt),
    authentication: {
      type: authenticationOf(device, now),
      symmetricKey: {
        primaryKey: keys?.primary ?? null,
        secondaryKey: keys?.secondary ?? null,
      },
      x509Thumbprint: {
        primaryThumbprint: primary ?? null,
        secondaryThumbprint: secondary ?? null,
      },
    },
    capabilities: { iotEdge: false },
  }
}

/** The twin of a device as the back end gets it. */
export function twinOf(
  device: RegisteredDevice,
  record: DeviceRecord | undefined,
  now: number,
): JsonObject {
  const document = record?.shadows['']
  const twin = twinForBackEnd(document, AZURE_IOT_HUB)
  const [primary, secondary] = liveThumbprints(device, now)
  return {
    deviceId: device.deviceId,
    etag: etagOf(Number(twin['version'])),
    deviceEtag: etagOf(device.version),
    ...stateOf(device, record),
    authenticationType: authenticationOf(device, now),
    x509Thumbprint: {
      primaryThumbprint: primary ?? null,
      secondaryThumbprint: secondary ?? null,
    },
    modelId: '',
    capabilities: { iotEdge: false },
    ...twin,
    tags: tagsOf(device, record),
  }
}

/** The tags of a device: those of its twin, or, before it has some, those that it was registered with. */
export function tagsOf(device: RegisteredDevice, record: DeviceRecord | undefined): JsonObject {
  const document = record?.shadows['']
  return (isAlive(document) ? document.tags : undefined) ?? device.tags
}

/** The device as its new identity wants it, with keys made where there are none. */
export async function withIdentity(
  device: RegisteredDevice,
  wanted: IdentityBody,
  issuer: Core['ports']['issuer'],
  now: number,
): Promise<RegisteredDevice> {
  const { status, statusReason } = wanted
  return {
    ...device,
    enabled: status === null || status === undefined ? device.enabled : status === 'enabled',
    ...(statusReason === null || statusReason === undefined ? {} : { statusReason }),
    credentials: await withAuthentication(device, wanted.authentication ?? undefined, issuer, now),
  }
}

type Authentication = NonNullable<IdentityBody['authentication']>

async function withAuthentication(
  device: RegisteredDevice,
  wanted: Authentication | undefined,
  issuer: Core['ports']['issuer'],
  now: number,
): Promise<readonly DeviceCredential[]> {
  const { credentials } = device
  if (wanted === undefined && credentials.length > 0) return credentials
  const { symmetricKey, x509Thumbprint } = wanted ?? {}
  const thumbprints = [x509Thumbprint?.primaryThumbprint, x509Thumbprint?.secondaryThumbprint]
  const type = wanted?.type ?? (thumbprints.some(Boolean) ? 'selfSigned' : 'sas')
  switch (type) {
    case 'sas': {
      const known = credentials.find((one) => one.kind === 'key' && isLive(one, now))
      const primary = symmetricKey?.primaryKey || known?.keys?.primary
      const secondary = symmetricKey?.secondaryKey || known?.keys?.secondary
      const isSame = primary === known?.keys?.primary && secondary === known?.keys?.secondary
      if (known !== undefined && isSame) return ended(credentials, now, [known])
      const { credential } = await issuer.key({
        ...(primary ? { primary } : {}),
        ...(secondary ? { secondary } : {}),
      })
      return ended(credentials, now, [credential])
    }
    case 'selfSigned': {
      const kept = thumbprints.flatMap((text) =>
        text ? [certificateOf(text, credentials, now)] : [],
      )
      if (kept.length === 0)
        throw new CoreError('input.malformed', 'expected a thumbprint of a certificate, found none')
      return ended(credentials, now, kept)
    }
    case 'certificateAuthority':
    case 'none':
      return ended(credentials, now, [])
  }
}

/** Keys and certificates end now, but for those that are kept; tokens and public keys are not IoT Hub's business. */
function ended(
  credentials: readonly DeviceCredential[],
  now: number,
  kept: readonly DeviceCredential[],
): readonly DeviceCredential[] {
  const others = credentials
    .filter((one) => !kept.includes(one))
    .map((one) =>
      (one.kind === 'key' || one.kind === 'certificate') && isLive(one, now)
        ? { ...one, endsAt: now }
        : one,
    )
  return [...others, ...kept].slice(-MAX_CREDENTIALS)
}

/** SHA-1 or SHA-256 of the certificate, in hex. */
function certificateOf(
  thumbprint: string,
  credentials: readonly DeviceCredential[],
  now: number,
): DeviceCredential {
  const digest = thumbprint.replaceAll(':', '').toLowerCase()
  if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(digest))
    throw new CoreError(
      'input.malformed',
      'expected a thumbprint of 40 or 64 hex digits: SHA-1 or SHA-256 of the certificate',
    )
  const known = credentials.find(
    (one) => one.kind === 'certificate' && one.digest === digest && isLive(one, now),
  )
  return known ?? { kind: 'certificate', digest, createdAt: now }
}

function liveKeys({ credentials }: RegisteredDevice, now: number): readonly SymmetricKeys[] {
  return credentials.flatMap((one) =>
    one.keys !== undefined && isLive(one, now) ? [one.keys] : [],
  )
}

function liveThumbprints({ credentials }: RegisteredDevice, now: number): readonly string[] {
  return credentials
    .filter((one) => one.kind === 'certificate' && isLive(one, now))
    .map(({ digest }) => digest.toUpperCase())
}

function authenticationOf(device: RegisteredDevice, now: number): string {
  if (liveKeys(device, now).length > 0) return 'sas'
  return liveThumbprints(device, now).length > 0 ? 'selfSigned' : 'certificateAuthority'
}

function stateOf(device: RegisteredDevice, record: DeviceRecord | undefined): JsonObject {
  const { enabled, statusReason } = device
  const { presence, commands = [] } = record ?? {}
  return {
    status: enabled ? 'enabled' : 'disabled',
    statusReason: statusReason ?? null,
    statusUpdatedTime: NEVER,
    connectionState: presence?.connected === true ? 'Connected' : 'Disconnected',
    lastActivityTime: timeOf(isHeardOf(record) ? presence?.seenAt : 0),
    cloudToDeviceMessageCount: commands.filter(isPending).length,
  }
}

/** A record can be there before the device is: its twin was written. */
function isHeardOf(record: DeviceRecord | undefined): boolean {
  return record !== undefined && (record.accepted > 0 || record.presence.changedAt > 0)
}

function timeOf(at: number | undefined): string {
  return at === undefined || at === 0 ? NEVER : new Date(at).toISOString()
}
