import { type CommandRequest, checkCommand } from './commands/check.ts'
import { commandInfo, passTime } from './commands/queue.ts'
import type { DeviceGate } from './device-gate.ts'
import { CoreError } from './errors.ts'
import {
  type CommandEntry,
  type CommandFeedback,
  type CommandInfo,
  FEEDBACK_QUEUE,
  isPending,
  type ReceivedCommand,
  type Settlement,
} from './model/command.ts'
import { isDeviceId } from './model/device-id.ts'
import type { DeviceInput } from './model/input.ts'
import { isJsonObject, type Json } from './model/json.ts'
import type { Ports } from './ports.ts'
import type { Program } from './program.ts'

/** One piece of feedback, claimed by somebody who reads it. */
export interface ClaimedFeedback {
  readonly id: string
  /** Epoch ms. */
  readonly at: number
  readonly feedback: CommandFeedback
}

export interface ReceiveOptions {
  /** How long the device holds what it takes; what the config says unless given. */
  readonly lockMs?: number
}

/** The one queue of commands that each device has, whatever it speaks. */
export interface Commands {
  /**
   * Queues a command. The same `commandId` again is the same command.
   * @throws CoreError `command.invalid`, `command.too_large`, `command.queue_full`; `input.not_found` if nobody has heard
   * of the device.
   */
  send(deviceId: string, request: CommandRequest): Promise<CommandInfo>
  /** Locks the next command for the device; `undefined` if none waits. */
  receive(deviceId: string, options?: ReceiveOptions): Promise<ReceivedCommand | undefined>
  /** Locks up to so many at once, in their order; none if none waits. */
  receiveMany(
    deviceId: string,
    limit: number,
    options?: ReceiveOptions,
  ): Promise<readonly ReceivedCommand[]>
  /**
   * Says what became of a command that is held; `reason` is for the sender.
   * @throws CoreError `command.lock_lost` if the lock was used, is over, or is none of this device.
   */
  settle(
    deviceId: string,
    lockToken: string,
    how: Settlement,
    reason?: string,
  ): Promise<CommandInfo>
  /** Holds a command for longer. @throws CoreError `command.lock_lost`. */
  renew(deviceId: string, lockToken: string, lockMs?: number): Promise<CommandInfo>
  /** Those that wait or are held, and those that ended lately, in the order in which they came. */
  list(deviceId: string): Promise<readonly CommandInfo[]>
  get(deviceId: string, commandId: string): Promise<CommandInfo | undefined>
  /** Ends all that has not ended; tells how many there were. */
  purge(deviceId: string): Promise<number>
  /** Takes feedback, oldest first, and hides it for `leaseMs`; unless removed until then it comes again. */
  claimFeedback(limit: number, leaseMs: number): Promise<readonly ClaimedFeedback[]>
  /** Gives false if there is none of this id. */
  removeFeedback(id: string): Promise<boolean>
  releaseFeedback(id: string): Promise<void>
}

/** What a device says of a command is kept, but not at any length. Unit: characters. */
const MAX_REASON = 256

