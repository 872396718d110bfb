import { parse } from '@marcbachmann/cel-js'
import { compileExpression } from 'filtrex'
import { LogicEngine } from 'json-logic-engine'
import { Engine } from 'json-rules-engine'
import jsonata from 'jsonata'
import sift from 'sift'
import { type Body, bodiesOf, exceeded, POOL, textsOf, thresholdsOf } from './messages.ts'
import { name } from './ours.ts'
import type { PeerName } from './peer-names.ts'
import { expectCount, type Task } from './task.ts'

/** How many of its rules match a message. */
type Count = (body: Body) => number | Promise<number>

/** Each peer as its documentation says to use it when speed matters: rules compiled once. They only tell what matches. */
const PEERS: Readonly<Record<PeerName, (thresholds: readonly number[]) => Count>> = {
  'json-rules-engine': (thresholds) => {
    const engine = new Engine()
    for (const value of thresholds) {
      engine.addRule({
        conditions: { all: [{ fact: 'temp', operator: 'greaterThan', value }] },
        event: { type: 'match' },
      })
    }
    return async (body) => (await engine.run({ ...body })).events.length
  },
  '@marcbachmann/cel-js': (thresholds) =>
    counting(thresholds.map((value) => parse(`temp > ${value.toFixed(4)}`))),
  // Its types say that it is a module with a default; it is both.
  sift: (thresholds) =>
    counting(thresholds.map((value) => sift.default<Body>({ temp: { $gt: value } }))),
  jsonata: (thresholds) => {
    const expressions = thresholds.map((value) => jsonata(`temp > ${value}`))
    return async (body) => {
      let count = 0
      for (const expression of expressions) if ((await expression.evaluate(body)) === true) count++
      return count
    }
  },
  'json-logic-engine': (thresholds) => {
    const engine = new LogicEngine()
    return counting(
      thresholds.map((value) => {
        const test = engine.build({ '>': [{ var: 'temp' }, value] })
        return (body) => test(body)
      }),
    )
  },
  filtrex: (thresholds) =>
    counting(thresholds.map((value) => compileExpression(`temp > ${value}`))),
}

/** One task for each number of rules. A slow peer gets fewer messages in a call. */
export function peerTasks(peer: PeerName, counts: readonly number[]): Task[] {
  const create = PEERS[peer]
  const pool = bodiesOf(textsOf(1))
  return counts.map((count) => {
    const thresholds = thresholdsOf(count)
    const bodies = count > 100 ? pool.filter((_, index) => index % (POOL / 4) === 0) : pool
    const expected = exceeded(bodies, thresholds)
    let matches: Count | undefined
    return {
      name: name(count),
      messages: bodies.length,
      async run() {
        matches ??= create(thresholds)
        let found = 0
        for (const body of bodies) {
          const count = matches(body)
          found += typeof count === 'number' ? count : await count
        }
        expectCount(`${peer}, ${name(count)}`, found, expected)
      },
    }
  })
}

function counting(tests: readonly ((body: Body) => unknown)[]): Count {
  return (body) => {
    let count = 0
    for (const test of tests) if (test(body) === true) count++
    return count
  }
}
