/** How one signs in with an account of one's own. */
export interface OidcSettings {
  readonly issuer: string
  readonly clientId: string
  readonly scope: string
}

/** What whoever hosts the page may say in `config.json` beside it. */
export interface Settings {
  /** Where the API is; ends in `/`. */
  readonly api: string
  readonly oidc?: OidcSettings
}

/** The folder that the page lies in. */
const HERE = new URL('.', location.href).href

/** Reads `config.json`; the API is where the page comes from unless it says otherwise. Never fails. */
export async function readSettings(): Promise<Settings> {
  let found: { api?: unknown; oidc?: { issuer?: unknown; clientId?: unknown; scope?: unknown } } =
    {}
  try {
    const answer = await fetch(new URL('config.json', HERE), { cache: 'no-cache' })
    if (answer.ok) found = await answer.json()
  } catch {
    // Without the file the page talks to where it comes from.
  }
  const { api, oidc } = found
  const base = typeof api === 'string' && URL.canParse(api, HERE) ? new URL(api, HERE).href : HERE
  return {
    api: base.endsWith('/') ? base : `${base}/`,
    ...(typeof oidc?.issuer === 'string' && typeof oidc.clientId === 'string'
      ? {
          oidc: {
            issuer: oidc.issuer,
            clientId: oidc.clientId,
            scope: typeof oidc.scope === 'string' ? oidc.scope : 'openid profile email',
          },
        }
      : {}),
  }
}
