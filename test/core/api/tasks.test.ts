import { describe, expect, it } from 'vitest'
import { createApi } from '../../../core/api/index.ts'
import { CoreError } from '../../../core/index.ts'
import { createTasks } from '../../../core/tasks.ts'
import { createMemoryPorts, createWorld, rowsOf } from '../../fakes/memory-ports.ts'
import { NOW, start, uplink } from '../harness.ts'
import { ADMIN_TOKEN, bearer, openApi } from './with-access.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const ADMIN = { authorization: 'Bearer the-token' }

/** One process over a world: a server, or, where it is not long-lived, a function. */
function open(options: Parameters<typeof start>[1] = {}) {
  const running = start({}, options)
  const { core } = running
  const api = createApi({
    core,
    add: async (one) => (await core.ingest([one]))[0]!,
    isAdmin: (authorization) => authorization === ADMIN.authorization,
  })
  async function ask(
    method: string,
    path: string,
    { body, type, headers = ADMIN }: { body?: unknown; type?: string; headers?: object } = {},
  ) {
    const isRaw = typeof body === 'string' || body instanceof Uint8Array
    const answer = await api.request(path, {
      method,
      headers: {
        ...headers,
        ...(body === undefined ? {} : { 'content-type': type ?? 'application/json' }),
      },
      ...(body === undefined ? {} : { body: isRaw ? (body as string) : JSON.stringify(body) }),
    })
    const text = await answer.text()
    const isJson = /[/+]json/.test(answer.headers.get('content-type') ?? '')
    return {
      status: answer.status,
      headers: answer.headers,
      text,
      json: isJson ? JSON.parse(text) : undefined,
    }
  }
  const postCsv = (body: string | Uint8Array, query = '') =>
    ask('POST', `/tasks/import${query}`, { body, type: 'text/csv' })
  /** The task when it has ended: its process works in the background. */
  async function ended(taskId: string) {
    for (let turn = 0; turn < 20_000; turn++) {
      const { json } = await ask('GET', `/tasks/${taskId}`)
      if (json.endedAt !== undefined) return json
      await new Promise((resolve) => setImmediate(resolve))
    }
    throw new Error('expected the task to end')
  }
  async function imported(csv: string | Uint8Array, query = '') {
    const { status, json, headers } = await postCsv(csv, query)
    expect({ status, json }).toMatchObject({ status: 202 })
    expect(headers.get('location')).toBe(`/tasks/${json.id}`)
    return ended(json.id)
  }
  return { ...running, ask, postCsv, ended, imported }
}

const lines = (...all: string[]): string => all.map((line) => `${line}\r\n`).join('')

