import { connectAsync, type IClientOptions } from 'mqtt'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { SessionChange } from '../../../adapters/local/listeners/mqtt/index.ts'
import { openRetainedStore } from '../../../adapters/local/retained-store.ts'
import { openSessionStore } from '../../../adapters/local/session-store.ts'
import { type Database, openDatabase } from '../../../adapters/local/sqlite/database.ts'
import type { Operation } from '../../../adapters/local/sqlite/protocol.ts'
import { openCloud, temporaryFolder } from './cloud.ts'

const DURABLE: IClientOptions = { clean: false, reconnectPeriod: 0 }

/** A file whose writes are counted, and can be refused. */
async function openFile(path: string) {
  const database = await openDatabase({ path, durability: 'normal' })
  const written: string[] = []
  const file = {
    written,
    refuse: false,
    database: {
      ...database,
      write(operations: readonly Operation[]) {
        if (file.refuse) return Promise.reject(new Error('refused'))
        for (const [name] of operations) written.push(name)
        return database.write(operations)
      },
    } satisfies Database,
  }
  onTestFinished(() => database.close())
  return file
}

function queued(sequence: number, text: string): SessionChange {
  return {
    kind: 'queued',
    delivery: {
      sequence,
      topic: `t/${text}`,
      payload: Buffer.from(text),
      qos: 1,
      retain: false,
      properties: Buffer.from([38, 0, 1, 97, 0, 1, 98]),
      expiresAt: sequence % 2 === 0 ? Infinity : 4e12 + 0.5,
      identifiers: [sequence],
    },
  }
}

describe('sessions that survive a restart', () => {
  it('keep subscriptions, and what came while nobody was there or nobody acknowledged', async () => {
    const data = temporaryFolder()
    const first = await openCloud({ data })
    const device = await connectAsync(first.mqtt, { ...DURABLE, clientId: 'dev-1' })
    await device.subscribeAsync(['cmd/dev-1/#', 'state/#'], { qos: 1 })
    await device.endAsync()
    const sender = await connectAsync(first.mqtt, { clientId: 'sender' })
    await sender.publishAsync('devices/sender/telemetry', '{"a":1}', { qos: 1 })
    await expect
      .poll(async () => (await first.core.ports.devices.load('sender'))?.presence.connected)
      .toBe(true)
    for (const n of [1, 2, 3]) await sender.publishAsync('cmd/dev-1/go', `{"n":${n}}`, { qos: 1 })
    await sender.publishAsync('state/door', '{"open":true}', { qos: 1, retain: true })
    await sender.publishAsync('state/gone', '{"open":true}', { qos: 1, retain: true })
    await sender.publishAsync('state/gone', '', { qos: 1, retain: true })
    await sender.endAsync()
    await first.close()

    const second = await openCloud({ data })
    const heard: string[] = []
    const options: IClientOptions = { ...DURABLE, clientId: 'dev-1', manualConnect: true }
    const { connect } = await import('mqtt')
    const again = connect(second.mqtt, options)
    onTestFinished(() => void again.end(true))
    again.on('message', (topic, payload) => void heard.push(`${topic} ${payload.toString()}`))
    const present = new Promise<boolean>((resolve) =>
      again.once('connect', ({ sessionPresent }) => resolve(sessionPresent)),
    )
    again.connect()
    expect(await present).toBe(true)
    await expect
      .poll(() => heard.filter((one) => one.startsWith('cmd/')))
      .toEqual(['cmd/dev-1/go {"n":1}', 'cmd/dev-1/go {"n":2}', 'cmd/dev-1/go {"n":3}'])
    const late = connect(second.mqtt, { clientId: 'late', manualConnect: true })
    onTestFinished(() => void late.end(true))
    const retained: string[] = []
    late.on('message', (topic, payload, { retain }) => {
      retained.push(`${topic} ${payload.toString()} ${retain}`)
    })
    late.connect()
    await late.subscribeAsync('state/#', { qos: 1 })
    await expect.poll(() => retained).toEqual(['state/door {"open":true} true'])
    await again.endAsync()
    await second.close()

    const third = await openCloud({ data })
    const nothing = connect(third.mqtt, options)
    onTestFinished(() => void nothing.end(true))
    const more: string[] = []
    nothing.on('message', (topic) => void more.push(topic))
    const connected = new Promise<void>((resolve) => nothing.once('connect', () => resolve()))
    nothing.connect()
    await connected
    await third.call('/topics/cmd%2Fdev-1%2Fown?qos=1', { method: 'POST', body: '{"n":4}' })
    await expect.poll(() => more).toEqual(['cmd/dev-1/own'])
  })
})

