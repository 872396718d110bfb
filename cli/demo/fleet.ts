import { type Container, type ContainerState, newState } from './container.ts'
import { noise, seedOf } from './noise.ts'
import { NOON_IN_JULY } from './weather.ts'

/** What its radio does to the messages of one container. */
export type Radio = 'good' | 'repeats' | 'cuts'

/** One container of the fleet and how the demo finds it. */
export interface Member {
  readonly container: Container
  readonly state: ContainerState
  readonly radio: Radio
}

/** Frozen food may be brought up to -15 °C for a short while. Source: Council Directive 89/108/EEC, article 5. */
const FROZEN_LIMIT = -15
/** Medicines are carried at 2 to 8 °C. Source: EU guidelines on good distribution practice, 2013/C 343/01. */
const CHILLED_LIMIT = 8

/** What has already gone wrong when the demo starts, so that nobody has to wait for chance. */
const STORIES: readonly ((member: Member) => Member)[] = [
  // Its compressor failed half an hour ago.
  ({ container, state, radio }) => ({
    container,
    radio,
    state: { ...state, air: container.limit + 0.6, cargo: state.cargo + 0.7, repairS: 14_400 },
  }),
  // It stands in the port without mains, its battery is old: it will go dark and come back.
  ({ container, state, radio }) => ({
    container: { ...container, batteryLoss: 60 },
    radio,
    state: { ...state, battery: 24, outageS: 2_700 },
  }),
  // It is being unloaded, and that takes half an hour.
  ({ container, state, radio }) => ({ container, radio, state: { ...state, doorS: 1_800 } }),
  // Its radio now and then sends a message twice.
  (member) => ({ ...member, radio: 'repeats' }),
  // Its radio now and then cuts a message off.
  (member) => ({ ...member, radio: 'cuts' }),
]

/**
 * Makes a fleet. The same count and seed give the same fleet.
 *
 * Three of four carry frozen food, the fourth carries medicines; each stands somewhere else, so it has its own hour of
 * the day and its own distance from the weather that was measured.
 */
export function createFleet(count: number, seed: number): readonly Member[] {
  const digits = Math.max(2, String(count).length)
  const members = Array.from({ length: count }, (_, index): Member => {
    const own = seedOf(seed, index)
    const container: Container = {
      deviceId: `container-${String(index + 1).padStart(digits, '0')}`,
      seed: own,
      limit: index % 4 === 3 ? CHILLED_LIMIT : FROZEN_LIMIT,
      ambientOffset: Math.round(noise(own, -1) * 150 - 20) / 10,
      startHour: NOON_IN_JULY + Math.floor(noise(own, -2) * 24) - 12,
      wallLoss: 38 + noise(own, -3) * 12,
      batteryLoss: 12 + noise(own, -4) * 6,
      trouble: 1,
    }
    return { container, state: newState(container), radio: 'good' }
  })
  for (const [index, tell] of STORIES.entries()) {
    const at = Math.floor(((index + 0.5) * count) / STORIES.length)
    const member = members[at]
    if (member !== undefined && (index === 0 || count >= STORIES.length)) members[at] = tell(member)
  }
  return members
}