describe('an import', () => {
  it('registers devices with what the columns say', async () => {
    const { imported, world, ask } = open()
    const csv = lines(
      '\ufeffdeviceId,type,enabled,tags.site,tags.owner name',
      'a,fridge,true,west,"Ann ""A"", Bo"',
      'b,,FALSE,,',
      '"c","oven",,"two\r\nlines",',
    )
    const task = await imported(csv)
    expect(task).toMatchObject({
      kind: 'import',
      state: 'done',
      done: 3,
      total: 3,
      failed: 0,
      faults: [],
      counts: { created: 3 },
      by: { kind: 'admin', id: 'admin' },
      result: { contentType: 'text/csv; charset=utf-8; header=present', secret: false },
    })
    expect(world.registered.get('a')).toMatchObject({
      type: 'fridge',
      enabled: true,
      tags: { site: 'west', 'owner name': 'Ann "A", Bo' },
      credentials: [],
      version: 1,
    })
    expect(world.registered.get('b')).toMatchObject({ enabled: false, tags: {} })
    expect(world.registered.get('b')).not.toHaveProperty('type')
    expect(world.registered.get('c')).toMatchObject({ tags: { site: 'two\r\nlines' } })
    const { text, headers } = await ask('GET', `/tasks/${task.id}/result`)
    expect(headers.get('content-disposition')).toMatch(/^attachment; filename="import-.*\.csv"$/)
    expect(text).toBe(
      lines(
        'line,deviceId,outcome,detail,token,primaryKey,secondaryKey,certificate,privateKey,authority',
        '2,a,created,,,,,,,',
        '3,b,created,,,,,,,',
        '4,c,created,,,,,,,',
      ),
    )
    // Without secrets it can be looked at again.
    expect((await ask('GET', `/tasks/${task.id}/result`)).status).toBe(200)
  })

  it('says what is wrong with a row, and goes on', async () => {
    const { imported, world, core, ask } = open()
    await core.ports.registry.create({
      deviceId: 'there',
      tags: { was: 'here' },
      enabled: true,
      createdAt: 1,
      version: 1,
      credentials: [],
    })
    const task = await imported(
      [
        'deviceId;type;enabled;credential;tags.site',
        'ok-1;x;true;none;',
        'no id;x;true;none;',
        ';x;true;none;',
        'short;x',
        'long;x;true;none;w;more',
        'yes;x;yes;none;',
        'cred;x;true;password;',
        `type;${'t'.repeat(129)};true;none;`,
        `tag;x;true;none;${'t'.repeat(257)}`,
        'there;x;true;none;east',
        'ok-1;again;true;none;',
        '"quote;x;true;none;',
        '"a"b;x;true;none;',
        '',
        'ok-2;;;;',
      ].join('\n'),
    )
    expect(task).toMatchObject({ state: 'done', done: 14, total: 14, failed: 12 })
    expect(task.counts).toEqual({ created: 2 })
    expect(task.faults).toEqual([
      { line: 3, detail: 'deviceId: expected 1 to 128 letters, digits and : . _ -' },
      { line: 4, detail: 'deviceId: expected 1 to 128 letters, digits and : . _ -' },
      { line: 5, detail: 'expected 5 cells as in the header, found 2' },
      { line: 6, detail: 'expected 5 cells as in the header, found 6' },
      { line: 7, detail: 'enabled: expected true or false, found "yes"' },
      {
        line: 8,
        detail: 'credential: expected none, certificate, token, key, found "password"',
      },
      { line: 9, detail: 'type: expected at most 128 characters' },
      { line: 10, detail: 'tags.site: expected at most 256 characters' },
      { line: 11, detail: 'registered already' },
      { line: 12, detail: 'expected each device once, found it on line 2 as well' },
      { line: 13, detail: expect.stringContaining('cell 1: expected') },
      {
        line: 14,
        detail: 'cell 1: expected a separator behind its quotes, found "b"',
      },
    ])
    expect([...world.registered.keys()].toSorted()).toEqual(['ok-1', 'ok-2', 'there'])
    expect(world.registered.get('there')).toMatchObject({ tags: { was: 'here' }, version: 1 })
    const { text } = await ask('GET', `/tasks/${task.id}/result`)
    expect(text.split('\r\n')).toHaveLength(16)
    expect(text).toContain('11,there,failed,registered already,')
  })

  it('hands secrets out once', async () => {
    const { imported, world, ask } = open()
    const task = await imported(
      lines('deviceId,credential', 'd-cert,certificate', 'd-key,key', 'd-token,token', 'd-none,'),
    )
    expect(task.result).toMatchObject({ secret: true, until: NOW + HOUR })
    for (const [id, count] of [
      ['d-cert', 1],
      ['d-key', 2],
      ['d-token', 1],
      ['d-none', 0],
    ] as const)
      expect(world.registered.get(id)?.credentials).toHaveLength(count)
    expect(JSON.stringify(await ask('GET', '/tasks'))).not.toContain('private key')
    const { status, text, headers } = await ask('GET', `/tasks/${task.id}/result`)
    expect(status).toBe(200)
    expect(headers.get('cache-control')).toBe('no-store')
    const rows = text.split('\r\n')
    expect(rows[1]).toBe('2,d-cert,created,,,,,certificate of d-cert,private key,authority')
    expect(rows[2]).toMatch(/^3,d-key,created,,token \d+,\d+=,\d+==,,,$/)
    expect(rows[3]).toMatch(/^4,d-token,created,,token \d+,,,,,$/)
    // Once: nothing of it is kept anywhere.
    expect((await ask('GET', `/tasks/${task.id}/result`)).status).toBe(404)
    expect((await ask('GET', `/tasks/${task.id}`)).json).not.toHaveProperty('result')
    expect(JSON.stringify([...world.tables].map(([, rows]) => [...rows]))).not.toContain(
      'private key',
    )
  })

  it('says where a cloud does not issue what is asked for', async () => {
    const world = createWorld(NOW)
    const ports = createMemoryPorts(world)
    const { core } = open({ world })
    const certificate = async () => {
      throw new CoreError('input.malformed', 'this cloud issues no certificates')
    }
    const tasks = createTasks(
      { ...ports, issuer: { ...ports.issuer, certificate } },
      core.ingest,
      core.gate,
    )
    const csv = lines('deviceId,credential', 'a,certificate', 'b,token')
    const { id } = await tasks.startImport(csv, 'create', {
      kind: 'admin',
      id: 'admin',
      scopes: new Set(),
    })
    await expect.poll(async () => (await tasks.get(id))?.state).toBe('done')
    expect(await tasks.get(id)).toMatchObject({
      counts: { created: 1 },
      faults: [{ line: 2, detail: 'credential: this cloud issues no certificates' }],
    })
    expect([...world.registered.keys()]).toEqual(['b'])
  })

  it('forgets secrets that nobody took within an hour', async () => {
    const { imported, world, core, ask } = open()
    const task = await imported(lines('deviceId,credential', 'd,token'))
    world.now += HOUR + 1
    expect((await ask('GET', `/tasks/${task.id}/result`)).status).toBe(404)
    await core.tick(100)
    expect(world.tables.get(`$task:${task.id}`)?.size).toBe(0)
    expect((await ask('GET', `/tasks/${task.id}`)).status).toBe(200)
    world.now += 7 * DAY
    await core.tick(100)
    expect((await ask('GET', `/tasks/${task.id}`)).status).toBe(404)
    expect(world.tables.get('$tasks')?.size).toBe(0)
    expect(world.tables.get('$tasks-due')?.size).toBe(0)
  })

  it('changes devices where that is asked for', async () => {
    const { imported, world } = open()
    await imported(lines('deviceId,type,tags.a', 'x,one,1', 'y,two,2'))
    const csv = lines('deviceId,type,enabled,tags.b', 'x,uno,false,3', 'y,two,,', 'z,new,,')
    const updated = await imported(csv, '?mode=update')
    expect(updated).toMatchObject({ failed: 1, counts: { updated: 1, unchanged: 1 } })
    expect(updated.faults).toEqual([{ line: 4, detail: 'expected a registered device' }])
    expect(world.registered.get('x')).toMatchObject({
      type: 'uno',
      enabled: false,
      tags: { a: '1', b: '3' },
      version: 2,
    })
    const upserted = await imported(csv, '?mode=upsert')
    expect(upserted).toMatchObject({ failed: 0, counts: { created: 1, unchanged: 2 } })
  })

  it('registers 10,000 devices, and no more in one file', async () => {
    const { imported, postCsv, world } = open()
    const rows = Array.from({ length: 10_000 }, (_, at) => `device-${at},t-${at % 7}`)
    const task = await imported(lines('deviceId,type', ...rows))
    expect(task).toMatchObject({ state: 'done', done: 10_000, counts: { created: 10_000 } })
    expect(world.registered.size).toBe(10_000)
    const more = await postCsv(lines('deviceId,type', ...rows, 'one-more,x'))
    expect(more).toMatchObject({ status: 413, json: { title: 'input.too_large' } })
  })

  const refused: readonly [title: string, csv: string | Uint8Array, says: string, line: number][] =
    [
      ['nothing', '', 'expected a header and rows, found nothing', 1],
      ['a header alone', 'deviceId\n', 'expected rows behind the header', 1],
      ['no device ids', 'id,type\nx,y', 'expected deviceId, type, enabled, credential', 1],
      ['an unknown column', 'deviceId,colour\nx,y', 'column 2: expected deviceId', 1],
      ['a column twice', 'deviceId,type,type\nx,y,z', 'found "type" twice', 1],
      ['a column without name', 'deviceId,\nx,', 'column 2', 1],
      ['a tag without name', 'deviceId,tags.\nx,y', 'column 2', 1],
      ['a header that is broken', '"deviceId\nx', 'expected a closing quote', 1],
      [
        'too many tags',
        `deviceId,${Array.from({ length: 51 }, (_, at) => `tags.${at}`)}\nx`,
        'expected at most 50 tags',
        1,
      ],
    ]

  it.each(refused)('is refused: %s', async (_title, csv, says, line) => {
    const { postCsv, ask } = open()
    const { status, json } = await postCsv(csv)
    expect({ status, json }).toMatchObject({
      status: 422,
      json: { title: 'input.malformed', errors: [{ in: 'body', line }] },
    })
    expect(json.errors[0].detail).toContain(says)
    expect((await ask('GET', '/tasks')).json).toEqual({ tasks: [] })
  })

  it('is refused for what is no text, another content type, an unknown mode, or too much', async () => {
    const { postCsv, ask } = open()
    expect((await postCsv(Uint8Array.of(0xff, 0xfe, 0))).status).toBe(400)
    const json = await ask('POST', '/tasks/import', { body: 'deviceId\nx' })
    expect(json).toMatchObject({ status: 415, json: { title: 'input.wrong_type' } })
    expect((await postCsv('deviceId\nx', '?mode=replace')).status).toBe(400)
    const large = await postCsv(`deviceId\n${'x'.repeat(16_777_216)}`)
    expect(large).toMatchObject({ status: 413 })
  })
})