describe('the session store on disk', () => {
  it('gives back what was recorded, byte for byte', async () => {
    const path = `${temporaryFolder()}/s.db`
    const { database } = await openFile(path)
    const store = await openSessionStore(database, () => undefined)
    const changes: SessionChange[] = [
      { kind: 'opened', expirySeconds: 3_600 },
      {
        kind: 'subscribed',
        subscription: {
          filter: 'ü/#',
          qos: 2,
          noLocal: true,
          retainAsPublished: false,
          identifier: 7,
        },
      },
      {
        kind: 'subscribed',
        subscription: {
          filter: 'b',
          qos: 1,
          noLocal: false,
          retainAsPublished: false,
          identifier: 0,
        },
      },
      { kind: 'unsubscribed', filter: 'b' },
      queued(1, ''),
      queued(2, 'sent \u0000'),
      queued(3, 'done'),
      { kind: 'sent', sequence: 2, packetId: 9 },
      { kind: 'released', sequence: 2 },
      { kind: 'done', sequence: 3 },
      { kind: 'received', packetId: 4 },
      { kind: 'received', packetId: 5 },
      { kind: 'forgotten', packetId: 4 },
      { kind: 'closed', expirySeconds: 60, endsAt: 4e12 },
    ]
    for (const change of changes) store.record('dev-1', change)
    store.record('dev-2', { kind: 'opened', expirySeconds: 5 })
    store.record('dev-3', { kind: 'opened', expirySeconds: 5 })
    store.record('dev-3', queued(1, 'x'))
    await store.flush()
    store.record('dev-3', { kind: 'ended' })
    store.record('dev-2', { kind: 'ended' })
    store.record('dev-2', { kind: 'opened', expirySeconds: 6 })
    const wanted = store.load()
    await store.flush()
    const bytes = (sessions: typeof wanted) =>
      sessions.map((session) => ({
        ...session,
        deliveries: session.deliveries.map(({ delivery, ...rest }) => ({
          ...rest,
          ...delivery,
          payload: [...delivery.payload],
          properties: [...delivery.properties],
        })),
      }))
    const again = await openSessionStore(database, () => undefined)
    expect(bytes(again.load())).toEqual(bytes(wanted))
    expect(wanted.map(({ clientId }) => clientId).sort()).toEqual(['dev-1', 'dev-2'])
    expect(wanted[0]?.deliveries).toHaveLength(2)
  })

  it('never writes what is delivered and acknowledged at once', async () => {
    const { database, written } = await openFile(`${temporaryFolder()}/s.db`)
    const store = await openSessionStore(database, () => undefined)
    store.record('dev-1', { kind: 'opened', expirySeconds: 60 })
    for (let sequence = 1; sequence <= 100; sequence += 1) {
      store.record('dev-1', queued(sequence, 'x'))
      store.record('dev-1', { kind: 'sent', sequence, packetId: sequence })
      store.record('dev-1', { kind: 'done', sequence })
    }
    await store.flush()
    expect(written).toEqual(['sessionPut'])
  })

  it('writes all anew once a disk that refused is back', async () => {
    const file = await openFile(`${temporaryFolder()}/s.db`)
    const faults: unknown[] = []
    const store = await openSessionStore(file.database, (error) => void faults.push(error))
    store.record('dev-1', { kind: 'opened', expirySeconds: 60 })
    for (const sequence of [1, 2]) store.record('dev-1', queued(sequence, 'x'))
    await store.flush()
    file.refuse = true
    store.record('dev-1', { kind: 'done', sequence: 1 })
    store.record('dev-1', queued(3, 'y'))
    await store.flush()
    expect(faults).toHaveLength(1)
    file.refuse = false
    await store.flush()
    const again = await openSessionStore(file.database, () => undefined)
    const [session] = again.load()
    expect(session?.deliveries.map(({ delivery }) => delivery.sequence)).toEqual([2, 3])
  })
})

describe('retained messages on disk', () => {
  it('come back with quality, properties and end, and what was taken away does not', async () => {
    const { database } = await openFile(`${temporaryFolder()}/r.db`)
    const store = await openRetainedStore(database, () => undefined)
    const message = (topic: string, expiresAt: number) => ({
      topic,
      payload: Uint8Array.of(0, 255, 1),
      qos: 2 as const,
      properties: Uint8Array.of(1, 1),
      expiresAt,
    })
    store.set('a/ü', message('a/ü', Infinity))
    store.set('b', message('b', 4e12))
    store.set('c', message('c', Infinity))
    await store.flush()
    store.set('c', undefined)
    await store.flush()
    const again = await openRetainedStore(database, () => undefined)
    expect(again.size).toBe(2)
    expect(again.get('a/ü')).toEqual(message('a/ü', Infinity))
    expect(again.get('b')).toEqual(message('b', 4e12))
  })
})
