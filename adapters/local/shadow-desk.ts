import {
  AWS_SHADOW,
  type Core,
  type InputResult,
  type Json,
  readClientToken,
  reject,
} from '../../core/index.ts'
import type { Dialect } from './dialects/dialect.ts'
import { DIALECTS } from './dialects/list.ts'

/** A request about one shadow, whatever way it came. */
export interface ShadowQuery {
  readonly deviceId: string
  /** '' is the classic shadow. */
  readonly name: string
  readonly operation: 'get' | 'update' | 'delete'
  readonly body: string | Uint8Array
  /** Who asks, in words for people. */
  readonly by: string
}

/** Source: AWS IoT Device Management quotas, in-flight unacknowledged messages for each thing. */
const MAX_IN_FLIGHT = 10

export interface ShadowReply {
  readonly accepted: boolean
  readonly body: Json
}

/** Answers requests about shadows, and tells subscribers. */
export interface ShadowDesk {
  /**
   * A change that was accepted is told in every dialect: it is of interest to all; of an update the device gate sees to
   * that, whatever way it came. A question and a mistake are told in the dialect of who asked, or in none where he gets the
   * answer in another way. What comes while ten requests about one device are under way is refused.
   * @throws CoreError `uplink.bad_device_id`; `store.*` if nothing was stored.
   */
  run(query: ShadowQuery, asked: Dialect | undefined): Promise<ShadowReply>
}

export function createShadowDesk(
  core: Core,
  publish: (topic: string, payload: string) => void,
): ShadowDesk {
  /** Requests under way, of those devices that have any. */
  const inFlight = new Map<string, number>()

  function tooMany(body: string | Uint8Array): ShadowReply {
    core.ports.observer.count('shadow.throttled', 1)
    const at = Math.floor(core.ports.clock.now() / 1_000)
    const clientToken = readClientToken(body, AWS_SHADOW)
    return {
      accepted: false,
      body: reject({ code: 429, message: 'Too many requests' }, { at, clientToken }),
    }
  }

  async function ask({ deviceId, name, operation, body, by }: ShadowQuery): Promise<ShadowReply> {
    const before = inFlight.get(deviceId) ?? 0
    if (before >= MAX_IN_FLIGHT) return tooMany(body)
    inFlight.set(deviceId, before + 1)
    try {
      const [result] = await core.gate.run(deviceId, [
        { kind: 'shadow', operation, name, body, by, at: core.ports.clock.now() },
      ])
      return result?.status === 'answered'
        ? { accepted: result.accepted, body: result.body }
        : { accepted: false, body: { code: 500, message: reasonOf(result) } }
    } finally {
      const left = (inFlight.get(deviceId) ?? 1) - 1
      if (left === 0) inFlight.delete(deviceId)
      else inFlight.set(deviceId, left)
    }
  }

  return {
    async run(query, asked) {
      const { deviceId, name, operation } = query
      const reply = await ask(query)
      if (reply.accepted && operation === 'update') return reply
      const isChange = reply.accepted && operation !== 'get'
      const told = isChange ? DIALECTS : asked === undefined ? [] : [asked]
      const text = JSON.stringify(reply.body)
      for (const dialect of told)
        publish(dialect.answerTopic(deviceId, name, operation, reply.accepted), text)
      return reply
    },
  }
}

function reasonOf(result: InputResult | undefined): string {
  return result?.status === 'refused' ? result.message : 'Internal service failure'
}
