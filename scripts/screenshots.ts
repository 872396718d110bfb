// The pictures of the documentation: the page of a cloud that runs, with the fleet of the demo.
// npm run docs:screenshots [-- name … --out FOLDER --talk MS --built]

import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright-core'
import { advance, measure } from '../cli/demo/container.ts'
import { createFleet, type Member } from '../cli/demo/fleet.ts'
import { runFleet } from '../cli/demo/run-fleet.ts'
import { readWeather, temperatureAt, type Weather } from '../cli/demo/weather.ts'

const root = join(import.meta.dirname, '..')
const DEVICES = 36
const SPEED = 60

/** What each container said before anybody looked: so long, and once in so many ms. */
const PAST_MS = 15 * 60_000
const EVERY_MS = 3_000
const AT_ONCE = 10
/** The fleet talks for so long before the first picture is taken. */
const TALK_MS = '25000'

const MOST_BYTES = 150 * 1_024

interface Picture {
  readonly name: string
  readonly path: string
  readonly shown: string
  readonly dark?: boolean
  readonly phone?: boolean
  /** Unit: px. */
  readonly height?: number
}

const STORY = 'container-04'

const PICTURES: readonly Picture[] = [
  { name: 'overview', path: '/', shown: '.recent-id' },
  { name: 'overview-dark', path: '/', shown: '.recent-id', dark: true },
  { name: 'devices', path: '/devices', shown: '.device-id', height: 620 },
  { name: 'device', path: `/devices/${STORY}`, shown: '.chart canvas' },
  { name: 'shadow-dark', path: `/devices/${STORY}/shadow`, shown: '.shadow', dark: true },
  { name: 'rule', path: '/rules/pull-down', shown: '.cm-content' },
  { name: 'alarms', path: '/alarms', shown: 'h1', height: 620 },
  { name: 'phone', path: '/', shown: '.recent-id', phone: true },
]

interface Ready {
  readonly http: string
  readonly mqtt: string
  readonly adminToken: string
}

const { positionals: wanted, values } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: 'string', default: join(root, 'docs/img') },
    talk: { type: 'string', default: TALK_MS },
    // The page is as it was built: somebody else may be looking at it.
    built: { type: 'boolean', default: false },
  },
})
const data = mkdtempSync(join(tmpdir(), 'anyhub-'))
if (!values.built) {
  const built = spawnSync(process.execPath, [join(root, 'scripts/build-dashboard.mjs')])
  if (built.status !== 0) throw new Error(String(built.stderr))
}
const off = ['--https-port', '--mqtts-port', '--amqps-port'].flatMap((flag) => [flag, 'off'])
const ports = ['--http-port', '0', '--mqtt-port', '0', ...off]
const child = spawn(
  process.execPath,
  [join(root, 'cli/bin.mjs'), 'start', ...ports, '--data', data, '--json'],
  { stdio: ['ignore', 'pipe', 'inherit'], cwd: root },
)
try {
  const ready = await new Promise<Ready>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (line) => resolve(JSON.parse(line)))
    child.once('exit', () => reject(new Error('the cloud ended before it was ready')))
  })
  await takePictures(ready)
} finally {
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await ended
  rmSync(data, { recursive: true, force: true })
}

async function takePictures({ http, mqtt, adminToken }: Ready): Promise<void> {
  const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' }
  const send = async (method: string, path: string, body: object): Promise<Response> => {
    const answer = await fetch(`${http}${path}`, { method, headers, body: JSON.stringify(body) })
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    return answer
  }
  const weather = readWeather()
  const members = createFleet(DEVICES, 1)
  for (const member of members) await tellPast(http, member, weather)
  const fleet = await runFleet({
    url: mqtt,
    members,
    weather,
    speed: SPEED,
    onEvent: () => undefined,
  })
  await sleep(Number(values.talk))
  await send('PATCH', `/devices/${STORY}/shadow`, {
    state: { desired: { setpoint: 4, light: { mode: 'night', level: 20 } } },
  })
  await send('POST', `/devices/${STORY}/commands`, { name: 'defrost', payload: { minutes: 12 } })
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run'],
  })
  try {
    for (const { name, path, shown, dark = false, phone = false, height = 800 } of PICTURES) {
      if (wanted.length > 0 && !wanted.includes(name)) continue
      const page = await browser.newPage({
        viewport: phone ? { width: 390, height: 844 } : { width: 1280, height },
        colorScheme: dark ? 'dark' : 'light',
      })
      const { code }: { code: string } = JSON.parse(
        await (await send('POST', '/session/codes', {})).text(),
      )
      await page.goto(`${http}/#sign-in=${code}`)
      await page.locator('.stream[data-state="live"]').waitFor()
      await page.evaluate(`location.hash = ${JSON.stringify(path)}`)
      await page.locator(shown).first().waitFor()
      await sleep(6_000)
      const file = join(values.out, `${name}.png`)
      await page.screenshot({ path: file })
      const { size } = statSync(file)
      console.log(`${name}.png  ${Math.round(size / 1_024)} KB`)
      if (size > MOST_BYTES) throw new Error(`${name}.png: expected at most ${MOST_BYTES} bytes`)
      await page.close()
    }
  } finally {
    await browser.close()
    await fleet.stop()
  }
}

/** Sends what a container would have said of the last minutes, with the times at which it would have. */
async function tellPast(http: string, { container }: Member, weather: Weather): Promise<void> {
  const calm = { ...container, trouble: 0.4 }
  const ambient = (hour: number): number => temperatureAt(weather, hour) + calm.ambientOffset
  const now = Date.now()
  let state = createFleet(1, 1)[0]?.state
  if (state === undefined) return
  state = {
    ...state,
    setpoint: container.limit - 3,
    air: container.limit - 3,
    cargo: container.limit - 3,
  }
  const lines: string[] = []
  for (let at = now - PAST_MS; at < now; at += EVERY_MS) {
    state = advance(calm, state, ambient, (EVERY_MS / 1_000) * SPEED)
    lines.push(JSON.stringify({ ts: at, ...measure(calm, state, ambient) }))
  }
  // As a device sends what it has kept, a few at a time.
  for (let start = 0; start < lines.length; start += AT_ONCE) {
    const answer = await fetch(`${http}/devices/${container.deviceId}/telemetry`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: lines.slice(start, start + AT_ONCE).join('\n'),
    })
    if (!answer.ok) throw new Error(`the past of ${container.deviceId}: ${answer.status}`)
  }
}