describe('an import that is cut off', () => {
  const csv = lines(
    'deviceId,credential',
    ...Array.from({ length: 100 }, (_, at) => `d-${at},token`),
  )

  it('goes on in another process, and hands out what devices have', async () => {
    const world = createWorld(NOW)
    const first = open({ world, process: 'one' })
    const { json } = await first.postCsv(csv)
    // The store goes away in the middle of the second page.
    while ((world.calls['registry.create'] ?? 0) < 40) await Promise.resolve()
    world.away.add('tables')
    world.away.add('devices')
    for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve))
    world.away.clear()
    const made = world.registered.size
    expect(made).toBeGreaterThanOrEqual(33)
    expect(made).toBeLessThan(100)
    // Nobody let the lease go: it ends by itself.
    const second = open({ world, process: 'two' })
    await second.core.tick(100)
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(world.registered.size).toBe(made)
    world.now += 31_000
    await second.core.tick(100)
    const task = await second.ended(json.id)
    expect(task).toMatchObject({ state: 'done', done: 100, failed: 0, counts: { created: 100 } })
    const { text } = await second.ask('GET', `/tasks/${json.id}/result`)
    const rows = text.trim().split('\r\n').slice(1)
    expect(rows).toHaveLength(100)
    for (const row of rows) {
      const [, deviceId = '', outcome, , token = ''] = row.split(',')
      expect(outcome).toBe('created')
      const [credential] = world.registered.get(deviceId)?.credentials ?? []
      expect(token).toBe(`token ${credential?.digest}`)
    }
  })

  it('is worked on by one process at a time', async () => {
    const world = createWorld(NOW)
    const one = open({ world, process: 'one' })
    const two = open({ world, process: 'two' })
    const { json } = await one.postCsv(csv)
    const ticks = Array.from({ length: 20 }, () => two.core.tick(100))
    await Promise.all(ticks)
    const task = await one.ended(json.id)
    expect(task).toMatchObject({ state: 'done', done: 100, counts: { created: 100 } })
    expect(world.calls['registry.create']).toBe(100)
  })

  it('goes on when the store is back, and gives up when it never comes on', async () => {
    const { postCsv, world, core, ended } = open()
    world.away.add('registry')
    const { json } = await postCsv(csv)
    for (let round = 0; round < 10; round++) {
      await core.tick(100)
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    }
    world.away.clear()
    await core.tick(100)
    expect(await ended(json.id)).toMatchObject({ state: 'done', done: 100 })
    world.away.add('registry')
    const never = (await postCsv(csv.replaceAll('d-', 'e-'))).json.id
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
    world.now += 8 * DAY
    await core.tick(100)
    expect(await ended(never)).toMatchObject({ state: 'failed', reason: expect.any(String) })
  })

  it('stops where it is told to, and what was handed out can be had', async () => {
    const { postCsv, world, ask, ended } = open()
    const { json } = await postCsv(csv)
    while ((world.calls['registry.create'] ?? 0) < 1) await Promise.resolve()
    expect((await ask('DELETE', `/tasks/${json.id}`)).status).toBe(204)
    const task = await ended(json.id)
    expect(task).toMatchObject({ state: 'cancelled', result: { secret: true } })
    expect(task.done).toBeLessThan(100)
    expect(world.registered.size).toBe(task.done)
    const { text } = await ask('GET', `/tasks/${json.id}/result`)
    expect(text.trim().split('\r\n')).toHaveLength(task.done + 1)
    expect((await ask('DELETE', `/tasks/${json.id}`)).status).toBe(409)
    expect((await ask('DELETE', '/tasks/none')).status).toBe(404)
  })

  it('leaves the rest to a restart', async () => {
    const world = createWorld(NOW)
    const first = open({ world })
    const { json } = await first.postCsv(csv)
    while ((world.calls['registry.create'] ?? 0) < 1) await Promise.resolve()
    await first.core.tasks.stop()
    const made = world.registered.size
    expect(made).toBeLessThan(100)
    const second = open({ world })
    await second.core.tick(100)
    expect(await second.ended(json.id)).toMatchObject({ state: 'done', done: 100 })
  })
})

