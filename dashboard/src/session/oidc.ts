import type { OidcSettings } from '../settings.ts'

// Authorization code with PKCE, as a public client. Source: OAuth 2.0 for Browser-Based Applications; RFC 7636.

const FLOW = 'anyhub-oidc'

interface Flow {
  readonly state: string
  readonly verifier: string
  readonly tokenEndpoint: string
  readonly clientId: string
  readonly hash: string
}

interface Discovery {
  readonly authorization_endpoint: string
  readonly token_endpoint: string
}

/**
 * Leaves for the issuer.
 * @throws Error if the issuer does not say where its endpoints are.
 */
export async function startOidc({ issuer, clientId, scope }: OidcSettings): Promise<void> {
  const answer = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
  if (!answer.ok) throw new Error(`the issuer answered ${answer.status}`)
  const found: Discovery = await answer.json()
  const verifier = randomText()
  const flow: Flow = {
    state: randomText(),
    verifier,
    tokenEndpoint: found.token_endpoint,
    clientId,
    hash: location.hash,
  }
  sessionStorage.setItem(FLOW, JSON.stringify(flow))
  const url = new URL(found.authorization_endpoint)
  for (const [name, value] of Object.entries({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri(),
    scope,
    state: flow.state,
    code_challenge: await challengeOf(verifier),
    code_challenge_method: 'S256',
  }))
    url.searchParams.set(name, value)
  location.assign(url)
}

/**
 * The token, if the issuer has just sent the person back; else `undefined`.
 * @throws Error if the issuer refused, or somebody else began this.
 */
export async function finishOidc(): Promise<string | undefined> {
  const query = new URLSearchParams(location.search)
  const kept = sessionStorage.getItem(FLOW)
  if (kept === null || !query.has('state')) return undefined
  sessionStorage.removeItem(FLOW)
  const flow: Flow = JSON.parse(kept)
  history.replaceState(null, '', `${location.pathname}${flow.hash}`)
  if (query.get('state') !== flow.state) throw new Error('the answer belongs to another sign-in')
  const code = query.get('code')
  if (code === null)
    throw new Error(query.get('error_description') ?? query.get('error') ?? 'the issuer refused')
  const answer = await fetch(flow.tokenEndpoint, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri(),
      client_id: flow.clientId,
      code_verifier: flow.verifier,
    }),
  })
  const tokens: { access_token?: string; id_token?: string; error_description?: string } =
    await answer.json()
  // Of an issuer that knows our audience the access token is a JWT; else the ID token says who this is.
  const token = [tokens.access_token, tokens.id_token].find((one) => one?.split('.').length === 3)
  if (!answer.ok || token === undefined)
    throw new Error(tokens.error_description ?? `the issuer answered ${answer.status}`)
  return token
}

function redirectUri(): string {
  return `${location.origin}${location.pathname}`
}

function randomText(): string {
  return base64Url(crypto.getRandomValues(new Uint8Array(32)))
}

async function challengeOf(verifier: string): Promise<string> {
  return base64Url(
    new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))),
  )
}

function base64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}
