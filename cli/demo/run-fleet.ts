import {
  type Ambient,
  advance,
  type Container,
  type ContainerState,
  callTechnician,
  isDark,
  measure,
  obey,
} from './container.ts'
import { connectDevice, type DeviceLink } from './device-link.ts'
import type { DemoEvent } from './events.ts'
import type { Member, Radio } from './fleet.ts'
import { openServiceDesk } from './service-desk.ts'
import { temperatureAt, type Weather } from './weather.ts'

/** Every device reports once in this time. Unit: ms. */
export const REPORT_EVERY_MS = 1_000

const TURN_MS = 25

/** A radio that repeats does so with every so many messages; one that cuts, likewise. */
const REPEATS_EVERY = 12
const CUTS_EVERY = 30

/** What the fleet has done so far. */
export interface FleetCounts {
  online: number
  /** Messages that the devices sent, whole or not, once or twice. */
  sent: number
  acknowledged: number
  repeated: number
  cut: number
  /** Messages that were lost because too many waited. */
  dropped: number
  setpoints: number
  repairs: number
}

export interface FleetRun {
  counts(): Readonly<FleetCounts>
  /** Ends every connection cleanly. */
  stop(): Promise<void>
}

export interface FleetOptions {
  readonly url: string
  readonly members: readonly Member[]
  readonly weather: Weather
  /** How many times faster than the clock the physics runs. */
  readonly speed: number
  readonly onEvent: (event: DemoEvent) => void
}

/** One device while it runs. */
interface Device {
  readonly container: Container
  readonly ambient: Ambient
  readonly radio: Radio
  state: ContainerState
  link: DeviceLink | undefined
  /** Epoch ms of its next report. */
  dueAt: number
  reports: number
}

/**
 * Lets a fleet run against a cloud until it is stopped.
 *
 * Each report moves the physics by the same simulated time, so that a seed tells the same story however busy the
 * machine is; its `ts` is the clock's time, never a simulated one.
 * @throws CoreError `channel.unavailable` if no cloud answers.
 */
export async function runFleet({
  url,
  members,
  weather,
  speed,
  onEvent,
}: FleetOptions): Promise<FleetRun> {
  const counts: FleetCounts = {
    online: 0,
    sent: 0,
    acknowledged: 0,
    repeated: 0,
    cut: 0,
    dropped: 0,
    setpoints: 0,
    repairs: 0,
  }
  const stepS = (REPORT_EVERY_MS / 1_000) * speed
  const devices = new Map<string, Device>()

  const desk = await openServiceDesk(url, (deviceId) => {
    const device = devices.get(deviceId)
    if (device === undefined) return
    const called = callTechnician(device.state)
    if (called === device.state) return
    device.state = called
    onEvent({ kind: 'called', deviceId })
  })
  const startAt = Date.now()
  for (const [index, { container, state, radio }] of members.entries()) {
    devices.set(container.deviceId, {
      container,
      radio,
      state,
      ambient: (hour) => temperatureAt(weather, hour) + container.ambientOffset,
      link: undefined,
      dueAt: startAt + (index * REPORT_EVERY_MS) / members.length,
      reports: 0,
    })
  }

  function plugIn(device: Device): DeviceLink {
    const { deviceId } = device.container
    device.link ??= connectDevice({
      url,
      deviceId,
      onDesired: ({ setpoint }) => {
        if (typeof setpoint !== 'number') return
        const from = device.state.setpoint
        device.state = obey(device.state, setpoint)
        if (device.state.setpoint === from) return
        counts.setpoints++
        onEvent({ kind: 'setpoint', deviceId, from, to: setpoint })
      },
      onAcknowledged: () => counts.acknowledged++,
    })
    return device.link
  }

  function turn(device: Device): void {
    const { container, ambient } = device
    const { deviceId } = container
    const before = device.state
    device.state = advance(container, before, ambient, stepS)
    const wasFailed = before.repairS > 0
    const failed = device.state.repairS > 0
    if (failed && !wasFailed) onEvent({ kind: 'failed', deviceId })
    if (!failed && wasFailed) {
      counts.repairs++
      onEvent({ kind: 'repaired', deviceId })
    }
    if (isDark(device.state)) {
      if (device.link === undefined) return
      device.link.cut()
      device.link = undefined
      onEvent({ kind: 'dark', deviceId })
      return
    }
    if (device.link === undefined && device.reports > 0) onEvent({ kind: 'awake', deviceId })
    report(device, plugIn(device))
  }

  function report(device: Device, link: DeviceLink): void {
    const { container, state, ambient, radio } = device
    const text = JSON.stringify({ ts: Date.now(), ...measure(container, state, ambient) })
    device.reports++
    const cut = radio === 'cuts' && device.reports % CUTS_EVERY === 9
    send(link, cut ? text.slice(0, 47) : text)
    if (cut) {
      counts.cut++
      onEvent({ kind: 'cut', deviceId: container.deviceId })
    }
    if (radio === 'repeats' && device.reports % REPEATS_EVERY === 5) {
      counts.repeated++
      send(link, text)
    }
  }

  function send(link: DeviceLink, payload: string): void {
    if (link.publish(payload)) counts.sent++
    else counts.dropped++
  }

  let reachable = true
  const timer = setInterval(() => {
    const now = Date.now()
    for (const device of devices.values()) {
      if (device.dueAt > now) continue
      turn(device)
      // A machine that slept does not catch up: reports that were not made are not made up.
      device.dueAt = Math.max(device.dueAt + REPORT_EVERY_MS, now - REPORT_EVERY_MS)
    }
    if (desk.connected === reachable) return
    reachable = desk.connected
    onEvent({ kind: reachable ? 'back' : 'lost' })
  }, TURN_MS)

  return {
    counts() {
      counts.online = [...devices.values()].filter(({ link }) => link?.connected === true).length
      return counts
    },
    async stop() {
      clearInterval(timer)
      await Promise.all([desk.close(), ...[...devices.values()].map(({ link }) => link?.end())])
    },
  }
}