describe('an import on functions', () => {
  it('does what it can in the request', async () => {
    const { postCsv } = open({ longLived: false })
    const { status, json } = await postCsv(lines('deviceId', 'a', 'b'))
    expect({ status, json }).toMatchObject({ status: 202, json: { state: 'done', done: 2 } })
  })

  it('goes on in ticks', async () => {
    const world = createWorld(NOW)
    const ports = createMemoryPorts(world, { longLived: false })
    let ticking = 0
    // Time goes on with each look at the clock.
    const now = (): number => {
      ticking += 500
      return NOW + ticking
    }
    const slow = { ...ports, clock: { now } }
    const { core } = open({ world, longLived: false })
    const tasks = createTasks(slow, core.ingest, core.gate)
    const rows = Array.from({ length: 2_000 }, (_, at) => `d-${at}`)
    const begun = await tasks.startImport(lines('deviceId', ...rows), 'create', {
      kind: 'admin',
      id: 'admin',
      scopes: new Set(),
    })
    expect(begun.state).toBe('running')
    expect(begun.done).toBeLessThan(2_000)
    let ticks = 0
    for (; (await tasks.get(begun.id))?.state === 'running' && ticks < 100; ticks++)
      await tasks.tick()
    expect(ticks).toBeGreaterThan(1)
    expect(await tasks.get(begun.id)).toMatchObject({ state: 'done', done: 2_000 })
    expect(world.registered.size).toBe(2_000)
  })
})

