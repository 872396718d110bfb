import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { parse } from 'yaml'
import { isJsonObject, type Json, parseConfig } from '../../core/index.ts'
import type { Cloud, CloudEntry } from './cloud.ts'
import { openHook } from './hook.ts'

const CONFIG_PATH = resolve(import.meta.dirname, 'fan-out.yml')
const START = Date.UTC(2026, 0, 31, 12)
const MINUTE = 60_000

/** More than one page of a fan-out. */
const CREW = 505

export interface FanOutScenario {
  /** How many the broadcast tells. */
  readonly crew?: number
}

/** Requests at a time. */
const AT_ONCE = 20

/**
 * A broadcast to some hundreds, inboxes, and an escalation over ticks, through the functions of one cloud: the same steps
 * and the same end on each. One time runs through all tests, which stand on one another.
 */
export function fanOutScenario(entry: CloudEntry, { crew = CREW }: FanOutScenario = {}): void {
  entry.suite(`fan-out, inboxes and escalation on ${entry.name}`, () => {
    let cloud: Cloud
    let hook: Awaited<ReturnType<typeof openHook>>
    /** The broadcast. */
    let drill = ''

    beforeAll(async () => {
      hook = await openHook()
      vi.useFakeTimers({ toFake: ['Date'], now: START })
      const raw = readFileSync(CONFIG_PATH, 'utf8').replace('${env:ANYHUB_PARITY_HOOK}', hook.url)
      const parsed = parseConfig(parse(raw))
      if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
      const { config } = parsed
      cloud = await entry.open({ configPath: CONFIG_PATH, config, queues: ['told', 'desk'] })
    }, 120_000)
    afterAll(async () => {
      await cloud?.close()
      vi.useRealTimers()
      await hook?.close()
    }, 60_000)

    const get = async (path: string) => (await cloud.api({ method: 'GET', path })).body

    /** Time passes; with a temperature a device speaks then, else the scheduler does. */
    async function at(minute: number, deviceId?: string, temp = 0): Promise<void> {
      vi.setSystemTime(START + minute * MINUTE)
      if (deviceId === undefined) return cloud.tick()
      const payload = JSON.stringify({ ts: Date.now(), temp })
      await cloud.ingest([{ deviceId, topic: `devices/${deviceId}/telemetry`, payload }])
    }

    const take = async (queue: string) => (await cloud.take(queue)).map(subjectOf)
    const onWall = () =>
      cloud
        .downlinks()
        .filter(({ topic }) => topic.startsWith('fleet/alerts/'))
        .map(({ topic, payload }) => `${topic}: ${subjectOf(JSON.parse(payload))}`)

    /** What is on the wall; a broker on a socket may take a moment for the last of so many. */
    async function wall(count: number): Promise<readonly string[]> {
      for (let tries = 0; onWall().length < count && tries < 100; tries++)
        await new Promise((done) => setTimeout(done, 10))
      return onWall()
    }

    it('takes people and subscriptions through REST', async () => {
      for (let from = 0; from < crew; from += AT_ONCE) {
        const some = Array.from({ length: Math.min(AT_ONCE, crew - from) }, (_, index) =>
          String(from + index).padStart(3, '0'),
        )
        const body = { groups: ['crew'], addresses: ['line'] }
        const answers = await Promise.all(
          some.map((id) => cloud.api({ method: 'PUT', path: `/people/p-${id}`, body })),
        )
        expect(answers.map(({ status }) => status)).toEqual(some.map(() => 204))
      }
      const graz = { to: { people: ['p-007'] }, events: ['alarm'], tags: { site: 'graz' } }
      const put = { method: 'PUT', path: '/subscriptions/graz', body: graz } as const
      expect((await cloud.api(put)).status).toBe(204)
      for (const [deviceId, site] of [
        ['fridge-1', 'graz'],
        ['fridge-2', 'linz'],
        ['fridge-3', 'linz'],
      ] as const) {
        const body = { deviceId, tags: { site } }
        const made = await cloud.api({ method: 'POST', path: '/registry/devices', body })
        expect(made.status).toBe(201)
        await cloud.connect(deviceId)
      }
    }, 60_000)

    it('tells a whole group by one call, each of them once', async () => {
      const body = { audience: { groups: ['crew'] }, subject: 'Drill', text: 'at noon' }
      const sent = await cloud.api({ method: 'POST', path: '/notifications', body })
      expect(sent.status).toBe(202)
      const { id } = objectOf(sent.body)
      drill = String(id)
      expect(await get(`/notifications/${id}`)).toMatchObject({
        status: 'found',
        deliveries: crew,
        states: { queued: 0, sent: crew, failed: 0, expired: 0, suppressed: 0 },
      })
      const told: string[] = []
      for (let after = ''; ; ) {
        const page = objectOf(
          await get(`/notifications/${id}/recipients?after=${encodeURIComponent(after)}`),
        )
        const recipients = Array.isArray(page['recipients']) ? page['recipients'] : []
        told.push(...recipients.map((one) => JSON.stringify(objectOf(one)['recipient'])))
        if (typeof page['next'] !== 'string') break
        after = page['next']
      }
      expect(new Set(told).size).toBe(crew)
      const entries = (await cloud.take('told')).map(objectOf)
      expect(entries).toHaveLength(crew)
      expect(new Set(entries.map((entry) => entry['id'])).size).toBe(crew)
      expect(new Set(entries.map((entry) => entry['subject']))).toEqual(new Set(['Drill']))
    }, 90_000)

    it('tells whoever subscribed to an alarm, by the tags of the device', async () => {
      await at(1, 'fridge-1', 31)
      expect(hook.received.map(subjectOf)).toEqual(['hot raised on fridge-1'])
      expect(await wall(1)).toEqual(['fleet/alerts/warning/fridge-1: hot raised on fridge-1'])
      expect(await take('told')).toEqual(['hot raised on fridge-1'])
    }, 30_000)

    it('lets an inbox hold what is too much, and says why', async () => {
      await at(2, 'fridge-2', 31)
      await at(3, 'fridge-3', 31)
      expect(hook.received.map(subjectOf)).toEqual([
        'hot raised on fridge-1',
        'hot raised on fridge-2',
      ])
      expect(await wall(1)).toHaveLength(1)
      expect(await take('told')).toEqual([])
      const ann = objectOf(await get('/subscriptions/watch/inboxes/@ann'))
      expect(ann['suppressed']).toMatchObject([{ reason: 'throttled', at: START + 3 * MINUTE }])
      expect(ann['escalations']).toHaveLength(3)
      expect(await get('/subscriptions/log/inboxes/wall')).toMatchObject({
        waiting: 2,
        releaseAt: START + 61 * MINUTE,
      })
    }, 30_000)

    it('goes on to the next person at a tick, unless somebody has acknowledged', async () => {
      const path = '/devices/fridge-1/alarms/hot/acknowledge'
      const { status } = await cloud.api({ method: 'POST', path, body: {} })
      expect(status).toBe(204)
      await at(9)
      expect(await take('desk')).toEqual([])
      await at(15)
      expect((await take('desk')).toSorted()).toEqual([
        'hot raised on fridge-2',
        'hot raised on fridge-3',
      ])
    }, 30_000)

    it('ends the chain with its alarm, and goes to the end of the others', async () => {
      await at(16, 'fridge-3', 5)
      await at(25)
      expect(await take('desk')).toEqual([])
      expect((await wall(2)).slice(1)).toEqual([
        'fleet/alerts/warning/fridge-2: hot raised on fridge-2',
      ])
      const { escalations } = objectOf(await get('/subscriptions/watch/inboxes/@ann'))
      expect(escalations).toEqual([])
    }, 30_000)

    it('tells together at the end of a digest what came meanwhile', async () => {
      await at(70)
      expect((await wall(3)).slice(2)).toEqual(['fleet/alerts/warning/: 3 more in the last hour'])
      expect(hook.received).toHaveLength(2)
      const counters = cloud.counters()
      expect(counters['notification.failed'] ?? 0).toBe(0)
      expect(counters['notification.retried'] ?? 0).toBe(0)
      expect(objectOf(await get('/dead-letters'))['deadLetters']).toEqual([])
    }, 30_000)

    it('forgets after a month what became of the broadcast', async () => {
      await at(29 * 1_440)
      expect(await get(`/notifications/${drill}`)).toMatchObject({ states: { sent: crew } })
      for (const minute of [1, 2, 3]) await at(31 * 1_440 + minute)
      const { status } = await cloud.api({ method: 'GET', path: `/notifications/${drill}` })
      expect(status).toBe(404)
      expect(await get(`/notifications/${drill}/recipients`)).toEqual({ recipients: [] })
    }, 60_000)
  })
}

function objectOf(value: Json) {
  if (!isJsonObject(value)) throw new Error(`expected an object, found ${JSON.stringify(value)}`)
  return value
}

function subjectOf(body: Json): string {
  return String(objectOf(body)['subject'])
}
