import type { ShadowEffect } from '../../../core/index.ts'
import { type DeviceWord, readNativeWord } from './command-topics.ts'

// The dialect of anyhub itself. Its topics are those of AWS shadows under devices/{id}, so that one knowledge serves both.

/** What a topic means when a device publishes on it. */
export type TopicMeaning =
  | { readonly kind: 'telemetry'; readonly deviceId: string }
  | {
      readonly kind: 'shadow'
      readonly deviceId: string
      /** '' is the classic shadow. */
      readonly name: string
      readonly operation: 'get' | 'update' | 'delete'
    }
  /** Somebody asks for the counters of this process. */
  | { readonly kind: 'stats' }
  | DeviceWord
  | { readonly kind: 'unknown' }

/** Where the counters of this process are asked for; the answer comes on the topic below it. */
export const STATS_TOPIC = '$anyhub/stats/get'
export const STATS_ANSWER_TOPIC = `${STATS_TOPIC}/accepted`

const STATS: TopicMeaning = { kind: 'stats' }
const UNKNOWN: TopicMeaning = { kind: 'unknown' }

/**
 * Reads a topic on which something was published.
 *
 * Shape: `devices/{id}/telemetry`, with any levels behind it; `devices/{id}/shadow[/name/{name}]/{get,update,delete}`;
 * `devices/{id}/executions/{commandId}/{complete,reject,abandon}`; `devices/{id}/methods/{requestId}/{status}`;
 * `$anyhub/stats/get`.
 */
export function readTopic(topic: string): TopicMeaning {
  if (!topic.startsWith('devices/')) return topic === STATS_TOPIC ? STATS : UNKNOWN
  const end = topic.indexOf('/', 8)
  if (end < 0) return UNKNOWN
  const deviceId = topic.slice(8, end)
  const rest = topic.slice(end + 1)
  if (rest === 'telemetry' || rest.startsWith('telemetry/')) return { kind: 'telemetry', deviceId }
  const shadow = /^shadow(?:\/name\/([^/]+))?\/(get|update|delete)$/.exec(rest)
  const operation = shadow?.[2]
  const word = shadow === null ? readNativeWord(deviceId, rest) : undefined
  if (word !== undefined) return word
  if (operation !== 'get' && operation !== 'update' && operation !== 'delete') return UNKNOWN
  return { kind: 'shadow', deviceId, name: shadow?.[1] ?? '', operation }
}

/** Where telemetry of a device stands when it came over a way that has no topics. */
export function telemetryTopic(deviceId: string): string {
  return `devices/${deviceId}/telemetry`
}

/** Where the answer to a shadow request goes. */
export function answerTopic(
  deviceId: string,
  name: string,
  operation: string,
  accepted: boolean,
): string {
  return `${shadowPrefix(deviceId, name)}/${operation}/${accepted ? 'accepted' : 'rejected'}`
}

/** Where a push about a shadow goes. */
export function pushTopic({
  deviceId,
  name,
  event,
}: Pick<ShadowEffect, 'deviceId' | 'name' | 'event'>): string {
  return `${shadowPrefix(deviceId, name)}/update/${event}`
}

function shadowPrefix(deviceId: string, name: string): string {
  return name === '' ? `devices/${deviceId}/shadow` : `devices/${deviceId}/shadow/name/${name}`
}
