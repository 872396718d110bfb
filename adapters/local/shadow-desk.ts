import type { Core, InputResult, Json } from '../../core/index.ts'
import type { Dialect } from './dialects/dialect.ts'
import { DIALECTS } from './dialects/list.ts'

/** A request about one shadow, whatever way it came. */
export interface ShadowQuery {
  readonly deviceId: string
  /** '' is the classic shadow. */
  readonly name: string
  readonly operation: 'get' | 'update' | 'delete'
  readonly body: string | Uint8Array
}

export interface ShadowReply {
  readonly accepted: boolean
  readonly body: Json
}

/** Answers requests about shadows, and tells subscribers. */
export interface ShadowDesk {
  /**
   * A change that was accepted is told in every dialect: it is of interest to all. A question and a mistake are told in
   * the dialect of who asked, or in none where he gets the answer in another way.
   * @throws CoreError `uplink.bad_device_id`; `store.*` if nothing was stored.
   */
  run(query: ShadowQuery, asked: Dialect | undefined): Promise<ShadowReply>
}

export function createShadowDesk(
  core: Core,
  publish: (topic: string, payload: string) => void,
): ShadowDesk {
  return {
    async run({ deviceId, name, operation, body }, asked) {
      const [result] = await core.gate.run(deviceId, [
        { kind: 'shadow', operation, name, body, at: core.ports.clock.now() },
      ])
      const reply =
        result?.status === 'answered'
          ? { accepted: result.accepted, body: result.body }
          : { accepted: false, body: { code: 500, message: reasonOf(result) } }
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
