import { describe, expect, it } from 'vitest'
import { openCloud, type TestCloud, temporaryFolder } from './cloud.ts'

/** A request of the admin; its answer read. */
async function ask(cloud: TestCloud, method: string, path: string, body?: string, type?: string) {
  const answer = await cloud.call(path, {
    method,
    headers: {
      authorization: `Bearer ${cloud.adminToken}`,
      ...(type === undefined ? {} : { 'content-type': type }),
    },
    ...(body === undefined ? {} : { body }),
  })
  const text = await answer.text()
  const isJson = answer.headers.get('content-type')?.includes('json') === true
  return {
    status: answer.status,
    headers: answer.headers,
    text,
    json: isJson && text.startsWith('{') ? JSON.parse(text) : undefined,
  }
}

async function ended(cloud: TestCloud, taskId: string) {
  await expect
    .poll(async () => (await ask(cloud, 'GET', `/tasks/${taskId}`)).json.endedAt)
    .toBeTypeOf('number')
  return (await ask(cloud, 'GET', `/tasks/${taskId}`)).json
}

describe('a fleet on the embedded cloud', () => {
  it('is imported by CSV, goes on after a restart, and is searched', async () => {
    const data = temporaryFolder()
    const rows = Array.from(
      { length: 3_000 },
      (_, at) => `device-${at},${at % 3 === 0 ? 'fridge' : 'oven'},${at % 10},token`,
    )
    const csv = ['deviceId,type,tags.row,credential', ...rows].join('\n')
    const first = await openCloud({ data })
    const begun = await ask(first, 'POST', '/tasks/import', csv, 'text/csv')
    expect(begun).toMatchObject({ status: 202, json: { kind: 'import', total: 3_000 } })
    await first.close()

    const cloud = await openCloud({ data })
    const task = await ended(cloud, begun.json.id)
    expect(task).toMatchObject({ state: 'done', done: 3_000, counts: { created: 3_000 } })
    const result = await ask(cloud, 'GET', `/tasks/${task.id}/result`)
    const [, one = ''] = result.text.split('\r\n')
    const [, deviceId, outcome, , token] = one.split(',')
    expect({ deviceId, outcome }).toEqual({ deviceId: 'device-0', outcome: 'created' })
    expect(token).toMatch(/^[\w-]{40,}$/)
    expect((await ask(cloud, 'GET', `/tasks/${task.id}/result`)).status).toBe(404)

    const query = encodeURIComponent('type:fridge tags.row:[3 TO 4] NOT device-3')
    const found = await ask(cloud, 'GET', `/devices?query=${query}&sort=-id&limit=5`)
    expect(found.json.total).toBeGreaterThan(100)
    expect(found.json.devices).toHaveLength(5)
    expect(found.json.devices[0]).toMatchObject({ type: 'fridge', registered: true })
    expect(cloud.logs.filter((line) => line.includes('"error"'))).toEqual([])
  })

  it('gives its telemetry as a file, in parts', async () => {
    const cloud = await openCloud()
    const start = Date.now() - 3_600_000
    for (const id of ['a', 'b']) {
      const messages = Array.from({ length: 5_000 }, (_, at) =>
        JSON.stringify({ ts: start + at * 100, temp: at / 10, mode: 'eco' }),
      )
      const posted = await ask(
        cloud,
        'POST',
        `/devices/${id}/telemetry`,
        messages.join('\n'),
        'application/x-ndjson',
      )
      expect(posted.json).toMatchObject({ accepted: 5_000 })
    }
    const answer = await cloud.call(`/telemetry/export?devices=a,b&from=${start}&format=csv`)
    expect(answer.headers.get('content-length')).toBeNull()
    expect(answer.headers.get('content-disposition')).toContain('telemetry.csv')
    const lines = (await answer.text()).trim().split('\r\n')
    expect(lines).toHaveLength(10_001)
    expect(lines[0]).toBe('deviceId,at,messageId,mode,temp')
    const task = await ask(
      cloud,
      'POST',
      '/tasks/export',
      JSON.stringify({ query: 'last.temp>1', from: start, format: 'csv' }),
      'application/json',
    )
    await ended(cloud, task.json.id)
    const file = await ask(cloud, 'GET', `/tasks/${task.json.id}/result`)
    expect(file.text.trim().split('\r\n')).toEqual(lines)
    const series = await ask(
      cloud,
      'GET',
      `/telemetry/series?devices=a,b&metrics=temp&from=${start}&bucket=1m&aggregates=count`,
    )
    const points = series.json.series.flatMap(
      ({ points }: { points: { count: number }[] }) => points,
    )
    expect(points.reduce((sum: number, { count }: { count: number }) => sum + count, 0)).toBe(
      10_000,
    )
  })
})
