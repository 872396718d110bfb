import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  advance,
  type Container,
  type ContainerState,
  callTechnician,
  HYSTERESIS,
  isDark,
  MARGIN,
  measure,
  newState,
  obey,
  SETPOINTS,
} from '../../cli/demo/container.ts'

const MINUTE = 60
const HOUR = 3_600
const calm: Container = {
  deviceId: 'container-01',
  seed: 42,
  limit: -15,
  ambientOffset: 0,
  startHour: 0,
  wallLoss: 44,
  batteryLoss: 15,
  trouble: 0,
}
const summer = (): number => 28

/** The state after each of some steps. */
function run(
  container: Container,
  state: ContainerState,
  steps: number,
  seconds = MINUTE,
  ambient = summer,
): ContainerState[] {
  const states: ContainerState[] = []
  for (let at = state; states.length < steps; states.push(at))
    at = advance(container, at, ambient, seconds)
  return states
}

/** Without the defrosting that would come in between. */
const steady = (state: ContainerState): ContainerState => ({ ...state, untilDefrostS: 1e9 })

describe('a container', () => {
  it.each([
    { from: 20, setpoint: -18, ambient: 28 },
    { from: 20, setpoint: 5, ambient: 36 },
    { from: -28, setpoint: -18, ambient: 10 },
    { from: 24, setpoint: 12, ambient: 30 },
  ])('comes from $from °C to its setpoint of $setpoint °C and stays there', (one) => {
    const start = steady({ ...newState(calm), air: one.from, cargo: one.from })
    const states = run(calm, obey(start, one.setpoint), 72 * 60, MINUTE, () => one.ambient)
    const reached = states.findIndex(({ air }) => Math.abs(air - one.setpoint) < HYSTERESIS)
    expect(reached).toBeGreaterThan(0)
    expect(reached).toBeLessThan(12 * 60)
    // A step of 10 s takes it a little beyond the thermostat's bounds, never far.
    for (const { air } of states.slice(reached))
      expect(Math.abs(air - one.setpoint)).toBeLessThan(HYSTERESIS + 0.15)
    const before = Math.abs(one.from - one.setpoint)
    expect(Math.abs(states.at(-1)!.cargo - one.setpoint)).toBeLessThan(before * 0.2)
  })

  it('switches its compressor on and off, each for minutes', () => {
    const states = run(calm, steady(newState(calm)), 6 * 60)
    const switches = states.filter(({ cooling }, index) => cooling !== states[index - 1]?.cooling)
    expect(switches.length).toBeGreaterThan(10)
    expect(switches.length).toBeLessThan(100)
  })

  it('gets warmer while its door is open, and the more the warmer it is outside', () => {
    const shut = steady({ ...newState(calm), cooling: false })
    const open = { ...shut, doorS: 10 * MINUTE }
    const air = (state: ContainerState, ambient: number): number =>
      run(calm, state, 1, 9 * MINUTE, () => ambient)[0]!.air
    expect(air(open, 28) - air(shut, 28)).toBeGreaterThan(1.5)
    expect(air(open, 36)).toBeGreaterThan(air(open, 28))
    expect(measure(calm, open, summer).door).toBe('open')
    const closed = run(calm, open, 1, 10 * MINUTE)[0]!
    expect(measure(calm, closed, summer).door).toBe('closed')
  })

  it('follows another setpoint within an hour', () => {
    const states = run(calm, obey(steady(newState(calm)), -21), 60)
    expect(states.at(-1)!.setpoint).toBe(-21)
    expect(states.some(({ air }) => air < -21)).toBe(true)
    expect(measure(calm, states.at(-1)!, summer).setpoint).toBe(-21)
  })

  it('refuses a setpoint that no machine holds', () => {
    const state = newState(calm)
    const impossible = [SETPOINTS.min - 1, SETPOINTS.max + 1, Number.NaN, Number.POSITIVE_INFINITY]
    for (const setpoint of impossible) expect(obey(state, setpoint)).toBe(state)
    expect(obey(state, state.setpoint)).toBe(state)
  })

  it('gets too warm with a failed compressor until the technician who is called has been', () => {
    const failed = { ...steady(newState(calm)), repairS: 4 * HOUR }
    const alone = run(calm, failed, 60)
    expect(alone.at(-1)!.air).toBeGreaterThan(calm.limit)
    expect(measure(calm, alone.at(-1)!, summer)).toMatchObject({ compressor: 'failed', power: 0.4 })

    const called = callTechnician(alone.at(-1)!)
    expect(callTechnician(called)).toBe(called)
    const repaired = run(calm, called, 90)
    expect(repaired[28]!.repairS).toBeGreaterThan(0)
    expect(repaired[30]!.repairS).toBe(0)
    expect(repaired.at(-1)!.air).toBeLessThan(calm.limit - 1)
    expect(callTechnician(repaired.at(-1)!)).toBe(repaired.at(-1))
  })

  it('goes dark without mains, and fills its battery when they are back', () => {
    const old = { ...calm, batteryLoss: 60 }
    const states = run(old, { ...steady(newState(old)), battery: 24, outageS: 40 * MINUTE }, 100)
    expect(states.findIndex(isDark)).toBe(20)
    expect(measure(old, states[10]!, summer)).toMatchObject({ mains: 'off', power: 0 })
    expect(states[30]!.battery).toBe(0)
    expect(states.findLastIndex(isDark)).toBe(38)
    expect(states.at(-1)!.battery).toBeGreaterThan(85)
  })

  it('defrosts every five hours without getting too warm', () => {
    const states = run(calm, newState(calm), 24 * 60)
    const starts = states.filter(
      ({ defrostS }, index) => defrostS > 0 && (states[index - 1]?.defrostS ?? 0) === 0,
    )
    expect(starts.length).toBeGreaterThanOrEqual(4)
    expect(starts.length).toBeLessThanOrEqual(5)
    expect(Math.max(...states.map(({ air }) => air))).toBeLessThan(calm.limit - 0.3)
  })

  it('does not depend on how the time is cut, down to the thermostat step', () => {
    const troubled = { ...calm, trouble: 30 }
    const start = newState(troubled)
    expect(run(troubled, start, 600, 10).at(-1)).toEqual(run(troubled, start, 1, 6_000)[0])
  })

  it('lives the same life with the same seed, another with another', () => {
    const troubled = { ...calm, trouble: 10 }
    const life = (seed: number): ContainerState[] =>
      run({ ...troubled, seed }, newState({ ...troubled, seed }), 600)
    expect(life(5)).toEqual(life(5))
    expect(life(6)).not.toEqual(life(5))
    const troubles = life(5)
    expect(troubles.some(({ doorS }) => doorS > 0)).toBe(true)
    expect(troubles.some(({ outageS, repairS }) => outageS > 0 || repairS > 0)).toBe(true)
  })

  it('stays a possible container whatever happens to it', () => {
    const numbers = fc.record({
      seed: fc.integer(),
      trouble: fc.integer({ min: 0, max: 500 }),
      ambient: fc.integer({ min: -30, max: 48 }),
      setpoint: fc.integer({ min: SETPOINTS.min, max: SETPOINTS.max }),
      seconds: fc.integer({ min: 1, max: 900 }),
    })
    fc.assert(
      fc.property(numbers, ({ seed, trouble, ambient, setpoint, seconds }) => {
        const container = { ...calm, seed, trouble }
        const start = obey(newState(container), setpoint)
        for (const state of run(container, start, 60, seconds, () => ambient)) {
          expect(state.air).toBeGreaterThan(Math.min(ambient, SETPOINTS.min) - HYSTERESIS - 1)
          expect(state.air).toBeLessThan(Math.max(ambient, SETPOINTS.max) + 1)
          expect(state.battery).toBeGreaterThanOrEqual(0)
          expect(state.battery).toBeLessThanOrEqual(100)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('reports what its sensors say, to a tenth of a degree', () => {
    const state = newState(calm)
    expect(measure(calm, state, () => 21.34)).toEqual({
      temp: expect.closeTo(state.air, 0),
      cargo: expect.closeTo(state.cargo, 0),
      setpoint: calm.limit - MARGIN,
      limit: calm.limit,
      ambient: 21.3,
      door: 'closed',
      compressor: expect.stringMatching(/^(on|off)$/),
      mains: 'on',
      power: expect.any(Number),
      battery: 100,
    })
  })
})
