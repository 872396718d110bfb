import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'

/** An OpenID Connect issuer on this machine, with keys of its own. */
export interface FakeIssuer {
  readonly issuer: string
  /** Paths that were asked for, in order. */
  readonly asked: string[]
  /** Signs claims with the key that is in use now, for audience `anyhub`, for one hour. */
  sign(claims: JWTPayload, options?: SignOptions): Promise<string>
  /** A new key; the old one is published no more. */
  rotate(): Promise<void>
  /** Answers in place of the documents; `undefined` serves them again. */
  answer(instead: ((path: string) => { status: number; body: string }) | undefined): void
  close(): Promise<void>
}

export interface SignOptions {
  readonly kid?: string
  readonly typ?: string
  /** Epoch seconds. */
  readonly now?: number
  readonly lifeSeconds?: number
}

export async function openIssuer(): Promise<FakeIssuer> {
  const asked: string[] = []
  let count = 0
  let instead: ((path: string) => { status: number; body: string }) | undefined
  const makeKey = async () => ({ kid: `key-${++count}`, pair: await generateKeyPair('ES256') })
  let key = await makeKey()
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    asked.push(path)
    const given = instead?.(path)
    if (given !== undefined) {
      response.writeHead(given.status).end(given.body)
      return
    }
    void documentOf(path).then((document) =>
      response
        .writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' })
        .end(JSON.stringify(document ?? {})),
    )
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const issuer = `http://127.0.0.1:${port}`

  async function documentOf(path: string): Promise<object | undefined> {
    if (path === '/.well-known/openid-configuration') return { issuer, jwks_uri: `${issuer}/keys` }
    if (path !== '/keys') return undefined
    const jwk = await exportJWK(key.pair.publicKey)
    return { keys: [{ ...jwk, kid: key.kid, alg: 'ES256', use: 'sig' }] }
  }

  return {
    issuer,
    asked,
    sign(claims, { kid = key.kid, typ = 'JWT', now, lifeSeconds = 3_600 } = {}) {
      const at = now ?? Math.floor(Date.now() / 1_000)
      return new SignJWT({ iss: issuer, aud: 'anyhub', exp: at + lifeSeconds, iat: at, ...claims })
        .setProtectedHeader({ alg: 'ES256', kid, typ })
        .sign(key.pair.privateKey)
    },
    async rotate() {
      key = await makeKey()
    },
    answer(given) {
      instead = given
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