describe('a result that is large', () => {
  const csv = lines(
    'deviceId,credential',
    ...Array.from({ length: 1_500 }, (_, at) => `d-${at},token`),
  )

  it('comes in parts out of a function, and is gone with the last', async () => {
    const { postCsv, ask, world } = open({ longLived: false })
    const { json } = await postCsv(csv)
    expect(json).toMatchObject({ state: 'done', result: { parts: 3, secret: true } })
    const path = `/tasks/${json.id}/result`
    expect(await ask('GET', path)).toMatchObject({
      status: 413,
      json: { detail: expect.stringContaining('expected part=0 to part=2') },
    })
    const texts: string[] = []
    for (const part of [0, 1, 2]) texts.push((await ask('GET', `${path}?part=${part}`)).text)
    const rows = texts.join('').trim().split('\r\n')
    expect(rows).toHaveLength(1_501)
    expect(rows[0]).toMatch(/^line,/)
    expect(new Set(rows.slice(1).map((row) => row.split(',')[1])).size).toBe(1_500)
    expect(texts.filter((text) => text.startsWith('line,'))).toHaveLength(1)
    expect((await ask('GET', `${path}?part=0`)).status).toBe(404)
    expect(world.tables.get(`$task:${json.id}`)?.size).toBe(0)
  })

  it('comes whole or in parts out of a server', async () => {
    const { imported, ask } = open()
    const task = await imported(csv.replaceAll(',token', ',none'))
    const path = `/tasks/${task.id}/result`
    const whole = (await ask('GET', path)).text
    const texts: string[] = []
    for (const part of [0, 1, 2]) texts.push((await ask('GET', `${path}?part=${part}`)).text)
    expect(texts.join('')).toBe(whole)
    expect((await ask('GET', `${path}?part=3`)).status).toBe(404)
    expect((await ask('GET', `${path}?part=-1`)).status).toBe(400)
  })
})

