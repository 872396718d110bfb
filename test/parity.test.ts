import { beforeAll, describe, expect, it } from 'vitest'
import { AWS } from './parity/aws.ts'
import { AZURE } from './parity/azure.ts'
import type { CloudEntry } from './parity/cloud.ts'
import { GCP } from './parity/gcp.ts'
import { LOCAL } from './parity/local.ts'
import { type Report, runScenario } from './parity/scenario.ts'

/** Clouds that are compared with the laptop. A cloud joins by its entry. */
const CLOUDS: readonly CloudEntry[] = [AWS, AZURE, GCP]

const PARTS = [
  'counters',
  'answers',
  'devices',
  'rows',
  'shadows',
  'desired',
  'commands',
  'feedback',
  'deadLetters',
  'downlinks',
  'notifications',
] as const satisfies readonly (keyof Report)[]

let laptop: Report
beforeAll(async () => {
  laptop = await runScenario(LOCAL)
}, 60_000)

describe('one scenario, on the laptop', () => {
  it('does what it is made for', () => {
    expect(laptop.counters).toEqual({
      'uplink.accepted': 120,
      'uplink.duplicate': 12,
      'uplink.rejected': 1,
      'uplink.retried': 0,
      'rule.matched': 28,
      'rule.failed': 0,
      'window.late': 0,
      'alarm.raised': 1,
      'alarm.cleared': 1,
      'notification.asked': 2,
      'notification.sent': 2,
      'notification.retried': 0,
      'command.ended': 1,
      'effect.failed': 0,
    })
    expect(laptop.desired).toEqual({
      'fridge-1': { setpoint: 4 },
      'fridge-2': {},
      'fridge-3': { mode: 'eco' },
    })
    // Ten doors, two windows of each device, one command.
    expect(laptop.downlinks).toHaveLength(10 + 6 + 1)
    expect(laptop.notifications).toHaveLength(2)
  })
})

for (const cloud of CLOUDS)
  cloud.suite(`one scenario, ${cloud.name} as the laptop`, () => {
    let report: Report
    beforeAll(async () => {
      report = await runScenario(cloud)
    }, 120_000)

    it.each(PARTS)('%s', (part) => expect(report[part]).toEqual(laptop[part]))
  })
