import {
  compileProgram,
  DEFAULT_PRESENCE,
  type DecodePlan,
  type DeviceInput,
  type DeviceRecord,
  decodeUplink,
  newDeviceRecord,
  type Program,
  parseConfig,
  type StepContext,
  type StepResult,
  step,
  type Telemetry,
  type Uplink,
} from '../../core/index.ts'
import { FIRST_NUMBER, type Message, messageOf, textOf } from '../load/message.ts'

/** Messages of one run through the pool; each of its temperatures comes equally often. */
export const POOL = 200
const RULES = 10
const TOPIC = 'devices/d00001/telemetry'
const STARTED_AT = 1_700_000_000_000

/** One thing that is measured. Each call of `run` works on the whole pool; `check` looks at what it kept. */
export interface Task {
  readonly name: string
  readonly run: () => void
  /** @throws Error if the kept results are not the right ones. */
  readonly check: () => void
}

/** Temperatures above which the rules match: from 11 to 29 of 200, one in ten on average. */
function thresholds(): number[] {
  return Array.from({ length: RULES }, (_, index) => -(1_811 + 2 * index) / 100)
}

/** How often the rules have to match on the pool, counted without them. */
export function expectedMatches(messages: readonly Message[]): number {
  let count = 0
  for (const { temp } of messages)
    for (const threshold of thresholds()) if (temp > threshold) count++
  return count
}

function programOf(acts: boolean): Program {
  const republish = { topic: 'alerts/${topic(2)}', qos: 1, retain: false } as const
  const rules = thresholds().map((threshold, index) => [
    `rule-${index}`,
    {
      sql: `SELECT temp, topic(2) AS device FROM 'devices/+/telemetry' WHERE temp > ${threshold}`,
      actions: acts ? [{ republish }] : [],
    },
  ])
  const parsed = parseConfig({ rules: Object.fromEntries(rules) })
  if (!('config' in parsed)) throw new Error(JSON.stringify(parsed.faults))
  const compiled = compileProgram(parsed.config)
  if (!('program' in compiled)) throw new Error(JSON.stringify(compiled.faults))
  return compiled.program
}

/** Fails where a kept result is not what it has to be. */
export function expectEqual(name: string, found: unknown, expected: unknown): void {
  if (found !== expected) throw new Error(`${name}: expected ${expected}, found ${found}`)
}

/** All tasks, the floor first. */
export function createTasks(): Task[] {
  const messages = Array.from({ length: POOL }, (_, index) =>
    messageOf(FIRST_NUMBER + index, STARTED_AT + index * 1_000),
  )
  const texts = messages.map(textOf)
  const encoder = new TextEncoder()
  const uplinks = texts.map((text, index): Uplink => {
    const payload = encoder.encode(text)
    const receivedAt = STARTED_AT + index * 1_000
    return {
      deviceId: 'd00001',
      topic: TOPIC,
      payload,
      contentType: '',
      receivedAt,
      source: 'mqtt',
    }
  })
  const acting = programOf(true)
  const plan = planOf(acting)
  const decoded = uplinks.map((uplink) => decodeUplink(uplink, plan, ''))
  const numbers = messages.reduce((sum, { n }) => sum + n, 0)
  const matches = expectedMatches(messages)
  const last = messages.at(-1)?.n

  return [
    parseTask(texts, numbers),
    decodeTask(uplinks, plan, numbers),
    matchTask(acting, decoded, matches),
    stepTask('step, rules without an action', programOf(false), decoded, 1, matches, last),
    stepTask('step', acting, decoded, 1, matches, last),
    stepTask('step, batches of 50', acting, decoded, 50, matches, last),
    wholeTask('decode + step', acting, uplinks, plan, 1, matches, last),
    wholeTask('decode + step, batches of 50', acting, uplinks, plan, 50, matches, last),
  ]
}

function planOf(program: Program): DecodePlan {
  const type = program.deviceType('d00001')
  if (type === undefined) throw new Error('expected a device type, found none')
  return type.decode
}

function parseTask(texts: readonly string[], expected: number): Task {
  let sum = 0
  return {
    name: 'JSON.parse',
    run() {
      sum = 0
      for (const text of texts) {
        const message: Message = JSON.parse(text)
        sum += message.n
      }
    },
    check: () => expectEqual('JSON.parse', sum, expected),
  }
}

