import { describe, expect, it } from 'vitest'
import { recordOf } from '../../fakes/memory-ports.ts'
import { NOW, start } from '../harness.ts'

describe('a change that the owner of the shadow tells', () => {
  const change = (version: number, desired: Record<string, string | null>) => ({
    kind: 'mirror' as const,
    name: '',
    state: { desired },
    version,
    partial: true,
    at: NOW,
  })

  it('is refused until all of it is known, and where one was missed', async () => {
    const { core, world } = start({})
    const [unknown] = await core.gate.run('dev-1', [change(7, { led: 'on' })])
    expect(unknown).toMatchObject({ status: 'refused', code: 'shadow.version_conflict' })
    const whole = { ...change(7, { led: 'on', fan: 'low' }), partial: false }
    const results = await core.gate.run('dev-1', [
      whole,
      change(8, { fan: null }),
      change(8, { led: 'late' }),
      change(10, { led: 'off' }),
    ])
    expect(results.map(({ status }) => status)).toEqual([
      'accepted',
      'accepted',
      'accepted',
      'refused',
    ])
    expect(recordOf(world, 'dev-1')?.shadows['']).toMatchObject({
      desired: { led: 'on' },
      ownerVersion: 8,
    })
    expect(world.pushes).toEqual([])
  })
})
