import { noise } from './noise.ts'

// The physics of one refrigerated container: pure, seeded, without a clock. Air and cargo are two masses that exchange
// heat; walls and an open door let the weather in, a compressor with a thermostat takes heat out.

/** What one container is. It never changes. */
export interface Container {
  readonly deviceId: string
  readonly seed: number
  /** The warmest that its cargo may get, °C. */
  readonly limit: number
  /** How much warmer it is here than where the weather was measured, K. */
  readonly ambientOffset: number
  /** The hour of the weather's year at which its run starts. */
  readonly startHour: number
  /** Heat through the walls, W/K. Dry 20 ft reefers have 35 to 50. */
  readonly wallLoss: number
  /** How fast its telematics unit runs down without mains, % per hour. An old battery has 60. */
  readonly batteryLoss: number
  /** How often doors, mains and compressor give it trouble: 1 as in the demo, 0 never. */
  readonly trouble: number
}

/** How one container is right now. */
export interface ContainerState {
  /** Simulated time since the start, s. */
  readonly elapsedS: number
  /** Random numbers drawn so far: the state goes on from here, wherever it is taken up. */
  readonly draws: number
  /** Temperature of the air, °C. */
  readonly air: number
  /** Temperature of the cargo, °C. */
  readonly cargo: number
  /** The temperature that the thermostat holds, °C. */
  readonly setpoint: number
  /** Whether the thermostat asks for cold. Without mains, or with a failed compressor, there is none. */
  readonly cooling: boolean
  /** s until the door closes; 0: it is closed. */
  readonly doorS: number
  /** s until the mains come back; 0: they are there. */
  readonly outageS: number
  /** s until the compressor is repaired; 0: it works. */
  readonly repairS: number
  /** s until the defrosting ends; 0: it does not defrost. */
  readonly defrostS: number
  /** s until the next defrosting. */
  readonly untilDefrostS: number
  /** Charge of the telematics unit, %. */
  readonly battery: number
}

/** What a container sends, but for the time. */
export interface Measurement {
  readonly temp: number
  readonly setpoint: number
  readonly ambient: number
  readonly door: 'open' | 'closed'
  readonly compressor: 'on' | 'off' | 'defrost' | 'failed'
  readonly cargo: number
  readonly limit: number
  readonly battery: number
  readonly mains: 'on' | 'off'
  /** kW drawn from the mains. */
  readonly power: number
}

/** The temperature outside at an hour of the weather's year, °C. */
export type Ambient = (hour: number) => number

/** The longest step of the integration, s: short against the fastest time constant, 45 min. */
const STEP_S = 10
const HOUR_S = 3_600

/** The thermostat switches this far off the setpoint, K. */
export const HYSTERESIS = 0.7
/** Setpoints that the machine can hold, °C. Others are not obeyed. */
export const SETPOINTS = { min: -30, max: 25 } as const
/** How far below its limit a container usually runs, K. */
export const MARGIN = 3
/** A telematics unit without mains goes dark at this charge, %. */
const DARK_BELOW = 3

/** Heat capacity of air, racks and lining, J/K, and of five tonnes of cargo. */
const AIR_CAPACITY = 900_000
const CARGO_CAPACITY = 1e7
/** Heat between air and cargo, W/K, and through an open door with its strip curtain. */
const CARGO_EXCHANGE = 130
const DOOR_LOSS = 170
/** Heat that the machine takes out at -18 °C inside and 20 °C outside, W; more where it is warmer inside. */
const COOLING_W = 6_400
const COOLING_PER_KELVIN_INSIDE = 90
const COOLING_PER_KELVIN_OUTSIDE = 40
/** What the defrost heater leaks into the air, W. */
const DEFROST_LEAK_W = 300

const DEFROST_EVERY_S = 5 * HOUR_S
const DEFROST_S = 720
/** Somebody notices a failed compressor even if nobody is called. */
const NOTICED_AFTER_S = 4 * HOUR_S
const TECHNICIAN_S = 1_800

/** How often, on average, things happen to one container, s. */
const DOOR_EVERY_S = 2.5 * HOUR_S
const OUTAGE_EVERY_S = 50 * HOUR_S
const FAILURE_EVERY_S = 60 * HOUR_S

/** A container that has held its setpoint for long. */
export function newState({ seed, limit }: Container): ContainerState {
  const setpoint = limit - MARGIN
  return {
    elapsedS: 0,
    draws: 4,
    air: setpoint + (noise(seed, 0) - 0.5) * HYSTERESIS,
    cargo: setpoint + noise(seed, 1) * 0.4,
    setpoint,
    cooling: noise(seed, 2) < 0.5,
    doorS: 0,
    outageS: 0,
    repairS: 0,
    defrostS: 0,
    untilDefrostS: noise(seed, 3) * DEFROST_EVERY_S,
    battery: 100,
  }
}

/** The container some simulated seconds later. The same container, state and weather give the same result. */
export function advance(
  container: Container,
  state: ContainerState,
  ambient: Ambient,
  seconds: number,
): ContainerState {
  const next = { ...state }
  for (let left = seconds; left > 0; left -= STEP_S) {
    const dt = Math.min(left, STEP_S)
    next.elapsedS += dt
    happen(container, next, dt)
    regulate(next)
    warm(container, next, ambient(hourOf(container, next)), dt)
    charge(container, next, dt)
  }
  return next
}