describe('a replay', () => {
  it('takes messages in as if they had just been sent', async () => {
    const { ask, ended, world } = open()
    const body = [
      `{"meta":{"device":"a"},"ts":${NOW - 2_000},"temp":1}`,
      '',
      `{"meta":{"device":"b"},"ts":${NOW - 1_000},"temp":2}`,
      '{broken',
      `{"meta":{},"ts":${NOW},"temp":3}`,
      `{"meta":{"device":"a"},"temp":4}`,
      `{"meta":{"device":"a"},"ts":${NOW + DAY * 30},"temp":5}`,
      `{"meta":{"device":"a"},"ts":${NOW - 2_000},"temp":1}`,
    ].join('\r\n')
    const path = '/tasks/replay?device=/meta/device&time=ts'
    const { status, json } = await ask('POST', path, { body, type: 'application/x-ndjson' })
    expect(status).toBe(202)
    const task = await ended(json.id)
    expect(task).toMatchObject({
      kind: 'replay',
      state: 'done',
      done: 7,
      total: 7,
      failed: 4,
      counts: { accepted: 2, duplicates: 1, deadLetters: 1 },
    })
    expect(task.faults).toEqual([
      { line: 4, detail: 'expected JSON' },
      { line: 5, detail: 'expected the id of a device at /meta/device' },
      { line: 6, detail: 'expected a time at ts' },
      { line: 7, detail: expect.stringContaining('uplink.future_time') },
    ])
    expect(rowsOf(world, 'a')).toMatchObject([{ at: NOW - 2_000, metrics: { temp: 1 } }])
    expect((await ask('GET', `/tasks/${task.id}/result`)).status).toBe(404)
    // The same recording again changes nothing.
    const again = await ask('POST', path, { body, type: 'application/jsonl' })
    expect(await ended(again.json.id)).toMatchObject({ counts: { accepted: 0, duplicates: 3 } })
  })

  it('takes one device for all lines, a payload and a topic', async () => {
    const { ask, ended, world } = open()
    const { json } = await ask(
      'POST',
      '/tasks/replay?device==x-1&time=/at&timeUnit=iso&payload=raw&topic=plant/{id}/data',
      {
        body: '{"at":"2025-06-01 12:00:00","raw":"{\\"n\\":7}"}',
        type: 'application/x-ndjson',
      },
    )
    expect(await ended(json.id)).toMatchObject({ failed: 0, counts: { accepted: 1 } })
    expect(rowsOf(world, 'x-1')).toMatchObject([
      { at: Date.UTC(2025, 5, 1, 12), metrics: { n: 7 } },
    ])
  })

  it('comes over 5,000 messages, page by page', async () => {
    const { ask, ended } = open()
    const body = Array.from(
      { length: 5_000 },
      (_, at) => `{"id":"d-${at % 50}","ts":${NOW - 10_000_000 + at},"n":${at}}`,
    ).join('\n')
    const { json } = await ask('POST', '/tasks/replay?device=id&time=ts', {
      body,
      type: 'application/x-ndjson',
    })
    expect(await ended(json.id)).toMatchObject({
      state: 'done',
      done: 5_000,
      counts: { accepted: 5_000 },
    })
  })

  it.each([
    ['no lines', 'device=a&time=b', '\n\n', 422],
    ['no device', 'time=b', '{}', 400],
    ['no time', 'device=a', '{}', 400],
    ['an unknown unit', 'device=a&time=b&timeUnit=days', '{}', 400],
    ['a topic with a wildcard', 'device=a&time=b&topic=a/%23', '{}', 400],
    ['something else', 'device=a&time=b&speed=max', '{}', 400],
  ])('is refused: %s', async (_title, query, body, status) => {
    const { ask } = open()
    const answer = await ask('POST', `/tasks/replay?${query}`, {
      body,
      type: 'application/x-ndjson',
    })
    expect(answer).toMatchObject({ status, json: { title: 'input.malformed' } })
  })

  it('says that a line is too long, and takes the others', async () => {
    const { ask, ended } = open()
    const body = `{"id":"a","ts":1,"x":"${'y'.repeat(70_000)}"}\n{"id":"a","ts":${NOW},"n":1}`
    const { json } = await ask('POST', '/tasks/replay?device=id&time=ts', {
      body,
      type: 'application/x-ndjson',
    })
    expect(await ended(json.id)).toMatchObject({
      done: 2,
      total: 2,
      failed: 1,
      faults: [{ line: 1, detail: 'expected at most 60000 characters' }],
      counts: { accepted: 1 },
    })
  })
})

