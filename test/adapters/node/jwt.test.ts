import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import fc from 'fast-check'
import { SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { type Authority, openAuthority } from '../../../adapters/local/authority.ts'
import { createIdentities, type Judged } from '../../../adapters/local/identity.ts'
import { faultOf, isSignedBy, readJwt, readPublicKey } from '../../../adapters/node/jwt.ts'
import type { DeviceCredential, RegisteredDevice } from '../../../core/index.ts'
import { temporaryFolder } from '../local/cloud.ts'

const NOW = 1_750_000_000_000
const SECONDS = NOW / 1_000

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const other = generateKeyPairSync('ec', { namedCurve: 'P-256' })

const pemOf = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString()

interface Wanted {
  readonly alg?: string
  readonly key?: KeyObject
  readonly aud?: string | string[]
  readonly iat?: number
  readonly exp?: number
}

const tokenOf = ({
  alg = 'ES256',
  key = ec.privateKey,
  aud = 'proj',
  iat = SECONDS,
  exp = SECONDS + 3_600,
}: Wanted = {}): Promise<string> =>
  new SignJWT({ aud, iat, exp }).setProtectedHeader({ alg, typ: 'JWT' }).sign(key)

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A token whose header lies, with the signature that a careless verifier would take. */
function forged(header: object, signer: (text: string) => Buffer): string {
  const text = `${part(header)}.${part({ aud: 'proj', iat: SECONDS, exp: SECONDS + 60 })}`
  return `${text}.${signer(text).toString('base64url')}`
}

function credential(publicKey: KeyObject, changes: Partial<DeviceCredential> = {}) {
  return {
    kind: 'public_key' as const,
    ...readPublicKey(pemOf(publicKey)),
    createdAt: NOW,
    ...changes,
  }
}

function judge(text: string, changes: Partial<RegisteredDevice> = {}, now = NOW): Judged {
  const device: RegisteredDevice = {
    deviceId: 'dev',
    tags: {},
    enabled: true,
    createdAt: NOW,
    version: 1,
    credentials: [credential(rsa.publicKey), credential(ec.publicKey)],
    ...changes,
  }
  return createIdentities({
    peek: (id) => (id === 'dev' ? device : undefined),
    authority: () => undefined,
    adminToken: 'admin',
    clock: { now: () => now },
  }).ofJwt('dev', text, 'proj')
}

describe('a token of a device', () => {
  it.each([
    ['ES256', ec.privateKey],
    ['RS256', rsa.privateKey],
  ])('of %s proves it until ten minutes after its end', async (alg, key) => {
    const token = await tokenOf({ alg, key })
    expect(judge(token)).toEqual({
      kind: 'device',
      deviceId: 'dev',
      principal: 'dev',
      expiresAt: NOW + 4_200_000,
    })
    expect(judge(token, {}, NOW + 4_199_999)).toMatchObject({ kind: 'device' })
    expect(judge(token, {}, NOW + 4_200_000)).toMatchObject({ why: 'token has expired' })
  })

  it('may be from a clock that is ten minutes ahead, and not more', async () => {
    const at = (seconds: number) => tokenOf({ iat: SECONDS + seconds, exp: SECONDS + 7_200 })
    expect(judge(await at(600))).toMatchObject({ kind: 'device' })
    expect(judge(await at(601))).toMatchObject({ why: 'token is from the future' })
  })

  it('lives for a day at most', async () => {
    expect(judge(await tokenOf({ exp: SECONDS + 86_400 }))).toMatchObject({ kind: 'device' })
    expect(judge(await tokenOf({ exp: SECONDS + 86_401 }))).toMatchObject({
      why: 'token lives for more than 24 hours',
    })
    expect(judge(await tokenOf({ exp: SECONDS - 1 }))).toMatchObject({
      why: 'token expired before it was made',
    })
  })

  it('is for one project, and that is the own', async () => {
    expect(judge(await tokenOf({ aud: 'foreign' }))).toMatchObject({
      why: 'token is for another project',
    })
    expect(judge(await tokenOf({ aud: ['proj', 'foreign'] }))).toMatchObject({
      why: 'token cannot be read',
    })
  })

  it('is signed with a live key of the device', async () => {
    const token = await tokenOf()
    expect(judge(await tokenOf({ key: other.privateKey }))).toMatchObject({ kind: 'refused' })
    expect(judge(token, { credentials: [] })).toMatchObject({ kind: 'refused' })
    const ended = [credential(ec.publicKey, { endsAt: NOW })]
    expect(judge(token, { credentials: ended })).toMatchObject({ kind: 'refused' })
    const ending = [credential(ec.publicKey, { endsAt: NOW + 1 })]
    expect(judge(token, { credentials: ending })).toMatchObject({ kind: 'device' })
    expect(judge(token, { enabled: false })).toMatchObject({ why: 'device is disabled' })
  })

  it('does not choose how it is verified', () => {
    const pem = pemOf(rsa.publicKey)
    const hmac = (text: string) => createHmac('sha256', pem).update(text).digest()
    const lies: [string, string][] = [
      ['none', forged({ alg: 'none' }, () => Buffer.from('x'))],
      ['HS256 with the public key', forged({ alg: 'HS256' }, hmac)],
      [
        'ES256 for an RSA key',
        forged({ alg: 'ES256' }, (text) => sign('sha256', Buffer.from(text), rsa.privateKey)),
      ],
      [
        'RS256 for an EC key',
        forged({ alg: 'RS256' }, (text) => sign('sha256', Buffer.from(text), ec.privateKey)),
      ],
      [
        'a critical extension',
        forged({ alg: 'ES256', crit: ['exp'] }, (text) =>
          sign('sha256', Buffer.from(text), { key: ec.privateKey, dsaEncoding: 'ieee-p1363' }),
        ),
      ],
      [
        'a signature in DER',
        forged({ alg: 'ES256' }, (text) => sign('sha256', Buffer.from(text), ec.privateKey)),
      ],
      [
        'a key of its own',
        forged({ alg: 'ES256', jwk: other.publicKey.export({ format: 'jwk' }) }, (text) =>
          sign('sha256', Buffer.from(text), { key: other.privateKey, dsaEncoding: 'ieee-p1363' }),
        ),
      ],
    ]
    for (const [name, token] of lies)
      expect(judge(token), name).toMatchObject({ kind: 'refused', reason: 'bad_credentials' })
  })

  it('that was changed anywhere proves nothing', async () => {
    const token = await tokenOf({ alg: 'RS256', key: rsa.privateKey })
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.constantFrom(...'AZaz09-_.='), (at, letter) => {
        const changed = `${token.slice(0, at)}${letter}${token.slice(at + 1)}`
        const isSame = Buffer.from(changed.split('.')[2] ?? '', 'base64url').equals(
          Buffer.from(token.split('.')[2] ?? '', 'base64url'),
        )
        const before = token.slice(0, token.lastIndexOf('.'))
        const verdict = judge(changed).kind
        // The last letter of a signature has bits that mean nothing.
        expect(verdict).toBe(isSame && changed.startsWith(`${before}.`) ? 'device' : 'refused')
      }),
      { numRuns: 500 },
    )
  })

  it('reads any text without a fault', () => {
    const anyPart = fc.oneof(
      fc.string(),
      fc.json().map((text) => Buffer.from(text).toString('base64url')),
      fc.base64String(),
      fc.constantFrom(
        part({ alg: 'RS256' }),
        part({ alg: 'ES256', crit: null }),
        part({ aud: 'proj', iat: -1e300, exp: 1e300 }),
        part({ aud: 'proj', iat: SECONDS, exp: SECONDS + 60 }),
        part(null),
        '',
      ),
    )
    fc.assert(
      fc.property(fc.array(anyPart, { maxLength: 5 }), (parts) => {
        const text = parts.join('.')
        expect(judge(text).kind).toBe('refused')
        const jwt = readJwt(text)
        if (jwt === undefined) return
        faultOf(jwt, 'proj', NOW)
        expect(isSignedBy(jwt, ec.publicKey) || isSignedBy(jwt, rsa.publicKey)).toBe(false)
      }),
      { numRuns: 2_000 },
    )
    expect(readJwt(`${'a'.repeat(5_000)}.${'b'.repeat(5_000)}.c`)).toBeUndefined()
  })
})

describe('a public key of a device', () => {
  it('is RSA of 2048 bits or more, or EC on P-256', () => {
    expect(readPublicKey(pemOf(rsa.publicKey)).digest).toMatch(/^[0-9a-f]{64}$/)
    expect(readPublicKey(pemOf(ec.publicKey)).publicKey).toBe(pemOf(ec.publicKey))
    const bad = [
      pemOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey),
      pemOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey),
      pemOf(generateKeyPairSync('ed25519').publicKey),
      ec.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n',
      'public key',
      '',
    ]
    for (const pem of bad)
      expect(() => readPublicKey(pem), pem).toThrow(
        expect.objectContaining({ code: 'input.malformed' }),
      )
  })

  it('may stand in a certificate', async () => {
    const authority: Authority = await openAuthority({
      folder: temporaryFolder(),
      hosts: ['localhost'],
      now: Date.now(),
    })
    const { certificate } = await authority.issue('dev', Date.now())
    expect(readPublicKey(certificate).publicKey).toBe(pemOf(createPublicKey(certificate)))
  })
})
