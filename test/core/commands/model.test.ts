import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CommandDesk, createCommandDesk } from '../../../adapters/local/command-desk.ts'
import {
  type CommandAck,
  type CommandState,
  type Core,
  compileProgram,
  createCore,
  FEEDBACK_QUEUE,
  isJsonObject,
  type Ports,
  parseConfig,
} from '../../../core/index.ts'
import { createDyingPorts, type Death } from '../../fakes/dying-ports.ts'
import { createMemoryPorts, createWorld, recordOf, type World } from '../../fakes/memory-ports.ts'

// What a command may go through, as a second, simpler implementation; the real one has to agree with it after every
// step, whatever crashes, comes twice, expires or reconnects in between.

const DEVICE = 'dev-1'
const LOCK_MS = 60_000
const MAX_PENDING = 4
const START = 1_750_000_000_000

interface ModelCommand {
  readonly id: string
  state: CommandState
  readonly priority: number
  readonly ack: CommandAck
  readonly expiresAt: number
  readonly maxDeliveries: number
  deliveries: number
  lockedUntil: number
}

/** The model: a list of commands in the order in which they came, and what senders were told. */
interface Model {
  now: number
  commands: ModelCommand[]
  told: string[]
}

const isOpen = ({ state }: ModelCommand): boolean => state === 'Enqueued' || state === 'Delivered'

function finish(model: Model, command: ModelCommand, state: CommandState): void {
  command.state = state
  const isGood = state === 'Completed'
  if (command.ack === 'full' || command.ack === (isGood ? 'positive' : 'negative'))
    model.told.push(`${command.id} ${isGood ? 'Success' : state}`)
}

function passTime(model: Model): void {
  for (const command of model.commands) {
    if (command.state === 'Delivered' && command.lockedUntil <= model.now)
      command.state = 'Enqueued'
    if (command.state === 'Enqueued' && command.expiresAt <= model.now)
      finish(model, command, 'Expired')
  }
}

function nextOf(model: Model): ModelCommand | undefined {
  return model.commands
    .filter(({ state }) => state === 'Enqueued')
    .toSorted((a, b) => b.priority - a.priority)[0]
}

function settleModel(
  model: Model,
  command: ModelCommand,
  how: 'complete' | 'reject' | 'abandon' | 'release',
): void {
  if (how === 'complete') finish(model, command, 'Completed')
  else if (how === 'reject') finish(model, command, 'Rejected')
  else {
    if (how === 'abandon') command.deliveries++
    if (command.deliveries >= command.maxDeliveries) finish(model, command, 'DeliveryCountExceeded')
    else command.state = 'Enqueued'
  }
  passTime(model)
}

/** A process over the world, and what the test holds of it. */
interface Process {
  core: Core
  desk: CommandDesk
}

interface Real {
  readonly world: World
  process: Process
  /** Locks that were handed out and may be used, by command. */
  readonly locks: Map<string, string>
  readonly used: string[]
  /** What is to happen at the next call that changes something. */
  death: Death | undefined
}

const program = (() => {
  const parsed = parseConfig({ commands: { maxPending: MAX_PENDING, lock: '1m' } })
  if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
  const compiled = compileProgram(parsed.config)
  if ('faults' in compiled) throw new Error(JSON.stringify(compiled.faults))
  return compiled.program
})()

let processes = 0

function startProcess(world: World, death?: Death): Process & { readonly dead: Promise<void> } {
  const ports: Ports = createMemoryPorts(world, { process: `p${processes++}` })
  const dying = createDyingPorts(ports, death ?? { call: 0, when: 'before' })
  const core: Core = createCore(
    {
      ...dying.ports,
      downlink: {
        ...dying.ports.downlink,
        async command(deviceId) {
          await dying.ports.downlink.command(deviceId)
          desk.wake(deviceId)
        },
      },
    },
    program,
  )
  const desk = createCommandDesk(() => core)
  return { core, desk, dead: dying.dead }
}

async function quiet({ process }: Real): Promise<void> {
  for (let turn = 0; turn < 60; turn++) await new Promise((resolve) => setImmediate(resolve))
  await process.core.gate.idle()
}

