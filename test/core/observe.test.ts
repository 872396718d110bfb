import { describe, expect, it } from 'vitest'
import { CoreError, createCore } from '../../core/index.ts'
import { createMemoryPorts, createWorld } from '../fakes/memory-ports.ts'
import { NOW, programOf } from './harness.ts'

describe('observed ports', () => {
  const calls = ['throws at once', 'rejects'] as const

  it.each(calls)('time and count a port that %s, which rejects', async (how) => {
    const heard: string[] = []
    const given = createMemoryPorts(createWorld(NOW))
    const error = new CoreError('store.unavailable', 'away')
    const { ports } = createCore(
      {
        ...given,
        devices: {
          ...given.devices,
          load: () => {
            if (how === 'rejects') return Promise.reject(error)
            throw error
          },
        },
        observer: {
          ...given.observer,
          count: (name) => void heard.push(name),
          time: (name) => void heard.push(name),
        },
      },
      programOf({}),
    )
    await expect(ports.devices.load('dev-1')).rejects.toBe(error)
    expect(heard).toEqual(['store.load.failed', 'store.load'])
  })
})
