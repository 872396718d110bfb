import { describe, expect, it } from 'vitest'
import { recordOf } from '../../fakes/memory-ports.ts'
import { NOW, start, uplink } from '../harness.ts'

const at = NOW / 1_000

function open() {
  const { core, world } = start({})
  return {
    world,
    core,
    update: (body: object, by?: string, name = '') =>
      core.gate.run('dev-1', [
        {
          kind: 'shadow',
          operation: 'update',
          name,
          body: JSON.stringify(body),
          at: NOW,
          ...(by === undefined ? {} : { by }),
        },
      ]),
    log: () => recordOf(world, 'dev-1')?.shadowLog,
  }
}

describe('the log of shadows', () => {
  it('keeps who wanted what, and what the device said, as patches', async () => {
    const { update, log } = open()
    await update({ state: { desired: { led: { on: true, hue: 3 } } } }, 'admin')
    await update({ state: { reported: { led: { on: true } } } })
    await update({ state: { desired: { led: { hue: null } } } }, 'rule night')
    expect(log()).toEqual([
      { name: '', version: 1, at, by: 'admin', desired: { patch: { led: { on: true, hue: 3 } } } },
      { name: '', version: 2, at, reported: { patch: { led: { on: true } } } },
      { name: '', version: 3, at, by: 'rule night', desired: { patch: { led: { hue: null } } } },
    ])
  })

  it('does not log what changed nothing, what was refused, and what was measured', async () => {
    const { core, update, log } = open()
    await update({ state: { desired: { on: true } } })
    await update({ state: { desired: { on: true } } })
    await update({ state: 1 })
    await core.ingest([uplink({ temp: 21 })])
    expect(log()).toHaveLength(1)
  })

  it('logs a deletion and goes on with what is new after it', async () => {
    const { core, update, log } = open()
    await update({ state: { desired: { on: true } } }, 'admin', 'radio')
    await core.gate.run('dev-1', [
      { kind: 'shadow', operation: 'delete', name: 'radio', body: '', at: NOW },
    ])
    await update({ state: { desired: { on: true } } }, 'admin', 'radio')
    expect(log()?.map(({ deleted, desired }) => deleted ?? desired?.patch)).toEqual([
      { on: true },
      true,
      { on: true },
    ])
  })

  it('holds twenty changes, and of a long one its names', async () => {
    const { update, log } = open()
    for (let count = 1; count <= 25; count++) await update({ state: { desired: { count } } })
    await update({ state: { desired: { text: 'x'.repeat(2_000) } } })
    expect(log()).toHaveLength(20)
    expect(log()?.[0]?.version).toBe(7)
    expect(log()?.at(-1)?.desired).toEqual({ names: ['text'] })
  })
})
