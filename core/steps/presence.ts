import { countFlap, judgePresence } from '../devices/presence.ts'
import type { Presence } from '../model/device-record.ts'
import type { InputResult, PresenceInput } from '../model/input.ts'
import { judgeAlarm } from './alarm.ts'
import type { ActionSource } from './context.ts'
import type { Draft } from './draft.ts'
import { tellHealth } from './health.ts'
import { giveNotice } from './notice.ts'
import { routeEvent } from './route.ts'
import { runRules } from './rule.ts'

/** Where rules and alarms find what is told of the presence of a device. Devices cannot publish there. */
export function presenceTopic(deviceId: string): string {
  return `$anyhub/presence/${deviceId}`
}

/** A device connected, or its connection ended. */
export function applyPresence(draft: Draft, input: PresenceInput): InputResult {
  const { connected, at, heard = connected } = input
  const before = draft.presence
  const gateway = connected ? input.gateway : (input.gateway ?? before.gateway)
  const isFlap =
    connected &&
    !before.connected &&
    before.changedAt > 0 &&
    at - before.changedAt < draft.context.presence.offlineAfterMs &&
    before.judged?.told === 'online'
  const judged = isFlap ? countFlap(before.judged) : before.judged
  draft.setPresence({
    connected,
    changedAt: connected && before.connected ? before.changedAt : at,
    seenAt: heard ? Math.max(before.seenAt, at) : before.seenAt,
    ...(gateway === undefined ? {} : { gateway }),
    ...(judged === undefined ? {} : { judged }),
  })
  giveConnectionNotice(draft, connected, at)
  return { status: 'accepted' }
}

/** The connection itself, without judgement. Source: AWS IoT, lifecycle events, "Connect/Disconnect events". */
function giveConnectionNotice(draft: Draft, connected: boolean, at: number): void {
  const eventType = connected ? 'connected' : 'disconnected'
  const { deviceId: clientId } = draft
  const topic = `$aws/events/presence/${eventType}/${clientId}`
  giveNotice(draft, topic, { clientId, timestamp: at, eventType }, `presence/${eventType}/${at}`)
}

/** Judges the device by all that the step brought, and runs rules and alarms if there is something to tell. */
export function settlePresence(draft: Draft): void {
  const { now, presence: plan, gateway } = draft.context
  if (plan.expectMs === 0) {
    // Most messages come from a device that is known to be there, or of which only messages are known.
    const { connected, changedAt, judged } = draft.connection
    if (judged === undefined && changedAt === 0) return
    if (connected && judged?.status === 'online' && judged.dueAt === 0) return
  }
  const before = draft.presence
  const { judged, isNews } = judgePresence(before, plan, now, gateway)
  if (judged === undefined || judged === before.judged) return
  draft.setPresence({ ...before, judged })
  if (isNews) tell(draft, { ...before, judged }, before)
}

function tell(draft: Draft, presence: Presence, before: Presence): void {
  const { newId, random, now } = draft.context
  const { connected, seenAt, gateway, judged } = presence
  if (judged === undefined) return
  const body = {
    deviceId: draft.deviceId,
    status: judged.status,
    before: before.judged?.told ?? 'unknown',
    at: now,
    connected,
    seenAt,
    sequence: judged.sequence,
    flaps: before.judged?.flaps ?? 0,
    ...(gateway === undefined ? {} : { gateway }),
  }
  const topic = presenceTopic(draft.deviceId)
  const message = { body, facts: { topic, nowMs: now, newId, random } }
  const source: ActionSource = {
    topic,
    messageId: `presence-${judged.sequence}`,
    at: now,
    receivedAt: now,
    bytes: new TextEncoder().encode(JSON.stringify(body)),
  }
  runRules(draft, message, source)
  tellHealth(draft, judged.status, body)
  if (judged.status === 'online' || judged.status === 'offline') {
    routeEvent(draft, {
      source: 'connectionState',
      operation: judged.status === 'online' ? 'deviceConnected' : 'deviceDisconnected',
      schema: 'deviceConnectionStateNotification',
      // As long as Azure's: texts of one length compare as the numbers do.
      body: { sequenceNumber: judged.sequence.toString(16).toUpperCase().padStart(64, '0') },
      id: source.messageId,
    })
  }
  for (const alarm of draft.context.program.alarms.match(topic))
    judgeAlarm(draft, alarm, message, source)
}
