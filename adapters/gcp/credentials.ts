import * as z from 'zod/mini'
import { CoreError } from '../../core/index.ts'
import { createWebSender, parseJson, type WebSender } from '../node/web-sender.ts'
import { type GcpClient, unexpected } from './client.ts'

/** Who this process is to Google. */
export interface Credentials {
  /** A token that opens every service that the account may use. */
  token(): Promise<string>
  /** A token that proves to one function or service who we are. */
  identityToken(audience: string): Promise<string>
  /** The account's address. */
  email(): Promise<string>
  /** Signs with a key of the account: RSA with SHA-256. */
  sign(bytes: string, client: GcpClient): Promise<Buffer>
  close(): void
}

export interface CredentialsOptions {
  /** The file of a service account's key; without it the metadata server is asked. */
  readonly file: string | undefined
  /** Shape: `http://host`. */
  readonly metadataServer?: string
  /** Epoch ms. */
  readonly now: () => number
}

/** A token is not used in its last minutes. Unit: ms. */
const EARLY_MS = 240_000

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform'

const TokenReply = z.object({ access_token: z.string(), expires_in: z.number() })
const IdReply = z.object({ id_token: z.string() })
const SignReply = z.object({ signedBlob: z.string() })

/** Source: Google Cloud IAM, service account keys. */
const KeyFile = z.object({
  type: z.literal('service_account'),
  client_email: z.string(),
  private_key: z.string(),
  token_uri: z.string(),
})
type Key = z.output<typeof KeyFile>

/** Credentials of a service account: of the metadata server, or of a key's file. */
export function createCredentials({
  file,
  metadataServer = 'http://metadata.google.internal',
  now,
}: CredentialsOptions): Credentials {
  const send = createWebSender()
  const key = file === undefined ? undefined : readKey(file)
  let kept: Promise<{ token: string; until: number }> | undefined
  let address: Promise<string> | undefined

  /** Source: Compute Engine, "About VM metadata". */
  async function metadata(path: string): Promise<Buffer> {
    const url = new URL(
      `/computeMetadata/v1/instance/service-accounts/default/${path}`,
      metadataServer,
    )
    const headers = { 'metadata-flavor': 'Google' }
    const response = await send({ url, method: 'GET', headers }).catch((cause: unknown) => {
      throw new CoreError('store.unavailable', `metadata server: ${String(cause)}`, { cause })
    })
    if (response.status !== 200) throw unexpected('metadata server', response)
    return response.body
  }

  async function fetchToken(): Promise<{ token: string; until: number }> {
    const body =
      key === undefined ? await metadata('token') : await grant(send, key, { scope: SCOPE }, now())
    const { access_token, expires_in } = TokenReply.parse(parseJson(body))
    return { token: access_token, until: now() + expires_in * 1_000 - EARLY_MS }
  }

  /** The token of now; callers of one time share a question. */
  async function token(): Promise<string> {
    const before = kept
    if (before !== undefined) {
      const found = await before
      if (found.until > now()) return found.token
    }
    if (kept === before) {
      kept = fetchToken()
      kept.catch(() => {
        kept = undefined
      })
    }
    return kept === undefined ? token() : (await kept).token
  }

  function email(): Promise<string> {
    if (key !== undefined) return Promise.resolve(key.client_email)
    address ??= metadata('email').then((body) => body.toString('utf8').trim())
    address.catch(() => {
      address = undefined
    })
    return address
  }

  return {
    token,
    email,

    async identityToken(audience) {
      if (key === undefined)
        return (await metadata(`identity?audience=${encodeURIComponent(audience)}`)).toString()
      const body = await grant(send, key, { target_audience: audience }, now())
      return IdReply.parse(parseJson(body)).id_token
    },

    async sign(bytes, client) {
      if (key !== undefined) return signWith(key, bytes)
      // Source: IAM Service Account Credentials API, signBlob.
      const response = await client.send({
        service: 'iamcredentials',
        method: 'POST',
        path: `/v1/projects/-/serviceAccounts/${encodeURIComponent(await email())}:signBlob`,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ payload: Buffer.from(bytes).toString('base64') }),
      })
      if (response.status !== 200) throw unexpected('iamcredentials', response)
      return Buffer.from(SignReply.parse(parseJson(response.body)).signedBlob, 'base64')
    },

    close: send.close,
  }
}

/** What an emulator takes for anybody. */
export const EMULATOR_CREDENTIALS: Credentials = {
  token: async () => 'owner',
  identityToken: async () => 'owner',
  email: async () => 'owner@localhost',
  async sign() {
    throw new CoreError('config.invalid', 'expected an account that can sign, found an emulator')
  },
  close: () => undefined,
}

/** Source: Google identity, "Using OAuth 2.0 for server to server applications". */
async function grant(send: WebSender, key: Key, claims: object, at: number): Promise<Buffer> {
  const iat = Math.floor(at / 1_000)
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${part({ alg: 'RS256', typ: 'JWT' })}.${part({
    iss: key.client_email,
    aud: key.token_uri,
    iat,
    exp: iat + 3_600,
    ...claims,
  })}`
  const assertion = `${signed}.${signWith(key, signed).toString('base64url')}`
  const response = await send({
    url: new URL(key.token_uri),
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion,
    }).toString(),
  }).catch((cause: unknown) => {
    throw new CoreError('store.unavailable', `token server: ${String(cause)}`, { cause })
  })
  if (response.status !== 200) throw unexpected('token server', response)
  return response.body
}

function signWith(key: Key, bytes: string): Buffer {
  const { createSign } = process.getBuiltinModule('node:crypto')
  return createSign('sha256').update(bytes).sign(key.private_key)
}

function readKey(file: string): Key {
  const { readFileSync } = process.getBuiltinModule('node:fs')
  const parsed = KeyFile.safeParse(parseJson(readFileSync(file)))
  if (parsed.success) return parsed.data
  throw new CoreError('config.invalid', `${file}: expected the key of a service account`)
}
