import { generateKeyPairSync } from 'node:crypto'
import { exportJWK, SignJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createPushIdentity, type PushIdentity } from '../../../adapters/gcp/push-identity.ts'
import { type Loopback, openLoopback } from './loopback.ts'

const NOW = 1_750_000_000_000
const AUDIENCE = 'https://ingest-abc.a.run.app/'
const EMAIL = 'caller@p.iam.gserviceaccount.com'
const google = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const other = generateKeyPairSync('rsa', { modulusLength: 2_048 })

let keys: Loopback
let time = NOW
let judge: PushIdentity
beforeAll(async () => {
  const jwk = { ...(await exportJWK(google.publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }
  keys = await openLoopback(() => ({ status: 200, body: JSON.stringify({ keys: [jwk] }) }))
})
afterAll(() => keys.close())
beforeEach(() => {
  time = NOW
  judge = createPushIdentity({
    audience: AUDIENCE,
    email: EMAIL,
    signatureRemoved: false,
    now: () => time,
    keysUrl: keys.url,
  })
})

/** As Google makes it. Source: Pub/Sub, "Authentication for push subscriptions", the claims of a token. */
const claims = {
  aud: AUDIENCE,
  azp: '113774264463038321964',
  email: EMAIL,
  email_verified: true,
  exp: NOW / 1_000 + 3_600,
  iat: NOW / 1_000,
  iss: 'https://accounts.google.com',
  sub: '113774264463038321964',
}

async function token(changes: object = {}, kid = 'k1', key = google.privateKey): Promise<string> {
  const jwt = new SignJWT({ ...claims, ...changes }).setProtectedHeader({ alg: 'RS256', kid })
  return `Bearer ${await jwt.sign(key)}`
}

describe('who pushes', () => {
  it('is the service account that may', async () => {
    expect(await judge(await token(), undefined)).toBeUndefined()
  })

  it.each([
    ['another account', { email: 'mallory@p.iam.gserviceaccount.com' }, 'of another account'],
    ['an address that is not verified', { email_verified: false }, 'none of a service account'],
    ['another audience', { aud: 'https://other.a.run.app/' }, 'for another audience'],
    ['another issuer', { iss: 'https://evil.example' }, 'of another issuer'],
    ['a token that has expired', { exp: NOW / 1_000 - 61 }, 'has expired'],
    ['a token from the future', { iat: NOW / 1_000 + 61 }, 'from the future'],
    ['a token without an address', { email: undefined }, 'none of a service account'],
  ])('is not %s', async (_, changes, why) => {
    expect(await judge(await token(changes), undefined)).toContain(why)
  })

  it('is nobody without a token, or with what is none', async () => {
    const unsigned = `Bearer ${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.`
    for (const text of [undefined, '', 'Bearer x', 'Basic eDp5', unsigned])
      expect(await judge(text, undefined)).toContain('found none')
  })

  it('is nobody with a signature of another key, or with another text under it', async () => {
    expect(await judge(await token({}, 'k1', other.privateKey), undefined)).toContain('wrong')
    const [head, , signature] = (await token()).split('.')
    const body = Buffer.from(JSON.stringify({ ...claims, sub: '1' })).toString('base64url')
    expect(await judge(`${head}.${body}.${signature}`, undefined)).toContain('wrong')
  })

  it('is nobody with a key that Google has not, who cannot make us ask for keys each time', async () => {
    await judge(await token(), undefined)
    const before = keys.asked.length
    for (let count = 0; count < 5; count++)
      expect(await judge(await token({}, `k${count + 2}`), undefined)).toContain('no key of Google')
    expect(keys.asked.length).toBe(before)
    time += 31_000
    expect(await judge(await token({}, 'k2'), undefined)).toContain('no key of Google')
    expect(keys.asked.length).toBe(before + 1)
  })

  it('asks for the keys once an hour', async () => {
    const before = keys.asked.length
    await Promise.all([1, 2, 3].map(async () => judge(await token(), undefined)))
    for (let count = 0; count < 5; count++) await judge(await token(), undefined)
    expect(keys.asked.length).toBe(before + 1)
    time += 3_600_000
    await judge(await token({ exp: time / 1_000 + 60 }), undefined)
    expect(keys.asked.length).toBe(before + 2)
  })

  it('goes by the host that was asked where no audience is given', async () => {
    const open = createPushIdentity({
      audience: undefined,
      email: EMAIL,
      signatureRemoved: false,
      now: () => time,
      keysUrl: keys.url,
    })
    expect(await open(await token(), 'ingest-abc.a.run.app')).toBeUndefined()
    expect(await open(await token(), 'other.a.run.app')).toContain('another audience')
    expect(await open(await token({ aud: 'x' }), undefined)).toContain('another audience')
  })

  it('goes by the claims where the platform has checked the signature and taken it off, and only there', async () => {
    const removed = async (changes: object = {}) =>
      (await token(changes)).replace(/[^.]+$/, 'SIGNATURE_REMOVED_BY_GOOGLE')
    const checked = createPushIdentity({
      audience: AUDIENCE,
      email: EMAIL,
      signatureRemoved: true,
      now: () => time,
      keysUrl: keys.url,
    })
    expect(await checked(await removed(), undefined)).toBeUndefined()
    expect(await checked(await removed({ email: 'm@x' }), undefined)).toContain('another account')
    expect(await checked(await token({}, 'k1', other.privateKey), undefined)).toContain('wrong')
    expect(await judge(await removed(), undefined)).toContain('wrong signature')
  })

  it('fails, and lets nobody in, while the keys cannot be had', async () => {
    const away = createPushIdentity({
      audience: AUDIENCE,
      email: EMAIL,
      signatureRemoved: false,
      now: () => time,
      keysUrl: 'http://127.0.0.1:1/',
    })
    await expect(away(await token(), undefined)).rejects.toThrow()
  })
})
