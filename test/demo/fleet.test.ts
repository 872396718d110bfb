import { describe, expect, it } from 'vitest'
import { advance, measure } from '../../cli/demo/container.ts'
import { createFleet } from '../../cli/demo/fleet.ts'

describe('createFleet', () => {
  it('makes the same fleet of the same seed', () => {
    expect(createFleet(20, 1)).toEqual(createFleet(20, 1))
    expect(createFleet(20, 2)).not.toEqual(createFleet(20, 1))
  })

  it.each([1, 3, 20, 100, 1_000])('names %i devices, each with its own id', (count) => {
    const ids = createFleet(count, 1).map(({ container }) => container.deviceId)
    expect(new Set(ids).size).toBe(count)
    expect(new Set(ids.map((id) => id.length)).size).toBe(1)
    expect(ids.toSorted()).toEqual(ids)
  })

  it('tells its stories at the start, whatever the seed', () => {
    for (const seed of [0, 1, 99]) {
      const fleet = createFleet(20, seed)
      const first = fleet.map(({ container, state }) =>
        measure(
          container,
          advance(container, state, () => 25, 60),
          () => 25,
        ),
      )
      const failed = first.filter(({ compressor }) => compressor === 'failed')
      expect(failed).toHaveLength(1)
      expect(failed[0]!.temp).toBeGreaterThan(failed[0]!.limit)
      expect(first.some(({ mains, battery }) => mains === 'off' && battery < 25)).toBe(true)
      expect(first.some(({ door }) => door === 'open')).toBe(true)
      expect(fleet.map(({ radio }) => radio).toSorted()).toEqual(
        [...Array<string>(18).fill('good'), 'cuts', 'repeats'].toSorted(),
      )
    }
  })

  it('lets a single container tell the first story', () => {
    const [only, ...others] = createFleet(1, 1)
    expect(others).toEqual([])
    expect(only!.container.deviceId).toBe('container-01')
    expect(only!.state.repairS).toBeGreaterThan(0)
  })

  it('puts every container in another place', () => {
    const containers = createFleet(20, 1).map(({ container }) => container)
    expect(new Set(containers.map(({ ambientOffset }) => ambientOffset)).size).toBeGreaterThan(12)
    expect(new Set(containers.map(({ startHour }) => startHour)).size).toBeGreaterThan(8)
    expect(containers.filter(({ limit }) => limit === 8)).toHaveLength(5)
  })
})
