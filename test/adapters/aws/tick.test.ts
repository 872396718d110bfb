import { describe, expect, it } from 'vitest'
import { tickThrough } from '../../../adapters/aws/tick-through.ts'
import { checkScheduled } from '../../../adapters/aws/trigger.ts'

/** How often devices were looked after, of so many that are due; each time takes so long. */
async function times(due: number, tookMs: number): Promise<number> {
  let [left, at, runs] = [due, 0, 0]
  const tick = async (limit: number): Promise<number> => {
    const found = Math.min(left, limit)
    left -= found
    at += tookMs
    runs++
    return found
  }
  await tickThrough({ tick, limit: 500, until: 45_000, now: () => at })
  return runs
}

describe('tickThrough', () => {
  it.each([
    { title: 'nobody is due', due: 0, tookMs: 10, runs: 1 },
    { title: 'some are', due: 499, tookMs: 10, runs: 1 },
    { title: 'a fleet is', due: 10_000, tookMs: 10, runs: 21 },
    { title: 'there is no time for all', due: 10_000, tookMs: 20_000, runs: 3 },
  ])('looks until nobody is left, where $title', async ({ due, tookMs, runs }) => {
    expect(await times(due, tookMs)).toBe(runs)
  })
})

describe('checkScheduled', () => {
  it('takes the event of Scheduler', () => {
    const event = {
      version: '0',
      id: '1f3b5d9e-0d3c-4f7d-8c1e-2b4d6a7e9c10',
      'detail-type': 'Scheduled Event',
      source: 'aws.scheduler',
      account: '123456789012',
      time: '2026-01-31T12:00:00Z',
      region: 'eu-central-1',
      resources: ['arn:aws:scheduler:eu-central-1:123456789012:schedule/default/tick'],
      detail: '{}',
    }
    expect(() => checkScheduled(event)).not.toThrow()
  })

  it.each([undefined, {}, { Records: [] }, 'tick'])('refuses %j', (event) => {
    expect(() => checkScheduled(event)).toThrow('expected an event of EventBridge Scheduler, found')
  })
})