describe('an export', () => {
  async function withRows() {
    const opened = open()
    for (let index = 0; index < 45; index++)
      await opened.core.ingest([
        uplink({ [`m${index % 3}`]: index, ts: NOW - 1_000 }, { deviceId: `d-${index}` }),
      ])
    return opened
  }

  it.each(['/tasks/export', '/tasks'])(
    'makes the file that a download would be: POST %s',
    async (path) => {
      const { ask, ended } = await withRows()
      for (const format of ['csv', 'jsonl', 'parquet']) {
        const { status, json } = await ask('POST', path, { body: { query: 'd-*', format } })
        expect(status).toBe(202)
        const task = await ended(json.id)
        expect(task).toMatchObject({ kind: 'export', state: 'done', done: 45, total: 45 })
        expect(task.result).toMatchObject({ until: NOW + DAY, secret: false })
        expect(task.result.name).toMatch(new RegExp(`^telemetry-\\d{4}-\\d\\d-\\d\\d\\.${format}$`))
        const file = await ask('GET', `/tasks/${task.id}/result`)
        expect(file.headers.get('content-type')).toBe(task.result.contentType)
        const direct = await ask('GET', `/telemetry/export?query=d-*&format=${format}`)
        expect(file.text).toBe(direct.text)
        expect(file.text.length).toBeGreaterThan(1_000)
      }
    },
  )

  it('takes devices, metrics and a span; and goes after a day', async () => {
    const { ask, ended, world, core } = await withRows()
    const body = {
      kind: 'export',
      devices: ['d-1', 'd-4', 'd-2'],
      metrics: ['m1'],
      from: '2020-01-01',
      to: NOW,
      format: 'jsonl',
    }
    const { json } = await ask('POST', '/tasks', { body })
    await ended(json.id)
    const { text } = await ask('GET', `/tasks/${json.id}/result`)
    expect(
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).deviceId),
    ).toEqual(['d-1', 'd-4'])
    world.now += DAY
    expect((await ask('GET', `/tasks/${json.id}/result`)).status).toBe(404)
    await core.tick(100)
    expect(world.tables.get(`$task:${json.id}`)?.size).toBe(0)
  })

  it('fails with a reason where it cannot be made', async () => {
    const { ask, ended, core } = await withRows()
    const devices = Array.from({ length: 41 }, (_, at) => `w-${at}`)
    for (const deviceId of devices) {
      const names = Array.from({ length: 50 }, (_, at) => [`${deviceId}-${at}`, at])
      const [outcome] = await core.ingest([uplink(Object.fromEntries(names), { deviceId })])
      expect(outcome).toMatchObject({ status: 'accepted' })
    }
    const body = { devices, from: 0, to: NOW + 1 }
    const { json } = await ask('POST', '/tasks/export', { body })
    const task = await ended(json.id)
    expect(task).toMatchObject({ state: 'failed', reason: expect.stringContaining('2000 metrics') })
    expect(task).not.toHaveProperty('result')
  })

  const wrong: readonly [title: string, body: unknown, status: number, pointer: string][] = [
    ['no devices', {}, 422, ''],
    ['both', { devices: ['a'], query: 'b' }, 422, ''],
    ['no search', { query: 'type:' }, 422, '/query'],
    ['no id', { devices: ['a b'] }, 400, '/devices/0'],
    ['an unknown format', { query: 'a', format: 'xlsx' }, 400, '/format'],
    ['no time', { query: 'a', from: 'yesterday' }, 400, '/from'],
    ['an end before the start', { query: 'a', from: 2, to: 1 }, 422, '/to'],
    ['another kind', { kind: 'import', query: 'a' }, 400, '/kind'],
    ['something else', { query: 'a', colour: 'red' }, 400, '/colour'],
    ['no object', [], 400, ''],
  ]

  it.each(wrong)('is refused: %s', async (_title, body, status, pointer) => {
    const { ask } = open()
    const answer = await ask('POST', '/tasks/export', { body })
    expect(answer).toMatchObject({ status, json: { errors: [{ in: 'body', pointer }] } })
  })
})

