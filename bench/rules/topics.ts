import { ruleSetOf } from './ours.ts'
import { expectCount, type Task } from './task.ts'

const FILTERS = 100_000
const TOPICS = 1_000

/** Filters of a plant: most name a machine, some a line or a building. */
function filters(): string[] {
  return Array.from({ length: FILTERS }, (_, index) => {
    const building = index % 100
    const line = Math.floor(index / 100) % 100
    const machine = Math.floor(index / 10_000)
    switch (machine) {
      case 8:
        return `plant/${building}/${line}/+/telemetry`
      case 9:
        return line === 0 ? `plant/${building}/#` : `plant/${building}/${line}/#`
      default:
        return `plant/${building}/${line}/${machine}/telemetry`
    }
  })
}

/** The machines that send: every tenth line of every building. */
function topics(): string[] {
  return Array.from({ length: TOPICS }, (_, index) => {
    return `plant/${index % 100}/${Math.floor(index / 100) * 10}/${index % 8}/telemetry`
  })
}

/** How often the topics reach the filters, level by level, without an index. */
export function countReached(all: readonly string[], on: readonly string[]): number {
  const parsed = all.map((filter) => filter.split('/'))
  let count = 0
  for (const topic of on) {
    const levels = topic.split('/')
    for (const filter of parsed) if (reaches(filter, levels)) count++
  }
  return count
}

function reaches(filter: readonly string[], levels: readonly string[]): boolean {
  for (let at = 0; at < filter.length; at++) {
    if (filter[at] === '#') return levels.length > at
    if (at >= levels.length || (filter[at] !== '+' && filter[at] !== levels[at])) return false
  }
  return filter.length === levels.length
}

/** Topic match over all filters: the same topics again and again, as devices send, and topics never heard before. */
export function topicTasks(): Task[] {
  const all = filters()
  const repeated = topics()
  const rules = ruleSetOf(all.map((filter) => `SELECT * FROM '${filter}'`))
  const expected = countReached(all, repeated)
  let round = 0
  const match = (label: string, topicOf: (topic: string) => string): Task => ({
    name: label,
    messages: TOPICS,
    run() {
      let found = 0
      round++
      for (const topic of repeated) found += rules.match(topicOf(topic)).length
      expectCount(label, found, expected)
    },
  })
  const fresh = all.filter((filter) => filter.endsWith('#')).map((filter) => filter.slice(0, -1))
  return [
    match(
      `topic match over ${FILTERS.toLocaleString('en-US')} filters, repeated topics`,
      (topic) => topic,
    ),
    {
      name: `topic match over ${FILTERS.toLocaleString('en-US')} filters, topics never heard before`,
      messages: fresh.length,
      run() {
        round++
        let found = 0
        for (const prefix of fresh) if (rules.match(`${prefix}new/${round}`).length > 0) found++
        expectCount('new topics', found, fresh.length)
      },
    },
  ]
}
