import type { Json } from '../model/json.ts'
import { shadowTopic } from '../shadow/index.ts'
import type { Draft } from './draft.ts'

/** Keeps a notice until the input has been taken in; nothing if no rule and no alarm listens to such topics. */
export function giveNotice(draft: Draft, topic: string, body: Json, id: string): void {
  if (!draft.context.program.hearsNotices) return
  draft.notices.push({ topic, body, bytes: encode(JSON.stringify(body)), id })
}

/** What became of a shadow. */
export function giveShadowNotice(
  draft: Draft,
  name: string,
  event: string,
  body: Json,
  id: string,
): void {
  if (!draft.context.program.hearsNotices) return
  giveNotice(draft, shadowTopic(draft.deviceId, name, event), body, `shadow/${name}/${event}/${id}`)
}

/** A request as it was sent, whatever it is. */
export function giveRequestNotice(
  draft: Draft,
  name: string,
  event: string,
  sent: string | Uint8Array,
  id: string,
): void {
  if (!draft.context.program.hearsNotices) return
  const bytes = typeof sent === 'string' ? encode(sent) : sent
  const topic = shadowTopic(draft.deviceId, name, event)
  draft.notices.push({ topic, body: parse(bytes), bytes, id: `shadow/${name}/${event}/${id}` })
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function parse(bytes: Uint8Array): Json | undefined {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
}
