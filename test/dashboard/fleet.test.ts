import { connectAsync, type MqttClient } from 'mqtt'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import type { ConfigInput } from '../../core/index.ts'
import { openCloud, type TestCloud } from '../adapters/local/cloud.ts'
import { describeWithBrowser, launchBrowser, type OpenOptions, openPage } from './browser.ts'

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

const MARKUP = '<img src=x onerror=alert(1)>'

describeWithBrowser('the fleet on the page', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterAll(() => browser.close())

  const open = async (cloud: TestCloud, options: OpenOptions = {}): Promise<Page> =>
    (await openPage(browser, cloud, options)).page

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

  const row = (page: Page, id: string) => page.locator(`.device[data-device="${id}"]`)
  /** In the order in which they stand, which is not that of the document. */
  const ids = (page: Page): Promise<string[]> =>
    page
      .locator('.device')
      .evaluateAll((rows) =>
        rows
          .toSorted((a, b) => Number(a.ariaPosInSet) - Number(b.ariaPosInSet))
          .map((one) => one.querySelector('.device-id')?.textContent ?? ''),
      )
  const stat = (page: Page, name: string) => page.locator(`[data-stat="${name}"] .tile-value`)
  const text = (page: Page, selector: string): Promise<string> => page.locator(selector).innerText()

  it('says what to do while nothing has been heard, then shows what is heard', async () => {
    const cloud = await openCloud({ config })
    const page = await open(cloud)
    await expect.poll(() => page.locator('#empty').isVisible()).toBe(true)
    expect(await page.locator('#empty code').allInnerTexts()).toEqual([
      `curl -d '{"temp": 31}' ${cloud.http}/devices/dev-1/telemetry`,
      `npx anyhub demo --mqtt ${cloud.http.replace('http', 'ws')}/mqtt`,
    ])
    await post(cloud, 'dev-1', { temp: 21.5 })
    await expect.poll(() => page.locator('.recent-id').allInnerTexts()).toEqual(['dev-1'])
    expect(await page.locator('#empty').count()).toBe(0)
    expect(await text(page, '.recent-value')).toMatch(/21\.5\s+temp/)
    // It posts over HTTP and holds no connection: having been heard of makes it online.
    await expect.poll(() => stat(page, 'online').innerText()).toBe('1')
    await expect
      .poll(() => page.locator('.recent .dot').getAttribute('aria-label'))
      .toBe('not connected, heard of lately')
    // Every figure of the overview has its place from the start.
    expect(await page.locator('.tile dt').allInnerTexts()).toEqual([
      'Devices online',
      'Open alarms',
      'Messages / s',
      'Ingest latency',
      'Dead letters',
      'Notifications sent',
    ])
  })

  it('lets a device appear, move and go, without a reload', async () => {
    const cloud = await openCloud({ config })
    await post(cloud, 'dev-1', { temp: 20 })
    const page = await open(cloud, { path: '/devices' })
    await expect.poll(() => ids(page)).toEqual(['dev-1'])
    await page.evaluate(`document.body.dataset.marked = 'yes'`)

    const client = await device(cloud, 'dev-2')
    await send(client, { temp: 21, door: 'closed', ts: Date.now() - 20 })
    await expect.poll(() => ids(page)).toEqual(['dev-1', 'dev-2'])
    const second = row(page, 'dev-2')
    await expect.poll(() => second.locator('.dot').getAttribute('aria-label')).toBe('connected')
    await send(client, { temp: 22.25, door: 'open', ts: Date.now() - 10 })
    await expect.poll(() => second.locator('.device-main b').innerText()).toBe('22.25')
    expect(await second.locator('.device-values').innerText()).toContain('door open')
    const line = () => second.locator('.spark .line').getAttribute('d')
    await expect.poll(line).toMatch(/^M0\.0 [\d.]+L100\.0 [\d.]+$/)
    const before = await line()
    await send(client, { temp: 31 })
    await expect.poll(() => ids(page)).toEqual(['dev-2', 'dev-1'])
    expect(await line()).not.toBe(before)
    await send(client, { temp: 20 })
    await expect.poll(() => ids(page)).toEqual(['dev-1', 'dev-2'])

    await client.endAsync()
    await expect.poll(() => second.locator('.dot').getAttribute('aria-label')).toBe('offline')
    expect(await second.locator('.device-seen').innerText()).toMatch(/^offline\s+(now|\d+ s ago)$/)
    expect(await page.locator('body').getAttribute('data-marked')).toBe('yes')
  })

  it('shows an alarm when it is raised, says it, and takes it away when it clears', async () => {
    const cloud = await openCloud({ config })
    const page = await open(cloud)
    await post(cloud, 'dev-1', { light: 5 })
    await post(cloud, 'dev-2', { temp: 31, place: 'the gate' })
    await expect.poll(() => stat(page, 'alarms').innerText()).toBe('2')
    const alarms = page.locator('#alarm-list .line')
    expect(await alarms.allInnerTexts()).toEqual([
      expect.stringMatching(/^hot\s+dev-2\s+(now|\d+ s ago)\s+it is 31 °C at the gate$/),
      expect.stringMatching(/^dim\s+dev-1\s+(now|\d+ s ago)\s+dim: light < 10$/),
    ])
    expect(await text(page, '[data-stat="alarms"]')).toMatch(/1 critical\s+1 warning/)
    await expect.poll(() => page.title()).toBe('(2) anyhub')
    await expect
      .poll(() => page.locator('[aria-live="polite"]#announcer').textContent())
      .toContain('critical alarm hot on dev-2: it is 31 °C at the gate')

    await post(cloud, 'dev-2', { temp: 20 })
    await expect.poll(() => alarms.count()).toBe(1)
    await expect.poll(() => page.title()).toBe('(1) anyhub')
    await expect
      .poll(() => page.locator('#announcer').textContent())
      .toContain('hot on dev-2 is cleared')
    await alarms.getByRole('link', { name: 'dev-1' }).click()
    await expect.poll(() => text(page, '.alarm-card')).toContain('dim: light < 10')
    expect(page.url()).toBe(`${cloud.http}/#/devices/dev-1/alarms`)
  })

  it('counts messages, duplicates and dead letters, and tells of each why, and from where', async () => {
    const cloud = await openCloud({ config })
    const client = await device(cloud, 'dev-1')
    await send(client, '{"temp": 2')
    const page = await open(cloud)
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

    const body = { temp: 20, ts: Date.now() }
    await send(client, body)
    await send(client, body)
    await expect.poll(() => text(page, '[data-count="duplicates"]')).toBe('1')
    for (let count = 0; count < 30; count++) await send(client, { temp: count / 10 })
    await expect.poll(async () => Number(await stat(page, 'rate').innerText())).toBeGreaterThan(1)
  })

  it('shows what devices call themselves and say as text, never as markup', async () => {
    const cloud = await openCloud({ config })
    const client = await device(cloud, 'dev-1')
    await send(client, { temp: 31, place: MARKUP, [MARKUP]: MARKUP, [`${MARKUP}2`]: 7 })
    await send(client, MARKUP)
    await client.publishAsync(`devices/${MARKUP}/telemetry`, '{"temp": 1}', { qos: 1 })
    const page = await open(cloud)
    await expect.poll(() => page.locator('.letter').count()).toBe(2)
    for (const letter of await page.locator('.letter summary').all()) await letter.click()
    expect(await text(page, '#alarm-list')).toContain(`it is 31 °C at ${MARKUP}`)
    expect(await text(page, '#letter-list')).toContain(`devices/${MARKUP}/telemetry`)
    // The only images are those of the page itself.
    const foreign = page.locator('img:not([src="./icon.svg"])')
    expect(await foreign.count()).toBe(0)
    for (const [path, place] of [
      ['/devices', '.device-values'],
      ['/devices/dev-1', '.values'],
      ['/devices/dev-1/shadow', '.shadow'],
      ['/devices/dev-1/messages', '.messages'],
    ] as const) {
      await page.evaluate(`location.hash = ${JSON.stringify(path)}`)
      await expect.poll(() => page.locator(place).textContent()).toContain(MARKUP)
      expect(await foreign.count()).toBe(0)
    }
  })

  it('can be searched, sorted and opened with the keyboard alone', async () => {
    const cloud = await openCloud({ config })
    await post(cloud, 'truck-2', { temp: 20, door: 'open' })
    await post(cloud, 'truck-10', { temp: 20, door: 'closed' })
    await post(cloud, 'barn-1', { temp: 31, door: 'closed' })
    const page = await open(cloud)
    await page.keyboard.press('g')
    await page.keyboard.press('d')
    await expect.poll(() => ids(page)).toHaveLength(3)
    expect((await ids(page))[0]).toBe('barn-1')
    await page.keyboard.press('/')
    await page.keyboard.insertText('truck* last.door:closed')
    await expect.poll(() => ids(page)).toEqual(['truck-10'])
    expect(await text(page, '#count')).toBe('1 of 3')
    // What is searched for stands in the address, and can be sent to somebody.
    expect(page.url()).toBe(`${cloud.http}/#/search/truck*%20last.door%3Aclosed`)
    // What a device says now decides, not what it said when the search began.
    await post(cloud, 'truck-2', { door: 'closed' })
    await expect.poll(async () => (await ids(page)).toSorted()).toEqual(['truck-10', 'truck-2'])
    await page.keyboard.insertText(' nothing')
    await expect.poll(() => page.locator('#no-match').isVisible()).toBe(true)
    await page.keyboard.press('Escape')
    await expect.poll(() => ids(page)).toHaveLength(3)

    await row(page, 'truck-2').locator('a').focus()
    await post(cloud, 'truck-2', { temp: 31 })
    // A row that moves keeps the focus of whoever stands on it.
    await expect.poll(() => row(page, 'truck-2').getAttribute('data-severity')).toBe('critical')
    expect(await page.locator(':focus .device-id').innerText()).toBe('truck-2')
    await page.keyboard.press('Enter')
    await expect.poll(() => page.locator('h1').innerText()).toContain('truck-2')
    await page.locator('.tab').first().focus()
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('Enter')
    await expect.poll(() => page.url()).toBe(`${cloud.http}/#/devices/truck-2/shadow`)
  })

  it('says why a search cannot be understood', async () => {
    const cloud = await openCloud({ config })
    await post(cloud, 'dev-1', { temp: 20 })
    const page = await open(cloud, { path: '/search/last.temp%3E', faultsExpected: true })
    await expect.poll(() => page.getByRole('alert').first().innerText()).not.toBe('')
  })

  it('says when the stream breaks, and goes on when the cloud is back', async () => {
    const cloud = await openCloud({ config })
    await post(cloud, 'dev-1', { temp: 20 })
    const page = await open(cloud, { path: '/devices', faultsExpected: true })
    await expect.poll(() => ids(page)).toEqual(['dev-1'])
    await cloud.close()
    await expect.poll(() => text(page, '#stream')).toMatch(/^no answer since .*, trying again/)
    expect(await ids(page)).toEqual(['dev-1'])
    const again = await openCloud({
      config,
      data: cloud.data,
      settings: { httpPort: Number(new URL(cloud.http).port) },
    })
    await post(again, 'dev-1', { temp: 23 })
    await expect.poll(() => text(page, '#stream'), { timeout: 15_000 }).toBe('live')
    await expect.poll(() => row(page, 'dev-1').locator('.device-main b').innerText()).toBe('23')
    await post(again, 'dev-1', { temp: 24 })
    await expect.poll(() => row(page, 'dev-1').locator('.device-main b').innerText()).toBe('24')
  })

  it('stands still while more devices talk than a snapshot holds, and has only the rows that can be seen', async () => {
    const cloud = await openCloud({ config })
    const names = Array.from({ length: 1_200 }, (_, index) => `dev-${index}`)
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
    const page = await open(cloud, { path: '/devices' })
    await page.locator('#sort').selectOption('name')
    await expect.poll(() => text(page, '#count')).toBe('1,200')
    const first = page.locator('.device[aria-posinset="1"]')
    await expect.poll(() => first.locator('.device-main b').innerText()).toBe('10')
    // The first messages bring decimals and histories; then nothing may move.
    await say(names, 10.5)
    await page.waitForTimeout(1_500)
    await page.evaluate('probe.watchShifts()')
    for (let turn = 0; turn < 12; turn++) {
      await say(names.slice((turn % 20) * 50, (turn % 20) * 50 + 50), 11 + turn / 10)
      await page.waitForTimeout(200)
    }
    await expect.poll(() => first.locator('.device-main b').innerText()).toBe('11.0')
    expect(await page.evaluate<number>('probe.found.shift')).toBeLessThan(0.005)
    expect(await page.locator('.device').count()).toBeLessThan(60)
    // What stands far below is there when somebody comes to see it.
    await page.evaluate('scrollTo(0, document.body.scrollHeight)')
    const last = page.locator('.device[aria-posinset="1200"]')
    await expect.poll(() => last.locator('.device-id').innerText()).toBe('dev-1199')
  })
})
