import type { OpenAlarm, Severity } from '../api.ts'
import { type Device, isOnline, presenceOf, weight } from './device.ts'
import { live, useFleetVersion, useNow } from './live.ts'

/** An open alarm, and of whom. */
export interface AlarmOf extends OpenAlarm {
  readonly deviceId: string
}

/** What is counted over all devices. */
export interface FleetCounts {
  readonly total: number
  readonly online: number
  readonly late: number
  /** Offline, or its gateway is gone. */
  readonly offline: number
  /** Neither connected nor heard of lately. */
  readonly silent: number
  readonly alarms: Readonly<Record<Severity, number>>
  readonly open: readonly AlarmOf[]
}

/** Counts over all devices that are known, twice a second. */
export function useFleetCounts(): FleetCounts {
  useFleetVersion(500)
  return countFleet(live.devices.values(), useNow())
}

/** Alarms stand with the worst first, then the newest. */
export function countFleet(devices: Iterable<Device>, now: number): FleetCounts {
  const counts = { total: 0, online: 0, late: 0, offline: 0, silent: 0 }
  const alarms = { critical: 0, warning: 0, info: 0 }
  const open: AlarmOf[] = []
  for (const device of devices) {
    counts.total++
    const presence = presenceOf(device, now)
    if (isOnline(presence)) counts.online++
    else if (presence === 'late') counts.late++
    else if (presence === 'offline' || presence === 'unreachable') counts.offline++
    else counts.silent++
    for (const alarm of device.alarms) {
      alarms[alarm.severity]++
      open.push({ deviceId: device.deviceId, ...alarm })
    }
  }
  open.sort(
    (a, b) => weight(b.severity) - weight(a.severity) || (b.raisedAt ?? 0) - (a.raisedAt ?? 0),
  )
  return { ...counts, alarms, open }
}
