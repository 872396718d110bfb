import { LOCAL_SETTINGS } from '../../adapters/local/index.ts'
import { readDuration } from '../../core/index.ts'
import { type AlarmWatch, watchAlarms } from '../demo/alarm-watch.ts'
import type { DemoEvent } from '../demo/events.ts'
import { createFleet } from '../demo/fleet.ts'
import { type DemoStatus, humanReport, jsonReport } from '../demo/report.ts'
import { runFleet } from '../demo/run-fleet.ts'
import { readWeather } from '../demo/weather.ts'
import { readFlags } from '../flags.ts'
import { type Command, type Terminal, wrongUse } from '../terminal.ts'
import { defaultHttp } from './start.ts'

const DEFAULT_MQTT = `mqtt://127.0.0.1:${LOCAL_SETTINGS.mqttPort.value}`
const STATUS_MS = 500

/** `anyhub demo`: a fleet of refrigerated containers against a running cloud. */
export const demo: Command = {
  name: 'demo',
  summary: 'let a simulated cold chain talk to a running cloud over MQTT',
  usage: `anyhub demo [--mqtt URL] [--http URL] [--devices 20] [--speed 60] [--duration 5m] [--seed 1] [--json]
  --mqtt URL     the cloud's broker (${DEFAULT_MQTT}); also mqtts://, ws://, wss://
  --http URL     its HTTP port, to tell which alarms it raises (http://127.0.0.1:8080)
  --devices N    how many containers, 1 to 1000; each reports once a second
  --speed N      how many times faster than the clock the containers warm and cool, 0.1 to 3600.
                 Only the physics is faster: every message carries the real time at which it was sent
  --duration T   how long, such as 90s or 1h; 0: until Ctrl-C
  --seed N       the same seed tells the same story
  --json         one JSON line for each event, the last one a summary`,
  async run(args, terminal) {
    const { values, switches, positionals } = readFlags(args, {
      values: ['mqtt', 'http', 'devices', 'speed', 'duration', 'seed'],
      switches: ['json'],
    })
    if (positionals.length > 0)
      throw wrongUse(`expected only flags, found ${JSON.stringify(positionals.join(' '))}`)
    const usual = usualMqtt(terminal)
    const url = readUrl('mqtt', values['mqtt'] ?? usual, /^(mqtts?|wss?):$/)
    const http =
      values['http'] === undefined
        ? httpOf(url, usual, terminal)
        : readUrl('http', values['http'], /^https?:$/)
    const count = readNumber('devices', values['devices'] ?? '20', 1, 1_000, true)
    const speed = readNumber('speed', values['speed'] ?? '60', 0.1, 3_600, false)
    const seed = readNumber('seed', values['seed'] ?? '1', 0, 4_294_967_295, true)
    const durationMs = readTime(values['duration'] ?? '5m')
    const members = createFleet(count, seed)
    const weather = readWeather()

    const report = switches.has('json') ? jsonReport(terminal) : humanReport(terminal)
    const startAt = Date.now()
    const elapsedMs = (): number => Date.now() - startAt
    const alarms = { raised: 0, cleared: 0 }
    const onEvent = (event: DemoEvent): void => {
      if (event.kind === 'raised' || event.kind === 'cleared') alarms[event.kind]++
      report.happened(event, elapsedMs())
    }
    const lines = headline({ count, speed, url, http, durationMs })
    const facts = { mqtt: url, http: http ?? null, devices: count, speed, seed, durationMs }
    let early: DemoEvent[] | undefined = []
    const fleet = await runFleet({
      url,
      members,
      weather,
      speed,
      // Whatever happens at once is told after the headline.
      onEvent: (event) => (early === undefined ? onEvent(event) : early.push(event)),
    })
    report.started(lines, facts)
    for (const event of early) onEvent(event)
    early = undefined

    const ids = new Set(members.map(({ container }) => container.deviceId))
    const watch: AlarmWatch | undefined =
      http === undefined
        ? undefined
        : watchAlarms({ url: http, watches: (id) => ids.has(id), onChange: onEvent })

    const measured: number[] = []
    const status = (): DemoStatus => {
      const counts = fleet.counts()
      measured.push(counts.acknowledged)
      if (measured.length > 11) measured.shift()
      const span = ((measured.length - 1) * STATUS_MS) / 1_000
      const rate = span === 0 ? 0 : (counts.acknowledged - (measured[0] ?? 0)) / span
      const open = watch?.seeing === true ? watch.open : undefined
      return { counts, ...alarms, open, rate, elapsedMs: elapsedMs(), durationMs }
    }
    const timer = setInterval(() => report.status(status()), STATUS_MS)
    await untilOver(durationMs, terminal)
    clearInterval(timer)
    const last = status()
    watch?.close()
    await fleet.stop()
    report.finished(
      { ...last, counts: { ...fleet.counts() } },
      last.open === undefined ? undefined : http,
    )
    return 0
  },
}

