import { connectAsync, type MqttClient } from 'mqtt'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import type { ConfigInput } from '../../core/index.ts'
import { openCloud, type TestCloud } from '../adapters/local/cloud.ts'
import { describeWithBrowser, launchBrowser, openPage } from './browser.ts'

const config: ConfigInput = {
  alarms: {
    hot: {
      when: 'temp > 30',
      clear: 'temp < 25',
      severity: 'critical',
      text: 'it is ${temp} °C at ${place}',
    },
    dim: { when: 'light < 10', severity: 'warning' },
  },
}

/** What `probe.js` measures in the page. */
interface Contrasts {
  /** Luminance of the ground, 0 to 1. */
  readonly ground: number
  readonly weak: readonly string[]
  readonly count: number
}

const MARKUP = '<img src=x onerror=alert(1)>'

describeWithBrowser('the page', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterAll(() => browser.close())

  const open = (cloud: TestCloud, options: Parameters<typeof openPage>[2] = {}) =>
    openPage(browser, cloud.http, options)

  async function device(cloud: TestCloud, clientId: string): Promise<MqttClient> {
    const client = await connectAsync(cloud.mqtt, { clientId, reconnectPeriod: 0 })
    onTestFinished(() => client.endAsync(true))
    return client
  }

  const send = (client: MqttClient, body: object | string): Promise<unknown> =>
    client.publishAsync(
      `devices/${client.options.clientId}/telemetry`,
      typeof body === 'string' ? body : JSON.stringify(body),
      { qos: 1 },
    )

  const post = (cloud: TestCloud, id: string, body: object): Promise<Response> =>
    cloud.call(`/devices/${id}/telemetry`, { method: 'POST', body: JSON.stringify(body) })

  const row = (page: Page, id: string) =>
    page.locator('.device', { has: page.locator(`.id:text-is(${JSON.stringify(id)})`) })
  const ids = (page: Page): Promise<string[]> => page.locator('.device:visible .id').allInnerTexts()
  const stat = (page: Page, name: string) => page.locator(`[data-stat="${name}"] b`)
  const seen = (page: Page, selector: string): Promise<string> => page.locator(selector).innerText()

  it('says what to do while nothing has been heard, then shows what is heard', async () => {
    const cloud = await openCloud({ config })
    const { page } = await open(cloud)
    await expect.poll(() => page.locator('#empty').isVisible()).toBe(true)
    const curl = await seen(page, '#curl')
    expect(curl).toBe(`curl -d '{"temp": 31}' ${cloud.http}/devices/dev-1/telemetry`)
    expect(await seen(page, '#demo')).toBe(
      `npx anyhub demo --mqtt ${cloud.http.replace('http', 'ws')}/mqtt`,
    )
    await post(cloud, 'dev-1', { temp: 21.5 })
    await expect.poll(() => ids(page)).toEqual(['dev-1'])
    expect(await page.locator('#empty').isVisible()).toBe(false)
    expect(await row(page, 'dev-1').locator('.main').innerText()).toMatch(/21\.5\s+temp/)
    // It posts over HTTP and holds no connection: having been heard of makes it online.
    await expect.poll(() => stat(page, 'online').innerText()).toBe('1')
    expect(await row(page, 'dev-1').getAttribute('data-presence')).toBe('heard')
  })

  it('lets a device appear, move and go, without a reload', async () => {
    const cloud = await openCloud({ config })
    await post(cloud, 'dev-1', { temp: 20 })
    const { page } = await open(cloud)
    await expect.poll(() => ids(page)).toEqual(['dev-1'])
    await page.evaluate(`document.body.dataset.marked = 'yes'`)

    const client = await device(cloud, 'dev-2')
    await send(client, { temp: 21, door: 'closed', ts: Date.now() - 20 })
    await expect.poll(() => ids(page)).toEqual(['dev-1', 'dev-2'])
    const second = row(page, 'dev-2')
    await expect.poll(() => second.getAttribute('data-presence')).toBe('connected')
    await expect.poll(() => stat(page, 'online').innerText()).toBe('2')
    await send(client, { temp: 22.25, door: 'open', ts: Date.now() - 10 })
    await expect.poll(() => second.locator('.main b').innerText()).toBe('22.25')
    expect(await second.locator('.values').innerText()).toContain('door open')
    const line = () => second.locator('.trend .line').getAttribute('d')
    const before = await line()
    expect(before).toMatch(/^M0\.0 [\d.]+L100\.0 [\d.]+$/)
    await send(client, { temp: 31 })
    await expect.poll(() => ids(page)).toEqual(['dev-2', 'dev-1'])
    expect(await line()).not.toBe(before)
    await send(client, { temp: 20 })
    await expect.poll(() => ids(page)).toEqual(['dev-1', 'dev-2'])

    await client.endAsync()
    await expect.poll(() => second.getAttribute('data-presence')).toBe('offline')
    expect(await second.locator('.seen').innerText()).toMatch(/^offline(\s+\d+ s ago)?$/)
    await expect.poll(() => stat(page, 'online').innerText()).toBe('1')
    expect(await page.locator('body').getAttribute('data-marked')).toBe('yes')
  })

  it('shows an alarm when it is raised, says it, and takes it away when it clears', async () => {
    const cloud = await openCloud({ config })
    const { page } = await open(cloud)
    await post(cloud, 'dev-1', { light: 5 })
    await post(cloud, 'dev-2', { temp: 31, place: 'the gate' })
    await expect.poll(() => stat(page, 'alarms').innerText()).toBe('2')
    const alarms = page.locator('.alarm')
    expect(await alarms.allInnerTexts()).toEqual([
      expect.stringMatching(/^hot\s+dev-2\s+(now|\d+ s ago)\s+it is 31 °C at the gate$/),
      expect.stringMatching(/^dim\s+dev-1\s+(now|\d+ s ago)\s+dim: light < 10$/),
    ])
    expect(await row(page, 'dev-2').locator('.chip').allInnerTexts()).toEqual(['hot'])
    expect(await row(page, 'dev-2').getAttribute('data-severity')).toBe('critical')
    expect(await page.title()).toBe('(2) anyhub')
    await expect
      .poll(() => page.locator('[aria-live="polite"]').textContent(), { timeout: 3_000 })
      .toContain('critical alarm hot on dev-2: it is 31 °C at the gate')

    await post(cloud, 'dev-2', { temp: 26 })
    await expect.poll(() => row(page, 'dev-2').locator('.main b').innerText()).toBe('26')
    expect(await alarms.count()).toBe(2)
    await post(cloud, 'dev-2', { temp: 20 })
    await expect.poll(() => alarms.count()).toBe(1)
    expect(await row(page, 'dev-2').locator('.chip').count()).toBe(0)
    expect(await page.title()).toBe('(1) anyhub')
    await expect
      .poll(() => page.locator('[aria-live="polite"]').textContent(), { timeout: 3_000 })
      .toContain('hot on dev-2 is cleared')
    await alarms.getByRole('button', { name: 'dev-1' }).click()
    expect(await row(page, 'dev-1').locator('.details').innerText()).toContain('dim: light < 10')
  })

  it('counts dead letters and tells of each why, and from where', async () => {
    const cloud = await openCloud({ config })
    const client = await device(cloud, 'dev-1')
    await send(client, '{"temp": 2')
    const { page } = await open(cloud)
    await expect.poll(() => stat(page, 'deadLetters').innerText()).toBe('1')
    await expect.poll(() => page.locator('.letter').count()).toBe(1)
    await page.locator('.letter summary').click()
    await cloud.call('/devices/dev-9/telemetry', { method: 'POST', body: 'nonsense' })
    await expect.poll(() => stat(page, 'deadLetters').innerText()).toBe('2')
    await expect.poll(() => page.locator('.letter').count()).toBe(2)
    const [newest, oldest] = await page.locator('.letter').allInnerTexts()
    expect(newest).toMatch(/^dev-9\s+http\s+(now|\d+ s ago)\s+expected JSON, found/)
    expect(oldest).toMatch(/^dev-1\s+mqtt\s+(now|\d+ s ago)\s+expected JSON, found/)
    // What was opened stays open when a new one comes.
    expect(oldest).toContain('{"temp": 2')
    expect(oldest).toContain('codec.malformed · devices/dev-1/telemetry · 10 bytes')
  })

  it('counts messages, duplicates and notifications', async () => {
    const cloud = await openCloud({ config })
    const { page } = await open(cloud)
    const client = await device(cloud, 'dev-1')
    const body = { temp: 20, ts: Date.now() }
    await send(client, body)
    await send(client, body)
    await expect.poll(() => stat(page, 'duplicates').innerText(), { timeout: 5_000 }).toBe('1')
    expect(await stat(page, 'notifications').innerText()).toBe('0')
    for (let count = 0; count < 30; count++) await send(client, { temp: count / 10 })
    await expect
      .poll(async () => Number(await stat(page, 'rate').innerText()), { timeout: 5_000 })
      .toBeGreaterThan(1)
  })

  it('shows what devices call themselves and say as text, never as markup', async () => {
    const cloud = await openCloud({ config })
    const client = await device(cloud, 'dev-1')
    await send(client, { temp: 31, place: MARKUP, [MARKUP]: MARKUP, [`${MARKUP}2`]: 7 })
    await send(client, MARKUP)
    await client.publishAsync(`devices/${MARKUP}/telemetry`, '{"temp": 1}', { qos: 1 })
    const { page } = await open(cloud)
    await expect.poll(() => page.locator('.letter').count()).toBe(2)
    await row(page, 'dev-1').locator('.id').click()
    for (const letter of await page.locator('.letter summary').all()) await letter.click()
    expect(await row(page, 'dev-1').locator('.details').innerText()).toContain(MARKUP)
    expect(await row(page, 'dev-1').locator('.values').textContent()).toContain(`${MARKUP}2 7`)
    expect(await seen(page, '#alarm-list')).toContain(`it is 31 °C at ${MARKUP}`)
    const letters = await seen(page, '#letter-list')
    expect(letters).toContain(`devices/${MARKUP}/telemetry`)
    // The only image is that of the page itself.
    expect(await page.locator('img').count()).toBe(1)

    // Whatever the API may let through one day: a stream of a cloud that is not ours to trust.
    await page.evaluate(`probe.showStranger(${JSON.stringify(MARKUP)})`)
    const strange = row(page, MARKUP)
    await expect.poll(() => strange.locator('.chip').innerText()).toBe(MARKUP)
    expect(await strange.locator('.id').innerText()).toBe(MARKUP)
    expect(await strange.locator('.values').textContent()).toBe(`${MARKUP} ${MARKUP}`)
    await strange.locator('.id').click()
    expect(await strange.locator('.details').innerText()).toContain(`→ ${MARKUP}! desired`)
    expect(await page.locator('img').count()).toBe(1)
  })

  it('shows what is desired beside what is reported, also of metrics with odd names', async () => {
    const cloud = await openCloud({ config })
    await post(cloud, 'dev-1', { setpoint: -18, constructor: 1, toString: 2, temp: -17 })
    const answer = await cloud.call('/devices/dev-1/shadow', {
      method: 'PATCH',
      headers: { authorization: `Bearer ${cloud.adminToken}` },
      body: JSON.stringify({ state: { desired: { setpoint: -20, temp: -17 } } }),
    })
    expect(answer.status).toBe(200)
    const { page } = await open(cloud)
    await row(page, 'dev-1').locator('.id').click()
    const texts = await row(page, 'dev-1').locator('.all-values dd:not(.at)').allInnerTexts()
    expect(texts).toEqual(['−18 → −20 desired', '1', '2', '−17'])
    await post(cloud, 'dev-1', { setpoint: -20 })
    await expect
      .poll(() => row(page, 'dev-1').locator('.all-values dd').first().innerText())
      .toBe('−20')
  })

  it.each([320, 390])('fits a phone of %i px without scrolling sideways', async (width) => {
    const cloud = await openCloud({ config })
    const client = await device(cloud, 'd'.repeat(128))
    const long = 'word'.repeat(60)
    await send(client, { temp: 31.125, place: long, [long]: 1, light: 2, b: true })
    await send(client, `{${long}`)
    await post(cloud, 'dev-1', { temp: 20, setpoint: 18, door: 'closed', humidity: 40 })
    const { page } = await open(cloud, { viewport: { width, height: 844 }, isMobile: true })
    await expect.poll(() => ids(page)).toEqual(['d'.repeat(128), 'dev-1'])
    await expect.poll(() => page.locator('.letter').count()).toBe(1)
    await page.locator('.letter summary').click()
    for (const button of await page.locator('.device .id').all()) await button.click()
    expect(await page.evaluate('probe.sizes()')).toEqual({ width, out: [] })
  })

  it('can be searched, sorted and opened with the keyboard alone', async () => {
    const cloud = await openCloud({ config })
    await post(cloud, 'truck-2', { temp: 20, door: 'open' })
    await post(cloud, 'truck-10', { temp: 20, door: 'closed' })
    await post(cloud, 'barn-1', { temp: 31, door: 'closed' })
    const { page } = await open(cloud)
    await expect.poll(() => ids(page)).toEqual(['barn-1', 'truck-2', 'truck-10'])
    await page.keyboard.press('/')
    await page.keyboard.type('TRUCK closed')
    await expect.poll(() => ids(page)).toEqual(['truck-10'])
    expect(await seen(page, '#count')).toBe('1 of 3')
    // What a device says now decides, not what it said when the search began.
    await post(cloud, 'truck-2', { door: 'closed' })
    await expect.poll(() => ids(page)).toEqual(['truck-2', 'truck-10'])
    await page.keyboard.type(' nothing')
    await expect.poll(() => page.locator('#no-match').isVisible()).toBe(true)
    await page.keyboard.press('Escape')
    await expect.poll(() => ids(page)).toHaveLength(3)

    await page.locator('#sort').selectOption('name')
    await page.keyboard.press('Tab')
    await page.locator('#sort').focus()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    const first = row(page, 'barn-1')
    expect(await first.locator('.id').getAttribute('aria-expanded')).toBe('true')
    expect(await first.locator('.details').innerText()).toContain('1 messages accepted')
    // A row that moves keeps the focus of whoever stands on it.
    await post(cloud, 'truck-2', { temp: 31 })
    await page.locator('#sort').selectOption('alarms')
    await first.locator('.id').focus()
    await post(cloud, 'barn-1', { temp: 20 })
    await expect.poll(() => ids(page)).toEqual(['truck-2', 'barn-1', 'truck-10'])
    expect(await page.locator(':focus').innerText()).toBe('barn-1')
  })

  it('says when the stream breaks, and goes on when the cloud is back', async () => {
    const cloud = await openCloud({ config })
    await post(cloud, 'dev-1', { temp: 20 })
    const { page } = await open(cloud, { faultsExpected: true })
    await expect.poll(() => seen(page, '#stream')).toBe('live')
    await cloud.close()
    await expect
      .poll(() => seen(page, '#stream'), { timeout: 5_000 })
      .toMatch(/^no answer since .*, trying again/)
    expect(await ids(page)).toEqual(['dev-1'])
    const again = await openCloud({
      config,
      data: cloud.data,
      settings: { httpPort: Number(new URL(cloud.http).port) },
    })
    await post(again, 'dev-1', { temp: 23 })
    await expect.poll(() => seen(page, '#stream'), { timeout: 15_000 }).toBe('live')
    await expect.poll(() => row(page, 'dev-1').locator('.main b').innerText()).toBe('23')
    await post(again, 'dev-1', { temp: 24 })
    await expect.poll(() => row(page, 'dev-1').locator('.main b').innerText()).toBe('24')
  })

  it('stands still while a thousand devices talk', async () => {
    const cloud = await openCloud({ config })
    const names = Array.from({ length: 1_000 }, (_, index) => `dev-${index}`)
    const say = async (some: readonly string[], temp: number): Promise<void> => {
      const outcomes = await cloud.core.ingest(
        some.map((deviceId) => ({
          deviceId,
          topic: `devices/${deviceId}/telemetry`,
          payload: Buffer.from(JSON.stringify({ temp, humidity: temp * 2, door: 'closed' })),
          contentType: 'application/json',
          receivedAt: Date.now(),
          source: 'test',
        })),
      )
      expect(outcomes.filter(({ status }) => status !== 'accepted')).toEqual([])
    }
    await say(names, 10)
    const { page } = await open(cloud)
    await expect.poll(() => page.locator('.device').count()).toBe(1_000)
    await expect.poll(() => row(page, 'dev-0').locator('.main b').innerText()).toBe('10')
    // The first messages bring decimals and histories; then nothing may move.
    await say(names, 10.5)
    await page.waitForTimeout(1_500)
    await page.evaluate('probe.watchShifts()')
    for (let turn = 0; turn < 20; turn++) {
      await say(names.slice((turn % 20) * 50, (turn % 20) * 50 + 50), 11 + turn / 10)
      await page.waitForTimeout(200)
    }
    const visible = page.locator('.device').first().locator('.main b')
    await expect.poll(() => visible.innerText()).toBe('11.0')
    expect(await page.evaluate<number>('probe.found.shift')).toBeLessThan(0.005)
    // What stands far below is drawn when somebody comes to see it.
    await page.locator('.device').last().scrollIntoViewIfNeeded()
    await expect
      .poll(() => page.locator('.device').last().locator('.main b').innerText())
      .toBe('12.9')
  })

  it.each(['light', 'dark'] as const)('can be read in the %s', async (colorScheme) => {
    const cloud = await openCloud({ config })
    await post(cloud, 'dev-1', { temp: 31, light: 1, place: 'here' })
    await cloud.call('/devices/dev-1/telemetry', { method: 'POST', body: '{' })
    const { page } = await open(cloud, { colorScheme })
    await expect.poll(() => page.locator('.letter').count()).toBe(1)
    await page.locator('.device .id').click()
    await page.locator('.letter summary').click()
    const { ground, weak, count } = await page.evaluate<Contrasts>('probe.contrasts()')
    expect(count).toBeGreaterThan(40)
    expect(ground < 0.5).toBe(colorScheme === 'dark')
    expect(weak).toEqual([])
  })

  it('asks for the token where the cloud asks for one, keeps it for the tab, and never puts it into an address', async () => {
    const cloud = await openCloud({ config, settings: { requireAuth: true } })
    const authorization = `Bearer ${cloud.adminToken}`
    await cloud.call('/devices/dev-1/telemetry', {
      method: 'POST',
      headers: { authorization },
      body: '{"temp": 21.5}',
    })
    const context = await browser.newContext()
    onTestFinished(() => context.close())
    const page = await context.newPage()
    const asked: string[] = []
    page.on('request', (request) => void asked.push(request.url()))
    await page.goto(cloud.http)
    const give = async (token: string) => {
      await page.locator('#access').waitFor({ state: 'visible' })
      await page.locator('#token').fill(token)
      await page.locator('#access button').click()
    }
    await give('wrong')
    await expect
      .poll(() => page.locator('#access-fault').innerText())
      .toBe('This cloud does not know that token.')
    expect(await ids(page)).toEqual([])
    await give(cloud.adminToken)
    await expect.poll(() => ids(page)).toEqual(['dev-1'])
    expect(await page.locator('#access').isVisible()).toBe(false)
    await page.reload()
    await expect.poll(() => ids(page)).toEqual(['dev-1'])
    expect(await page.locator('#access').isVisible()).toBe(false)
    expect(asked.length).toBeGreaterThan(5)
    expect(asked.filter((url) => url.includes(cloud.adminToken))).toEqual([])
    const stranger = await browser.newContext()
    onTestFinished(() => stranger.close())
    const other = await stranger.newPage()
    await other.goto(cloud.http)
    await other.locator('#access').waitFor({ state: 'visible' })
  })
})
