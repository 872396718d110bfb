import { resolve } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { isJsonObject, type Json, parseConfig } from '../core/index.ts'
import { AWS } from './parity/aws.ts'
import { AZURE } from './parity/azure.ts'
import type { Cloud } from './parity/cloud.ts'
import { GCP } from './parity/gcp.ts'
import { LOCAL } from './parity/local.ts'

const CONFIG_PATH = resolve(import.meta.dirname, 'parity/anyhub.yml')

const DEVICES = [
  { deviceId: 'oven-1', type: 'oven', tags: { site: 'graz' }, temp: 80 },
  { deviceId: 'oven-2', type: 'oven', tags: { site: 'linz' }, temp: 95 },
  { deviceId: 'sensor-1', type: 'sensor', tags: { site: 'graz' }, temp: 21 },
]

for (const { name, suite, open } of [LOCAL, AWS, AZURE, GCP])
  suite(`a fleet on ${name}`, () => {
    let cloud: Cloud

    async function get(path: string): Promise<Json> {
      const { status, body } = await cloud.api({ method: 'GET', path })
      expect({ path, status, body }).toMatchObject({ status: 200 })
      return body
    }

    async function idsOf(path: string): Promise<Json> {
      const body = await get(path)
      const devices = isJsonObject(body) && Array.isArray(body['devices']) ? body['devices'] : []
      return devices.map((device: Json) =>
        isJsonObject(device) ? (device['deviceId'] ?? null) : null,
      )
    }

    beforeAll(async () => {
      const parsed = parseConfig({})
      if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
      cloud = await open({ configPath: CONFIG_PATH, config: parsed.config })
      for (const { temp, ...body } of DEVICES) {
        const made = await cloud.api({ method: 'POST', path: '/registry/devices', body })
        expect(made.status).toBe(201)
        await cloud.connect(body.deviceId)
        await cloud.ingest([
          {
            deviceId: body.deviceId,
            topic: `devices/${body.deviceId}/telemetry`,
            payload: JSON.stringify({ temp, ts: Date.now() - 1_000 }),
          },
        ])
      }
      const fresh = { deviceId: 'fresh', tags: { site: 'graz' } }
      await cloud.api({ method: 'POST', path: '/registry/devices', body: fresh })
    }, 120_000)
    afterAll(() => cloud?.close(), 60_000)

    it.each([
      ['', ['fresh', 'oven-1', 'oven-2', 'sensor-1']],
      ['limit=2', ['fresh', 'oven-1']],
      ['limit=2&after=oven-1', ['oven-2', 'sensor-1']],
      ['query=type:oven', ['oven-1', 'oven-2']],
      ['query=tags.site:graz%20last.temp%3E50', ['oven-1']],
      ['query=-seen:*', ['fresh']],
      ['sort=-last.temp', ['oven-2', 'oven-1', 'sensor-1', 'fresh']],
      ['sort=tags.site&query=last.temp:*', ['oven-1', 'sensor-1', 'oven-2']],
    ])('is searched and sorted: %s', async (query, ids) => {
      expect(await idsOf(`/devices?${query}`)).toEqual(ids)
    })

    it('has groups', async () => {
      const graz = { query: 'tags.site:graz' }
      expect((await cloud.api({ method: 'PUT', path: '/groups/graz', body: graz })).status).toBe(
        201,
      )
      const hand = { devices: ['sensor-1', 'oven-2'] }
      expect((await cloud.api({ method: 'PUT', path: '/groups/hand', body: hand })).status).toBe(
        201,
      )
      expect(await idsOf('/groups/graz/devices')).toEqual(['fresh', 'oven-1', 'sensor-1'])
      expect(await idsOf('/groups/hand/devices?sort=last.temp')).toEqual(['sensor-1', 'oven-2'])
      expect(await idsOf('/devices?query=group:graz%20group:hand')).toEqual(['sensor-1'])
      expect(await get('/groups')).toMatchObject({ groups: [{ id: 'graz' }, { id: 'hand' }] })
    })

    it('tells what it measures', async () => {
      expect(await get('/telemetry/latest?query=type:oven&metrics=temp')).toMatchObject({
        latest: [
          { deviceId: 'oven-1', metric: 'temp', value: 80 },
          { deviceId: 'oven-2', metric: 'temp', value: 95 },
        ],
      })
      expect(await get('/telemetry/series?devices=oven-2,oven-1&bucket=1d')).toMatchObject({
        series: [
          { deviceId: 'oven-2', metric: 'temp', points: [{ avg: 95, min: 95, max: 95 }] },
          { deviceId: 'oven-1', metric: 'temp', points: [{ avg: 80 }] },
        ],
        bucketMs: 86_400_000,
      })
    })

    it('does long work, and gives its result', async () => {
      const body = { query: 'tags.site:graz', format: 'jsonl', metrics: ['temp'] }
      const begun = await cloud.api({ method: 'POST', path: '/tasks/export', body: body })
      expect(begun).toMatchObject({ status: 202, body: { kind: 'export', total: 3 } })
      const { id } = isJsonObject(begun.body) ? begun.body : {}
      await expect
        .poll(async () => {
          await cloud.tick()
          return get(`/tasks/${id}`)
        })
        .toMatchObject({ state: 'done', done: 3, failed: 0 })
      const one = { devices: ['oven-2'], format: 'jsonl' }
      const next = await cloud.api({ method: 'POST', path: '/tasks/export', body: one })
      const other = isJsonObject(next.body) ? next.body['id'] : ''
      await expect
        .poll(async () => get(`/tasks/${other}`))
        .toMatchObject({ state: 'done', result: { name: expect.stringContaining('.jsonl') } })
      // A file of one line is JSON.
      expect(await get(`/tasks/${other}/result`)).toMatchObject({
        deviceId: 'oven-2',
        metrics: { temp: 95 },
      })
      expect(await get('/tasks')).toMatchObject({ tasks: [{ id: other }, { id }] })
    })
  })
