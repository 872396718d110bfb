import { describe, expect, it, vi } from 'vitest'
import {
  type CommandDesk,
  type CommandPump,
  createCommandDesk,
  type Offered,
} from '../../../adapters/local/command-desk.ts'
import { createMethodDesk } from '../../../adapters/local/method-desk.ts'
import { type Core, createCore } from '../../../core/index.ts'
import { createMemoryPorts, createWorld } from '../../fakes/memory-ports.ts'
import { programOf } from './cloud.ts'

const DEVICE = 'dev-1'

function build(): { core: Core; desk: CommandDesk; states: () => Promise<string[]> } {
  const world = createWorld(Date.now())
  world.registered.set(DEVICE, {
    deviceId: DEVICE,
    tags: {},
    enabled: true,
    createdAt: world.now,
    version: 1,
    credentials: [],
  })
  const ports = createMemoryPorts(world)
  const core: Core = createCore(
    { ...ports, downlink: { ...ports.downlink, command: async (id) => desk.wake(id) } },
    programOf({}),
  )
  const desk = createCommandDesk(() => core)
  return {
    core,
    desk,
    states: async () => (await core.commands.list(DEVICE)).map(({ state }) => state),
  }
}

function pump(answer: () => Offered | Promise<Offered>, window?: number) {
  const got: string[] = []
  const made: CommandPump = {
    dialect: 'test',
    ...(window === undefined ? {} : { window }),
    async offer({ command }) {
      got.push(command.commandId)
      return answer()
    },
  }
  return { pump: made, got }
}

const send = (core: Core, ...ids: string[]) =>
  Promise.all(
    ids.map((commandId) =>
      core.commands.send(DEVICE, { commandId, name: 'go', payload: new Uint8Array() }),
    ),
  )

describe('the command desk', () => {
  it('gives commands to the newest pump, and to the one before it when that leaves', async () => {
    const { core, desk, states } = build()
    const first = pump(() => 'complete')
    const second = pump(() => 'complete')
    desk.attach(DEVICE, first.pump)
    desk.attach(DEVICE, second.pump)
    await send(core, 'a')
    await vi.waitFor(async () => expect(await states()).toEqual(['Completed']))
    desk.detach(DEVICE, second.pump)
    desk.detach(DEVICE, second.pump)
    await send(core, 'b')
    await vi.waitFor(async () => expect(await states()).toEqual(['Completed', 'Completed']))
    expect([first.got, second.got]).toEqual([['b'], ['a']])
    desk.detach(DEVICE, first.pump)
    expect(desk.size).toBe(0)
    await send(core, 'c')
    expect((await states())[2]).toBe('Enqueued')
  })

  it('has no more of them on their way than the pump takes', async () => {
    const { core, desk, states } = build()
    const ends: ((offered: Offered) => void)[] = []
    const slow = pump(() => new Promise((resolve) => ends.push(resolve)), 2)
    desk.attach(DEVICE, slow.pump)
    await send(core, 'a', 'b', 'c')
    await vi.waitFor(() => expect(slow.got).toEqual(['a', 'b']))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(slow.got).toHaveLength(2)
    ends[1]?.('complete')
    await vi.waitFor(() => expect(slow.got).toEqual(['a', 'b', 'c']))
    expect(await states()).toEqual(['Delivered', 'Completed', 'Delivered'])
  })

  it('does not ask a pump again and again that gives back what it cannot take', async () => {
    const { core, desk, states } = build()
    const shy = pump(() => 'release')
    desk.attach(DEVICE, shy.pump)
    await send(core, 'a')
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(shy.got.length).toBeLessThanOrEqual(2)
    expect(await states()).toEqual(['Enqueued'])
    const asked = shy.got.length
    desk.wake(DEVICE)
    await vi.waitFor(() => expect(shy.got).toHaveLength(asked + 1))
  })

  it('gives a command back whose pump fails, and what was fetched for a pump that has left', async () => {
    const { core, desk, states } = build()
    const broken = pump(() => Promise.reject(new Error('broken')))
    desk.attach(DEVICE, broken.pump)
    await send(core, 'a')
    await vi.waitFor(() => expect(broken.got).toEqual(['a']))
    await vi.waitFor(async () => expect(await states()).toEqual(['Enqueued']))
    desk.detach(DEVICE, broken.pump)
    const gone = pump(() => 'complete')
    desk.attach(DEVICE, gone.pump)
    desk.detach(DEVICE, gone.pump)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(gone.got).toEqual([])
    expect(await states()).toEqual(['Enqueued'])
  })
})

describe('the method desk', () => {
  const call = { name: 'go', payload: null, connectTimeoutMs: 0, responseTimeoutMs: 200 }

  it('asks the newest responder, and the one before it when that leaves', async () => {
    const desk = createMethodDesk()
    const answer = (status: number) => ({ call: async () => ({ status, payload: null }) })
    const [first, second] = [answer(1), answer(2)]
    desk.attach(DEVICE, first)
    desk.attach(DEVICE, second)
    expect((await desk.invoke(DEVICE, call)).status).toBe(2)
    desk.detach(DEVICE, second)
    expect((await desk.invoke(DEVICE, call)).status).toBe(1)
    desk.detach(DEVICE, first)
    await expect(desk.invoke(DEVICE, call)).rejects.toMatchObject({ code: 'method.device_offline' })
  })

  it('asks who has just come only once it is settled, and nobody who has left until then', async () => {
    const desk = createMethodDesk()
    const asked: string[] = []
    const responder = (name: string) => ({
      call: async () => {
        asked.push(name)
        return { status: 200, payload: null }
      },
    })
    const waiting = desk.invoke(DEVICE, { ...call, connectTimeoutMs: 5_000 })
    const [first, second] = [responder('first'), responder('second')]
    desk.attach(DEVICE, first)
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(asked).toEqual([])
    desk.attach(DEVICE, second)
    desk.detach(DEVICE, first)
    await waiting
    expect(asked).toEqual(['second'])
  })

  it('lets many wait for one device, and tells the responder when nobody waits any more', async () => {
    const desk = createMethodDesk()
    const waiting = Array.from({ length: 3 }, () =>
      desk.invoke(DEVICE, { ...call, connectTimeoutMs: 5_000 }),
    )
    const aborted: boolean[] = []
    desk.attach(DEVICE, {
      call: (_call, signal) =>
        new Promise(() => signal.addEventListener('abort', () => aborted.push(true))),
    })
    for (const one of await Promise.allSettled(waiting))
      expect(one).toMatchObject({ status: 'rejected', reason: { code: 'method.timed_out' } })
    expect(aborted).toEqual([true, true, true])
  })
})
