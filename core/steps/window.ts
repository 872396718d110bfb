import type { InputResult, WindowInput } from '../model/input.ts'
import type { WindowMessage } from '../model/window.ts'
import type { ProgramRule, ProgramWindow } from '../program.ts'
import type { RuleMessage } from '../rules/index.ts'
import {
  addToWindows,
  closeDueWindows,
  isOf,
  type WindowChange,
  type WindowResult,
} from '../windows/window.ts'
import { runActions } from './actions.ts'
import type { ActionSource } from './context.ts'
import type { Draft } from './draft.ts'

/** What a window of no messages passes on. */
const NO_BYTES = new Uint8Array()

/** A message that matches goes into the windows of its device, or to the record of its fleet-wide group. */
export function enterWindow(
  draft: Draft,
  rule: ProgramRule,
  window: ProgramWindow,
  message: RuleMessage,
  source: ActionSource,
): void {
  const { groups, aggregates } = window.rule
  const group = groups.map((key) => key.evaluate(message) ?? null)
  const entering: WindowMessage = {
    at: source.at,
    receivedAt: source.receivedAt,
    topic: source.topic,
    group,
    // `count(*)` counts messages, whatever they hold.
    values: aggregates.map(({ argument }) =>
      argument === undefined ? true : (argument.evaluate(message) ?? null),
    ),
  }
  if (window.fleet) {
    const key = `${rule.ruleId}/window/${source.messageId}/${source.at}`
    const deviceId = fleetRecordId(rule.ruleId, group)
    draft.emit(key, { kind: 'window', deviceId, ruleId: rule.ruleId, message: entering })
  } else takeIn(draft, rule, window, entering, source.messageId)
}

/** The record of one fleet-wide group. No device can have such an id. */
function fleetRecordId(ruleId: string, group: readonly unknown[]): string {
  return `$fleet/${ruleId}/${encodeURIComponent(JSON.stringify(group)).slice(0, 800)}`
}

/** A message of some device comes to its fleet-wide group. */
export function applyWindow(draft: Draft, { ruleId, message, key }: WindowInput): InputResult {
  const rule = draft.context.program.rulesById.get(ruleId)
  if (rule?.window === undefined) return { status: 'accepted' }
  if (draft.remember(key)) return { status: 'duplicate' }
  takeIn(draft, rule, rule.window, message, key)
  return { status: 'accepted' }
}

/** Closes windows whose time is up by our clock, and forgets those of rules that are gone or cut them otherwise by now. */
export function closeWindows(draft: Draft, now: number): void {
  for (const [ruleId, state] of Object.entries(draft.windows)) {
    const rule = draft.context.program.rulesById.get(ruleId)
    if (rule?.window === undefined || !isOf(state, rule.window.plan))
      draft.setWindow(ruleId, undefined)
    else {
      const change = closeDueWindows(state, rule.window.plan, now)
      if (change.state !== state) settle(draft, rule, rule.window, change, '')
    }
  }
}

function takeIn(
  draft: Draft,
  rule: ProgramRule,
  window: ProgramWindow,
  message: WindowMessage,
  messageId: string,
): void {
  settle(
    draft,
    rule,
    window,
    addToWindows(draft.windows[rule.ruleId], window.plan, message),
    messageId,
  )
}

function settle(
  draft: Draft,
  rule: ProgramRule,
  window: ProgramWindow,
  change: WindowChange,
  messageId: string,
): void {
  draft.setWindow(rule.ruleId, change.state)
  for (const closed of change.closed) {
    try {
      giveOut(draft, rule, window, closed, change.state.topic, messageId)
    } catch (error) {
      draft.fail(rule.ruleId, messageId, error)
    }
  }
}

/** HAVING and SELECT over what the window came to, then the actions. Their templates see the result. */
function giveOut(
  draft: Draft,
  rule: ProgramRule,
  window: ProgramWindow,
  closed: WindowResult,
  topic: string,
  messageId: string,
): void {
  const { newId, random, now } = draft.context
  const facts = { topic, nowMs: now, newId, random }
  const result = window.rule.output(closed, { body: undefined, facts })
  if (result.status === 'no_match') return
  draft.countMatch(rule.ruleId)
  const { value } = result
  const body = value instanceof Uint8Array ? undefined : value
  const source = {
    topic,
    // A sliding window tells something after each message; all others once for each moment.
    messageId:
      closed.entered === true
        ? messageId
        : `${closed.start}-${closed.end}-${JSON.stringify(closed.group)}`,
    at: closed.end,
    receivedAt: now,
    bytes: NO_BYTES,
  }
  runActions(draft, rule, { body, facts }, source, value)
}
