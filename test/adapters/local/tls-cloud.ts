import { request } from 'node:https'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { onTestFinished } from 'vitest'
import type { LocalSettings } from '../../../adapters/local/index.ts'
import type { IssuedCertificate, Json } from '../../../core/index.ts'
import { openCloud, type TestCloud, type TestCloudOptions } from './cloud.ts'

/** What a device holds that proves who it is. */
export type Proof = Pick<IssuedCertificate, 'certificate' | 'privateKey'>

/** A cloud with TLS, as its admin uses it. */
export interface TlsCloud extends TestCloud {
  readonly https: string
  /** PEM of what devices trust. */
  readonly authority: string
  /** A call of the registry, as the admin. */
  admin(method: string, path: string, body?: Json): Promise<Response>
  /** Registers a device with a certificate. */
  add(deviceId: string): Promise<Proof>
  /** Registers a device with a token. */
  addWithToken(deviceId: string): Promise<string>
  /** Connects over TLS; without a proof as nobody. */
  connect(clientId: string, proof?: Proof, options?: IClientOptions): Promise<MqttClient>
  /** A request over TLS. */
  ask(method: string, path: string, options?: AskOptions): Promise<Asked>
}

export interface AskOptions {
  readonly proof?: Proof
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface Asked {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

export async function openTlsCloud(
  settings: Partial<LocalSettings> = {},
  options: Omit<TestCloudOptions, 'settings'> = {},
): Promise<TlsCloud> {
  const cloud = await openCloud({
    ...options,
    settings: { httpsPort: 0, mqttsPort: 0, ...settings },
  })
  const admin = (method: string, path: string, body?: Json): Promise<Response> =>
    cloud.call(`/registry${path}`, {
      method,
      headers: { authorization: `Bearer ${cloud.adminToken}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  const { authority } = await cloud.core.ports.issuer.certificate('nobody')
  return {
    ...cloud,
    https: `https://localhost:${cloud.httpsPort}`,
    authority,
    admin,
    async add(deviceId) {
      const answer = await admin('POST', '/devices', { deviceId, credential: 'certificate' })
      if (answer.status !== 201) throw new Error(await answer.text())
      return (await answer.json()) as Proof
    },
    async addWithToken(deviceId) {
      const answer = await admin('POST', '/devices', { deviceId, credential: 'token' })
      if (answer.status !== 201) throw new Error(await answer.text())
      return ((await answer.json()) as { token: string }).token
    },
    async connect(clientId, proof, more = {}) {
      const client = await connectAsync(`mqtts://localhost:${cloud.mqttsPort}`, {
        clientId,
        reconnectPeriod: 0,
        ca: authority,
        ...(proof === undefined ? {} : { cert: proof.certificate, key: proof.privateKey }),
        ...more,
      })
      client.on('error', () => undefined)
      onTestFinished(() => void client.end(true))
      return client
    },
    ask: (method, path, { proof, headers = {}, body } = {}) =>
      new Promise((resolve, reject) => {
        const sent = request(
          `https://localhost:${cloud.httpsPort}${path}`,
          {
            method,
            headers,
            ca: authority,
            agent: false,
            ...(proof === undefined ? {} : { cert: proof.certificate, key: proof.privateKey }),
          },
          (answer) => {
            let text = ''
            answer.setEncoding('utf8')
            answer.on('data', (chunk) => {
              text += chunk
            })
            answer.on('end', () =>
              resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }),
            )
          },
        )
        sent.on('error', reject)
        sent.end(body)
      }),
  }
}
