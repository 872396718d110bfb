import { createRequire } from 'node:module'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import type { Blobs } from '../../../adapters/azure/blob.ts'
import { createColdStore } from '../../../adapters/azure/cold-store.ts'
import { createCommandStore } from '../../../adapters/azure/command-store.ts'
import { type Cosmos, itemId } from '../../../adapters/azure/cosmos.ts'
import { createDeadLetters } from '../../../adapters/azure/dead-letters.ts'
import { createDeviceStore } from '../../../adapters/azure/device-store.ts'
import { createHotTails } from '../../../adapters/azure/hot-tails.ts'
import { createNotificationQueue } from '../../../adapters/azure/notification-queue.ts'
import { createObjectStore } from '../../../adapters/azure/object-store.ts'
import { createOwnQueues } from '../../../adapters/azure/own-queues.ts'
import { createQueueSender } from '../../../adapters/azure/queue-sender.ts'
import { createStorageQueues } from '../../../adapters/azure/storage-queue.ts'
import { createTelemetryStore } from '../../../adapters/azure/telemetry-store.ts'
import type { ColdRow, DeadLetter, Delivery, TelemetryRow } from '../../../core/index.ts'
import { commit, row } from '../../contract/subject.ts'
import {
  ACCOUNT,
  ACCOUNT_KEY,
  type Azurite,
  describeWithEmulators,
  startAzurite,
} from './azurite.ts'
import { type CosmosServer, startCosmos } from './cosmos-server.ts'
import { type Account, openAccount } from './fresh-account.ts'

const DAY = 86_400_000
const START = Date.UTC(2026, 0, 31, 15)