/** Runs a call in a process that may die under it; then the next process is there. Gives whether it came back. */
async function survive<T>(
  real: Real,
  call: (core: Core) => Promise<T>,
): Promise<{ value: T } | undefined> {
  if (real.death === undefined) return { value: await call(real.process.core) }
  const mortal = startProcess(real.world, real.death)
  real.death = undefined
  let outcome: { value: T } | undefined
  const run = call(mortal.core).then(
    (value) => {
      outcome = { value }
    },
    () => undefined,
  )
  // Effects are performed after the answer: a death there comes later, or never.
  await Promise.race([
    mortal.dead,
    run.then(() => new Promise((resolve) => setTimeout(resolve, 1))),
  ])
  real.process = startProcess(real.world)
  return outcome
}

function told(world: World): string[] {
  return [...(world.queues.get(FEEDBACK_QUEUE)?.values() ?? [])].map((body) =>
    isJsonObject(body) ? `${String(body['originalMessageId'])} ${String(body['statusCode'])}` : '?',
  )
}

function statesOf(commands: readonly { readonly state: string; readonly deliveries: number }[]) {
  return commands.map(({ state, deliveries }) => `${state} ${deliveries}`)
}

/** The real state, after time has passed for it too. */
async function look(real: Real): Promise<Map<string, string>> {
  await real.process.core.gate.catchUp(DEVICE)
  await quiet(real)
  const commands = recordOf(real.world, DEVICE)?.commands ?? []
  const states = statesOf(commands)
  return new Map(commands.map(({ commandId }, index) => [commandId, states[index] ?? '']))
}

async function agree(model: Model, real: Real): Promise<void> {
  passTime(model)
  const states = await look(real)
  const open = model.commands.filter(isOpen)
  for (const command of model.commands) {
    // Those that ended long ago are forgotten.
    const state = states.get(command.id)
    if (state === undefined) expect(isOpen(command), command.id).toBe(false)
    else expect(state, command.id).toBe(statesOf([command])[0])
  }
  expect(told(real.world).toSorted()).toEqual(model.told.toSorted())
  expect(real.world.contents.get(DEVICE)?.size ?? 0).toBe(open.length)
  const record = recordOf(real.world, DEVICE)
  expect(record?.outbox ?? []).toEqual([])
  // Nothing sticks: whatever is open has its time.
  if (open.length > 0) expect(record?.dueAt).toBeGreaterThan(model.now)
}

/**
 * After a crash the call has happened or not: whichever the record says is what the model goes on with. Half of it is
 * not among the choices.
 */
async function adopt(model: Model, real: Real, after: Model): Promise<void> {
  passTime(model)
  passTime(after)
  const states = await look(real)
  const fits = (candidate: Model): boolean =>
    candidate.commands.every((command) => {
      const state = states.get(command.id)
      return state === undefined ? !isOpen(command) : state === statesOf([command])[0]
    }) && [...states.keys()].every((id) => candidate.commands.some((one) => one.id === id))
  const chosen = [after, model].find(fits)
  expect(chosen, `found ${JSON.stringify([...states])}`).toBeDefined()
  Object.assign(model, chosen)
}

type Step = fc.AsyncCommand<Model, Real>

class Send implements Step {
  readonly options: { priority: number; ttlMs: number; ack: CommandAck; maxDeliveries: number }
  readonly twice: boolean

  constructor(options: Send['options'], twice: boolean) {
    this.options = options
    this.twice = twice
  }

  check = () => true

  async run(model: Model, real: Real): Promise<void> {
    const commandId = `c${model.commands.length}`
    const { priority, ttlMs, ack, maxDeliveries } = this.options
    const request = { commandId, name: 'go', payload: Uint8Array.of(1), ...this.options }
    const after = structuredClone(model)
    passTime(after)
    const isFull = after.commands.filter(isOpen).length >= MAX_PENDING
    if (!isFull)
      after.commands.push({
        id: commandId,
        state: 'Enqueued',
        priority,
        ack,
        expiresAt: model.now + ttlMs,
        maxDeliveries,
        deliveries: 0,
        lockedUntil: 0,
      })
    const isMortal = real.death !== undefined
    const outcome = await survive(real, (core) =>
      core.commands.send(DEVICE, request).then(
        () => 'sent',
        (error) => error.code,
      ),
    )
    if (outcome !== undefined) expect(outcome.value).toBe(isFull ? 'command.queue_full' : 'sent')
    if (isMortal) await adopt(model, real, after)
    else Object.assign(model, after)
    // The sender whose call did not come back sends again.
    if (this.twice && !isFull && model.commands.some(({ id }) => id === commandId)) {
      const again = await real.process.core.commands.send(DEVICE, request)
      expect(again.commandId).toBe(commandId)
    }
    await agree(model, real)
  }

