import { connectAsync, type MqttClient } from 'mqtt'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import type { ConfigInput } from '../../core/index.ts'
import { openCloud, type TestCloud } from '../adapters/local/cloud.ts'
import { describeWithBrowser, launchBrowser, type OpenOptions, openPage } from './browser.ts'

const config: ConfigInput = {
  alarms: {
    hot: { when: 'temp > 30', clear: 'temp < 25', severity: 'critical', text: 'it is ${temp} °C' },
  },
}

describeWithBrowser('one device on the page', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterAll(() => browser.close())

  const open = async (cloud: TestCloud, path: string, options: OpenOptions = {}): Promise<Page> =>
    (await openPage(browser, cloud, { path, asAdmin: true, ...options })).page

  async function device(cloud: TestCloud, clientId: string): Promise<MqttClient> {
    const client = await connectAsync(cloud.mqtt, { clientId, reconnectPeriod: 0 })
    onTestFinished(() => client.endAsync(true))
    return client
  }

  const send = (client: MqttClient, body: object): Promise<unknown> =>
    client.publishAsync(`devices/${client.options.clientId}/telemetry`, JSON.stringify(body), {
      qos: 1,
    })

  /** What the device hears on its topics, newest last. */
  async function listen(
    client: MqttClient,
    topic: string,
  ): Promise<{ topic: string; body: string }[]> {
    const heard: { topic: string; body: string }[] = []
    client.on('message', (on, payload) => void heard.push({ topic: on, body: payload.toString() }))
    await client.subscribeAsync(topic, { qos: 1 })
    return heard
  }

  const text = (page: Page, selector: string): Promise<string> => page.locator(selector).innerText()
  const leaf = (page: Page, name: string) =>
    page.locator('.shadow tbody tr', { has: page.locator(`th:text-is("${name}")`) })

  it('draws what comes while somebody looks, zooms, and shows other ranges and metrics', async () => {
    const cloud = await openCloud({ config })
    const client = await device(cloud, 'dev-1')
    const now = Date.now()
    for (let ago = 20; ago > 0; ago--)
      await send(client, {
        temp: 20 + (ago % 3),
        hum: 40 + ago,
        door: 'open',
        ts: now - ago * 5_000,
      })
    const page = await open(cloud, '/devices/dev-1')
    await expect.poll(() => page.locator('.chart canvas').count()).toBe(2)
    const newest = page.locator('.chart-newest').first()
    await expect.poll(() => newest.innerText()).toBe('21')
    // The picture itself moves, not only the figure beside it.
    const picture = (): Promise<string> =>
      page.evaluate(`document.querySelector('.chart canvas').toDataURL()`)
    const before = await picture()
    await send(client, { temp: 29.5, hum: 70, door: 'open' })
    await expect.poll(() => newest.innerText()).toBe('29.5')
    await expect.poll(picture).not.toBe(before)
    expect(await text(page, '.values')).toMatch(/temp\s+29\.5[\s\S]*door\s+open/)

    // A frame drawn with the pointer.
    const box = (await page.locator('.u-over').first().boundingBox())!
    await page.mouse.move(box.x + box.width * 0.8, box.y + 40)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width * 0.95, box.y + 60, { steps: 4 })
    await page.mouse.up()
    await expect.poll(() => page.getByRole('button', { name: 'Back to live' }).count()).toBe(1)
    await page.getByRole('button', { name: 'Back to live' }).click()
    await page.getByRole('button', { name: '24 h', exact: true }).click()
    await expect.poll(() => page.locator('.chart canvas').count()).toBe(2)
    await page.getByRole('button', { name: 'Together' }).click()
    await expect.poll(() => page.locator('.chart canvas').count()).toBe(1)
    // Text is no series; a number comes and goes with a click.
    expect(await page.getByRole('button', { name: 'door' }).count()).toBe(0)
    await page.getByRole('button', { name: 'hum' }).click()
    await expect.poll(() => page.locator('.chart-name').count()).toBe(1)
  })

  it('lets what is desired reach a device, and shows when it has followed', async () => {
    const cloud = await openCloud({ config })
    const client = await device(cloud, 'dev-1')
    const heard = await listen(client, 'devices/dev-1/shadow/#')
    await send(client, { setpoint: -18, temp: -17 })
    const page = await open(cloud, '/devices/dev-1/shadow')
    await expect.poll(() => leaf(page, 'setpoint').innerText()).toMatch(/–\s+-18\s+not asked for/)

    await leaf(page, 'setpoint').getByRole('button').click()
    await page.getByLabel('Desired value of setpoint').fill('-20')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Apply' }).click()
    await expect.poll(() => heard.map(({ body }) => body).join()).toContain('-20')
    const row = leaf(page, 'setpoint')
    await expect.poll(() => row.getAttribute('data-standing')).toBe('differs')
    await expect
      .poll(() => row.innerText())
      .toMatch(/-20[\s\S]*-18[\s\S]*not yet\s+wanted by admin/)
    expect(await row.innerText()).toContain('the device said -18')
    await expect.poll(() => page.locator('.line-head').first().innerText()).toMatch(/^admin/)

    await send(client, { setpoint: -20 })
    await expect.poll(() => row.getAttribute('data-standing')).toBe('same')
    expect(await row.innerText()).toContain('reached')

    // A new value with a structure, and one that is taken away again.
    await page.getByLabel('Name of a new value').fill('led.colour')
    await page.getByLabel('Value', { exact: true }).fill('red')
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    await page.getByRole('button', { name: 'Apply' }).click()
    await expect.poll(() => leaf(page, 'led › colour').innerText()).toContain('never reported')
    expect(heard.map(({ body }) => body).join()).toContain('"led":{"colour":"red"}')
    await leaf(page, 'led › colour').getByRole('button').click()
    await page.getByRole('button', { name: 'Remove' }).click()
    await page.getByRole('button', { name: 'Apply' }).click()
    await expect.poll(() => leaf(page, 'led › colour').count()).toBe(0)
  })

  it('changes nothing over the head of somebody else, and keeps what was typed', async () => {
    const cloud = await openCloud({ config })
    const client = await device(cloud, 'dev-1')
    await send(client, { temp: 20 })
    const patch = (desired: object): Promise<Response> =>
      cloud.call('/devices/dev-1/shadow', {
        method: 'PATCH',
        headers: {
          authorization: `Bearer ${cloud.adminToken}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify({ state: { desired } }),
      })
    expect((await patch({ mode: 'eco' })).status).toBe(200)
    const page = await open(cloud, '/devices/dev-1/shadow')
    await leaf(page, 'mode').getByRole('button').click()
    await page.getByLabel('Desired value of mode').fill('boost')
    await page.keyboard.press('Enter')
    await patch({ mode: 'off' })
    await page.getByRole('button', { name: 'Apply' }).click()
    const warning = page.locator('.shadow-conflict')
    await expect.poll(() => warning.innerText()).toContain('Somebody else changed what is desired')
    const wanted = async (): Promise<unknown> =>
      JSON.parse(await (await cloud.call('/devices/dev-1/shadow')).text()).state.desired.mode
    expect(await wanted()).toBe('off')
    expect(await leaf(page, 'mode').locator('ins').innerText()).toBe('boost')
    // That a device reports makes another version, and no conflict.
    await expect.poll(() => text(page, '.shadow')).toContain('temp')
    await warning.getByRole('button').click()
    await send(client, { temp: 21 })
    await page.getByRole('button', { name: 'Apply' }).click()
    await expect.poll(wanted).toBe('boost')
  })

  it('sends commands and methods, and shows how far they came', async () => {
    const cloud = await openCloud({ config })
    const client = await device(cloud, 'dev-1')
    await send(client, { temp: 20 })
    const page = await open(cloud, '/devices/dev-1/commands', { faultsExpected: true })
    await page.getByLabel('Name').fill('reboot')
    await page.getByLabel('Payload, JSON').fill('{"delay": ')
    expect(await page.getByRole('button', { name: 'Send' }).isDisabled()).toBe(true)
    await page.getByLabel('Payload, JSON').fill('{"delay": 5}')
    await page.getByRole('button', { name: 'Send' }).click()
    await expect.poll(() => text(page, '.lines .line')).toMatch(/^reboot\s+Enqueued/)
    expect(await text(page, '.lines .line')).toContain('by admin')

    const next = await cloud.call('/devices/dev-1/executions/next')
    expect(await next.text()).toBe('{"delay":5}')
    const lock = next.headers.get('etag')!.replaceAll('"', '')
    await expect.poll(() => text(page, '.lines .line')).toMatch(/^reboot\s+Delivered/)
    await cloud.call(`/devices/dev-1/executions/${lock}`, { method: 'DELETE' })
    await expect.poll(() => text(page, '.lines .line')).toMatch(/^reboot\s+Completed/)

    // Nobody listens for methods: the page says so in the words of the cloud.
    await page.getByRole('button', { name: 'Direct method' }).click()
    await page.getByLabel('Method').fill('readSettings')
    await page.getByLabel('Waits for the answer').fill('1')
    await page.getByRole('button', { name: 'Ask' }).click()
    await expect.poll(() => text(page, '.toast')).toContain('The device did not answer')
  })

  it('acknowledges an alarm, comments on it and shelves it', async () => {
    const cloud = await openCloud({ config })
    const client = await device(cloud, 'dev-1')
    await send(client, { temp: 31 })
    const page = await open(cloud, '/devices/dev-1/alarms')
    const card = page.locator('.alarm-card')
    await expect.poll(() => card.innerText()).toMatch(/^hot\s+critical\s+active/)
    await card.getByRole('button', { name: 'Acknowledge' }).click()
    await expect.poll(() => card.innerText()).toMatch(/^hot\s+critical\s+acknowledged/)
    await card.getByLabel('Comment on hot').fill('on my way')
    await page.keyboard.press('Enter')
    await expect.poll(() => card.locator('.timeline').innerText()).toContain('on my way')
    await card.getByRole('button', { name: 'Shelve' }).click()
    await page.getByRole('menuitem', { name: '1 hour' }).click()
    await expect.poll(() => card.innerText()).toMatch(/^hot\s+critical\s+shelved/)
    const { alarms } = JSON.parse(await (await cloud.call('/devices/dev-1/alarms')).text())
    expect(alarms[0]).toMatchObject({ alarmId: 'hot', standing: 'shelved', shelvedBy: 'admin' })
    await card.getByRole('button', { name: 'Unshelve' }).click()
    await expect.poll(() => card.innerText()).toMatch(/^hot\s+critical\s+acknowledged/)
  })

  it('shows its messages as they come, its dead letters, and who it is', async () => {
    const cloud = await openCloud({ config })
    const authorization = `Bearer ${cloud.adminToken}`
    const added = await cloud.call('/registry/devices', {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ deviceId: 'dev-1', type: 'fridge', tags: { site: 'west' } }),
    })
    expect(added.status).toBe(201)
    const client = await device(cloud, 'other')
    const post = (id: string, body: string): Promise<Response> =>
      cloud.call(`/devices/${id}/telemetry`, { method: 'POST', body })
    await post('dev-1', '{"temp": 21}')
    await post('dev-1', '{"temp":')
    await send(client, { temp: 5 })
    const page = await open(cloud, '/devices/dev-1/messages')
    await expect.poll(() => page.locator('.message').count()).toBe(1)
    await post('dev-1', '{"temp": 22.5}')
    await expect.poll(() => page.locator('.message').first().innerText()).toMatch(/temp 22\.5/)
    // What could not be read is told as well, and why.
    await post('dev-1', '{"temp": 1')
    await expect
      .poll(() => page.locator('.message').first().innerText())
      .toMatch(/dead lettered\s+expected JSON[\s\S]*\{"temp": 1/)
    await page.getByRole('tab', { name: 'Dead letters' }).click()
    await expect.poll(() => page.locator('.letter').count()).toBe(2)
    await page.getByRole('tab', { name: 'Registry' }).click()
    await expect
      .poll(() => text(page, '.device-columns'))
      .toMatch(/enabled[\s\S]*fridge[\s\S]*site west/)
    await page.getByRole('button', { name: 'Disable' }).click()
    await expect.poll(() => text(page, '.device-columns')).toContain('disabled')
    expect((await post('dev-1', '{"temp": 23}')).status).toBe(403)
  })
})
