import type { Core, Settlement } from '../../core/index.ts'

/** Devices for which commands wait, of one run of a function. */
export interface Wakes {
  /**
   * Notes that a command waits. It is not brought at once: who says so is within a step of the device, and bringing it
   * takes another.
   * @throws CoreError if the device could not be served in this run.
   */
  ask(deviceId: string): void
  /** Serves all that were noted, before the host may freeze. What fails is left to the tick. */
  drain(): Promise<void>
}

/** Gathers devices, and serves each with `deliver`. */
export function createWakes(core: () => Core, deliver: (deviceId: string) => Promise<void>): Wakes {
  const asked = new Set<string>()
  /** Devices that cannot be served now, until the end of this run. */
  const failed = new Map<string, unknown>()

  /** The word waits in the outbox of the device, where the tick finds it. */
  async function leaveBehind(deviceId: string, error: unknown): Promise<void> {
    const { gate, ports } = core()
    failed.set(deviceId, error)
    const key = `wake/${ports.ids.next(ports.clock.now())}`
    await gate.run(deviceId, [{ kind: 'effect', key, effect: { kind: 'wake', deviceId } }])
  }

  async function deliverOrLeave(deviceId: string): Promise<void> {
    try {
      await deliver(deviceId).catch((error) => leaveBehind(deviceId, error))
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      core().ports.observer.log('error', 'nobody told of a command', { deviceId, reason })
    }
  }

  return {
    ask(deviceId) {
      if (failed.has(deviceId)) throw failed.get(deviceId)
      asked.add(deviceId)
    },

    async drain() {
      while (asked.size > 0) {
        const deviceIds = [...asked]
        asked.clear()
        await Promise.all(deviceIds.map(deliverOrLeave))
        await core().gate.idle()
      }
      failed.clear()
    },
  }
}

/** A command that a device holds, and what became of it. */
export interface Settled {
  readonly deviceId: string
  readonly commandId: string
  readonly how: Settlement
  readonly reason?: string | undefined
}

/** Settles a command by its id. Gives false, and changes nothing, if the device holds none of it any more. */
export async function settleHeld(
  { commands, ports }: Core,
  { deviceId, commandId, how, reason }: Settled,
): Promise<boolean> {
  const record = await ports.devices.load(deviceId)
  const entry = record?.commands?.find((one) => one.commandId === commandId)
  if (entry?.lock === undefined) return false
  await commands.settle(deviceId, entry.lock.token, how, reason)
  return true
}