  toString = () => `send(${JSON.stringify(this.options)}${this.twice ? ', twice' : ''})`
}

class Receive implements Step {
  check = () => true

  async run(model: Model, real: Real): Promise<void> {
    const after = structuredClone(model)
    passTime(after)
    const next = nextOf(after)
    if (next !== undefined) {
      next.state = 'Delivered'
      next.lockedUntil = after.now + LOCK_MS
    }
    const isMortal = real.death !== undefined
    const outcome = await survive(real, (core) => core.commands.receive(DEVICE))
    if (outcome !== undefined) expect(outcome.value?.command.commandId).toBe(next?.id)
    const received = outcome?.value
    if (received !== undefined) real.locks.set(received.command.commandId, received.lockToken)
    if (isMortal) await adopt(model, real, after)
    else Object.assign(model, after)
    await agree(model, real)
  }

  toString = () => 'receive'
}

class Settle implements Step {
  readonly how: 'complete' | 'reject' | 'abandon' | 'release'
  readonly pick: number

  constructor(how: Settle['how'], pick: number) {
    this.how = how
    this.pick = pick
  }

  check = () => true

  async run(model: Model, real: Real): Promise<void> {
    const [id, token] = [...real.locks][this.pick % Math.max(1, real.locks.size)] ?? ['', 'none']
    real.locks.delete(id)
    const after = structuredClone(model)
    passTime(after)
    const held = after.commands.find(
      (command) => command.id === id && command.state === 'Delivered',
    )
    if (held !== undefined) settleModel(after, held, this.how)
    const isMortal = real.death !== undefined
    const outcome = await survive(real, (core) =>
      core.commands.settle(DEVICE, token, this.how).then(
        () => 'settled',
        (error) => error.code,
      ),
    )
    if (outcome !== undefined)
      expect(outcome.value).toBe(held === undefined ? 'command.lock_lost' : 'settled')
    if (isMortal) await adopt(model, real, after)
    else Object.assign(model, after)
    // Unless the lock survived a crash, it has served.
    const survived = model.commands.some(
      ({ id: one, state }) => one === id && state === 'Delivered',
    )
    if (survived) real.locks.set(id, token)
    else real.used.push(token)
    await agree(model, real)
  }

  toString = () => `${this.how}(${this.pick})`
}

class UseAgain implements Step {
  readonly pick: number

  constructor(pick: number) {
    this.pick = pick
  }

  check = () => true

  async run(model: Model, real: Real): Promise<void> {
    const token = real.used[this.pick % Math.max(1, real.used.length)]
    if (token === undefined) return
    await expect(
      real.process.core.commands.settle(DEVICE, token, 'complete'),
    ).rejects.toMatchObject({ code: 'command.lock_lost' })
    await agree(model, real)
  }

  toString = () => `useAgain(${this.pick})`
}

class Advance implements Step {
  readonly ms: number

  constructor(ms: number) {
    this.ms = ms
  }

  check = () => true

  async run(model: Model, real: Real): Promise<void> {
    model.now += this.ms
    real.world.now += this.ms
    const before = structuredClone(model)
    passTime(model)
    const isDue = JSON.stringify(before.commands) !== JSON.stringify(model.commands)
    // The tick finds the device by its time, and only then.
    const found = await real.process.core.tick(10)
    expect(found > 0).toBe(isDue)
    await quiet(real)
    expect(await real.process.core.tick(10)).toBe(0)
    await agree(model, real)
  }

  toString = () => `advance(${this.ms})`
}

class Purge implements Step {
  check = () => true

