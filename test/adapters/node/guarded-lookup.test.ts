import type { LookupAddress } from 'node:dns'
import { describe, expect, it } from 'vitest'
import { createLookup, shareLookups } from '../../../adapters/node/guarded-lookup.ts'
import { isPublicAddress } from '../../../adapters/node/public-address.ts'

const MIXED = ['127.0.0.1', '::1', '1.1.1.1', '10.0.0.1', '2606:4700:4700::1111', '::ffff:10.0.0.1']

function ask(addresses: readonly string[], all: boolean): Promise<readonly unknown[]> {
  const lookup = createLookup(
    async () => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    isPublicAddress,
  )
  return new Promise((resolve) =>
    lookup('hook.test', { all }, (...result: readonly unknown[]) => resolve(result)),
  )
}

describe('createLookup', () => {
  it('gives of several addresses only those that are allowed', async () => {
    const [error, addresses] = await ask(MIXED, true)
    expect(error).toBeNull()
    expect((addresses as LookupAddress[]).map(({ address }) => address)).toEqual([
      '1.1.1.1',
      '2606:4700:4700::1111',
    ])
  })

  it('gives the first that is allowed to who asks for one', async () => {
    expect(await ask(MIXED, false)).toEqual([null, '1.1.1.1', 4])
    expect(await ask(['::1', '2606:4700:4700::1111'], false)).toEqual([
      null,
      '2606:4700:4700::1111',
      6,
    ])
  })

  it.each([[[]], [['127.0.0.1']], [['::1', '192.168.0.1', '169.254.169.254']]])(
    'gives an error for %j',
    async (addresses) => {
      for (const all of [true, false]) {
        const [error] = await ask(addresses, all)
        expect(error).toMatchObject({ code: 'channel.forbidden_address' })
      }
    },
  )
})

describe('shareLookups', () => {
  it('asks once for a name that is being asked for, and again later', async () => {
    const asked: string[] = []
    let answer = (): void => undefined
    const resolve = shareLookups((hostname) => {
      asked.push(hostname)
      return new Promise((done) => {
        answer = () => done([{ address: '1.1.1.1', family: 4 }])
      })
    })
    const both = [resolve('a.test'), resolve('a.test')]
    expect(asked).toEqual(['a.test'])
    answer()
    expect(await Promise.all(both)).toEqual([
      [{ address: '1.1.1.1', family: 4 }],
      [{ address: '1.1.1.1', family: 4 }],
    ])
    void resolve('a.test')
    void resolve('b.test')
    expect(asked).toEqual(['a.test', 'a.test', 'b.test'])
  })

  it('asks again after a failure', async () => {
    let times = 0
    const resolve = shareLookups(async () => {
      if (++times === 1) throw new Error('not now')
      return []
    })
    await expect(resolve('a.test')).rejects.toThrow('not now')
    expect(await resolve('a.test')).toEqual([])
  })
})
