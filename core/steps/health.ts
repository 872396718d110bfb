import type { PresenceStatus } from '../model/device-record.ts'
import type { JsonObject } from '../model/json.ts'
import type { Draft } from './draft.ts'

/** A change of presence, as rules hear of it. */
export interface PresenceChange extends JsonObject {
  readonly before: PresenceStatus
  readonly at: number
  readonly sequence: number
}

const SAYS: Readonly<Partial<Record<PresenceStatus, string>>> = {
  offline: 'is offline',
  late: 'is late',
  online: 'is online again',
}

/** Tells whoever subscribes to health that a device is gone, or back; that it is there for the first time is no news. */
export function tellHealth(draft: Draft, status: PresenceStatus, body: PresenceChange): void {
  const says = SAYS[status]
  const isFirst = status === 'online' && body.before === 'unknown'
  if (says === undefined || isFirst || !draft.context.program.audience.hears('health')) return
  const { deviceId } = draft
  const key = `health/presence/${body.sequence}`
  try {
    draft.emit(key, {
      kind: 'notify',
      notification: {
        key: `${deviceId}/${key}`,
        channelIds: [],
        deviceId,
        severity: status === 'online' ? 'info' : 'warning',
        subject: `${deviceId} ${says}`,
        text: '',
        at: body.at,
        data: body,
        event: {
          kind: 'health',
          id: 'presence',
          severity: 'warning',
          change: changeOf(status, body.before),
        },
      },
    })
  } catch (error) {
    draft.fail('presence', key, error)
  }
}

/** The words of alarms: one that was late and is gone now is still the same absence. */
function changeOf(status: PresenceStatus, before: PresenceStatus): string {
  if (status === 'online') return 'cleared'
  if (before !== 'late' && before !== 'offline') return 'raised'
  return status === 'offline' ? 'escalated' : 'eased'
}
