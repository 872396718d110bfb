import * as z from 'zod/mini'
import { CoreError } from '../../core/index.ts'
import { createWebSender, parseJson, type WebResponse } from '../node/web-sender.ts'
import { unexpected } from './client.ts'
import type { AzureSettings } from './config.ts'
import { lazily } from './lazily.ts'

/** Who this process is to Azure. */
export interface Credentials {
  /**
   * A token for one kind of service. Shape of the resource: `https://cosmos.azure.com`.
   * @throws CoreError `store.unavailable` if none is handed out; `config.invalid` if nothing says who we are.
   */
  token(resource: string): Promise<string>
  close(): void
}

export interface CredentialsOptions {
  readonly settings: Pick<
    AzureSettings,
    | 'identityEndpoint'
    | 'identityHeader'
    | 'clientId'
    | 'tenantId'
    | 'clientSecret'
    | 'federatedTokenFile'
    | 'authorityHost'
  >
  /** Epoch ms. */
  readonly now: () => number
}

/** A token is not used in its last minutes. Unit: ms. */
const EARLY_MS = 300_000

/** How often a token is asked for. */
const MAX_TRIES = 3

/** App Service says when a token ends in epoch seconds, as a text; the grant in seconds from now. */
const TokenReply = lazily(() =>
  z.object({
    access_token: z.string(),
    expires_on: z.optional(z.coerce.number()),
    expires_in: z.optional(z.coerce.number()),
  }),
)

interface Kept {
  readonly token: string
  /** Epoch ms. */
  readonly until: number
}

/** Credentials of the app's managed identity or, outside of Azure, of a service principal. */
export function createCredentials({ settings, now }: CredentialsOptions): Credentials {
  const send = createWebSender()
  const kept = new Map<string, Promise<Kept>>()

  function ask(resource: string): Promise<WebResponse> {
    const { identityEndpoint, identityHeader, clientId, tenantId } = settings
    if (identityEndpoint !== undefined && identityHeader !== undefined) {
      const url = new URL(identityEndpoint)
      url.searchParams.set('api-version', '2019-08-01')
      url.searchParams.set('resource', resource)
      if (clientId !== undefined) url.searchParams.set('client_id', clientId)
      return send({ url, method: 'GET', headers: { 'x-identity-header': identityHeader } })
    }
    const proof = proofOf(settings)
    if (clientId === undefined || tenantId === undefined || proof === undefined)
      throw new CoreError(
        'config.invalid',
        'expected a managed identity (IDENTITY_ENDPOINT) or a service principal (AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET), found neither',
      )
    // Source: Microsoft identity platform, OAuth 2.0 client credentials flow.
    return send({
      url: new URL(`/${encodeURIComponent(tenantId)}/oauth2/v2.0/token`, settings.authorityHost),
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: clientId,
        scope: `${resource}/.default`,
        ...proof,
      }).toString(),
    })
  }

  async function fetchToken(resource: string): Promise<Kept> {
    for (let tries = 1; ; tries++) {
      const response = await ask(resource).catch((cause: unknown) => {
        if (cause instanceof CoreError) throw cause
        throw new CoreError('store.unavailable', `identity: ${String(cause)}`, { cause })
      })
      if (response.status === 200) {
        const parsed = TokenReply().safeParse(parseJson(response.body))
        if (!parsed.success) throw unexpected('identity', response)
        const { access_token, expires_on, expires_in } = parsed.data
        const end =
          expires_on === undefined ? now() + (expires_in ?? 0) * 1_000 : expires_on * 1_000
        return { token: access_token, until: end - EARLY_MS }
      }
      const busy = response.status >= 500 || response.status === 429
      if (!busy || tries === MAX_TRIES) throw unexpected('identity', response)
    }
  }

  return {
    async token(resource) {
      for (;;) {
        const before = kept.get(resource)
        if (before !== undefined) {
          const found = await before
          if (found.until > now()) return found.token
        }
        // Callers of one time share a question.
        if (kept.get(resource) === before) {
          const asked = fetchToken(resource)
          kept.set(resource, asked)
          asked.catch(() => {
            if (kept.get(resource) === asked) kept.delete(resource)
          })
          return (await asked).token
        }
      }
    },
    close: send.close,
  }
}

/** What a service principal proves itself with. */
function proofOf({
  clientSecret,
  federatedTokenFile,
}: CredentialsOptions['settings']): Readonly<Record<string, string>> | undefined {
  if (clientSecret !== undefined) return { client_secret: clientSecret }
  if (federatedTokenFile === undefined) return undefined
  const { readFileSync } = process.getBuiltinModule('node:fs')
  return {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: readFileSync(federatedTokenFile, 'utf8').trim(),
  }
}
