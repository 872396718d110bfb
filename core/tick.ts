import type { DeviceGate } from './device-gate.ts'
import type { Ports } from './ports.ts'
import type { Tasks } from './tasks.ts'

/** Looks after devices whose time has come, at most `limit`; tells how many there were. */
export type Tick = (limit: number) => Promise<number>

/**
 * Builds the use case that runs on a schedule: timers of alarms, effects that a crash or a fault left behind; and what is
 * kept no longer; a part of the work that waits.
 */
export function createTick(
  ports: Ports,
  gate: DeviceGate,
  sweep: () => Promise<void>,
  tasks: Pick<Tasks, 'tick'>,
): Tick {
  return async (limit) => {
    const due = await ports.devices.due(ports.clock.now(), limit)
    await Promise.all(
      due.map((deviceId) =>
        gate.catchUp(deviceId).catch((error) => {
          const reason = error instanceof Error ? error.message : String(error)
          ports.observer.log('error', 'device not looked after', { deviceId, reason })
        }),
      ),
    )
    if (!ports.longLived) await gate.idle()
    await sweep().catch((error) => {
      const reason = error instanceof Error ? error.message : String(error)
      ports.observer.log('error', 'old notifications not forgotten', { reason })
    })
    // A host that is behind with its devices calls again at once: the rest can wait for that.
    if (due.length < limit) await tasks.tick()
    return due.length
  }
}
