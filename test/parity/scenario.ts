import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { vi } from 'vitest'
import { parse } from 'yaml'
import { isJsonObject, type Json, parseConfig } from '../../core/index.ts'
import type { ApiRequest, Cloud, CloudEntry, Message, Published } from './cloud.ts'
import { openHook } from './hook.ts'

const CONFIG_PATH = resolve(import.meta.dirname, 'anyhub.yml')

const DEVICES = ['fridge-1', 'fridge-2', 'fridge-3']
const START = Date.UTC(2026, 0, 31, 12)
const MINUTE = 60_000
const EVERY_MS = 15_000

/** What is the same of a message on every cloud. */
const COUNTERS = [
  'uplink.accepted',
  'uplink.duplicate',
  'uplink.rejected',
  'uplink.retried',
  'rule.matched',
  'rule.failed',
  'window.late',
  'alarm.raised',
  'alarm.cleared',
  'notification.asked',
  'notification.sent',
  'notification.retried',
  'command.ended',
  'effect.failed',
]

/** What came of the scenario, as somebody outside sees it. */
export interface Report {
  readonly counters: Readonly<Record<string, number>>
  /** Answers of the API to what was changed. */
  readonly answers: readonly Json[]
  readonly devices: readonly Json[]
  readonly rows: Readonly<Record<string, Json>>
  readonly desired: Readonly<Record<string, Json>>
  readonly shadows: Readonly<Record<string, Json>>
  readonly commands: Json
  readonly feedback: Json
  readonly deadLetters: Json
  readonly downlinks: readonly Published[]
  readonly notifications: readonly Json[]
}

/**
 * Three devices send for ten minutes, four messages a minute each. One gets too warm and cools down again; one is sent a
 * command, one a change of its shadow; one message is broken, one batch comes twice.
 *
 * Left out is what each cloud decides for itself: ids that it draws, and how many commits it takes, which record and
 * shadow count as versions.
 */
export async function runScenario({ open, source }: CloudEntry): Promise<Report> {
  const hook = await openHook()
  vi.useFakeTimers({ toFake: ['Date'], now: START })
  const raw = readFileSync(CONFIG_PATH, 'utf8').replace('${env:ANYHUB_PARITY_HOOK}', hook.url)
  const parsed = parseConfig(parse(raw))
  if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
  const cloud = await open({ configPath: CONFIG_PATH, config: parsed.config })
  try {
    const answers = await act(cloud)
    return await look(cloud, answers, hook.received, source)
  } finally {
    await cloud.close()
    vi.useRealTimers()
    await hook.close()
  }
}

async function act(cloud: Cloud): Promise<readonly Json[]> {
  const answers: Json[] = []
  const ask = async (request: ApiRequest): Promise<void> => {
    const { status, body } = await cloud.api(request)
    answers.push({ status, body: without(body, 'version', 'metadata', 'timestamp') })
  }
  for (const deviceId of DEVICES) {
    await ask({ method: 'POST', path: '/registry/devices', body: { deviceId } })
    await cloud.connect(deviceId)
  }
  for (let minute = 0; minute < 10; minute++) {
    vi.setSystemTime(START + (minute + 1) * MINUTE)
    await cloud.tick()
    await cloud.ingest(batchOf(minute))
    if (minute === 4) await cloud.ingest(batchOf(3))
    if (minute === 5)
      await cloud.ingest([
        { deviceId: 'fridge-2', topic: 'devices/fridge-2/telemetry', payload: '{"temp": ' },
      ])
    if (minute === 6) {
      const command = { commandId: 'job-1', name: 'defrost', payload: { minutes: 5 }, ack: 'full' }
      await ask({ method: 'POST', path: '/devices/fridge-1/commands', body: command })
      await cloud.ingest([
        {
          deviceId: 'fridge-1',
          topic: 'devices/fridge-1/executions/job-1/complete',
          payload: '{}',
        },
      ])
    }
    if (minute === 7)
      await ask({
        method: 'PATCH',
        path: '/devices/fridge-3/shadow',
        body: { state: { desired: { mode: 'eco' } } },
      })
  }
  // What only time ends: the last window.
  vi.setSystemTime(START + 30 * MINUTE)
  await cloud.tick()
  return answers
}

/** What all devices measure within one minute. The first is too warm from the third minute to the sixth. */
function batchOf(minute: number): readonly Message[] {
  return DEVICES.flatMap((deviceId, index) =>
    Array.from({ length: MINUTE / EVERY_MS }, (_, position): Message => {
      const warm = index === 0 && minute >= 3 && minute < 6
      const reading = {
        ts: START + minute * MINUTE + position * EVERY_MS,
        temp: (warm ? 31 : 5) + index + position / 4,
        door: index === 1 && position === 0 ? 'open' : 'closed',
      }
      return { deviceId, topic: `devices/${deviceId}/telemetry`, payload: JSON.stringify(reading) }
    }),
  )
}

async function look(
  cloud: Cloud,
  answers: readonly Json[],
  received: readonly Json[],
  source: string,
): Promise<Report> {
  const get = async (path: string): Promise<Json> => (await cloud.api({ method: 'GET', path })).body
  const byDevice = async (read: (deviceId: string) => Promise<Json>) =>
    Object.fromEntries(
      await Promise.all(DEVICES.map(async (id): Promise<[string, Json]> => [id, await read(id)])),
    )
  const counters = cloud.counters()
  const letters = await get('/dead-letters')
  return {
    answers,
    counters: Object.fromEntries(COUNTERS.map((name) => [name, counters[name] ?? 0])),
    devices: Object.values(
      await byDevice(async (id) => without(await get(`/devices/${id}`), 'version')),
    ),
    rows: await byDevice((id) => get(`/devices/${id}/telemetry?limit=1000`)),
    shadows: await byDevice(async (id) =>
      without(await get(`/devices/${id}/shadow`), 'version', 'metadata', 'timestamp'),
    ),
    desired: await byDevice((id) => cloud.desired(id)),
    commands: await get('/devices/fridge-1/commands'),
    // Its queue keeps its own time.
    feedback: without(await get('/commands/feedback'), 'id', 'at'),
    deadLetters: without(withSource(letters, source), 'id'),
    downlinks: cloud.downlinks().toSorted((a, b) => compare(line(a), line(b))),
    notifications: received.toSorted((a, b) => compare(JSON.stringify(a), JSON.stringify(b))),
  }
}

/** Says whether uplinks came the way that the entry says. */
function withSource(value: Json, source: string): Json {
  return JSON.parse(JSON.stringify(value), (key, inner) =>
    key === 'source' && inner === source ? 'the way of this cloud' : inner,
  )
}

/** The value without members of these names, however deep. */
function without(value: Json, ...names: readonly string[]): Json {
  if (Array.isArray(value)) return value.map((one) => without(one, ...names))
  if (!isJsonObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) =>
      names.includes(name) || inner === undefined ? [] : [[name, without(inner, ...names)]],
    ),
  )
}

function line({ topic, payload }: Published): string {
  return `${topic} ${payload}`
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
