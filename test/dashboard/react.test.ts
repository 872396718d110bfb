import { connectAsync, type MqttClient } from 'mqtt'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import type { ConfigInput } from '../../core/index.ts'
import { openCloud, type TestCloud } from '../adapters/local/cloud.ts'
import { describeWithBrowser, launchBrowser, openPage } from './browser.ts'

const config: ConfigInput = {
  alarms: { hot: { when: 'temp > 30', severity: 'critical', text: 'it is ${temp} °C' } },
  rules: {
    warm: {
      sql: "SELECT temp FROM 'devices/+/telemetry' WHERE temp > 25",
      actions: [{ republish: { topic: 'fleet/warm' } }],
    },
  },
}

describeWithBrowser('rules, alarms and dead letters on the page', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterAll(() => browser.close())

  /** `refusals`: what the cloud answers to some of it is an error in the console of the browser, too. */
  const open = async (cloud: TestCloud, path: string, refusals = false): Promise<Page> =>
    (await openPage(browser, cloud, { path, asAdmin: true, faultsExpected: refusals })).page

  async function device(cloud: TestCloud, clientId: string): Promise<MqttClient> {
    const client = await connectAsync(cloud.mqtt, { clientId, reconnectPeriod: 0 })
    onTestFinished(() => client.endAsync(true))
    return client
  }

  const send = (client: MqttClient, body: object): Promise<unknown> =>
    client.publishAsync(`devices/${client.options.clientId}/telemetry`, JSON.stringify(body), {
      qos: 1,
    })

  /** Puts a text in place of the whole SQL. */
  async function write(page: Page, sql: string): Promise<void> {
    await page.locator('.cm-content').click()
    await page.keyboard.press('ControlOrMeta+a')
    await page.keyboard.press('Delete')
    await page.keyboard.insertText(sql)
  }

  it('writes a rule beside what it makes of real messages, underlines what is wrong, saves, and it runs', async () => {
    const cloud = await openCloud({ config })
    const client = await device(cloud, 'dev-1')
    await send(client, { temp: 20, door: 'open' })
    await send(client, { temp: 27, door: 'closed' })
    const heard: string[] = []
    client.on('message', (topic, payload) => void heard.push(`${topic} ${payload.toString()}`))
    await client.subscribeAsync('fleet/#', { qos: 1 })

    const page = await open(cloud, '/rules')
    await page.getByRole('link', { name: 'warm' }).click()
    const sum = {
      innerText: async () => (await page.locator('.trial-sum').innerText()).replace(/\s+/g, ' '),
    }
    await expect.poll(() => sum.innerText()).toBe('1 of 2 messages taken')
    // The newest message is shown: how the rule came to take it, value by value.
    const tree = page.locator('.explain')
    await expect.poll(() => tree.innerText()).toMatch(/WHERE\s+temp > 25\s+true\s+temp\s+27/)
    await page.locator('.trial-row').nth(1).click()
    await expect.poll(() => tree.innerText()).toMatch(/temp > 25\s+false\s+temp\s+20/)

    await write(page, "SELECT temp, FROM 'devices/+/telemetry'")
    await expect.poll(() => page.locator('.trial-fault').innerText()).toContain('line 1, column')
    await expect.poll(() => page.locator('.cm-lintRange-error').allInnerTexts()).toEqual(['FROM'])

    await write(page, "SELECT temp, door FROM 'devices/+/telemetry' WHERE door = 'open'")
    await expect.poll(() => sum.innerText()).toBe('1 of 2 messages taken')
    expect(await page.locator('.cm-lintRange-error').count()).toBe(0)
    await page.getByRole('button', { name: 'Save' }).click()
    await expect.poll(() => page.locator('.toast').innerText()).toContain('warm runs')
    await send(client, { temp: 3, door: 'open' })
    await expect.poll(() => heard).toEqual(['fleet/warm {"temp":3,"door":"open"}'])

    // What anyhub.yml says comes back with one click.
    await page.getByRole('button', { name: 'Back to anyhub.yml' }).click()
    await expect.poll(() => page.locator('.cm-content').innerText()).toContain('WHERE temp > 25')
  })

  it('says of a rule that cannot be saved what is wrong and where, and switches rules off', async () => {
    const cloud = await openCloud({ config })
    const client = await device(cloud, 'dev-1')
    await send(client, { temp: 27 })
    const page = await open(cloud, '/new-rule', true)
    await page.getByLabel('Id of the rule').fill('loud')
    await page.getByRole('textbox', { name: 'Actions' }).fill('[{"notify": {"channel": "nobody"}}]')
    await page.getByRole('button', { name: 'Save' }).click()
    await expect.poll(() => page.locator('.rule-faults').innerText()).toMatch(/actions\/0/)
    await page.getByRole('textbox', { name: 'Actions' }).fill('[{')
    await expect.poll(() => page.locator('.field-fault').count()).toBe(1)
    expect(await page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true)

    await page.evaluate(`location.hash = '/rules'`)
    await page.getByRole('checkbox', { name: 'warm runs' }).click()
    await page.locator('.toast', { hasText: 'warm rests' }).waitFor()
    const rule = JSON.parse(await (await cloud.call('/rules/warm')).text())
    expect(rule.enabled).toBe(false)
  })

  it('acknowledges several alarms at once, comments, assigns and shelves one', async () => {
    const cloud = await openCloud({ config })
    for (const id of ['dev-1', 'dev-2', 'dev-3']) await send(await device(cloud, id), { temp: 31 })
    const page = await open(cloud, '/alarms')
    const lines = page.locator('.alarm-line')
    await expect.poll(() => lines.count()).toBe(3)
    await page.getByLabel('Choose hot of dev-1').check()
    await page.getByLabel('Choose hot of dev-2').check()
    await page.getByRole('button', { name: 'Acknowledge 2' }).click()
    await expect
      .poll(() => lines.allInnerTexts().then((all) => all.map((one) => /acknowledged/.test(one))))
      .toEqual([false, true, true])

    await page.getByLabel('Search alarms').fill('dev-2')
    await lines.getByRole('button', { name: 'hot' }).click()
    const detail = page.locator('.alarm-detail')
    await detail.getByLabel('Comment on hot').fill('on my way')
    await detail.getByRole('button', { name: 'Add' }).click()
    await expect.poll(() => detail.locator('.timeline').innerText()).toContain('on my way')
    await detail.getByLabel('Who looks after hot').fill('Kim')
    await detail.getByRole('button', { name: 'Assign' }).click()
    await expect.poll(() => lines.innerText()).toContain('for Kim')
    await detail.getByRole('button', { name: 'Shelve' }).click()
    await page.getByRole('menuitem', { name: '1 hour' }).click()
    await expect.poll(() => lines.innerText()).toContain('shelved')
    const shelved = JSON.parse(await (await cloud.call('/alarms?standing=shelved')).text())
    expect(shelved.alarms).toMatchObject([{ deviceId: 'dev-2', assignedTo: 'Kim', comments: 1 }])
  })

  it('lists dead letters with their reason, finds one and throws it away', async () => {
    const cloud = await openCloud({ config })
    for (const body of ['{"a', 'nonsense', '[1,'])
      await cloud.call('/devices/dev-1/telemetry', {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json' },
      })
    const page = await open(cloud, '/dead-letters', true)
    const letters = page.locator('.letter')
    await expect.poll(() => letters.count()).toBe(3)
    await page.getByRole('button', { name: 'Send all 3 again' }).click()
    await expect.poll(() => page.locator('.toast').innerText()).toContain('0 of 3 taken in')
    await letters.first().locator('summary').click()
    await letters.first().getByRole('button', { name: 'Throw away' }).click()
    await expect.poll(() => letters.count()).toBe(2)
  })

  it('shows devices where they are, together where many are, and goes nearer', async () => {
    const cloud = await openCloud({ config })
    const page = await open(cloud, '/')
    const entry = page.locator('.nav-link', { hasText: 'Map' })
    await send(await device(cloud, 'no-place'), { temp: 1 })
    await page.locator('.recent-id').first().waitFor()
    expect(await entry.count()).toBe(0)
    await send(await device(cloud, 'new-york'), { temp: 20, position: { lat: 40.7, lon: -74 } })
    await send(await device(cloud, 'hamburg'), { temp: 31, position: { lat: 53.5, lon: 10 } })
    await send(await device(cloud, 'altona'), { temp: 20, latitude: 53.55, longitude: 9.9 })
    await entry.click()
    const marker = (name: string) => page.getByRole('button', { name })
    await marker('new-york, quiet').waitFor()
    await marker('2 devices, critical').waitFor()
    const [west, east] = await Promise.all(
      ['new-york, quiet', '2 devices, critical'].map((name) => marker(name).boundingBox()),
    )
    expect(west!.x).toBeLessThan(east!.x)
    expect(west!.y).toBeGreaterThan(east!.y)

    for (
      let nearer = 0;
      nearer < 9 && (await marker('hamburg, critical').count()) === 0;
      nearer++
    ) {
      await page.locator('.marker.many').click()
      await page.waitForTimeout(50)
    }
    await marker('hamburg, critical').click()
    await expect
      .poll(() => page.locator('.map-chosen').innerText())
      .toMatch(/hamburg[\s\S]*it is 31/)
    // The land is drawn, not only a frame for it.
    const drawn = await page.evaluate<number>(`(() => {
      const canvas = document.querySelector('.map canvas')
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
      return new Set(new Uint32Array(data.buffer)).size
    })()`)
    expect(drawn).toBeGreaterThan(2)
    await page.getByRole('button', { name: 'All' }).click()
    await marker('new-york, quiet').waitFor()
    await page.locator('.map').focus()
    await page.keyboard.press('ArrowLeft')
    await page.getByRole('button', { name: 'All' }).waitFor()
  })
})