/** Follows a wish for another setpoint; the same state comes back if the machine cannot hold it. */
export function obey(state: ContainerState, setpoint: number): ContainerState {
  const fits = setpoint >= SETPOINTS.min && setpoint <= SETPOINTS.max
  return fits && setpoint !== state.setpoint ? { ...state, setpoint } : state
}

/** Sends a technician, who needs half an hour; the same state comes back if there is nothing to repair sooner. */
export function callTechnician(state: ContainerState): ContainerState {
  return state.repairS > TECHNICIAN_S ? { ...state, repairS: TECHNICIAN_S } : state
}

/** True while the telematics unit has no power: the container does not answer. */
export function isDark({ outageS, battery }: ContainerState): boolean {
  return outageS > 0 && battery <= DARK_BELOW
}

/** What its sensors say. */
export function measure(
  container: Container,
  state: ContainerState,
  ambient: Ambient,
): Measurement {
  const error = (noise(container.seed ^ 0x5eed, state.elapsedS | 0) - 0.5) / 10
  const compressor = compressorOf(state)
  return {
    temp: rounded(state.air + error),
    setpoint: state.setpoint,
    ambient: rounded(ambient(hourOf(container, state))),
    door: state.doorS > 0 ? 'open' : 'closed',
    compressor,
    cargo: rounded(state.cargo),
    limit: container.limit,
    battery: rounded(state.battery),
    mains: state.outageS > 0 ? 'off' : 'on',
    power: state.outageS > 0 ? 0 : POWER_KW[compressor],
  }
}

/** The hour of the weather's year that it is for this container. */
export function hourOf({ startHour }: Container, { elapsedS }: ContainerState): number {
  return startHour + elapsedS / HOUR_S
}

const POWER_KW = { on: 4.2, off: 0.4, defrost: 2.6, failed: 0.4 } as const

type Draft = { -readonly [Key in keyof ContainerState]: ContainerState[Key] }

/** Lets timers run down, and chance open a door, cut the mains or stop a compressor. */
function happen({ seed, trouble }: Container, draft: Draft, dt: number): void {
  const draw = (): number => noise(seed, draft.draws++)
  const strikes = (everyS: number): boolean => draw() < (trouble * dt) / everyS
  draft.doorS = Math.max(0, draft.doorS - dt)
  draft.outageS = Math.max(0, draft.outageS - dt)
  draft.repairS = Math.max(0, draft.repairS - dt)
  draft.defrostS = Math.max(0, draft.defrostS - dt)
  draft.untilDefrostS -= dt
  if (draft.untilDefrostS <= 0) {
    draft.defrostS = DEFROST_S
    draft.untilDefrostS = DEFROST_EVERY_S
  }
  // Most doors are open for minutes; one in eight is forgotten.
  if (strikes(DOOR_EVERY_S) && draft.doorS === 0)
    draft.doorS = draw() < 0.125 ? 1_300 + draw() * 900 : 180 + draw() * 420
  if (strikes(OUTAGE_EVERY_S) && draft.outageS === 0) draft.outageS = 1_200 + draw() * 2_400
  if (strikes(FAILURE_EVERY_S) && draft.repairS === 0) draft.repairS = NOTICED_AFTER_S
}

function regulate(draft: Draft): void {
  if (draft.air > draft.setpoint + HYSTERESIS) draft.cooling = true
  else if (draft.air < draft.setpoint - HYSTERESIS) draft.cooling = false
}

/** One explicit Euler step of the two masses. */
function warm({ wallLoss }: Container, draft: Draft, ambient: number, dt: number): void {
  const compressor = compressorOf(draft)
  const loss = wallLoss + (draft.doorS > 0 ? DOOR_LOSS : 0)
  const cold =
    compressor === 'on'
      ? COOLING_W +
        COOLING_PER_KELVIN_INSIDE * (draft.air + 18) -
        COOLING_PER_KELVIN_OUTSIDE * (ambient - 20)
      : 0
  const fromCargo = CARGO_EXCHANGE * (draft.cargo - draft.air)
  const heat = loss * (ambient - draft.air) + fromCargo - Math.max(0, cold)
  const defrost = compressor === 'defrost' ? DEFROST_LEAK_W : 0
  draft.air += ((heat + defrost) * dt) / AIR_CAPACITY
  draft.cargo -= (fromCargo * dt) / CARGO_CAPACITY
}

/** A unit on the mains is full within an hour and a bit. */
function charge({ batteryLoss }: Container, draft: Draft, dt: number): void {
  const perHour = draft.outageS > 0 ? -batteryLoss : 90
  draft.battery = Math.min(100, Math.max(0, draft.battery + (perHour * dt) / HOUR_S))
}

function compressorOf(state: ContainerState): Measurement['compressor'] {
  if (state.repairS > 0) return 'failed'
  if (state.outageS > 0) return 'off'
  if (state.defrostS > 0) return 'defrost'
  return state.cooling ? 'on' : 'off'
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10
}
