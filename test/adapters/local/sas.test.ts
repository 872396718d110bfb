import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  readPropertyBag,
  writePropertyBag,
} from '../../../adapters/local/dialects/azure-properties.ts'
import { ownerKeyOf } from '../../../adapters/local/identity.ts'
import { createSasToken, isSignedWith, readSasToken } from '../../../adapters/local/sas.ts'
import { openTlsCloud } from './tls-cloud.ts'

const KEY = Buffer.from('0123456789abcdef').toString('base64')
const OTHER = Buffer.from('fedcba9876543210').toString('base64')

describe('a shared access signature', () => {
  it('is read in whatever order its parts stand, and verified with its own key alone', () => {
    const text = createSasToken({
      resource: 'hub/devices/dev:1',
      key: KEY,
      expiresAt: 1_800_000_000_000,
    })
    const parts = text.slice('SharedAccessSignature '.length).split('&')
    for (const shape of [text, `sharedaccesssignature  ${parts.toReversed().join('&')}`]) {
      const token = readSasToken(shape)
      expect(token).toMatchObject({
        resource: 'hub/devices/dev:1',
        expiresAt: 1_800_000_000_000,
        policy: undefined,
      })
      if (token === undefined) throw new Error('not read')
      expect(isSignedWith(token, KEY)).toBe(true)
      expect(isSignedWith(token, OTHER)).toBe(false)
      expect(isSignedWith({ ...token, signature: '' }, KEY)).toBe(false)
    }
  })

  /** The signature as openssl makes it. */
  it('is HMAC-SHA256 over resource and expiry, as they stand in the token', () => {
    const signature = execFileSync(
      'openssl',
      [
        'dgst',
        '-sha256',
        '-mac',
        'HMAC',
        '-macopt',
        'hexkey:30313233343536373839616263646566',
        '-binary',
      ],
      { input: 'hub%2fdevices%2fdev-1\n1800000000' },
    ).toString('base64')
    const token = readSasToken(
      `SharedAccessSignature sr=hub%2fdevices%2fdev-1&sig=${encodeURIComponent(signature)}&se=1800000000&skn=`,
    )
    if (token === undefined) throw new Error('not read')
    expect(token.resource).toBe('hub/devices/dev-1')
    expect(isSignedWith(token, KEY)).toBe(true)
  })

  it.each([
    '',
    'SharedAccessSignature ',
    'sr=a&sig=b&se=1',
    'SharedAccessSignature sr=a&sig=b',
    'SharedAccessSignature sr=a&sig=b&se=x',
    'SharedAccessSignature sr=a&sig=b&se=-1',
    'SharedAccessSignature sr=a&sig=b&se=1e9',
    'SharedAccessSignature sr=a&sr=b&sig=b&se=1',
    'SharedAccessSignature sr=%zz&sig=b&se=1',
    'SharedAccessSignature sr=a&sig=%&se=1',
    `SharedAccessSignature sr=a&sig=b&se=1&x=${'y'.repeat(5_000)}`,
  ])('is not what stands in %j', (text) => {
    expect(readSasToken(text)).toBeUndefined()
  })
})

describe('keys of a device', () => {
  it('are made once, prove the device, and are shown nowhere afterwards', async () => {
    const cloud = await openTlsCloud()
    const answer = await cloud.admin('POST', '/devices', { deviceId: 'dev-1', credential: 'key' })
    expect(answer.status).toBe(201)
    const made = (await answer.json()) as Record<string, string>
    const { primaryKey = '', secondaryKey = '', token = '' } = made
    for (const key of [primaryKey, secondaryKey])
      expect(Buffer.from(key, 'base64')).toHaveLength(32)
    expect(primaryKey).not.toBe(secondaryKey)
    expect(token).not.toBe('')
    const shown = [
      JSON.stringify(made['device']),
      await (await cloud.admin('GET', '/devices/dev-1')).text(),
      await (await cloud.admin('GET', '/devices')).text(),
      await (await cloud.call('/devices/dev-1')).text(),
      await (await cloud.admin('PATCH', '/devices/dev-1', { type: 'x' })).text(),
      cloud.logs.join('\n'),
    ].join('\n')
    expect(shown).toContain('"kind":"key"')
    for (const secret of [primaryKey, secondaryKey, token]) expect(shown).not.toContain(secret)
    const rotated = await cloud.admin('POST', '/devices/dev-1/rotate', { graceSeconds: 0 })
    const next = (await rotated.json()) as Record<string, string>
    expect(next['primaryKey']).not.toBe(primaryKey)
    expect(next['token']).not.toBe(token)
    const listed = (await (await cloud.admin('GET', '/devices/dev-1')).json()) as {
      credentials: { kind: string; live: boolean }[]
    }
    expect(listed.credentials.map(({ kind, live }) => [kind, live])).toEqual([
      ['token', false],
      ['key', false],
      ['token', true],
      ['key', true],
    ])
  })

  it('of an owner are the admin token in base64', () => {
    expect(Buffer.from(ownerKeyOf('secret'), 'base64').toString()).toBe('secret')
  })
})

describe('whatever a stranger writes', () => {
  it('is read or refused, and never throws', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '%',
        '&',
        '=',
        '%zz',
        '%24.mid',
        'sr=',
        'sig=',
        'se=1',
        '$',
        '__proto__',
        'a',
      ),
      fc.string({ unit: 'binary', maxLength: 6 }),
    )
    const text = fc.array(piece, { maxLength: 20 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(text, (input) => {
        const bag = readPropertyBag(input)
        if (bag !== undefined) expect(readPropertyBag(writePropertyBag(bag))).toEqual(bag)
        const token = readSasToken(`SharedAccessSignature ${input}`)
        if (token !== undefined) expect(isSignedWith(token, KEY)).toBe(false)
      }),
      { numRuns: 2_000 },
    )
  })
})