function decodeTask(uplinks: readonly Uplink[], plan: DecodePlan, expected: number): Task {
  let sum = 0
  return {
    name: 'decode (bytes to telemetry)',
    run() {
      sum = 0
      for (const uplink of uplinks) {
        const { n } = decodeUplink(uplink, plan, '').metrics
        if (typeof n === 'number') sum += n
      }
    },
    check: () => expectEqual('decode', sum, expected),
  }
}

function matchTask(program: Program, decoded: readonly Telemetry[], expected: number): Task {
  let matched = 0
  return {
    name: 'the rules alone, with projection',
    run() {
      matched = 0
      for (const { body, bytes, topic, receivedAt } of decoded) {
        const message = { body, bytes, facts: { topic, nowMs: receivedAt } }
        for (const { rule } of program.rules.match(topic))
          if (rule.evaluate(message).status === 'output') matched++
      }
    },
    check: () => expectEqual('the rules alone', matched, expected),
  }
}

/** What a run through the pool leaves behind. */
interface Kept {
  matched: number
  effects: number
  rows: number
  /** Number of the last message, as the record has it. */
  last: unknown
}

function createKept(): Kept {
  return { matched: 0, effects: 0, rows: 0, last: undefined }
}

function keep(kept: Kept, { record, rows, events }: StepResult): void {
  for (const times of events.matched.values()) kept.matched += times
  kept.effects += record.outbox.length
  kept.rows += rows.length
  kept.last = record.last['n']?.value
}

function checkKept(name: string, kept: Kept, expected: Kept): void {
  expectEqual(`${name}, matches`, kept.matched, expected.matched)
  expectEqual(`${name}, effects`, kept.effects, expected.effects)
  expectEqual(`${name}, rows`, kept.rows, expected.rows)
  expectEqual(`${name}, last value`, kept.last, expected.last)
}

function stepTask(
  name: string,
  program: Program,
  decoded: readonly Telemetry[],
  size: number,
  matched: number,
  last: unknown,
): Task {
  const { record, context } = busyDevice(program)
  const batches: DeviceInput[][] = []
  for (let at = 0; at < decoded.length; at += size)
    batches.push(
      decoded.slice(at, at + size).map((telemetry) => ({ kind: 'telemetry', telemetry })),
    )
  const acts = program.rules.match(TOPIC).some(({ actions }) => actions.length > 0)
  const expected = { matched, effects: acts ? matched : 0, rows: decoded.length, last }
  let kept = createKept()
  return {
    name,
    run() {
      kept = createKept()
      for (const inputs of batches) keep(kept, step(record, inputs, context))
    },
    check: () => checkKept(name, kept, expected),
  }
}

function wholeTask(
  name: string,
  program: Program,
  uplinks: readonly Uplink[],
  plan: DecodePlan,
  size: number,
  matched: number,
  last: unknown,
): Task {
  const { record, context } = busyDevice(program)
  const expected = { matched, effects: matched, rows: uplinks.length, last }
  let kept = createKept()
  return {
    name,
    run() {
      kept = createKept()
      for (let at = 0; at < uplinks.length; at += size) {
        const inputs: DeviceInput[] = []
        for (let index = at; index < at + size; index++) {
          const uplink = uplinks[index]
          if (uplink !== undefined)
            inputs.push({ kind: 'telemetry', telemetry: decodeUplink(uplink, plan, '') })
        }
        keep(kept, step(record, inputs, context))
      }
    },
    check: () => checkKept(name, kept, expected),
  }
}

/** A device in the middle of its life: values, a shadow and remembered ids are there. */
function busyDevice(program: Program): { record: DeviceRecord; context: StepContext } {
  const plan = planOf(program)
  const context: StepContext = {
    program,
    now: STARTED_AT,
    known: new Set(),
    report: true,
    presence: DEFAULT_PRESENCE,
    gateway: undefined,
    lookups: undefined,
    newId: () => 'id',
    random: () => 0,
  }
  let record = newDeviceRecord('d00001', STARTED_AT)
  const encoder = new TextEncoder()
  for (let index = 0; index < 60; index++) {
    const at = STARTED_AT - 60_000 + index
    const payload = encoder.encode(textOf(messageOf(FIRST_NUMBER - 60 + index, at)))
    const uplink = { deviceId: 'd00001', topic: TOPIC, payload, contentType: '' }
    const telemetry = decodeUplink({ ...uplink, receivedAt: at, source: 'mqtt' }, plan, '')
    record = { ...step(record, [{ kind: 'telemetry', telemetry }], context).record, outbox: [] }
  }
  return { record, context }
}