/** Builds the use case over the gate. */
export function createCommands(ports: Ports, program: Program, gate: DeviceGate): Commands {
  const { clock, devices, registry, queues, observer } = ports
  const limits = program.config.commands

  async function run(deviceId: string, input: DeviceInput): Promise<readonly CommandEntry[]> {
    const [result] = await gate.run(deviceId, [input])
    if (result?.status === 'commands') return result.commands
    if (result?.status === 'refused') {
      observer.count('command.refused', 1, { code: result.code })
      throw new CoreError(result.code, result.message)
    }
    throw new CoreError('store.unavailable', `expected commands, found ${result?.status ?? 'none'}`)
  }

  async function runForOne(deviceId: string, input: DeviceInput): Promise<CommandInfo> {
    const [entry] = await run(deviceId, input)
    if (entry === undefined) throw new CoreError('input.not_found', 'expected one command')
    return commandInfo(deviceId, entry)
  }

  async function entriesOf(deviceId: string): Promise<readonly CommandEntry[]> {
    return (await devices.load(deviceId))?.commands ?? []
  }

  /** Locks in one step, so that many cost no more writes than one. */
  async function lock(
    deviceId: string,
    limit: number,
    lockMs: number,
  ): Promise<readonly CommandEntry[]> {
    const at = clock.now()
    const entries = await entriesOf(deviceId)
    let waiting = 0
    for (const entry of entries) if (passTime(entry, at).state === 'Enqueued') waiting++
    // Most of those who ask have nothing waiting: that costs no step.
    if (waiting === 0) return []
    const input: DeviceInput = { kind: 'lock', lockMs, at }
    const count = Math.min(limit, waiting)
    const results = await gate.run(deviceId, new Array<DeviceInput>(count).fill(input))
    return results.flatMap((result) => (result.status === 'commands' ? result.commands : []))
  }

  async function receiveMany(
    deviceId: string,
    limit: number,
    { lockMs = limits.lock }: ReceiveOptions = {},
  ): Promise<readonly ReceivedCommand[]> {
    for (;;) {
      const entries = await lock(deviceId, limit, lockMs)
      const found = await Promise.all(entries.map((entry) => withContent(deviceId, entry)))
      const received = found.filter((one) => one !== undefined)
      if (received.length > 0 || entries.length === 0) return received
    }
  }

  /** The command with its content; one that has lost it has ended. */
  async function withContent(
    deviceId: string,
    entry: CommandEntry,
  ): Promise<ReceivedCommand | undefined> {
    if (entry.lock === undefined) return undefined
    const { token: lockToken, until: lockedUntil } = entry.lock
    const content = await ports.commands.content(deviceId, entry.contentId)
    if (content !== undefined) {
      const { deliveries: deliveryCount } = entry
      const command = commandInfo(deviceId, entry)
      return { ...content, command, lockToken, lockedUntil, deliveryCount }
    }
    const { commandId } = entry
    ports.observer.log('error', 'a command without content', { deviceId, commandId })
    const reason = 'its content is lost'
    await run(deviceId, { kind: 'settle', lockToken, how: 'reject', reason, at: clock.now() })
    return undefined
  }

  return {
    async send(deviceId, request) {
      if (!isDeviceId(deviceId))
        throw new CoreError('uplink.bad_device_id', 'expected a device id, found none')
      const now = clock.now()
      const command = checkCommand(request, limits, now)
      const record = await devices.load(deviceId)
      // Feedback names the life of the device; without it a device that has a record needs no look into the registry.
      const registered =
        record === undefined || command.ack !== 'none' ? await registry.get(deviceId) : undefined
      if (record === undefined && registered === undefined)
        throw new CoreError('input.not_found', `nobody has heard of ${JSON.stringify(deviceId)}`)
      const life = registered === undefined ? {} : { registeredAt: registered.createdAt }
      const input = { kind: 'enqueue' as const, command: { ...command, ...life }, at: now }
      return runForOne(deviceId, input)
    },

    receiveMany,

    async receive(deviceId, options) {
      return (await receiveMany(deviceId, 1, options))[0]
    },

    settle(deviceId, lockToken, how, reason) {
      const at = clock.now()
      const told = reason === undefined ? {} : { reason: reason.slice(0, MAX_REASON) }
      return runForOne(deviceId, { kind: 'settle', lockToken, how, at, ...told })
    },

    renew: (deviceId, lockToken, lockMs = limits.lock) =>
      runForOne(deviceId, { kind: 'settle', lockToken, how: 'renew', lockMs, at: clock.now() }),

    async list(deviceId) {
      return (await entriesOf(deviceId)).map((entry) => commandInfo(deviceId, entry))
    },

    async get(deviceId, commandId) {
      const entry = (await entriesOf(deviceId)).find((one) => one.commandId === commandId)
      return entry === undefined ? undefined : commandInfo(deviceId, entry)
    },

    async purge(deviceId) {
      if (!(await entriesOf(deviceId)).some(isPending)) return 0
      return (await run(deviceId, { kind: 'purge', at: clock.now() })).length
    },

    async claimFeedback(limit, leaseMs) {
      const entries = await queues.claim(FEEDBACK_QUEUE, limit, leaseMs)
      return entries.flatMap(({ id, at, body }) => {
        const feedback = readFeedback(body)
        return feedback === undefined ? [] : [{ id, at, feedback }]
      })
    },
    removeFeedback: (id) => queues.remove(FEEDBACK_QUEUE, id),
    releaseFeedback: (id) => queues.release(FEEDBACK_QUEUE, id),
  }
}

const STATUS_CODES = ['Success', 'Expired', 'DeliveryCountExceeded', 'Rejected', 'Purged'] as const

/** What the queue gives back; `undefined` if it is no feedback of ours. */
function readFeedback(body: Json): CommandFeedback | undefined {
  if (!isJsonObject(body)) return undefined
  const text = (name: string): string => {
    const value = body[name]
    return typeof value === 'string' ? value : ''
  }
  const statusCode = STATUS_CODES.find((code) => code === body['statusCode'])
  if (statusCode === undefined) return undefined
  return {
    originalMessageId: text('originalMessageId'),
    deviceId: text('deviceId'),
    deviceGenerationId: text('deviceGenerationId'),
    statusCode,
    description: text('description'),
    enqueuedTimeUtc: text('enqueuedTimeUtc'),
  }
}