  async run(model: Model, real: Real): Promise<void> {
    const after = structuredClone(model)
    passTime(after)
    for (const command of after.commands) if (isOpen(command)) finish(after, command, 'Purged')
    const isMortal = real.death !== undefined
    await survive(real, (core) => core.commands.purge(DEVICE))
    if (isMortal) await adopt(model, real, after)
    else Object.assign(model, after)
    await agree(model, real)
  }

  toString = () => 'purge'
}

/** The process ends between two calls, or under the next one. */
class Crash implements Step {
  readonly death: Death | undefined

  constructor(death: Death | undefined) {
    this.death = death
  }

  check = () => true

  async run(model: Model, real: Real): Promise<void> {
    real.process = startProcess(real.world)
    real.death = this.death
    await agree(model, real)
  }

  toString = () =>
    this.death === undefined ? 'crash' : `crashUnderNext(${JSON.stringify(this.death)})`
}

/** The device connects, answers so many commands as it does, and is gone again. */
class Connect implements Step {
  readonly answers: readonly Settle['how'][]

  constructor(answers: Connect['answers']) {
    this.answers = answers
  }

  check = () => true

  async run(model: Model, real: Real): Promise<void> {
    real.death = undefined
    passTime(model)
    const offered: string[] = []
    let isConnected = true
    const pump = {
      dialect: 'test',
      offer: async (received: { readonly command: { readonly commandId: string } }) => {
        expect(isConnected).toBe(true)
        const answer = this.answers[offered.length] ?? 'release'
        offered.push(received.command.commandId)
        return answer
      },
    }
    real.process.desk.attach(DEVICE, pump)
    await quiet(real)
    await quiet(real)
    real.process.desk.detach(DEVICE, pump)
    isConnected = false
    const expected: string[] = []
    for (let index = 0; ; index++) {
      const next = nextOf(model)
      if (next === undefined) break
      expected.push(next.id)
      const answer = this.answers[index] ?? 'release'
      settleModel(model, next, answer)
      if (answer === 'release') break
    }
    expect(offered).toEqual(expected)
    await agree(model, real)
  }

  toString = () => `connect(${this.answers.join()})`
}

const how = fc.constantFrom(
  'complete' as const,
  'reject' as const,
  'abandon' as const,
  'release' as const,
)

const steps: fc.Arbitrary<Step>[] = [
  fc
    .tuple(
      fc.record({
        priority: fc.integer({ min: 0, max: 2 }),
        ttlMs: fc.constantFrom(1_000, 59_000, 60_000, 61_000, 3_600_000),
        ack: fc.constantFrom(
          'none' as const,
          'positive' as const,
          'negative' as const,
          'full' as const,
        ),
        maxDeliveries: fc.integer({ min: 1, max: 3 }),
      }),
      fc.boolean(),
    )
    .map(([options, twice]) => new Send(options, twice)),
  fc.constant(new Receive()),
  fc.tuple(how, fc.nat(5)).map(([one, pick]) => new Settle(one, pick)),
  fc.nat(9).map((pick) => new UseAgain(pick)),
  fc.constantFrom(1, 999, 1_000, 30_000, 59_999, 60_000, 3_600_000).map((ms) => new Advance(ms)),
  fc.constant(new Purge()),
  fc
    .option(
      fc.record({
        call: fc.integer({ min: 1, max: 8 }),
        when: fc.constantFrom('before' as const, 'after' as const),
      }),
      { nil: undefined },
    )
    .map((death) => new Crash(death)),
  fc.array(how, { maxLength: 5 }).map((answers) => new Connect(answers)),
]

describe('commands agree with the model', () => {
  it('over crash, redelivery, expiry and reconnect', async () => {
    await fc.assert(
      fc.asyncProperty(fc.commands(steps, { maxCommands: 40, size: 'max' }), async (commands) => {
        await fc.asyncModelRun(async () => {
          const world = createWorld(START)
          const process = startProcess(world)
          await process.core.ports.registry.create({
            deviceId: DEVICE,
            tags: {},
            enabled: true,
            createdAt: START,
            version: 1,
            credentials: [],
          })
          return {
            model: { now: START, commands: [], told: [] },
            real: { world, process, locks: new Map(), used: [], death: undefined },
          }
        }, commands)
      }),
      { numRuns: 300 },
    )
  }, 120_000)
})
