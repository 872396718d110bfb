import { describe, expect, it } from 'vitest'
import { createCore, type Outcome, type Ports } from '../../core/index.ts'
import { createMemoryPorts, createWorld } from '../fakes/memory-ports.ts'
import { NOW, programOf, uplink } from './harness.ts'

/** A process whose store takes a commit of `dev-slow` only once it is told to. */
function startWithSlowDevice() {
  let release = (): void => undefined
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const ports = createMemoryPorts(createWorld(NOW))
  const slow: Ports = {
    ...ports,
    devices: {
      ...ports.devices,
      async commit(commit) {
        if (commit.record.deviceId === 'dev-slow') await released
        return ports.devices.commit(commit)
      },
    },
  }
  return { core: createCore(slow, programOf({})), release }
}

describe('outcomes as they become known', () => {
  it('tells that of one device while another is still on its way to the store', async () => {
    const { core, release } = startWithSlowDevice()
    const told: [number, Outcome['status']][] = []
    const done = core.ingest(
      [
        uplink({ temp: 1 }, { deviceId: 'dev-slow' }),
        uplink({ temp: 2 }, { deviceId: 'dev-quick' }),
        uplink({ temp: 3 }, { deviceId: undefined }),
        uplink({ temp: 4 }, { deviceId: 'dev-quick' }),
      ],
      (index, { status }) => told.push([index, status]),
    )
    await expect.poll(() => told.length).toBe(3)
    expect(told.toSorted(([a], [b]) => a - b)).toEqual([
      [1, 'accepted'],
      [2, 'dead_lettered'],
      [3, 'accepted'],
    ])
    release()
    const outcomes = await done
    expect(outcomes.map(({ status }) => status)).toEqual([
      'accepted',
      'accepted',
      'dead_lettered',
      'accepted',
    ])
    expect(told).toHaveLength(4)
    expect(told.at(-1)).toEqual([0, 'accepted'])
  })

  it('tells each outcome once, and the same that is given back', async () => {
    const ports = createMemoryPorts(createWorld(NOW))
    const core = createCore(ports, programOf({}))
    const told = new Map<number, Outcome>()
    const message = uplink({ ts: NOW, temp: 1 })
    const outcomes = await core.ingest([message, message, uplink([1])], (index, outcome) => {
      expect(told.has(index)).toBe(false)
      told.set(index, outcome)
    })
    expect(outcomes.map(({ status }) => status)).toEqual(['accepted', 'duplicate', 'dead_lettered'])
    expect(outcomes.map((_, index) => told.get(index))).toEqual(outcomes)
  })

  it('tells who sends again what a broken store did not take', async () => {
    const ports = createMemoryPorts(createWorld(NOW))
    const broken: Ports = {
      ...ports,
      devices: { ...ports.devices, commit: () => Promise.reject(new Error('disk full')) },
    }
    const told: Outcome['status'][] = []
    await createCore(broken, programOf({})).ingest(
      [uplink({ temp: 1 }), uplink({ temp: 2 })],
      (_, { status }) => told.push(status),
    )
    expect(told).toEqual(['retry', 'retry'])
  })
})
