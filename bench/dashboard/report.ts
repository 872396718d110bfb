import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectAsync } from 'mqtt'
import { type Browser, chromium, type Page } from 'playwright-core'
import { startNode } from '../lib/child.ts'
import type { BenchOptions, Report } from '../lib/options.ts'
import { figureOf } from '../lib/statistics.ts'
import { short, table, withSpread } from '../lib/table.ts'

const root = resolve(import.meta.dirname, '../..')

/** In the words of the project: so many devices, so many updates a second, so many frames a second. */
const DEVICES = 1_000
const UPDATES = 200
const BOUND_FPS = 50

const CHROMIUM = '/usr/bin/chromium'
const TICK_MS = 50

/** What is looked at; `scrolls`: somebody moves through it meanwhile. */
const VIEWS = [
  { name: 'overview', path: '/', scrolls: false },
  { name: 'device list', path: '/devices', scrolls: false },
  { name: 'device list, scrolled through', path: '/devices', scrolls: true },
  { name: 'charts of one device', path: '/devices/dev-7', scrolls: false },
] as const

/** Frames that the page draws while a fleet talks, beside those of an empty page in the same browser. */
export async function dashboardReport({ smoke, rounds, measureMs }: BenchOptions): Promise<Report> {
  const devices = smoke ? 50 : DEVICES
  const { status, stderr } = spawnSync(
    process.execPath,
    [join(root, 'scripts/build-dashboard.mjs')],
    {
      encoding: 'utf8',
    },
  )
  if (status !== 0) throw new Error(`the page could not be built: ${stderr}`)
  const cloud = await startCloud()
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run'],
  })
  const found = new Map<string, number[]>()
  const empty: number[] = []
  try {
    const fleet = await startFleet(cloud.mqtt, devices)
    try {
      for (let round = 0; round < rounds; round++) {
        empty.push(await frames(browser, 'about:blank', measureMs, false))
        for (const { name, path, scrolls } of VIEWS) {
          const fps = await frames(browser, `${cloud.http}/#${path}`, measureMs, scrolls)
          found.set(name, [...(found.get(name) ?? []), fps])
        }
      }
    } finally {
      await fleet.stop()
    }
  } finally {
    await browser.close()
    await cloud.stop()
  }
  const ofEmpty = figureOf(empty)
  const figures = VIEWS.map(({ name }) => ({ name, figure: figureOf(found.get(name) ?? []) }))
  const worst = Math.min(...figures.map(({ figure }) => figure.median))
  return {
    title: `dashboard: ${devices} devices, ${UPDATES} updates a second`,
    text: table(
      ['', 'frames / s', 'of an empty page'],
      [
        ['an empty page', withSpread(ofEmpty, short), short(1)],
        ...figures.map(({ name, figure }) => [
          name,
          withSpread(figure, short),
          short(figure.median / ofEmpty.median),
        ]),
      ],
    ),
    ratios: [
      {
        name: 'frames a second of the slowest view',
        found: worst,
        wanted: `≥ ${BOUND_FPS}`,
        reached: worst >= BOUND_FPS,
      },
    ],
  }
}

interface Cloud {
  readonly http: string
  readonly mqtt: string
  stop(): Promise<void>
}

async function startCloud(): Promise<Cloud> {
  const data = mkdtempSync(join(tmpdir(), 'anyhub-bench-'))
  const off = ['--https-port', '--mqtts-port', '--amqps-port'].flatMap((flag) => [flag, 'off'])
  const ports = ['--http-port', '0', '--mqtt-port', '0', ...off]
  const child = startNode(
    [join(root, 'cli/bin.mjs'), 'start', ...ports, '--data', data, '--json'],
    {},
  )
  const { http, mqtt }: { http: string; mqtt: string } = JSON.parse(await child.nextLine())
  return {
    http,
    mqtt,
    async stop() {
      await child.stop()
      rmSync(data, { recursive: true, force: true })
    },
  }
}

/** Lets every device speak once, then the given number of them a second, one after the other. */
async function startFleet(url: string, devices: number): Promise<{ stop(): Promise<void> }> {
  const client = await connectAsync(url, { clientId: 'bench' })
  let sent = 0
  const say = (qos: 0 | 1): Promise<unknown> => {
    const id = sent++ % devices
    const wave = Math.round(Math.sin(sent / 40 + id) * 50) / 10
    const body = {
      temp: 20 + wave,
      humidity: 50 + wave,
      battery: 90,
      door: wave > 0 ? 'open' : 'closed',
    }
    return client.publishAsync(`devices/dev-${id}/telemetry`, JSON.stringify(body), { qos })
  }
  for (let id = 0; id < devices; id++) await say(1)
  const startAt = performance.now()
  let due = 0
  const timer = setInterval(() => {
    // A late timer makes up for what it missed.
    const wanted = ((performance.now() - startAt) / 1_000) * UPDATES
    for (; due < wanted; due++) void say(0)
  }, TICK_MS)
  return {
    async stop() {
      clearInterval(timer)
      await client.endAsync()
    },
  }
}

/** Frames per second of one page, counted in it. */
async function frames(
  browser: Browser,
  url: string,
  measureMs: number,
  scrolls: boolean,
): Promise<number> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
  try {
    await page.goto(url)
    if (url !== 'about:blank') await page.locator('.stream[data-state="live"]').waitFor()
    // What the page loads and draws at first is not what is measured.
    await sleep(1_500)
    return await count(page, measureMs, scrolls)
  } finally {
    await page.close()
  }
}

function count(page: Page, measureMs: number, scrolls: boolean): Promise<number> {
  return page.evaluate<number>(`new Promise((resolve) => {
    let frames = 0
    let step = 40
    const startAt = performance.now()
    const tick = (now) => {
      frames++
      if (${scrolls}) {
        const most = document.documentElement.scrollHeight - innerHeight
        if (scrollY + step > most || scrollY + step < 0) step = -step
        scrollBy(0, step)
      }
      if (now - startAt < ${measureMs}) requestAnimationFrame(tick)
      else resolve(frames / ((now - startAt) / 1000))
    }
    requestAnimationFrame(tick)
  })`)
}
