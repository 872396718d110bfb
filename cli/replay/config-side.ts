import {
  CoreError,
  type DeviceInput,
  type DeviceRecord,
  decodeUplink,
  newDeviceRecord,
  type OutboxEntry,
  type Program,
  step,
  type Telemetry,
  type Uplink,
} from '../../core/index.ts'

/** Copies of a message are known again among so many messages at least. */
const KNOWN_MESSAGES = 100_000

/** What one config did with one message. */
export interface Fired {
  /** Why it went to the dead letters, as a code; `undefined`: it did not. */
  readonly refused: string | undefined
  /** Rules that matched, with what they asked for, as text. */
  readonly rules: ReadonlyMap<string, string>
  readonly alarms: AlarmChanges
}

/** Alarms by the way they went. One message can do both: a timer that was due before it raises, the message clears. */
export interface AlarmChanges {
  readonly raised: ReadonlySet<string>
  readonly cleared: ReadonlySet<string>
}

/** One config and all devices as they are under it. Memory grows with the number of devices, not of messages. */
export interface ConfigSide {
  /** Takes one message. Timers of its device that were due before it fire first. */
  take(uplink: Uplink): Fired
  /** Lets the timers fire that are due at a time after the last message. */
  end(now: number): readonly AlarmChanges[]
}

/** Runs one config on recorded messages: pure steps, no store, nothing is sent. */
export function createConfigSide(program: Program): ConfigSide {
  const records = new Map<string, DeviceRecord>()
  const known = createMemory(KNOWN_MESSAGES)
  let steps = 0

  function run(
    record: DeviceRecord,
    inputs: readonly DeviceInput[],
    now: number,
    duplicate: ReadonlySet<string>,
  ): { readonly matched: Iterable<string>; readonly outbox: readonly OutboxEntry[] } {
    steps++
    const { record: next, events } = step(record, inputs, {
      program,
      now,
      known: duplicate,
      report: program.deviceType(record.deviceId)?.report ?? false,
      lookups: undefined,
      // The same on both sides, so that chance makes no difference between them.
      newId: () => `replay-${steps}`,
      random: () => ((steps * 2_654_435_761) % 4_294_967_296) / 4_294_967_296,
    })
    records.set(record.deviceId, { ...next, outbox: [] })
    return { matched: events.matched.keys(), outbox: next.outbox }
  }

  function fireTimers(record: DeviceRecord, now: number): DeviceRecord {
    if (record.dueAt === 0 || record.dueAt > now) return record
    run(record, [{ kind: 'timer', at: record.dueAt }], record.dueAt, NONE)
    return records.get(record.deviceId) ?? record
  }

  function decode(uplink: Uplink): Telemetry | string {
    const type = program.deviceType(uplink.deviceId ?? '')
    if (type === undefined) return 'uplink.bad_device_id'
    try {
      return decodeUplink(uplink, type.decode, `replay-${steps}`)
    } catch (error) {
      if (error instanceof CoreError) return error.code
      throw error
    }
  }

  return {
    take(uplink) {
      const deviceId = uplink.deviceId ?? ''
      const found = records.get(deviceId) ?? newDeviceRecord(deviceId, uplink.receivedAt)
      const before = fireTimers(found, uplink.receivedAt)
      const telemetry = decode(uplink)
      if (typeof telemetry === 'string') {
        return { refused: telemetry, rules: NO_RULES, alarms: changes(found, before) }
      }
      const duplicate = known.remember(`${deviceId}/${telemetry.at}/${telemetry.messageId}`)
        ? new Set([telemetry.messageId])
        : NONE
      const input: DeviceInput = { kind: 'telemetry', telemetry }
      const { matched, outbox } = run(before, [input], uplink.receivedAt, duplicate)
      const after = records.get(deviceId) ?? before
      return {
        refused: undefined,
        rules: effectsByRule(matched, outbox),
        alarms: changes(found, before, after),
      }
    },
    end(now) {
      return [...records.values()].map((record) => changes(record, fireTimers(record, now)))
    },
  }
}

interface Memory {
  /** Whether the key is remembered; from now on it is. */
  remember(key: string): boolean
}

/** Remembers at least the last `count` keys, and at most twice as many: two generations, the older is dropped whole. */
function createMemory(count: number): Memory {
  let newer = new Set<string>()
  let older = new Set<string>()
  return {
    remember(key) {
      if (newer.has(key) || older.has(key)) return true
      newer.add(key)
      if (newer.size === count) {
        older = newer
        newer = new Set()
      }
      return false
    },
  }
}

const NONE: ReadonlySet<string> = new Set()
const NO_RULES: ReadonlyMap<string, string> = new Map()

function effectsByRule(
  matched: Iterable<string>,
  outbox: readonly OutboxEntry[],
): ReadonlyMap<string, string> {
  const rules = new Map<string, string>()
  for (const ruleId of matched) {
    const own = outbox.filter(({ key }) => key.startsWith(`${ruleId}/`))
    rules.set(ruleId, own.length === 0 ? '' : JSON.stringify(own.map(({ effect }) => effect)))
  }
  return rules
}

/** Alarms that were raised or cleared on the way through these records. */
function changes(...path: readonly DeviceRecord[]): AlarmChanges {
  const raised = new Set<string>()
  const cleared = new Set<string>()
  for (const [index, after] of path.entries()) {
    const before = path[index - 1]
    if (before === undefined || before.alarms === after.alarms) continue
    for (const [alarmId, { status }] of Object.entries(after.alarms)) {
      const was = before.alarms[alarmId]?.status === 'active'
      if (!was && status === 'active') raised.add(alarmId)
      if (was && status === 'cleared') cleared.add(alarmId)
    }
  }
  return { raised, cleared }
}
