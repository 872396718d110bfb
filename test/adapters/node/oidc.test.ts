import { createHmac } from 'node:crypto'
import { generateKeyPair, SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createGuardedSender } from '../../../adapters/node/guarded-sender.ts'
import { createOidc } from '../../../adapters/node/oidc.ts'
import { AccessSchema, type VerifyToken } from '../../../core/index.ts'
import { type FakeIssuer, openIssuer } from '../../fakes/issuer.ts'

const AT = Date.UTC(2026, 0, 31)
const SECONDS = AT / 1_000

describe('createOidc', () => {
  let fake: FakeIssuer
  let now = AT
  let verify: VerifyToken
  const sender = createGuardedSender()

  function open(more: object = {}): VerifyToken {
    const { oidc: issuers } = AccessSchema.parse({
      oidc: [{ issuer: fake.issuer, audience: ['other', 'anyhub'], allowPrivate: true, ...more }],
    })
    return createOidc({ issuers, sender, clock: { now: () => now } })
  }

  beforeEach(async () => {
    now = AT
    fake = await openIssuer()
    verify = open()
  })
  afterEach(() => fake.close())

  const sign = (claims: object = {}, options: object = {}) =>
    fake.sign({ sub: 'ann', ...claims }, { now: SECONDS, ...options })

  it('takes a token of the issuer and gives its claims', async () => {
    const { issuer, claims } = await verify(await sign({ roles: ['admin'], name: 'Ann' }))
    expect(issuer).toBe(fake.issuer)
    expect(claims).toMatchObject({ sub: 'ann', roles: ['admin'], name: 'Ann' })
  })

  it('asks for the keys once, and again after ten minutes', async () => {
    const token = await sign()
    await Promise.all([verify(token), verify(token), verify(token)])
    await verify(token)
    expect(fake.asked).toEqual(['/.well-known/openid-configuration', '/keys'])
    now += 600_000
    await verify(token)
    expect(fake.asked).toHaveLength(4)
  })

  it('asks once more for a key that it does not know, and not again for half a minute', async () => {
    await verify(await sign())
    await fake.rotate()
    await verify(await sign())
    expect(fake.asked.filter((path) => path === '/keys')).toHaveLength(2)
    const unknown = await sign({}, { kid: 'nobody' })
    for (let times = 0; times < 3; times++)
      await expect(verify(unknown)).rejects.toMatchObject({
        code: 'access.bad_credentials',
        message: 'token is signed with a key that its issuer does not publish',
      })
    expect(fake.asked.filter((path) => path === '/keys')).toHaveLength(2)
    now += 30_000
    await expect(verify(unknown)).rejects.toMatchObject({ code: 'access.bad_credentials' })
    expect(fake.asked.filter((path) => path === '/keys')).toHaveLength(3)
  })

  const refusals: readonly [string, object, object, string, string][] = [
    ['an expired token', {}, { now: SECONDS - 3_661 }, 'access.expired', 'token has expired'],
    ['no end', { exp: undefined }, {}, 'access.bad_credentials', 'token lacks exp'],
    ['no subject', { sub: undefined }, {}, 'access.bad_credentials', 'token lacks sub'],
    [
      'another audience',
      { aud: 'elsewhere' },
      {},
      'access.bad_credentials',
      'token is for another audience',
    ],
    [
      'another issuer',
      { iss: 'https://other.example' },
      {},
      'access.bad_credentials',
      'token of an issuer that is not known here',
    ],
    [
      'a token of tomorrow',
      { nbf: SECONDS + 61 },
      {},
      'access.bad_credentials',
      'token is not valid yet',
    ],
    [
      'a token for signing out',
      {},
      { typ: 'logout+jwt' },
      'access.bad_credentials',
      'token is of a type that opens nothing',
    ],
  ]
  it.each(refusals)('refuses %s', async (_title, claims, options, code, message) => {
    await expect(verify(await sign(claims, options))).rejects.toMatchObject({ code, message })
  })

  it('allows clocks to be a minute apart', async () => {
    await expect(verify(await sign({}, { now: SECONDS - 3_659 }))).resolves.toBeDefined()
    await expect(verify(await sign({ nbf: SECONDS + 59 }))).resolves.toBeDefined()
  })

  it('takes access tokens by their own type', async () => {
    await expect(verify(await sign({}, { typ: 'application/at+jwt' }))).resolves.toBeDefined()
  })

  it('refuses what is not signed, or signed with a secret', async () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const claims = { iss: fake.issuer, aud: 'anyhub', sub: 'ann', exp: SECONDS + 60 }
    const hs = `${part({ alg: 'HS256' })}.${part(claims)}`
    const tokens = [
      `${part({ alg: 'none' })}.${part(claims)}.`,
      `${hs}.${createHmac('sha256', 'anyhub').update(hs).digest('base64url')}`,
    ]
    for (const token of tokens)
      await expect(verify(token)).rejects.toMatchObject({
        code: 'access.bad_credentials',
        message: 'token is signed by an algorithm that is not taken',
      })
    expect(fake.asked).toEqual([])
  })

  it('refuses the signature of somebody else under the same key id', async () => {
    const { privateKey } = await generateKeyPair('ES256')
    const forged = await new SignJWT({ iss: fake.issuer, aud: 'anyhub', sub: 'ann' })
      .setProtectedHeader({ alg: 'ES256', kid: 'key-1' })
      .setExpirationTime(SECONDS + 60)
      .sign(privateKey)
    await expect(verify(forged)).rejects.toMatchObject({
      message: 'signature of the token is not of its issuer',
    })
  })

  it.each(['', 'a.b', 'a.b.c', '....', 'e30.e30.e30', 'eyJhbGciOiJSUzI1NiJ9.bnVsbA.AA'])(
    'refuses %j',
    async (text) => {
      await expect(verify(text)).rejects.toMatchObject({ code: 'access.bad_credentials' })
    },
  )

  it('says that the issuer cannot be reached, and does not ask at every request', async () => {
    fake.answer(() => ({ status: 302, body: '' }))
    const token = await sign()
    for (let times = 0; times < 5; times++)
      await expect(verify(token)).rejects.toMatchObject({
        code: 'access.issuer_unavailable',
        retryable: true,
      })
    expect(fake.asked).toHaveLength(1)
    fake.answer(undefined)
    now += 30_000
    await expect(verify(token)).resolves.toBeDefined()
  })

  it('goes on with the keys that it has while the issuer is away', async () => {
    const token = await sign({}, { lifeSeconds: 90_000 })
    await verify(token)
    fake.answer(() => ({ status: 503, body: '' }))
    now += 3_600_000
    await expect(verify(token)).resolves.toBeDefined()
    now += 86_400_000 - 3_600_000
    await expect(verify(token)).rejects.toMatchObject({ code: 'access.issuer_unavailable' })
  })

  it.each([
    ['names another issuer', { issuer: 'https://other.example', jwks_uri: 'https://x.example' }],
    ['has keys in plain text elsewhere', { jwks_uri: 'http://keys.example/keys' }],
    ['has keys on the disk', { jwks_uri: 'file:///etc/passwd' }],
    ['is no discovery document', []],
  ])('does not believe an issuer that %s', async (_title, document) => {
    const body = JSON.stringify(
      Array.isArray(document) ? document : { issuer: fake.issuer, ...document },
    )
    fake.answer(() => ({ status: 200, body }))
    await expect(verify(await sign())).rejects.toMatchObject({ code: 'access.issuer_unavailable' })
    expect(fake.asked).toEqual(['/.well-known/openid-configuration'])
  })
})
