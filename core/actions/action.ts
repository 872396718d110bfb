import type { ColdRow } from '../model/cold-row.ts'
import type { Effect } from '../model/effect.ts'
import type { Json } from '../model/json.ts'
import type { Severity } from '../model/notification.ts'
import type { TelemetryRow } from '../model/telemetry.ts'
import type { RuleMessage } from '../rules/index.ts'

/** What one action of one rule works on. */
export interface ActionContext {
  /** The message as it came: templates see this, not the output. Source: AWS IoT, substitution templates. */
  readonly message: RuleMessage
  /** What SELECT made of it; bytes where a payload that is no JSON is passed on. */
  readonly value: Json | Uint8Array | undefined
  readonly deviceId: string
  readonly messageId: string
  /** Event time, epoch ms. */
  readonly at: number
  /** Epoch ms. */
  readonly receivedAt: number
  /** Names rule, action and message: the idempotency key of what the action does. */
  readonly key: string
}

/** What an action wants. The step carries it out, or puts it into the outbox. */
export type ActionResult =
  | { readonly do: 'emit'; readonly effect: Effect }
  /** A change of the sender's own desired state; that of another device is an effect. */
  | {
      readonly do: 'desire'
      readonly name: string
      readonly desired: Json
      readonly forMs?: number
      readonly once?: boolean
    }
  | {
      readonly do: 'alarm'
      readonly alarmId: string
      readonly raise: boolean
      readonly severity: Severity
      readonly text: string
      readonly channelIds: readonly string[]
    }
  | { readonly do: 'row'; readonly row: TelemetryRow }
  | { readonly do: 'cold'; readonly row: ColdRow }
  | { readonly do: 'log'; readonly level: 'info' | 'warn' | 'error'; readonly text: string }

/**
 * An action ready to run: pure.
 * @throws CoreError `rule.failed` or `rule.limit` if it cannot be done with this message; the rule's other actions go on.
 */
export type RunAction = (context: ActionContext) => ActionResult
