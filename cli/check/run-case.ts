import { readAnyTopic, telemetryTopic } from '../../adapters/local/index.ts'
import {
  createCore,
  type DeviceRecord,
  type Json,
  type Outcome,
  type Program,
  type Severity,
  type Uplink,
  type UplinkFacts,
} from '../../core/index.ts'
import { createMemoryPorts, type MemoryWorld } from './memory-ports.ts'
import { probeProgram } from './probe-program.ts'
import type { RenderedAction } from './rendered-action.ts'
import type { RuleTestCase, RuleTestStep } from './rule-test-schema.ts'

/** What one rule did. */
export interface FoundRule {
  /** What SELECT gave, once for each match; bytes as base64; Undefined is `undefined`. */
  readonly outputs: (Json | undefined)[]
  readonly actions: RenderedAction[]
  readonly errorActions: RenderedAction[]
  /** Why it, or one of its actions, failed. */
  readonly failures: string[]
}

/** One alarm that was raised or cleared. */
export interface FoundTransition {
  readonly is: 'raised' | 'cleared'
  readonly device: string
  readonly text: string
  readonly severity: Severity
}

/** What happened in one step of a case, or in all of it. */
export interface Found {
  /** What became of the message: `accepted`, `duplicate`, or the code of its dead letter. */
  outcome: string
  /** Why the message went to the dead letters. */
  reason: string
  readonly rules: Map<string, FoundRule>
  readonly alarms: Map<string, FoundTransition[]>
}

/** More moments at which timers fire no case has: a rule that sets a timer again and again ends here. */
const MAX_TIMERS = 10_000

/** Who sends where nobody is named. */
const DEVICE = 'device-1'

/** A case that takes place at no moment. */
export interface ImpossibleStep {
  readonly step: number
  readonly reason: string
}

/**
 * Runs one case through the core, over ports that keep all in memory. Between two messages the clock moves on, and what
 * is due on the way happens at its time.
 *
 * Result: what happened in each step, one for each message.
 */
export async function runCase(
  program: Program,
  test: RuleTestCase,
): Promise<readonly Found[] | ImpossibleStep> {
  let found = newFound()
  const ruleOf = (ruleId: string): FoundRule => {
    const known = found.rules.get(ruleId)
    if (known !== undefined) return known
    const fresh: FoundRule = { outputs: [], actions: [], errorActions: [], failures: [] }
    found.rules.set(ruleId, fresh)
    return fresh
  }
  const probed = probeProgram(program, {
    matched: (ruleId, value) =>
      ruleOf(ruleId).outputs.push(
        value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value,
      ),
    acted: (ruleId, action) => ruleOf(ruleId).actions.push(action),
    errorActed: (ruleId, action) => ruleOf(ruleId).errorActions.push(action),
  })
  const start = Date.parse(test.start)
  const answers = new Map(
    test.lookups.map(({ function: name, args, value }) => [JSON.stringify([name, args]), value]),
  )
  const { ports, world } = createMemoryPorts({
    now: start,
    tables: test.tables,
    answer: ({ function: name, args }) => answers.get(JSON.stringify([name, args])),
    onCommit: (before, after) => noteAlarms(found, before, after),
    onFailure: (ruleId, reason) => ruleOf(ruleId).failures.push(reason),
  })
  const core = createCore(ports, probed)

  /** Lets everything happen that is due until then. */
  async function advance(to: number): Promise<void> {
    for (let fired = 0; fired < MAX_TIMERS; fired++) {
      const due = nextDue(world)
      if (due === undefined || due > to) break
      world.now = Math.max(world.now, due)
      await core.tick(1_000)
    }
    world.now = to
  }

  const steps: readonly RuleTestStep[] = test.messages ?? (test.message ? [test.message] : [])
  const results: Found[] = []
  for (const [index, step] of steps.entries()) {
    found = newFound()
    const at = momentOf(step, start) ?? world.now
    if (at < world.now) {
      const reason = `expected a time not before ${toIso(world.now)}, found ${toIso(at)}`
      return { step: index, reason }
    }
    await advance(at)
    const uplink = toUplink(step, test, at)
    if (uplink !== undefined) {
      const [outcome] = await core.ingest([uplink])
      await core.gate.idle()
      noteOutcome(found, outcome)
    }
    results.push(found)
  }
  return results
}

