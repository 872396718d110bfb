import { describe, expect, it } from 'vitest'
import { openCloud } from './cloud.ts'

describe('the type that a device was registered as', () => {
  it('decides how it is read and whether its shadow reports, whatever the patterns say; unknown words decide nothing', async () => {
    const cloud = await openCloud({
      config: {
        deviceTypes: {
          all: { devices: '*' },
          sensor: { devices: 'sensor-*', metrics: '/data', report: false },
        },
      },
    })
    const headers = {
      authorization: `Bearer ${cloud.adminToken}`,
      'content-type': 'application/json',
    }
    for (const [deviceId, type] of [
      ['a', 'sensor'],
      ['b', 'something of ours'],
    ]) {
      const body = JSON.stringify({ deviceId, type })
      const answer = await cloud.call('/registry/devices', { method: 'POST', headers, body })
      expect(answer.status).toBe(201)
    }
    const told: Record<string, unknown> = {}
    for (const deviceId of ['a', 'b', 'sensor-1', 'c']) {
      const body = '{"data":{"temp":21},"room":7}'
      await cloud.call(`/devices/${deviceId}/telemetry`, { method: 'POST', body })
      const record = await cloud.core.ports.devices.load(deviceId)
      told[deviceId] = [
        Object.keys(record?.last ?? {}),
        record?.shadows['']?.reported !== undefined,
      ]
    }
    const read = [['temp'], false]
    const plain = told['c']
    expect(told).toEqual({ a: read, 'sensor-1': read, b: plain, c: plain })
    expect(plain).not.toEqual(read)
  })
})