describe('tasks', () => {
  it('are listed with the newest first', async () => {
    const { imported, ask, world } = open()
    const ids: string[] = []
    for (const id of ['a', 'b', 'c']) {
      world.now += 1_000
      ids.unshift((await imported(`deviceId\n${id}`)).id)
    }
    const all = await ask('GET', '/tasks')
    expect(all.json.tasks.map(({ id }: { id: string }) => id)).toEqual(ids)
    const first = await ask('GET', '/tasks?limit=2')
    expect(first.json).toMatchObject({ tasks: [{ id: ids[0] }, { id: ids[1] }], next: ids[1] })
    const rest = await ask('GET', `/tasks?limit=2&after=${first.json.next}`)
    expect(rest.json).toEqual({ tasks: [all.json.tasks[2]] })
    for (const path of ['/tasks/none', '/tasks/%24tasks', '/tasks/none/result'])
      expect((await ask('GET', path)).status).toBe(404)
    expect((await ask('GET', '/tasks?limit=0')).json.tasks).toEqual([])
    expect((await ask('GET', '/tasks?state=done')).status).toBe(400)
  })

  it('are started and seen by who may', async () => {
    const { api, ask, asAdmin, keyOf, core } = openApi()
    await core.ingest([uplink({ temp: 1 }, { deviceId: 'a' })])
    await core.ingest([uplink({ temp: 1 }, { deviceId: 'b' })])
    await asAdmin('PUT', '/groups/mine', { body: { devices: ['a'] } })
    const operator = bearer(await keyOf({ role: 'operator' }))
    const viewer = bearer(await keyOf({ role: 'viewer' }))
    const limited = bearer(await keyOf({ role: 'admin', groups: ['mine'] }))
    const admin = bearer(ADMIN_TOKEN)
    const post = (path: string, body: string, type: string, headers: Record<string, string>) =>
      api.fetch(
        new Request(`http://cloud.test${path}`, {
          method: 'POST',
          headers: { ...headers, 'content-type': type },
          body,
        }),
      )
    const csv = 'deviceId,credential\nnew-1,token'
    for (const [headers, status] of [
      [viewer, 403],
      [operator, 403],
      [limited, 403],
      [{}, 401],
      [admin, 202],
    ] as const)
      expect((await post('/tasks/import', csv, 'text/csv', headers)).status).toBe(status)
    const line = `{"id":"a","ts":${NOW},"n":1}`
    for (const [headers, status] of [
      [viewer, 403],
      [operator, 403],
      [limited, 403],
      [admin, 202],
    ] as const) {
      const path = '/tasks/replay?device=id&time=ts'
      expect((await post(path, line, 'application/x-ndjson', headers)).status).toBe(status)
    }
    for (const [headers, body, status] of [
      [viewer, { devices: ['a'] }, 403],
      [operator, { devices: ['a'] }, 202],
      [limited, { devices: ['b'] }, 403],
      [limited, { query: '*', format: 'jsonl', from: 0, to: NOW + 1 }, 202],
    ] as const)
      expect((await ask('POST', '/tasks/export', { headers, body })).status).toBe(status)
    const all = await asAdmin('GET', '/tasks')
    expect(all.json.tasks).toHaveLength(4)
    const own = await ask('GET', '/tasks', { headers: limited })
    expect(own.json.tasks).toMatchObject([{ kind: 'export', total: 1, by: { kind: 'key' } }])
    const { id } = own.json.tasks[0]
    while ((await asAdmin('GET', `/tasks/${id}`)).json.state !== 'done') await Promise.resolve()
    const file = await ask('GET', `/tasks/${id}/result`, { headers: limited })
    expect(file.text).toContain('"a"')
    expect(file.text).not.toContain('"b"')
    const other = all.json.tasks.find(({ kind }: { kind: string }) => kind === 'import')
    expect((await ask('GET', `/tasks/${other.id}`, { headers: limited })).status).toBe(404)
    expect((await ask('DELETE', `/tasks/${other.id}`, { headers: limited })).status).toBe(404)
    expect((await ask('GET', `/tasks/${other.id}`, { headers: viewer })).status).toBe(200)
    // Secrets are for who could have made them.
    const secret = (headers: Record<string, string>) =>
      ask('GET', `/tasks/${other.id}/result`, { headers })
    expect((await secret(viewer)).status).toBe(403)
    expect((await secret(operator)).status).toBe(403)
    expect((await secret(admin)).text).toContain('new-1,created,,token ')
  })
})
