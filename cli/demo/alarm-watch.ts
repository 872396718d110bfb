import {
  isJsonObject,
  type Json,
  type JsonObject,
  SEVERITIES,
  type Severity,
} from '../../core/index.ts'
import type { AlarmEvent } from './events.ts'

const AGAIN_MS = 2_000

/** The alarms of some devices, as the cloud tells them in its stream of server-sent events. */
export interface AlarmWatch {
  /** False while the stream cannot be read. */
  readonly seeing: boolean
  /** How many are active now. */
  readonly open: number
  close(): void
}

export interface AlarmWatchOptions {
  /** The HTTP port of the cloud. */
  readonly url: string
  readonly watches: (deviceId: string) => boolean
  readonly onChange: (event: AlarmEvent) => void
}

/** Opens the stream, and opens it again when it ends. Alarms that were active before are not told as raised. */
export function watchAlarms({ url, watches, onChange }: AlarmWatchOptions): AlarmWatch {
  const stop = new AbortController()
  let seeing = false
  let first = true
  const alarms = new Map<string, AlarmEvent>()

  function take(devices: readonly JsonObject[]): void {
    for (const device of devices) {
      const deviceId = String(device['deviceId'])
      if (!watches(deviceId)) continue
      const active = new Map(activeAlarms(device, deviceId))
      for (const [key, event] of active) {
        if (alarms.has(key)) continue
        alarms.set(key, event)
        if (!first) onChange(event)
      }
      for (const [key, event] of alarms) {
        if (event.deviceId !== deviceId || active.has(key)) continue
        alarms.delete(key)
        onChange({ ...event, kind: 'cleared' })
      }
    }
    first = false
  }

  async function read(): Promise<void> {
    const answer = await fetch(`${url}/events`, { signal: stop.signal, redirect: 'error' })
    if (!answer.ok || answer.body === null) return
    let rest = ''
    const decoder = new TextDecoder()
    for await (const chunk of answer.body) {
      const events = (rest + decoder.decode(chunk, { stream: true })).split('\n\n')
      rest = events.pop() ?? ''
      for (const event of events) {
        seeing = true
        take(devicesOf(event))
      }
    }
  }

  async function readOnAndOn(): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        await read()
      } catch {
        // Whoever watches can only try again; `seeing` says how it stands.
      }
      seeing = false
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, AGAIN_MS)
        stop.signal.addEventListener('abort', () => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }
  void readOnAndOn()

  return {
    get seeing() {
      return seeing
    },
    get open() {
      return alarms.size
    },
    close: () => stop.abort(),
  }
}

/** The devices in one server-sent event; none in an event of another kind. */
export function devicesOf(event: string): readonly JsonObject[] {
  const name = /^event: (.*)$/m.exec(event)?.[1]
  const data = /^data: (.*)$/m.exec(event)?.[1]
  if (data === undefined || (name !== 'snapshot' && name !== 'devices')) return []
  const parsed: Json = JSON.parse(data)
  const devices = isJsonObject(parsed) ? parsed['devices'] : parsed
  return Array.isArray(devices) ? devices.filter(isJsonObject) : []
}

function activeAlarms(device: JsonObject, deviceId: string): [string, AlarmEvent][] {
  const alarms = device['alarms']
  if (!Array.isArray(alarms)) return []
  return alarms.filter(isJsonObject).map((alarm) => {
    const alarmId = String(alarm['alarmId'])
    const severity = severityOf(alarm['severity'])
    const text = String(alarm['text'])
    return [`${deviceId}/${alarmId}`, { kind: 'raised', deviceId, alarmId, severity, text }]
  })
}

function severityOf(value: Json | undefined): Severity {
  return SEVERITIES.find((severity) => severity === value) ?? 'info'
}
