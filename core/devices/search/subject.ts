import { isPending } from '../../model/command.ts'
import type { DeviceRecord } from '../../model/device-record.ts'
import { isJsonObject, type Json } from '../../model/json.ts'
import type { RegisteredDevice } from '../../model/registered-device.ts'
import type { MetricValue } from '../../model/telemetry.ts'
import { presenceStatus } from '../presence.ts'

/** One device as a search sees it: what is remembered of it, what it was registered as, or both. */
export interface Subject {
  readonly deviceId: string
  readonly record?: DeviceRecord | undefined
  readonly registered?: RegisteredDevice | undefined
  /** What it is, in words of its owner, or the device type of the config that is meant for it. */
  readonly type?: string | undefined
  /** The groups that it is in; only looked at where a search asks for groups. */
  readonly groups?: ReadonlySet<string> | undefined
}

/** Whether it may be here. Who is not registered was never disabled. */
export function isEnabled({ registered }: Subject): boolean {
  return registered?.enabled ?? true
}

export function stateOf({ record }: Subject): string {
  return record === undefined ? 'unknown' : presenceStatus(record.presence)
}

/** Where a device has a twin with tags, they are its tags. */
export function tagsOf({ record, registered }: Subject): Readonly<Record<string, Json>> {
  const twin = record?.shadows['']
  const own = twin?.deletedAt === undefined ? twin?.tags : undefined
  return own ?? registered?.tags ?? NONE
}

export function tagOf(subject: Subject, name: string): Json | undefined {
  const tags = tagsOf(subject)
  return Object.hasOwn(tags, name) ? tags[name] : walk(tags, name.split('.'))
}

export function lastOf({ record }: Subject, metric: string): MetricValue | undefined {
  const last = record?.last
  return last !== undefined && Object.hasOwn(last, metric) ? last[metric]?.value : undefined
}

/** How many alarms are active. */
export function alarmCount({ record }: Subject): number {
  let count = 0
  if (record !== undefined)
    for (const alarmId in record.alarms) if (record.alarms[alarmId]?.status === 'active') count++
  return count
}

/** How many commands have not ended. */
export function commandCount({ record }: Subject): number {
  let count = 0
  for (const command of record?.commands ?? []) if (isPending(command)) count++
  return count
}

/** A value of a shadow, by the keys on the way to it. */
export function shadowValue(
  { record }: Subject,
  name: string,
  section: 'desired' | 'reported',
  path: readonly string[],
): Json | undefined {
  const shadows = record?.shadows
  const document = shadows !== undefined && Object.hasOwn(shadows, name) ? shadows[name] : undefined
  if (document === undefined || document.deletedAt !== undefined) return undefined
  return walk(document[section], path)
}

function walk(from: Json | undefined, path: readonly string[]): Json | undefined {
  let value = from
  for (const key of path) {
    if (Array.isArray(value) && /^\d{1,6}$/.test(key)) value = value[Number(key)]
    else if (isJsonObject(value)) value = Object.hasOwn(value, key) ? value[key] : undefined
    else return undefined
  }
  return value
}

const NONE: Readonly<Record<string, Json>> = {}
