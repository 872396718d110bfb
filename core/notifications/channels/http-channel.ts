import { isJsonObject, type Json, type JsonObject } from '../../model/json.ts'
import type { Delivery } from '../../model/notification.ts'

/** One request that carries a delivery to one address. */
export interface ChannelRequest {
  /** Who it is for, in words that may be logged: never a token, a key or a whole number. */
  readonly to: string
  /** The address itself, by which it is known whether it is gone. Never logged. */
  readonly address: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What the other side answered. */
export interface ChannelAnswer {
  readonly status: number
  /** The beginning of the body, as text. */
  readonly body: string
}

/**
 * What became of a request: taken; to be tried later; refused for good; or gone, so that nothing may be sent to this address
 * any more.
 */
export type ChannelVerdict = 'sent' | 'later' | 'refused' | 'gone'

/** A channel that is a request to somebody's API: pure, whoever sends it. */
export interface HttpChannel<Channel> {
  /** One request for each address of the channel. */
  render(channel: Channel, delivery: Delivery): readonly ChannelRequest[]
  judge(answer: ChannelAnswer): ChannelVerdict
}

/** What most APIs mean by their statuses. Source: RFC 9110, 15. */
export function verdictOf({ status }: ChannelAnswer): ChannelVerdict {
  if (status >= 200 && status < 300) return 'sent'
  if (status === 410) return 'gone'
  return status >= 500 || [408, 409, 425, 429].includes(status) ? 'later' : 'refused'
}

/**
 * The same for APIs that may say no under a status that says yes: `{"ok":false,"error":"ratelimited"}`,
 * `{"ok":false,"error_code":429}`, `{"error":{"code":503}}`. What of it may pass is tried again.
 */
export function verdictInBody(answer: ChannelAnswer): ChannelVerdict {
  const verdict = verdictOf(answer)
  if (verdict !== 'sent') return verdict
  const said = readObject(answer.body)
  const { error } = said
  const code = isJsonObject(error) ? error['code'] : said['error_code']
  if (said['ok'] !== false && !isJsonObject(error)) return 'sent'
  if (typeof code === 'number') {
    const meant = verdictOf({ status: code, body: '' })
    return meant === 'sent' ? 'refused' : meant
  }
  const passing = /rate_?limited|timeout|internal_error|fatal_error|unavailable/i
  return typeof error === 'string' && passing.test(error) ? 'later' : 'refused'
}

function readObject(text: string): JsonObject {
  try {
    const value: Json = JSON.parse(text)
    return isJsonObject(value) ? value : {}
  } catch {
    return {}
  }
}

/** `+49…67`: enough to know whose it is, not enough to call. */
export function maskNumber(number: string): string {
  return `${number.slice(0, 3)}…${number.slice(-2)}`
}

/** `abcd…`: which of several it is. */
export function maskToken(token: string): string {
  return `${token.slice(0, 4)}…`
}
