import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { SignJWT } from 'jose'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { onTestFinished } from 'vitest'
import type { Json, JsonObject } from '../../../core/index.ts'
import { openTlsCloud, type TlsCloud } from './tls-cloud.ts'

/** A message as a client got it. */
export interface Got {
  readonly topic: string
  readonly text: string
  readonly payload: Buffer
}

export interface TokenOptions {
  readonly key?: KeyObject
  readonly alg?: 'ES256' | 'RS256'
  readonly aud?: string
  /** Seconds from now. */
  readonly iat?: number
  /** Seconds from now. */
  readonly exp?: number
}

/** A client with all that it got so far. */
export interface GoogleClient extends MqttClient {
  readonly got: Got[]
}

/** A cloud with devices that sign tokens, as the firmware of a Google device would use it. */
export interface GoogleCloud extends TlsCloud {
  /** The private key of a device. */
  key(deviceId: string): KeyObject
  /** Registers a device with a public key of its own. */
  register(deviceId: string, fields?: JsonObject): Promise<void>
  token(deviceId: string, options?: TokenOptions): Promise<string>
  /** Connects with a fresh token. */
  connectGoogle(deviceId: string, options?: IClientOptions): Promise<GoogleClient>
  /** A request of the admin. */
  asAdmin(method: string, path: string, body?: string | Uint8Array): Promise<JsonObject>
  /** A request to the HTTP bridge over TLS. */
  bridge(
    method: string,
    path: string,
    options?: { token?: string | undefined; body?: Json | string },
  ): Promise<{ readonly status: number; readonly body: JsonObject }>
}

export const PATH = 'projects/proj/locations/europe-west1/registries/reg/devices'

export async function openGoogleCloud(
  ...options: Parameters<typeof openTlsCloud>
): Promise<GoogleCloud> {
  const cloud = await openTlsCloud(...options)
  const keys = new Map<string, KeyObject>()
  const key = (deviceId: string): KeyObject => {
    const found = keys.get(deviceId)
    if (found === undefined) throw new Error(`${deviceId} has no key`)
    return found
  }
  const token: GoogleCloud['token'] = (
    deviceId,
    { key: signer = key(deviceId), alg = 'ES256', aud = 'proj', iat = 0, exp = 3_600 } = {},
  ) => {
    const now = Math.floor(Date.now() / 1_000)
    return new SignJWT({ aud, iat: now + iat, exp: now + exp })
      .setProtectedHeader({ alg, typ: 'JWT' })
      .sign(signer)
  }
  return {
    ...cloud,
    key,
    token,
    async register(deviceId, fields = {}) {
      const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      keys.set(deviceId, pair.privateKey)
      const publicKey = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString()
      const answer = await cloud.admin('POST', '/devices', { deviceId, publicKey, ...fields })
      if (answer.status !== 201) throw new Error(await answer.text())
    },
    async connectGoogle(deviceId, more = {}) {
      const client = await connectAsync(`mqtts://localhost:${cloud.mqttsPort}`, {
        clientId: `${PATH}/${deviceId}`,
        username: 'unused',
        protocolVersion: 4,
        reconnectPeriod: 0,
        ca: cloud.authority,
        ...more,
        ...(more.password === undefined ? { password: await token(deviceId) } : {}),
      })
      const got: Got[] = []
      client.on('error', () => undefined)
      client.on('message', (topic, payload) => {
        got.push({ topic, payload, text: payload.toString('utf8') })
      })
      onTestFinished(() => void client.end(true))
      return Object.assign(client, { got })
    },
    async asAdmin(method, path, body) {
      const answer = await cloud.call(path, {
        method,
        headers: { authorization: `Bearer ${cloud.adminToken}` },
        ...(body === undefined
          ? {}
          : { body: typeof body === 'string' ? body : Buffer.from(body) }),
      })
      return { status: answer.status, ...((await answer.json()) as JsonObject) }
    },
    async bridge(method, path, { token: bearer, body } = {}) {
      const answer = await cloud.ask(method, `/v1/${PATH}/${path}`, {
        headers: bearer === undefined ? {} : { authorization: `Bearer ${bearer}` },
        ...(body === undefined
          ? {}
          : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      return { status: answer.status, body: JSON.parse(answer.body) as JsonObject }
    },
  }
}
