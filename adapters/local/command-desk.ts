import { type Core, CoreError, type ReceivedCommand, type Settlement } from '../../core/index.ts'

/** What takes commands over one connection of a device. */
export interface CommandPump {
  /** Whose words it speaks; for counters. */
  readonly dialect: string
  /** Commands that may be on their way at once, in their order; 1 unless given. */
  readonly window?: number
  /**
   * Hands one command over and resolves with what became of it: `release` if it did not get on its way, which the pump
   * has to detach for, or wake the desk when it can; `abandon` if the connection ended before the device said anything.
   */
  offer(received: ReceivedCommand): Promise<Offered>
}

/**
 * What became of a command that was offered, and why where the device said so. `silent`: the device has it and said
 * nothing as long as it could; the end of the lock makes it wait again.
 */
export type Offered = Settlement | 'silent' | { readonly how: Settlement; readonly reason?: string }

/** Brings commands to the connections of this process. */
export interface CommandDesk {
  /** From here on this pump gets the commands of the device, and no other, unless it leaves before them. */
  attach(deviceId: string, pump: CommandPump): void
  /** The pump gets no more, but the one attached before it; one that is not attached changes nothing. */
  detach(deviceId: string, pump: CommandPump): void
  /** Commands wait, or the pump can take more. */
  wake(deviceId: string): void
  /** Devices that have a pump. */
  readonly size: number
}

/** Timers may be early; a lock that is looked at must be over. Unit: ms. */
const PAST_LOCK_MS = 10

interface Seat {
  readonly pump: CommandPump
  underWay: number
  /** One command at a time is fetched, so that they go out in their order. */
  fetching: boolean
  /** Woken while it was fetching: there may be more. */
  again: boolean
}

/** Creates the desk. What it fails at is logged: the lock ends, and the command waits again. */
export function createCommandDesk(core: () => Core): CommandDesk {
  /** Of several connections of a device the newest one counts, and stands last. */
  const seats = new Map<string, Seat[]>()

  function isAttached(deviceId: string, seat: Seat): boolean {
    return seats.get(deviceId)?.at(-1) === seat
  }

  /** The seat of a pump, taken out of its row. */
  function takeOut(deviceId: string, pump: CommandPump): Seat | undefined {
    const row = seats.get(deviceId) ?? []
    const at = row.findIndex((seat) => seat.pump === pump)
    if (at < 0) return undefined
    const [seat] = row.splice(at, 1)
    if (row.length === 0) seats.delete(deviceId)
    return seat
  }

  async function fetch(deviceId: string, seat: Seat): Promise<void> {
    if (seat.fetching) {
      seat.again = true
      return
    }
    seat.fetching = true
    const { pump } = seat
    try {
      do {
        seat.again = false
        while (isAttached(deviceId, seat) && seat.underWay < (pump.window ?? 1)) {
          const free = (pump.window ?? 1) - seat.underWay
          const received = await core().commands.receiveMany(deviceId, free)
          if (received.length === 0) break
          if (!isAttached(deviceId, seat)) {
            await Promise.all(received.map((one) => settle(deviceId, one, 'release')))
            // Whoever is there now was woken when these were locked.
            wake(deviceId)
            break
          }
          seat.underWay += received.length
          for (const one of received) void handOver(deviceId, seat, one)
        }
      } while (seat.again)
    } catch (error) {
      core().ports.observer.log('warn', 'commands not fetched', {
        deviceId,
        reason: reasonOf(error),
      })
    } finally {
      seat.fetching = false
    }
  }

  async function handOver(deviceId: string, seat: Seat, received: ReceivedCommand): Promise<void> {
    const { pump } = seat
    let isOver = false
    const leave = (): void => {
      if (isOver) return
      isOver = true
      seat.underWay--
    }
    // A device that never answers must not keep the others waiting for longer than it may hold one.
    const timer = setTimeout(
      () => {
        leave()
        wake(deviceId)
      },
      Math.max(0, received.lockedUntil - core().ports.clock.now()) + PAST_LOCK_MS,
    )
    timer.unref()
    let offered: Offered = 'release'
    try {
      offered = await pump.offer(received)
    } catch (error) {
      core().ports.observer.log('warn', 'command not handed over', {
        deviceId,
        commandId: received.command.commandId,
        reason: reasonOf(error),
      })
    }
    if (offered === 'silent') return
    clearTimeout(timer)
    const { how, reason } =
      typeof offered === 'string' ? { how: offered, reason: undefined } : offered
    await settle(deviceId, received, how, reason)
    leave()
    if (how !== 'release' || !isAttached(deviceId, seat)) wake(deviceId)
  }

  async function settle(
    deviceId: string,
    { lockToken, command: { commandId } }: ReceivedCommand,
    how: Settlement,
    reason?: string,
  ): Promise<void> {
    try {
      await core().commands.settle(deviceId, lockToken, how, reason)
    } catch (error) {
      const isLate = error instanceof CoreError && error.code === 'command.lock_lost'
      core().ports.observer.log(isLate ? 'info' : 'warn', 'command not settled', {
        deviceId,
        commandId,
        how,
        reason: reasonOf(error),
      })
    }
  }

  function wake(deviceId: string): void {
    const seat = seats.get(deviceId)?.at(-1)
    if (seat !== undefined) void fetch(deviceId, seat)
  }

  return {
    attach(deviceId, pump) {
      const seat = takeOut(deviceId, pump) ?? { pump, underWay: 0, fetching: false, again: false }
      seats.set(deviceId, [...(seats.get(deviceId) ?? []), seat])
      wake(deviceId)
    },
    detach(deviceId, pump) {
      if (takeOut(deviceId, pump) !== undefined) wake(deviceId)
    },
    wake,
    get size() {
      return seats.size
    },
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
