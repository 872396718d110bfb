import {
  CoreError,
  DEFAULT_PRESENCE,
  type DeviceInput,
  type DeviceRecord,
  decodePack,
  newDeviceRecord,
  nextDue,
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
  /** Rules that matched, and what they asked for. */
  readonly rules: ReadonlyMap<string, FiredRule>
  readonly alarms: AlarmChanges
}

export interface FiredRule {
  /** Windows of several groups can end at once. */
  readonly times: number
  /** The effects, each as text. */
  readonly effects: readonly string[]
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
  /** Lets the timers fire that are due at a time after the last message; by record. */
  end(now: number): readonly Fired[]
}

/** Runs one config on recorded messages: pure steps, no store, nothing is sent. */
export function createConfigSide(program: Program): ConfigSide {
  const records = new Map<string, DeviceRecord>()
  const known = createMemory(KNOWN_MESSAGES)
  let steps = 0

  /** Runs one step, notes what it fired, and hands on what it has for the record of a fleet-wide group. */
  function run(
    record: DeviceRecord,
    input: DeviceInput,
    now: number,
    duplicate: ReadonlySet<string>,
    notes: Notes,
  ): DeviceRecord {
    steps++
    const type = program.deviceType(record.deviceId)
    const { record: next, events } = step(record, [input], {
      program,
      now,
      known: duplicate,
      report: type?.report ?? false,
      presence: type?.presence ?? DEFAULT_PRESENCE,
      gateway: undefined,
      lookups: undefined,
      // The same on both sides, so that chance makes no difference between them.
      newId: () => `replay-${steps}`,
      random: () => ((steps * 2_654_435_761) % 4_294_967_296) / 4_294_967_296,
    })
    notes.add(record, next, events.matched)
    const after = { ...next, outbox: [], dueAt: nextDue({ ...next, outbox: [] }) }
    records.set(record.deviceId, after)
    for (const { key, effect } of next.outbox) {
      if (effect.kind !== 'window') continue
      const { deviceId, ruleId, message } = effect
      const group = fireTimers(recordOf(deviceId, now), now, notes)
      run(group, { kind: 'window', ruleId, message, key }, now, NONE, notes)
    }
    return after
  }

  function recordOf(deviceId: string, now: number): DeviceRecord {
    return records.get(deviceId) ?? newDeviceRecord(deviceId, now)
  }

  function fireTimers(record: DeviceRecord, now: number, notes: Notes): DeviceRecord {
    let current = record
    while (current.dueAt !== 0 && current.dueAt <= now) {
      const at = current.dueAt
      current = run(current, { kind: 'timer', at }, at, NONE, notes)
      if (current.dueAt === at) break
    }
    return current
  }

  /** All messages that are in an uplink, or why it is refused. */
  function decode(uplink: Uplink): readonly Telemetry[] | string {
    const type = program.deviceType(uplink.deviceId ?? '')
    if (type === undefined) return 'uplink.bad_device_id'
    try {
      return decodePack(uplink, type.decode, `replay-${steps}`)
    } catch (error) {
      if (error instanceof CoreError) return error.code
      throw error
    }
  }

  return {
    take(uplink) {
      const { deviceId = '', receivedAt } = uplink
      const notes = createNotes()
      const before = fireTimers(recordOf(deviceId, receivedAt), receivedAt, notes)
      const messages = decode(uplink)
      if (typeof messages === 'string') return { refused: messages, ...notes.all }
      let record = before
      for (const telemetry of messages) {
        const duplicate = known.remember(`${deviceId}/${telemetry.at}/${telemetry.messageId}`)
          ? new Set([telemetry.messageId])
          : NONE
        record = run(record, { kind: 'telemetry', telemetry }, receivedAt, duplicate, notes)
      }
      return { refused: undefined, ...notes.all }
    },
    end(now) {
      return [...records.values()].map((record) => {
        const notes = createNotes()
        fireTimers(record, now, notes)
        return { refused: undefined, ...notes.all }
      })
    },
  }
}

/** Gathers what the steps of one message fired. */
interface Notes {
  add(before: DeviceRecord, after: DeviceRecord, matched: ReadonlyMap<string, number>): void
  readonly all: Pick<Fired, 'rules' | 'alarms'>
}

function createNotes(): Notes {
  const rules = new Map<string, FiredRule>()
  const raised = new Set<string>()
  const cleared = new Set<string>()
  return {
    add(before, after, matched) {
      for (const [ruleId, times] of matched) {
        const sofar = rules.get(ruleId)
        const own = after.outbox.filter(({ key }) => key.startsWith(`${ruleId}/`))
        rules.set(ruleId, {
          times: times + (sofar?.times ?? 0),
          effects: [...(sofar?.effects ?? []), ...own.map(({ effect }) => JSON.stringify(effect))],
        })
      }
      if (before.alarms === after.alarms) return
      for (const [alarmId, { status }] of Object.entries(after.alarms)) {
        const was = before.alarms[alarmId]?.status === 'active'
        if (!was && status === 'active') raised.add(alarmId)
        if (was && status === 'cleared') cleared.add(alarmId)
      }
    },
    all: { rules, alarms: { raised, cleared } },
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
