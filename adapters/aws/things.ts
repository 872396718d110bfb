import { X509Certificate } from 'node:crypto'
import { rootCertificates } from 'node:tls'
import type { IoTClient } from '@aws-sdk/client-iot'
import {
  type Clock,
  CoreError,
  type CredentialIssuer,
  isLive,
  type RegisteredDevice,
} from '../../core/index.ts'

export interface ThingsOptions {
  readonly region: string
  readonly endpoint?: string | undefined
  /** The policy that lets a device speak on its own topics; serverless.aws.yml makes it. */
  readonly policy: string
  readonly clock: Clock
}

/** The authority of AWS IoT's servers, which every Node brings. Source: AWS IoT developer guide, server authentication. */
const AUTHORITY = 'CN=Amazon Root CA 1'

/** Faults that pass once what is attached is detached. */
const UNDER_WAY = new Set([
  'DeleteConflictException',
  'CertificateStateException',
  'InvalidRequestException',
])
const MAX_TRIES = 6
const WAIT_MS = 250

/** What AWS IoT knows of devices: a thing for each, and its certificates. */
export interface Things {
  /** Brings thing, certificates and attachments to what the registry says; doing it again changes nothing. */
  sync(device: RegisteredDevice): Promise<void>
  remove(device: RegisteredDevice): Promise<void>
  readonly issueCertificate: CredentialIssuer['certificate']
}

/**
 * Things and certificates through the vendor's client, loaded when it is first needed: only the API does.
 *
 * A certificate's id at AWS is the SHA-256 of its DER, which is what the registry keeps as digest.
 */
export function createThings({ region, endpoint, policy, clock }: ThingsOptions): Things {
  let client: IoTClient | undefined

  async function open() {
    const sdk = await import('@aws-sdk/client-iot')
    client ??= new sdk.IoTClient({ region, ...(endpoint === undefined ? {} : { endpoint }) })
    return { sdk, client }
  }

  async function syncCertificate(
    device: RegisteredDevice,
    certificateId: string,
    live: boolean,
  ): Promise<void> {
    const { sdk, client } = await open()
    const described = await client
      .send(new sdk.DescribeCertificateCommand({ certificateId }))
      .catch(unlessMissing)
    // One that AWS does not know was registered elsewhere: it proves nothing here.
    const found = described?.certificateDescription
    if (found?.certificateArn === undefined) return
    const newStatus = live ? 'ACTIVE' : 'INACTIVE'
    if (found.status !== newStatus)
      await client.send(new sdk.UpdateCertificateCommand({ certificateId, newStatus }))
    const principal = found.certificateArn
    await client.send(new sdk.AttachPolicyCommand({ policyName: policy, target: principal }))
    await client.send(
      new sdk.AttachThingPrincipalCommand({ thingName: device.deviceId, principal }),
    )
  }

  return {
    async sync(device) {
      const { sdk, client } = await open()
      const { deviceId: thingName } = device
      try {
        await client.send(new sdk.CreateThingCommand({ thingName })).catch(unlessThere)
        for (const credential of device.credentials) {
          if (credential.kind !== 'certificate') continue
          const live = device.enabled && isLive(credential, clock.now())
          await syncCertificate(device, credential.digest, live)
        }
      } catch (error) {
        throw unavailable(error)
      }
    },

    async remove(device) {
      const { sdk, client } = await open()
      const { deviceId: thingName } = device
      try {
        const listed = await client
          .send(new sdk.ListThingPrincipalsCommand({ thingName }))
          .catch(unlessMissing)
        for (const principal of listed?.principals ?? []) {
          const certificateId = principal.split('/').at(-1) ?? ''
          await client.send(
            new sdk.UpdateCertificateCommand({ certificateId, newStatus: 'INACTIVE' }),
          )
          await client.send(new sdk.DetachThingPrincipalCommand({ thingName, principal }))
          await client.send(new sdk.DetachPolicyCommand({ policyName: policy, target: principal }))
          // Detaching goes on after its answer. Source: AWS IoT API reference, DetachThingPrincipal.
          await patiently(() =>
            client.send(new sdk.DeleteCertificateCommand({ certificateId, forceDelete: true })),
          )
        }
        await patiently(() => client.send(new sdk.DeleteThingCommand({ thingName }))).catch(
          unlessMissing,
        )
      } catch (error) {
        throw unavailable(error)
      }
    },

    async issueCertificate() {
      const { sdk, client } = await open()
      const made = await client
        .send(new sdk.CreateKeysAndCertificateCommand({ setAsActive: false }))
        .catch((error: unknown) => {
          throw unavailable(error)
        })
      const { certificateId, certificatePem, keyPair } = made
      if (
        certificateId === undefined ||
        certificatePem === undefined ||
        keyPair?.PrivateKey === undefined
      )
        throw new CoreError('store.unavailable', 'iot: expected a certificate and its key')
      return {
        credential: { kind: 'certificate', digest: certificateId, createdAt: clock.now() },
        certificate: certificatePem,
        privateKey: keyPair.PrivateKey,
        authority: readAuthority(),
      }
    },
  }
}

function readAuthority(): string {
  const found = rootCertificates.find((pem) =>
    new X509Certificate(pem).subject.split('\n').includes(AUTHORITY),
  )
  if (found === undefined)
    throw new CoreError('store.unavailable', `expected ${AUTHORITY} among Node's authorities`)
  return found
}

/** Tries again while something else is still going on. */
async function patiently<T>(run: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await run()
    } catch (error) {
      if (tries === MAX_TRIES || !(error instanceof Error) || !UNDER_WAY.has(error.name))
        throw error
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS))
    }
  }
}

function unlessMissing(error: unknown): undefined {
  if (error instanceof Error && error.name === 'ResourceNotFoundException') return undefined
  throw error
}

function unlessThere(error: unknown): undefined {
  if (error instanceof Error && error.name === 'ResourceAlreadyExistsException') return undefined
  throw error
}

function unavailable(cause: unknown): CoreError {
  const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)
  return new CoreError('store.unavailable', `iot: ${reason}`, { cause })
}
