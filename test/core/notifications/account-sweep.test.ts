import { describe, expect, it } from 'vitest'
import type { ConfigInput } from '../../../core/index.ts'
import { type Running, start } from '../harness.ts'

const DAY = 86_400_000

const CONFIG: ConfigInput = {
  channels: { line: { type: 'queue', queue: 'told' } },
  retention: { notifications: '10d' },
}

async function workOff({ core }: Running): Promise<void> {
  for (let round = 0; round < 1_000; round++) {
    const { sent, retried, failed } = await core.notify(500)
    if (sent + retried + failed === 0) return
  }
}

async function withPeople(count: number): Promise<Running> {
  const running = start(CONFIG)
  for (let index = 0; index < count; index++)
    await running.core.audience.people.put(`p-${index}`, { addresses: ['line'] })
  return running
}

async function send(running: Running, key?: string): Promise<string> {
  const id = await running.core.broadcasts.send(
    { audience: { everybody: true }, subject: 'Drill' },
    key,
  )
  await workOff(running)
  return id
}

/** Ticks as the schedule of a cloud makes them. */
async function ticks({ core, world }: Running, count: number): Promise<void> {
  for (let minute = 0; minute < count; minute++) {
    world.now += 60_000
    await core.tick(100)
  }
}

/** Rows that are kept of notifications on demand, by their tables. */
function rowsOf({ world }: Running): number {
  let rows = 0
  for (const [table, items] of world.tables)
    if (/^\$(notifications|sent|newest|account:|told:|ends:)/.test(table)) rows += items.size
  return rows
}

describe('accounts of notifications on demand', () => {
  it('are forgotten after their time, with all of their rows, and no other', async () => {
    const running = await withPeople(30)
    const old = await send(running)
    running.world.now += 9 * DAY
    const young = await send(running)
    const before = rowsOf(running)
    await ticks(running, 2)
    expect(rowsOf(running)).toBe(before)
    running.world.now += DAY
    await ticks(running, 2)
    expect(await running.core.broadcasts.status(old)).toBeUndefined()
    expect(await running.core.broadcasts.status(young)).toMatchObject({ states: { sent: 30 } })
    expect(rowsOf(running)).toBe(before / 2)
    running.world.now += 10 * DAY
    await ticks(running, 2)
    expect(rowsOf(running)).toBe(0)
    expect(await running.core.audience.people.get('p-0')).toBeDefined()
  })

  it('are forgotten in bounded parts, however many were told', async () => {
    const running = await withPeople(2_600)
    await send(running)
    running.world.now += 10 * DAY
    const left: number[] = [rowsOf(running)]
    while ((left.at(-1) ?? 0) > 0 && left.length < 10) {
      await ticks(running, 1)
      left.push(rowsOf(running))
    }
    expect(left.at(-1)).toBe(0)
    const removed = left.slice(1).map((rows, at) => (left[at] ?? 0) - rows)
    expect(Math.max(...removed)).toBeLessThanOrEqual(1_002)
    expect(removed.length).toBeGreaterThanOrEqual(3)
  })

  it('stay where the same was asked for again under its key', async () => {
    const running = await withPeople(2)
    await send(running, 'drill')
    // Forgotten but for its place on the list, as a crash leaves it; then asked for again.
    running.world.tables.get('$notifications')?.clear()
    running.world.now += 9 * DAY
    await send(running, 'drill')
    running.world.now += DAY
    await ticks(running, 2)
    expect(await running.core.broadcasts.status('k-drill')).toBeDefined()
    expect(running.world.tables.get('$sent')?.size).toBe(1)
  })

  it('hold nothing up where they cannot be forgotten now', async () => {
    const running = await withPeople(1)
    await send(running)
    running.world.now += 11 * DAY
    running.world.away.add('tables')
    expect(await running.core.tick(10)).toBe(0)
    running.world.away.clear()
    await ticks(running, 2)
    expect(rowsOf(running)).toBe(0)
  })
})
