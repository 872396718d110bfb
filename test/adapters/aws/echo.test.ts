import { expect, it } from 'vitest'
import { createTaker } from '../../../adapters/aws/events.ts'
import { toArrivals } from '../../../adapters/aws/trigger.ts'
import type { Outcome, Uplink } from '../../../core/index.ts'
import { sqsEvent } from './events.ts'

/** What the core was given, for messages as topic rules bring them. */
async function taken(messages: readonly object[]) {
  const ingested: Uplink[] = []
  const settled: string[] = []
  const take = createTaker({
    core: {
      gate: {
        run: async () => [],
        enter: async () => [],
        submit: () => undefined,
        catchUp: async () => undefined,
        idle: async () => undefined,
      },
      async ingest(uplinks) {
        ingested.push(...uplinks)
        return uplinks.map(
          ({ deviceId = '' }): Outcome => ({ status: 'accepted', deviceId, messageId: '' }),
        )
      },
    },
    pump: {
      deliver: async () => undefined,
      async settle(_deviceId, commandId, how) {
        settled.push(`${commandId} ${how}`)
      },
    },
    publishers: new Set(['anyhub-dev-ingest']),
  })
  const bodies = messages.map((message) =>
    JSON.stringify({ payload: btoa('{"temp":21}'), receivedAt: 1, ...message }),
  )
  const arrivals = toArrivals(sqsEvent(bodies), 1)
  const outcomes = await take(arrivals.map(({ uplink }) => uplink))
  return { ingested, settled, outcomes: outcomes.map(({ status }) => status) }
}

it('does not take a command on its way down for what the device measured', async () => {
  const { ingested, settled, outcomes } = await taken([
    { topic: 'devices/dev-1/executions/job-1/setTemp', clientId: 'n/a' },
    { topic: 'devices/dev-1/executions/job-1/complete', clientId: 'dev-1' },
  ])
  expect(ingested).toEqual([])
  expect(settled).toEqual(['job-1 complete'])
  expect(outcomes).toEqual(['accepted', 'accepted'])
})

it('does not take back what its own functions publish', async () => {
  const topic = 'devices/dev-1/telemetry'
  const { ingested, outcomes } = await taken([
    { topic, clientId: 'n/a', principal: 'AROAEXAMPLEID:anyhub-dev-ingest' },
    { topic, clientId: 'n/a', principal: 'AROAEXAMPLEID:somebody' },
    { topic, clientId: 'dev-1', principal: 'a'.repeat(64) },
  ])
  expect(ingested.map(({ facts }) => facts?.principal)).toEqual([
    'AROAEXAMPLEID:somebody',
    'a'.repeat(64),
  ])
  expect(outcomes).toEqual(['accepted', 'accepted', 'accepted'])
})

it('takes nobody for a device where no client is behind a message', async () => {
  const { ingested } = await taken([{ topic: 'plant/7/power', clientId: 'n/a' }])
  expect(ingested.map(({ deviceId }) => deviceId)).toEqual([undefined])
})