/** What happened in all steps together. */
export function together(steps: readonly Found[]): Found {
  const all = newFound()
  for (const { outcome, reason, rules, alarms } of steps) {
    if (outcome !== 'accepted') Object.assign(all, { outcome, reason })
    for (const [ruleId, rule] of rules) {
      const before = all.rules.get(ruleId)
      all.rules.set(ruleId, {
        outputs: [...(before?.outputs ?? []), ...rule.outputs],
        actions: [...(before?.actions ?? []), ...rule.actions],
        errorActions: [...(before?.errorActions ?? []), ...rule.errorActions],
        failures: [...(before?.failures ?? []), ...rule.failures],
      })
    }
    for (const [alarmId, transitions] of alarms)
      all.alarms.set(alarmId, [...(all.alarms.get(alarmId) ?? []), ...transitions])
  }
  return all
}

function newFound(): Found {
  return { outcome: 'accepted', reason: '', rules: new Map(), alarms: new Map() }
}

function momentOf({ at }: RuleTestStep, start: number): number | undefined {
  if (at === undefined) return undefined
  return 'at' in at ? at.at : start + at.afterMs
}

function nextDue({ records }: MemoryWorld): number | undefined {
  let due: number | undefined
  for (const { dueAt } of records.values())
    if (dueAt > 0 && (due === undefined || dueAt < due)) due = dueAt
  return due
}

/** The message of a step as a transport would hand it over; `undefined` where only time passes. */
function toUplink(step: RuleTestStep, test: RuleTestCase, at: number): Uplink | undefined {
  const payload = payloadOf(step)
  if (payload === undefined) return undefined
  const said = step.device ?? test.device
  const { meaning } = readAnyTopic(step.topic ?? telemetryTopic(said ?? DEVICE))
  const own = meaning.kind === 'own'
  const sender = own ? (step.clientId ?? DEVICE) : undefined
  const ruleId = own ? meaning.ruleId : undefined
  return {
    deviceId: said ?? (meaning.kind === 'telemetry' ? meaning.deviceId : sender),
    topic: own ? meaning.topic : (step.topic ?? telemetryTopic(said ?? DEVICE)),
    payload,
    contentType: step.contentType ?? '',
    receivedAt: at,
    source: 'test',
    facts: factsOf(step),
    ...(step.messageId === undefined ? {} : { messageId: step.messageId }),
    ...(ruleId === undefined ? {} : { ruleId }),
  }
}

function payloadOf({ payload, text, base64 }: RuleTestStep): Uint8Array | undefined {
  if (text !== undefined) return new Uint8Array(Buffer.from(text))
  if (base64 !== undefined) return new Uint8Array(Buffer.from(base64, 'base64'))
  return payload === undefined ? undefined : new Uint8Array(Buffer.from(JSON.stringify(payload)))
}

function factsOf({
  clientId,
  principal,
  sourceIp,
  traceId,
  userProperties,
}: RuleTestStep): UplinkFacts {
  return {
    ...(clientId === undefined ? {} : { clientId }),
    ...(principal === undefined ? {} : { principal }),
    ...(sourceIp === undefined ? {} : { sourceIp }),
    ...(traceId === undefined ? {} : { traceId }),
    ...(userProperties === undefined ? {} : { userProperties }),
  }
}

function noteOutcome(found: Found, outcome: Outcome | undefined): void {
  if (outcome === undefined) return
  if ('error' in outcome) {
    found.outcome = outcome.error.code
    found.reason = outcome.error.message
  } else found.outcome = outcome.status
}

function noteAlarms(found: Found, before: DeviceRecord | undefined, after: DeviceRecord): void {
  if (before?.alarms === after.alarms) return
  for (const [alarmId, { status, text, severity }] of Object.entries(after.alarms)) {
    const was = before !== undefined && before.alarms[alarmId]?.status === 'active'
    if (was ? status !== 'cleared' : status !== 'active') continue
    const transitions = found.alarms.get(alarmId) ?? []
    const is = was ? 'cleared' : 'raised'
    transitions.push({ is, device: after.deviceId, text, severity })
    found.alarms.set(alarmId, transitions)
  }
}

function toIso(at: number): string {
  return new Date(at).toISOString()
}