describeWithEmulators('Azure: items, blobs and messages', () => {
  let azurite: Azurite
  let cosmos: CosmosServer
  beforeAll(async () => {
    ;[azurite, cosmos] = await Promise.all([startAzurite(), startCosmos()])
  }, 90_000)
  afterAll(() => Promise.all([azurite?.stop(), cosmos?.stop()]))

  let opened: Account[] = []
  afterEach(async () => {
    for (const account of opened) await account.close()
    opened = []
  })

  async function openCloud() {
    const account = await openAccount({ cosmos, azurite })
    opened.push(account)
    return account
  }

  function openStores(account: Account, wrap: (store: Cosmos) => Cosmos = (store) => store) {
    const store = wrap(account.cosmos)
    const tails = createHotTails(100)
    let nonce = 0
    return {
      devices: createDeviceStore({
        cosmos: store,
        tails,
        archive: async () => undefined,
        contents: createCommandStore(store),
        retentionMs: DAY,
        newId: () => `n${++nonce}`,
      }),
      telemetry: createTelemetryStore({ cosmos: store, tails }),
    }
  }

  async function open(wrap?: (store: Cosmos) => Cosmos) {
    const account = await openCloud()
    return { account, ...openStores(account, wrap) }
  }

  const objectsOf = ({ blobs, name }: Account, changes = {}) =>
    createObjectStore({
      blobs,
      endpoint: azurite.blobEndpoint,
      account: ACCOUNT,
      container: name,
      now: Date.now,
      ...changes,
    })

  /** Rows of about a hundred characters. */
  const rowsOf = (count: number, at: (index: number) => number): readonly TelemetryRow[] =>
    Array.from({ length: count }, (_, index) =>
      row(at(index), `m-${index}`.padEnd(40, 'x'), { temp: index / 8, text: 'y'.repeat(20) }),
    )

  const ids = (rows: readonly TelemetryRow[]) => rows.map(({ messageId }) => messageId)

  it.each([
    {
      title: 'in the order of time, over four days',
      at: (n: number) => START + (n * 4 * DAY) / 2_000,
    },
    { title: 'in no order', at: (n: number) => START + ((n * 7_919) % 2_000) * 172_800 },
    { title: 'all within one minute', at: (n: number) => START + (n % 60) * 1_000 },
    { title: 'all of one time', at: () => START },
  ])(
    'more rows than a record holds are kept and found, $title',
    async ({ at }) => {
      const { devices, telemetry } = await open()
      const rows = rowsOf(2_000, at)
      for (let version = 1; version <= 40; version++) {
        const some = rows.slice((version - 1) * 50, version * 50)
        await devices.commit(commit('dev-1', version, { rows: some }))
      }
      expect(await telemetry.count('dev-1')).toBe(2_000)
      const spans = [
        { from: 0, to: 8e15 },
        { from: START + DAY / 2, to: START + 3 * DAY },
        { from: START, to: START + 1 },
      ]
      for (const span of spans) {
        for (const limit of [1, 7, 400, 10_000]) {
          for (const descending of [false, true]) {
            const inSpan = rows.filter((one) => one.at >= span.from && one.at < span.to)
            const times = inSpan.map((one) => one.at).toSorted((a, b) => a - b)
            const wanted = (descending ? times.toReversed() : times).slice(0, limit)
            const found = await telemetry.range('dev-1', { ...span, limit, descending })
            expect(found.map((one) => one.at)).toEqual(wanted)
            expect(new Set(ids(found)).size).toBe(found.length)
          }
        }
      }
      const some = [rows[0], rows[1_000], rows[1_999]].filter((one) => one !== undefined)
      const unknown = [row(START + 5, 'nobody'), row(START - DAY, 'm-0')]
      expect(await telemetry.known('dev-1', [...some, ...unknown])).toEqual(new Set(ids(some)))
    },
    60_000,
  )

  it('reads few items for the newest rows', async () => {
    const { devices, telemetry, account } = await open()
    for (let version = 1; version <= 60; version++) {
      const rows = rowsOf(100, (index) => START + version * 100_000 + index * 1_000)
      const named = rows.map((one) => ({ ...one, messageId: `${version}-${one.messageId}` }))
      await devices.commit(commit('dev-1', version, { rows: named }))
    }
    const before = account.answered.length
    const found = await telemetry.range('dev-1', { from: 0, to: 8e15, limit: 10, descending: true })
    expect(found[0]?.at).toBe(START + 60 * 100_000 + 99_000)
    // The record and one page.
    expect(account.answered.length - before).toBe(2)
  })

  it('rows that no item has room for beside the record are of its commit all the same', async () => {
    const { devices, telemetry, account } = await open()
    // Nothing packs these: each is another.
    const noise = (seed: number) =>
      Array.from({ length: 3_000 }, (_, index) => ((index + seed) * 2_654_435_761) % 1e10).join('')
    const large = Array.from({ length: 40 }, (_, index) =>
      row(START + index * 3_600_000, `large-${index}`, { text: noise(index * 7_001) }),
    )
    await devices.commit(commit('dev-1', 1, { rows: [row(START, 'small')] }))
    await devices.commit(commit('dev-1', 2, { rows: large }))
    expect(await telemetry.count('dev-1')).toBe(41)
    const all = { from: 0, to: 8e15, limit: 100, descending: false }
    expect(ids(await telemetry.range('dev-1', all))).toHaveLength(41)
    const stored = await account.cosmos.get('devices', itemId('dev-1'), itemId('dev-1'))
    expect(JSON.stringify(stored).length).toBeLessThan(5_000)

    // A writer who loses leaves rows behind, which are nobody's.
    const other = openStores(account)
    await expect(
      other.devices.commit(
        commit('dev-1', 2, { rows: large.map((one) => ({ ...one, messageId: `lost-${one.at}` })) }),
      ),
    ).rejects.toMatchObject({ code: 'store.conflict' })
    expect(ids(await telemetry.range('dev-1', all))).toHaveLength(41)

    // The next commit makes them rows like all others.
    await devices.commit(commit('dev-1', 3, { rows: [row(START + 1, 'next')] }))
    await devices.commit(commit('dev-1', 4))
    expect(ids(await telemetry.range('dev-1', all))).toHaveLength(42)
    expect(await telemetry.known('dev-1', large)).toEqual(new Set(ids(large)))
    expect(await other.telemetry.count('dev-1')).toBe(42)
  })

  it('a commit whose answer was lost, and that was sent again, is one', async () => {
    const { devices, telemetry } = await open((store) => ({
      ...store,
      async create(container, partition, item) {
        await store.create(container, partition, item)
        return store.create(container, partition, item)
      },
      async replace(container, partition, item, etag) {
        await store.replace(container, partition, item, etag)
        return store.replace(container, partition, item, etag)
      },
    }))
    await devices.commit(commit('dev-1', 1, { rows: [row(START, 'a')] }))
    await devices.commit(commit('dev-1', 2, { rows: [row(START, 'b')] }))
    expect((await devices.load('dev-1'))?.version).toBe(2)
    expect(await telemetry.count('dev-1')).toBe(2)
  })

  it('a writer who comes late with old rows takes none away', async () => {
    const account = await openCloud()
    const reached = Promise.withResolvers<void>()
    const late = Promise.withResolvers<void>()
    const slow = openStores(account, (store) => ({
      ...store,
      async put(container, partition, item) {
        if (container === 'telemetry') {
          reached.resolve()
          await late.promise
        }
        await store.put(container, partition, item)
      },
    }))
    const fast = openStores(account)
    const many = (name: string) =>
      Array.from({ length: 70 }, (_, index) => row(START + index, `${name}-${index}`.padEnd(60)))
    await fast.devices.commit(commit('dev-1', 1, { rows: many('a') }))
    // It reads the tail of the first commit, and stays on its way to the items.
    const losing = slow.devices.commit(commit('dev-1', 2, { rows: many('b') }))
    await reached.promise
    await fast.devices.commit(commit('dev-1', 2, { rows: [row(START, 'short')] }))
    await fast.devices.commit(commit('dev-1', 3, { rows: many('c') }))
    late.resolve()
    await expect(losing).rejects.toMatchObject({ code: 'store.conflict' })
    const all = { from: 0, to: 8e15, limit: 1_000, descending: false }
    const found = await fast.telemetry.range('dev-1', all)
    expect(found).toHaveLength(141)
    expect(ids(found)).toContain('short')
  })

  it('a batch of 100 messages of 10 devices is 10 reads and 10 writes, and items now and then', async () => {
    const { devices, account } = await open()
    const batch = async (version: number): Promise<void> => {
      const names = Array.from({ length: 10 }, (_, index) => `dev-${index}`)
      await Promise.all(names.map((name) => devices.load(name)))
      await Promise.all(
        names.map((name) => {
          const rows = Array.from({ length: 10 }, (_, index) =>
            row(START + version * 10_000 + index * 1_000, `${version}-${index}`, {
              temp: 20 + index / 10,
              humidity: 45,
              battery: 97,
            }),
          )
          return devices.commit(commit(name, version, { rows }))
        }),
      )
    }
    for (let version = 1; version <= 50; version++) {
      const before = account.answered.length
      await batch(version)
      const asked = account.answered.slice(before).map(([request]) => request)
      const of = (method: string, path: RegExp) =>
        asked.filter((one) => one.method === method && path.test(one.path)).length
      expect(of('GET', /\/colls\/devices\/docs\//)).toBe(10)
      expect(of(version === 1 ? 'POST' : 'PUT', /\/colls\/devices\/docs/)).toBe(10)
      expect(asked.length - of('POST', /\/colls\/telemetry\/docs$/)).toBe(20)
    }
    const items = account.answered.filter(([{ path }]) => path.includes('/colls/telemetry/')).length
    // 5,000 rows of 66 characters, 8,192 characters at a time: an item for some 120 rows.
    expect(items).toBeGreaterThan(10)
    expect(items).toBeLessThanOrEqual(50)
  })

  it('loads of one turn share a request', async () => {
    const { devices, account } = await open()
    for (const id of ['a', 'b']) await devices.commit(commit(id, 1))
    const before = account.answered.length
    const loaded = await Promise.all(['a', 'b', 'a', 'c'].map((id) => devices.load(id)))
    expect(loaded.map((one) => one?.deviceId)).toEqual(['a', 'b', 'a', undefined])
    expect(account.answered.length - before).toBe(3)
  })

  it('a dead letter of ten megabytes has every byte', async () => {
    const account = await openCloud()
    const objects = objectsOf(account)
    const deadLetters = createDeadLetters({ cosmos: account.cosmos, objects, retentionMs: DAY })
    const payload = Uint8Array.from({ length: 10_000_000 }, (_, index) => (index * 31) % 251)
    const letter: DeadLetter = {
      id: 'l-1',
      at: START,
      topic: 't',
      source: 'http',
      contentType: '',
      payload,
      payloadBytes: payload.length,
      receivedAt: START,
      code: 'uplink.too_large',
      reason: 'x',
    }
    await deadLetters.put(letter)
    const found = await deadLetters.get('l-1')
    expect(Buffer.from(found?.payload ?? []).equals(payload)).toBe(true)
    expect((await deadLetters.list('', 5)).map(({ id }) => id)).toEqual(['l-1'])
    expect(await objects.list('dead-letters/')).toHaveLength(1)
    await deadLetters.remove('l-1')
    expect(await deadLetters.get('l-1')).toBeUndefined()
    expect(await objects.list('dead-letters/')).toEqual([])
  }, 60_000)

  it('objects are kept as they are, under any key, and listed in their order', async () => {
    const account = await openCloud()
    const objects = objectsOf(account)
    const key = "firmware/v1 (ü)/a+b & 'c'.bin"
    expect(await objects.get(key)).toBeUndefined()
    await objects.put(key, Uint8Array.of(0, 255, 10), 'application/octet-stream')
    expect([...((await objects.get(key)) ?? [])]).toEqual([0, 255, 10])
    for (const name of ['x/3', 'x/1', 'x/2 & <a>', 'y'])
      await objects.put(name, Buffer.from('1'), 'text/plain')
    expect(await objects.list('x/')).toEqual(['x/1', 'x/2 & <a>', 'x/3'])
    await objects.remove(key)
    await objects.remove(key)
    expect(await objects.get(key)).toBeUndefined()
  })

  it('a container that is gone is never taken for objects that are not there', async () => {
    const account = await openCloud()
    const { createBlobs } = await import('../../../adapters/azure/blob.ts')
    const elsewhere = createBlobs(account.client, 'not-made')
    await expect(elsewhere.get('a')).rejects.toMatchObject({
      code: 'store.unavailable',
      message: expect.stringContaining('ContainerNotFound'),
    })
  })

  it.each(['a key of the account', 'a key of our identity'])(
    'whoever has the URL reads the object, for so long: signed by %s',
    async (by) => {
      const account = await openCloud()
      const key = "firmware/v1 (ü)/a+b & 'c'.bin"
      const ours: Partial<Blobs> = {
        // Azurite hands out such keys over HTTPS only, but takes what they sign.
        delegationKey: async (from, to) => delegationKeyOfAzurite(from, to),
      }
      const objects = objectsOf(
        account,
        by === 'a key of the account'
          ? { key: ACCOUNT_KEY }
          : { blobs: { ...account.blobs, ...ours } },
      )
      await objects.put(key, Buffer.from('bytes'), 'text/plain')
      const url = await objects.signedUrl(key, 60)
      const read = await fetch(url)
      expect([read.status, await read.text()]).toEqual([200, 'bytes'])
      expect((await fetch(url.replace('a%2Bb', 'other'))).status).toBe(403)
      expect((await fetch(url, { method: 'DELETE' })).status).toBe(403)
      expect((await fetch(await objects.signedUrl(key, -600))).status).toBe(403)
    },
  )

  it('one key of our identity signs many URLs', async () => {
    const account = await openCloud()
    let time = START
    const asked: (readonly [number, number])[] = []
    const objects = objectsOf(account, {
      now: () => time,
      blobs: {
        ...account.blobs,
        async delegationKey(from: number, to: number) {
          asked.push([from, to])
          return delegationKeyOfAzurite(from, to)
        },
      },
    })
    await objects.signedUrl('a', 60)
    await objects.signedUrl('b', 3_000)
    expect(asked).toEqual([[START - 300_000, START + 3_660_000]])
    time += 3_600_000
    await objects.signedUrl('a', 7 * 86_400 - 300)
    // A week at most.
    expect(asked[1]).toEqual([time - 300_000, time - 300_000 + 7 * DAY])
  })

  const cold = (messageId: string, at = START): ColdRow => ({
    deviceId: 'dev-1',
    at,
    receivedAt: at,
    messageId,
    topic: 't',
    body: { n: 1 },
  })

  it('cold rows of commits that come together share an append', async () => {
    const account = await openCloud()
    const store = createColdStore({ ...account, writer: 'w', now: () => START, random: () => 0 })
    await store.archive({ cold: [cold('first')] })
    const before = account.answered.length
    await Promise.all(
      Array.from({ length: 50 }, (_, index) => store.archive({ cold: [cold(`m-${index}`)] })),
    )
    expect(account.answered.length - before).toBeLessThanOrEqual(2)
    const found = await store.read('2026-01-31', 0, 100)
    expect(found.map(({ row: { messageId } }) => messageId)).toEqual([
      'first',
      ...Array.from({ length: 50 }, (_, index) => `m-${index}`),
    ])
  })

  it('a cold row whose append was sent twice is one, and a full blob is followed by another', async () => {
    const account = await openCloud()
    let appends = 0
    const blobs: Blobs = {
      ...account.blobs,
      async append(name, content) {
        if (++appends === 4) return 'full'
        await account.blobs.append(name, content)
        return account.blobs.append(name, content)
      },
    }
    const store = createColdStore({ blobs, writer: 'w', now: () => START, random: () => 0 })
    for (const name of ['a', 'b', 'c', 'd']) await store.archive({ cold: [cold(name)] })
    const found = await store.read('2026-01-31', 0, 100)
    expect(found.map(({ row: { messageId } }) => messageId)).toEqual(['a', 'b', 'c', 'd'])
    expect((await blobs.list('cold/')).map(({ name }) => name)).toEqual([
      `cold/day=2026-01-31/${START / 3_600_000}-w-0000.jsonl`.replace(/\/(\d{6})-/, '/0$1-'),
      `cold/day=2026-01-31/${START / 3_600_000}-w-0001.jsonl`.replace(/\/(\d{6})-/, '/0$1-'),
    ])
  })

  it('cold rows are read hour by hour, and no more blobs than it takes', async () => {
    const account = await openCloud()
    const clock = { time: START }
    const read: string[] = []
    const blobs: Blobs = {
      ...account.blobs,
      async get(name) {
        read.push(name)
        return account.blobs.get(name)
      },
    }
    const store = createColdStore({ blobs, writer: 'w', now: () => clock.time, random: () => 0 })
    for (let hour = 0; hour < 12; hour++) {
      await store.archive({ cold: [cold(`${hour}-a`), cold(`${hour}-b`)] })
      clock.time += 3_600_000
    }
    const names: string[] = []
    for (let position = 0; ; ) {
      const page = await store.read('2026-01-31', position, 5)
      if (page.length === 0) break
      names.push(...page.map(({ row: { messageId } }) => messageId))
      position = page.at(-1)?.position ?? 0
    }
    expect(names).toEqual(
      Array.from({ length: 12 }, (_, hour) => [`${hour}-a`, `${hour}-b`]).flat(),
    )
    expect(read.length).toBeLessThan(6 * 12)
    read.length = 0
    await store.read('2026-01-31', 0, 2)
    expect(read.length).toBeLessThanOrEqual(3)
  })

  it('a commit whose cold rows cannot be stored fails, and the next ones do not', async () => {
    const account = await openCloud()
    let broken = true
    const blobs: Blobs = {
      ...account.blobs,
      async append(name, content) {
        if (broken) throw new Error('no')
        return account.blobs.append(name, content)
      },
    }
    const store = createColdStore({ blobs, writer: 'w', now: () => START, random: () => 0 })
    const results = await Promise.allSettled([
      store.archive({ cold: [cold('a')] }),
      store.archive({ cold: [cold('b')] }),
    ])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    broken = false
    await store.archive({ cold: [cold('c')] })
    const found = await store.read('2026-01-31', 0, 100)
    expect(found.map(({ row: { messageId } }) => messageId)).toEqual(['c'])
  })

  it('an entry of a queue that is too large for a message is a blob, and the message names it', async () => {
    const account = await openCloud()
    const queue = `${account.name}-work`
    await account.createQueue(queue)
    const objects = objectsOf(account)
    const queues = createQueueSender({
      queues: createStorageQueues(account.client),
      cosmos: account.cosmos,
      objects,
      prefix: `${account.name}-`,
      now: Date.now,
      own: createOwnQueues(account.cosmos, Date.now),
    })
    const fits = 'ü'.repeat(24_575)
    await queues.send('work', fits, 'k-1')
    await queues.send('work', `${fits}ü`, 'k-2')
    const [first, second] = (await account.peekAll(queue)).map((text) => JSON.parse(text))
    expect(first).toBe(fits)
    const blob = await objects.get(second.$blob)
    expect(JSON.parse(blob?.toString('utf8') ?? '')).toBe(`${fits}ü`)
    await expect(queues.send('gone', 1, 'k')).rejects.toMatchObject({ code: 'input.not_found' })
    await expect(queues.claim('work', 1, 1)).rejects.toMatchObject({ code: 'input.not_found' })
  })

  function delivery(key: string, severity: 'critical' | 'warning' = 'warning'): Delivery {
    return {
      key,
      channelId: 'ops',
      notification: {
        key: `n-${key}`,
        channelIds: ['ops'],
        deviceId: 'dev-1',
        severity,
        subject: 's',
        text: 't',
        at: START,
        data: {},
      },
      attempts: 0,
    }
  }

  it('more keys than one message takes become several', async () => {
    const account = await openCloud()
    const woken: (readonly string[])[] = []
    const queue = createNotificationQueue({
      cosmos: account.cosmos,
      now: () => START,
      wake: async (keys) => void woken.push(keys),
    })
    const keys = Array.from({ length: 30 }, (_, index) => `${index}-${'ü'.repeat(2_000)}`)
    await queue.enqueue(keys.map((key) => delivery(key)))
    expect(woken.flat()).toEqual(keys)
    for (const some of woken)
      expect(Buffer.byteLength(JSON.stringify({ keys: some }))).toBeLessThanOrEqual(49_152)
    expect(woken.length).toBe(4)
  })

  it('deliveries wake whoever sends them by their keys, and only those are claimed', async () => {
    const account = await openCloud()
    const clock = { time: START }
    const woken: string[] = []
    const queue = createNotificationQueue({
      cosmos: account.cosmos,
      now: () => clock.time,
      wake: async (keys, priority) => void woken.push(`${priority} ${keys.join()}`),
    })
    await queue.enqueue([delivery('a'), delivery('b', 'critical'), delivery('c')])
    await queue.enqueue([delivery('a')])
    expect(woken).toEqual(['high b', 'normal a,c'])
    const only = queue.only(['c', 'c', 'nobody'])
    expect((await only.claim(clock.time, 10, 60_000)).map(({ key }) => key)).toEqual(['c'])
    expect(await only.claim(clock.time, 10, 60_000)).toEqual([])
    await queue.settle('c')
    expect((await queue.claim(clock.time, 10, 60_000)).map(({ key }) => key).toSorted()).toEqual([
      'a',
      'b',
    ])
    await queue.settle('a')
    clock.time += DAY
    await queue.enqueue([delivery('a')])
    expect((await queue.only(['a']).claim(clock.time, 1, 60_000)).map(({ key }) => key)).toEqual([
      'a',
    ])
  })
})

/** Source: Azurite, which makes such keys of what is asked for. */
function delegationKeyOfAzurite(from: number, to: number) {
  const { getUserDelegationKeyValue } = createRequire(import.meta.url)(
    'azurite/dist/src/blob/utils/utils.js',
  )
  const text = (at: number): string => new Date(at).toISOString().replace(/\.\d{3}/, '')
  const [oid, tid, version] = ['object-1', 'tenant-1', '2024-11-04']
  const [start, expiry] = [text(from), text(to)]
  const value: string = getUserDelegationKeyValue(oid, tid, start, expiry, version)
  return { oid, tid, start, expiry, service: 'b', version, value }
}
