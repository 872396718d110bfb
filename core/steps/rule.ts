import { CoreError } from '../errors.ts'
import { isJsonObject, type Json } from '../model/json.ts'
import type { Telemetry } from '../model/telemetry.ts'
import type { Action, ProgramRule } from '../program.ts'
import type { RuleMessage } from '../rules/index.ts'
import { toBase64 } from './base64.ts'
import type { Draft } from './draft.ts'
import { applyDesire } from './shadow.ts'

/** Runs one rule on one message, and its actions if it matches. A failure is noted and touches nothing else. */
export function runRule(
  draft: Draft,
  { ruleId, rule, actions }: ProgramRule,
  message: RuleMessage,
  telemetry: Telemetry,
): void {
  try {
    const result = rule.evaluate(message)
    if (result.status === 'no_match') return
    draft.countMatch(ruleId)
    for (const [index, action] of actions.entries()) {
      runAction(
        draft,
        action,
        result.value,
        message,
        telemetry,
        `${ruleId}/${index}/${telemetry.messageId}`,
      )
    }
  } catch (error) {
    if (!(error instanceof CoreError)) throw error
    draft.failed.push({ ruleId, messageId: telemetry.messageId, error })
  }
}

function runAction(
  draft: Draft,
  action: Action,
  value: Json | Uint8Array | undefined,
  message: RuleMessage,
  telemetry: Telemetry,
  key: string,
): void {
  switch (action.kind) {
    case 'republish': {
      const payload =
        value instanceof Uint8Array
          ? toBase64(value)
          : value === undefined
            ? ''
            : JSON.stringify(value)
      const encoding = value instanceof Uint8Array ? 'base64' : 'utf8'
      const topic = action.topic.render(message)
      draft.emit(key, {
        kind: 'publish',
        topic,
        payload,
        encoding,
        qos: action.qos,
        retain: action.retain,
      })
      return
    }
    case 'notify':
      draft.emit(key, {
        kind: 'notify',
        notification: {
          key: `${draft.deviceId}/${key}/${telemetry.at}`,
          channelIds: action.channelIds,
          deviceId: draft.deviceId,
          severity: action.severity,
          subject: action.subject.render(message),
          text: action.text.render(message),
          at: telemetry.at,
          data: value instanceof Uint8Array || value === undefined ? null : value,
        },
      })
      return
    case 'setDesired': {
      const desired = action.state === undefined ? value : action.state(message)
      if (desired === undefined || desired instanceof Uint8Array || !isJsonObject(desired)) {
        throw new CoreError('rule.failed', 'setDesired: expected an object as desired state')
      }
      const deviceId = action.device === undefined ? draft.deviceId : action.device.render(message)
      if (deviceId === draft.deviceId)
        applyDesire(draft, {
          kind: 'desire',
          name: action.shadow,
          desired,
          at: telemetry.receivedAt,
        })
      else draft.emit(key, { kind: 'desire', deviceId, name: action.shadow, desired })
      return
    }
  }
}
