import type { Severity } from '../../core/index.ts'

/** What happens in a demo, for people and for programs. */
export type DemoEvent =
  /** The device follows another setpoint, because its shadow desires it. °C. */
  | {
      readonly kind: 'setpoint'
      readonly deviceId: string
      readonly from: number
      readonly to: number
    }
  | { readonly kind: 'failed' | 'called' | 'repaired'; readonly deviceId: string }
  /** Its battery is empty and there are no mains; or it has power again. */
  | { readonly kind: 'dark' | 'awake'; readonly deviceId: string }
  /** Its radio cut a message off. */
  | { readonly kind: 'cut'; readonly deviceId: string }
  | AlarmEvent
  /** The cloud cannot be reached, or can be again. */
  | { readonly kind: 'lost' | 'back' }

/** The cloud raised or cleared an alarm. */
export interface AlarmEvent {
  readonly kind: 'raised' | 'cleared'
  readonly deviceId: string
  readonly alarmId: string
  readonly severity: Severity
  readonly text: string
}
