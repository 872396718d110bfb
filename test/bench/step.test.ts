import { describe, expect, it } from 'vitest'
import { FIRST_NUMBER, messageOf } from '../../bench/load/message.ts'
import { createTasks, expectEqual, expectedMatches } from '../../bench/step/workload.ts'

describe('the step bench', () => {
  const tasks = createTasks()

  it('has a floor and something to measure', () => {
    expect(tasks.map(({ name }) => name)).toEqual(expect.arrayContaining(['JSON.parse', 'step']))
    expect(new Set(tasks.map(({ name }) => name)).size).toBe(tasks.length)
  })

  it.each(tasks.map((task) => [task.name, task] as const))(
    '%s: keeps the right results, and its check fails without them',
    (_, task) => {
      expect(task.check).toThrow('expected')
      task.run()
      expect(task.check).not.toThrow()
      task.run()
      expect(task.check).not.toThrow()
    },
  )

  it('matches one rule in ten on average', () => {
    const messages = Array.from({ length: 200 }, (_, index) => messageOf(FIRST_NUMBER + index, 0))
    expect(expectedMatches(messages) / (messages.length * 10)).toBeCloseTo(0.1)
  })

  it('names what it expected', () => {
    expect(() => expectEqual('a', 1, 2)).toThrow('a: expected 2, found 1')
  })
})
