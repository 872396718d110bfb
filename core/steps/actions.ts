import type { ActionContext, ActionResult } from '../actions/action.ts'
import { CoreError } from '../errors.ts'
import { toBase64 } from '../model/base64.ts'
import type { Effect, EffectOrigin } from '../model/effect.ts'
import type { FailureInput, InputResult } from '../model/input.ts'
import type { Json } from '../model/json.ts'
import type { ProgramRule } from '../program.ts'
import type { RuleMessage } from '../rules/index.ts'
import { switchAlarm } from './alarm.ts'
import type { ActionSource } from './context.ts'
import type { Draft } from './draft.ts'
import { applyDesire } from './shadow.ts'

/** One action that could not be done, in AWS's words. Source: AWS IoT, error action message format. */
type ActionFailure = {
  readonly failedAction: string
  readonly failedResource: string
  readonly errorMessage: string
}

/** A rule or a route. */
type Acting = Pick<ProgramRule, 'ruleId' | 'actions' | 'errorAction'>

/** Each action by itself: one that cannot be done leaves the others alone and brings the error action. */
export function runActions(
  draft: Draft,
  { ruleId, actions, errorAction }: Acting,
  message: RuleMessage,
  source: ActionSource,
  value: Json | Uint8Array | undefined,
): void {
  const { messageId, at, receivedAt } = source
  const origin = errorAction === undefined ? undefined : originOf(ruleId, source)
  const failures: ActionFailure[] = []
  for (const [index, run] of actions.entries()) {
    const key = `${ruleId}/${index}/${messageId}`
    const context: ActionContext = {
      message,
      value,
      deviceId: draft.deviceId,
      messageId,
      at,
      receivedAt,
      key,
    }
    try {
      carryOut(draft, run(context), context, origin)
    } catch (error) {
      const failure = draft.fail(ruleId, messageId, error)
      failures.push({
        failedAction: `action ${index + 1}`,
        failedResource: ruleId,
        errorMessage: failure.message,
      })
    }
  }
  if (origin !== undefined && failures.length > 0)
    runErrorAction(draft, origin, failures, receivedAt)
}

/** Does what an action wants: in the record where it can be done there, else through the outbox. */
function carryOut(
  draft: Draft,
  result: ActionResult,
  context: ActionContext,
  origin: EffectOrigin | undefined,
): void {
  switch (result.do) {
    case 'emit':
      // With the event time: two messages with one id of the sender's counter are two.
      draft.emit(`${context.key}/${context.at}`, withEvent(draft, result.effect, context), origin)
      return
    case 'desire':
      refuseIfRefused(
        applyDesire(draft, {
          kind: 'desire',
          name: result.name,
          desired: result.desired,
          at: context.receivedAt,
          by: `rule ${context.key.slice(0, context.key.indexOf('/'))}`,
          ...(result.forMs === undefined ? {} : { forMs: result.forMs }),
          ...(result.once === undefined ? {} : { once: result.once }),
        }),
      )
      return
    case 'alarm':
      switchAlarm(draft, result, context.at, context.receivedAt)
      return
    case 'row':
      draft.addRow(result.row)
      return
    case 'cold':
      draft.addCold(result.row)
      return
    case 'log':
      draft.logs.push({ level: result.level, text: result.text, key: context.key })
  }
}

/** Whoever subscribes to what rules tell has to know which rule it was. Documents for one webhook are for nobody else. */
function withEvent(draft: Draft, effect: Effect, { key }: ActionContext): Effect {
  if (effect.kind !== 'notify' || effect.notification.body !== undefined) return effect
  if (!draft.context.program.audience.hears('rule')) return effect
  const event = { kind: 'rule', id: key.slice(0, key.indexOf('/')) } as const
  return { ...effect, notification: { ...effect.notification, event } }
}

function refuseIfRefused(result: InputResult): void {
  if (result.status === 'refused') throw new CoreError('rule.failed', result.message)
}

function originOf(ruleId: string, source: ActionSource): EffectOrigin {
  const { topic, messageId, at, bytes, facts } = source
  return {
    ruleId,
    topic,
    messageId,
    at,
    base64OriginalPayload: toBase64(bytes),
    ...(facts?.clientId === undefined ? {} : { clientId: facts.clientId }),
  }
}

/** An effect was given up after its last try: the rule's error action is told. */
export function applyFailure(draft: Draft, { entry, reason, at }: FailureInput): InputResult {
  if (entry.origin === undefined) return { status: 'accepted' }
  const failure = {
    failedAction: entry.effect.kind,
    failedResource: entry.key,
    errorMessage: reason,
  }
  runErrorAction(draft, entry.origin, [failure], at)
  return { status: 'accepted' }
}

/** Runs the error action on AWS's document. What it asks for has no error action of its own. */
function runErrorAction(
  draft: Draft,
  origin: EffectOrigin,
  failures: readonly ActionFailure[],
  receivedAt: number,
): void {
  const { rulesById, routesById } = draft.context.program
  const acting = rulesById.get(origin.ruleId) ?? routesById.get(origin.ruleId)
  const run = acting?.errorAction
  if (run === undefined) return
  const body = {
    ruleName: origin.ruleId,
    topic: origin.topic,
    cloudwatchTraceId: origin.messageId,
    clientId: origin.clientId ?? 'N/A',
    base64OriginalPayload: origin.base64OriginalPayload,
    failures,
  }
  const { newId, random } = draft.context
  const facts = { topic: origin.topic, nowMs: receivedAt, newId, random }
  const key = `${origin.ruleId}/error/${origin.messageId}/${failures.map(({ failedAction }) => failedAction).join(',')}`
  const context: ActionContext = {
    message: { body, facts },
    value: body,
    deviceId: draft.deviceId,
    messageId: origin.messageId,
    at: origin.at,
    receivedAt,
    key,
  }
  try {
    carryOut(draft, run(context), context, undefined)
  } catch (error) {
    draft.fail(origin.ruleId, origin.messageId, error)
  }
}
