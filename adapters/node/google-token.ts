import { createPrivateKey, sign } from 'node:crypto'
import * as z from 'zod/mini'
import { CoreError } from '../../core/index.ts'
import type { GuardedRequest, GuardedSender } from './guarded-sender.ts'

/** What of a service account's key is needed. Source: Google Cloud, "Create and delete service account keys". */
const ServiceAccount = z.object({
  project_id: z.string(),
  client_email: z.string(),
  private_key: z.string(),
  token_uri: z._default(z.url({ protocol: /^https?$/ }), 'https://oauth2.googleapis.com/token'),
})

/** It becomes a header. */
const Token = z.object({
  access_token: z.string().check(z.regex(/^[\x21-\x7e]+$/)),
  expires_in: z.number(),
})

const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging'

/** A token is replaced so long before it ends. */
const MARGIN_MS = 300_000
const TIMEOUT_MS = 10_000

export interface ServiceAccountKey {
  readonly project: string
  readonly email: string
  readonly privateKey: string
  readonly tokenUri: string
}

/**
 * Reads the key of a service account.
 * @throws CoreError `channel.rejected` if it is none.
 */
export function readServiceAccount(text: string): ServiceAccountKey {
  const parsed = ServiceAccount.safeParse(parse(text))
  if (!parsed.success)
    throw new CoreError(
      'channel.rejected',
      'serviceAccount: expected JSON with project_id, client_email and private_key',
    )
  const { project_id: project, client_email: email, private_key: privateKey } = parsed.data
  return { project, email, privateKey, tokenUri: parsed.data.token_uri }
}

/** Access tokens of service accounts. */
export interface GoogleTokens {
  /**
   * A token, kept as long as it lives; who asks while it is on its way waits for the same.
   * @throws CoreError `channel.unavailable` or `channel.rejected`.
   */
  get(
    key: ServiceAccountKey,
    options: Pick<GuardedRequest, 'allowPrivate' | 'now'>,
  ): Promise<string>
  /** It was refused: the next one is asked for anew. */
  forget(token: string): void
}

/** Source: developers.google.com, "Using OAuth 2.0 for Server to Server Applications". */
export function createGoogleTokens(sender: GuardedSender): GoogleTokens {
  const tokens = new Map<string, { readonly token: string; readonly until: number }>()
  const underWay = new Map<string, Promise<string>>()

  async function fetch(
    name: string,
    key: ServiceAccountKey,
    { allowPrivate, now }: Pick<GuardedRequest, 'allowPrivate' | 'now'>,
  ): Promise<string> {
    const answer = await sender.ask({
      method: 'POST',
      url: new URL(key.tokenUri),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        assertion: assertion(key, now),
      }).toString(),
      timeoutMs: TIMEOUT_MS,
      allowPrivate,
      now,
    })
    const parsed = Token.safeParse(parse(answer.body))
    if (answer.status !== 200 || !parsed.success)
      throw new CoreError(
        isFinal(answer.status) ? 'channel.rejected' : 'channel.unavailable',
        `${new URL(key.tokenUri).host}: expected a token for ${key.email}, found status ${answer.status}`,
      )
    const { access_token: token, expires_in: seconds } = parsed.data
    tokens.set(name, { token, until: now + seconds * 1_000 - MARGIN_MS })
    return token
  }

  return {
    async get(key, options) {
      const name = JSON.stringify([key.email, key.tokenUri, key.privateKey, options.allowPrivate])
      const known = tokens.get(name)
      if (known !== undefined && known.until > options.now) return known.token
      const asked = underWay.get(name)
      if (asked !== undefined) return asked
      const answer = fetch(name, key, options).finally(() => underWay.delete(name))
      underWay.set(name, answer)
      return answer
    },
    forget(token) {
      for (const [name, known] of tokens) if (known.token === token) tokens.delete(name)
    },
  }
}

/** Too many requests, or one that took too long, are no reason to give up. */
function isFinal(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429
}

function assertion({ email, privateKey, tokenUri }: ServiceAccountKey, now: number): string {
  const iat = Math.floor(now / 1_000)
  const claims = { iss: email, scope: SCOPE, aud: tokenUri, iat, exp: iat + 3_600 }
  const head = encode({ alg: 'RS256', typ: 'JWT' })
  const signed = `${head}.${encode(claims)}`
  try {
    const signature = sign('sha256', Buffer.from(signed), createPrivateKey(privateKey))
    return `${signed}.${signature.toString('base64url')}`
  } catch (cause) {
    throw new CoreError('channel.rejected', 'private_key: expected an RSA key as PEM', { cause })
  }
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
