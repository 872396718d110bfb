import { expect, it } from 'vitest'
import type { Uplink } from '../../../core/index.ts'
import { PAYLOAD } from '../codecs/sparkplug-proto.ts'
import { NOW, start } from '../harness.ts'

const CONFIG = { networks: { plant: { type: 'sparkplug' } } }

function message(type: string, seq: number, metrics: readonly object[]): Uplink {
  const payload = { timestamp: NOW - 10_000 + seq, seq, metrics }
  return {
    deviceId: undefined,
    topic: `spBv1.0/G/${type}/E`,
    payload: PAYLOAD.encode(PAYLOAD.fromObject(payload)).finish(),
    contentType: '',
    receivedAt: NOW,
    source: 'test',
  }
}

const birth = (seq: number, name: string): Uplink =>
  message('NBIRTH', seq, [{ name, alias: 1, datatype: 1, int_value: 0 }])
const data = (seq: number): Uplink => message('NDATA', seq, [{ alias: 1, int_value: 0xfb }])

it('functions that share an edge node see its last birth, and no gaps where others had a message', async () => {
  const one = start(CONFIG, { longLived: false })
  const two = start(CONFIG, { longLived: false, world: one.world, process: 'two' })
  await one.core.networks.ingest([birth(0, 'before')])
  await two.core.networks.ingest([data(1)])
  await one.core.networks.ingest([birth(2, 'after')])
  await two.core.networks.ingest([data(7)])
  await one.core.networks.ingest([data(9)])
  const record = await one.ports.devices.load('G:E')
  expect(record?.last).toMatchObject({ before: { value: -5 }, after: { value: -5 } })
  expect(record?.last['after']?.at).toBe(NOW - 10_000 + 9)
  expect(one.world.published).toEqual([])
})

it('functions ask for a birth once', async () => {
  const one = start(CONFIG, { longLived: false })
  const two = start(CONFIG, { longLived: false, world: one.world, process: 'two' })
  for (const { core } of [one, two, one, two]) await core.networks.ingest([data(1)])
  expect(one.world.published).toHaveLength(1)
  expect(one.world.published[0]).toMatchObject({ message: { topic: 'spBv1.0/G/NCMD/E' } })
})