interface HeadlineFacts {
  readonly count: number
  readonly speed: number
  readonly url: string
  readonly http: string | undefined
  readonly durationMs: number
}

function headline({ count, speed, url, http, durationMs }: HeadlineFacts): string[] {
  const pace = speed === 60 ? 'a second here is a minute in there' : `${speed} times the clock`
  return [
    `${count} refrigerated container${count === 1 ? '' : 's'} → ${url}`,
    '',
    `  physics   ${pace}; every message carries the real time`,
    '  weather   July in Seattle, hourly normals, warmer or cooler for each container',
    http === undefined
      ? '  alarms    not seen from here: --http names the HTTP port of that cloud'
      : `  page      ${http}`,
    `  ends      ${durationMs === 0 ? 'with Ctrl-C' : `after ${durationMs / 1_000} s, or with Ctrl-C`}`,
  ]
}

async function untilOver(durationMs: number, terminal: Terminal): Promise<void> {
  if (durationMs === 0) return terminal.untilStopped()
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, durationMs)
  })
  await Promise.race([over, terminal.untilStopped()])
  clearTimeout(timer)
}

/** The broker of a cloud that was started with the same environment. */
function usualMqtt(terminal: Terminal): string {
  const port = terminal.env[LOCAL_SETTINGS.mqttPort.env]
  return port === undefined ? DEFAULT_MQTT : `mqtt://127.0.0.1:${port}`
}

/** The HTTP port that belongs to a broker: the same one for a WebSocket, the usual one for the usual broker. */
function httpOf(mqtt: string, usual: string, terminal: Terminal): string | undefined {
  const { protocol, host } = new URL(mqtt)
  if (protocol === 'ws:' || protocol === 'wss:') return `${protocol.replace('ws', 'http')}//${host}`
  return mqtt === usual ? defaultHttp(terminal).replace(/\/+$/, '') : undefined
}

function readUrl(flag: string, text: string, protocols: RegExp): string {
  if (URL.canParse(text) && protocols.test(new URL(text).protocol)) return text.replace(/\/+$/, '')
  throw wrongUse(
    `--${flag}: expected a URL such as ${flag === 'mqtt' ? DEFAULT_MQTT : 'http://127.0.0.1:8080'}, found ${JSON.stringify(text)}`,
  )
}

function readNumber(flag: string, text: string, min: number, max: number, whole: boolean): number {
  const value = Number(text)
  if (
    /^\d+(\.\d+)?$/.test(text) &&
    value >= min &&
    value <= max &&
    (!whole || Number.isInteger(value))
  )
    return value
  throw wrongUse(
    `--${flag}: expected a ${whole ? 'whole ' : ''}number from ${min} to ${max}, found ${JSON.stringify(text)}`,
  )
}

/** Unit of the result: ms. Timers end at 24 days. */
function readTime(text: string): number {
  const ms = readDuration(text)
  if (ms !== undefined && ms <= 86_400_000 * 24) return ms
  throw wrongUse(
    `--duration: expected a time such as 90s, 5m or 1h, or 0, found ${JSON.stringify(text)}`,
  )
}
