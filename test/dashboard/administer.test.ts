import { readFileSync } from 'node:fs'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ConfigInput } from '../../core/index.ts'
import { openCloud, type TestCloud } from '../adapters/local/cloud.ts'
import { barriersOf, describeWithBrowser, launchBrowser, openPage } from './browser.ts'

const config: ConfigInput = {
  channels: { mail: { type: 'email', to: ['ops@example.org'] } },
  storedSubscriptions: true,
}

describeWithBrowser('long work, access, notifications, people and groups on the page', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterAll(() => browser.close())

  /** `refusals`: what the cloud answers to some of it is an error in the console of the browser, too. */
  const open = async (cloud: TestCloud, path: string, refusals = false): Promise<Page> =>
    (await openPage(browser, cloud, { path, asAdmin: true, faultsExpected: refusals })).page

  async function ask(cloud: TestCloud, path: string, body?: object, method = 'POST') {
    const answer = await cloud.call(path, {
      ...(body === undefined ? {} : { method, body: JSON.stringify(body) }),
      headers: {
        authorization: `Bearer ${cloud.adminToken}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
    })
    const text = await answer.text()
    return text === '' ? undefined : JSON.parse(text)
  }

  /** 200 devices, those of the lines 51 and 121 with a fault. */
  function table(): Buffer {
    const rows = Array.from({ length: 200 }, (_, index) => {
      const line = index + 2
      if (line === 51) return 'not an id!,fridge,none,west'
      return `dev-${line},fridge,${line === 121 ? 'magic' : line < 10 ? 'token' : 'none'},west`
    })
    return Buffer.from(['deviceId,type,credential,tags.site', ...rows, ''].join('\r\n'))
  }

  it('imports a table: progress to its end, both faults with their lines, and the credentials once', async () => {
    const cloud = await openCloud({ config })
    const page = await open(cloud, '/tasks', true)
    await page.getByRole('button', { name: 'Import devices' }).click()
    const dialog = page.getByRole('dialog')
    await dialog
      .locator('input[type=file]')
      .setInputFiles({ name: 'fleet.csv', mimeType: 'text/csv', buffer: table() })
    await expect.poll(() => dialog.locator('.file-head').innerText()).toContain('dev-2,fridge')
    expect(await barriersOf(page)).toEqual([])
    await dialog.getByRole('button', { name: 'Import' }).click()

    const task = page.locator('.task')
    await expect.poll(() => task.locator('.badge').first().innerText()).toBe('done')
    const bar = task.getByRole('progressbar')
    expect([await bar.getAttribute('value'), await bar.getAttribute('max')]).toEqual(['200', '200'])
    expect(await task.locator('.task-count').innerText()).toBe('200 of 200 rows')
    const faults = await task.getByLabel('Faults').locator('li').allInnerTexts()
    expect(faults.map((one) => one.split(/\s+/).slice(0, 3).join(' '))).toEqual([
      'line 51 deviceId:',
      'line 121 credential:',
    ])
    const { devices } = await ask(cloud, '/devices?query=tags.site:west&limit=1000')
    expect(devices).toHaveLength(198)

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      task.getByRole('button', { name: 'Download credentials' }).click(),
    ])
    const file = readFileSync(await download.path(), 'utf8')
    expect(file.split('\r\n').find((line) => line.includes('dev-2,'))).toMatch(/[\w-]{20}/)
    expect(file.split('\r\n').find((line) => line.includes('dev-11,'))).not.toMatch(/[\w-]{20}/)
    await expect
      .poll(() => task.getByRole('button', { name: 'Download credentials' }).count())
      .toBe(0)

    // A file without what is needed is refused where it was given, with the place.
    await page.getByRole('button', { name: 'Import devices' }).click()
    await dialog
      .locator('input[type=file]')
      .setInputFiles({ name: 'x.csv', mimeType: 'text/csv', buffer: Buffer.from('a,b\n1,2\n') })
    await dialog.getByRole('button', { name: 'Import' }).click()
    await expect.poll(() => dialog.getByRole('alert').innerText()).toContain('expected deviceId')
  })

  it('exports what a search finds, and replays a recording that is dropped', async () => {
    const cloud = await openCloud({ config })
    await ask(cloud, '/devices/dev-1/telemetry', { temp: 21.5 })
    const page = await open(cloud, '/tasks')
    await page.getByRole('button', { name: 'Export telemetry' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Devices').fill('dev*')
    await dialog.getByText('1 device', { exact: true }).waitFor()
    await dialog.getByRole('button', { name: 'JSON lines' }).click()
    await dialog.getByRole('button', { name: 'Export', exact: true }).click()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.locator('.task').getByRole('button', { name: 'Download' }).click(),
    ])
    expect(readFileSync(await download.path(), 'utf8')).toContain('21.5')

    await page.getByRole('button', { name: 'Replay messages' }).click()
    const line = JSON.stringify({ deviceId: 'dev-9', at: Date.now() - 60_000, temp: 3 })
    const dropped = await page.evaluateHandle(
      `(() => {
        const dropped = new DataTransfer()
        dropped.items.add(new File([${JSON.stringify(`${line}\n`)}], 'recording.jsonl'))
        return dropped
      })()`,
    )
    await dialog.locator('.drop-zone').dispatchEvent('drop', { dataTransfer: dropped })
    await dialog.getByText('recording.jsonl').waitFor()
    await dialog.getByRole('button', { name: 'Replay' }).click()
    const replay = page.locator('.task', { hasText: 'Replay' })
    await expect.poll(() => replay.innerText()).toContain('1 accepted')
    const device = await ask(cloud, '/devices/dev-9')
    expect(device.last.temp.value).toBe(3)
  })

  it('makes a key, shows its secret once; it works, and is revoked; the log has both', async () => {
    const cloud = await openCloud({ config })
    const page = await open(cloud, '/access')
    await page.getByRole('button', { name: 'New key' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill('panel')
    await dialog.getByRole('button', { name: 'Chosen scopes' }).click()
    await dialog.getByLabel('rules:read').uncheck()
    await dialog.getByLabel('keys:read').check()
    expect(await barriersOf(page)).toEqual([])
    await dialog.getByRole('button', { name: 'Make the key' }).click()
    const secret = await dialog.locator('.copy code').innerText()
    expect(secret).toMatch(/^ahk_/)
    const as = (path: string): Promise<number> =>
      cloud.call(path, { headers: { authorization: `Bearer ${secret}` } }).then((one) => one.status)
    expect([await as('/keys'), await as('/rules'), await as('/audit')]).toEqual([200, 403, 403])

    await dialog.getByRole('button', { name: 'I have it' }).click()
    await expect.poll(() => page.locator('.key-table tbody tr').count()).toBe(1)
    expect(await page.locator('body').innerHTML()).not.toContain(secret)
    await page.getByRole('button', { name: 'Revoke panel' }).click()
    await dialog.getByRole('button', { name: 'Revoke' }).click()
    await page.getByText('No key yet').waitFor()
    expect(await as('/keys')).toBe(401)

    await page.getByRole('link', { name: 'Audit log' }).first().click()
    const entries = page.locator('.audit-entry')
    await expect.poll(() => entries.first().innerText()).toContain('Revoke key')
    await entries.first().locator('summary').click()
    await expect.poll(() => entries.first().locator('pre').first().innerText()).toContain('"panel"')
    await entries.first().getByRole('button', { name: 'All of key/' }).click()
    await expect
      .poll(() => entries.allInnerTexts().then((all) => all.map((one) => one.split('\n')[0])))
      .toEqual(['Revoke key', 'Create key'])
    expect(await page.locator('body').innerHTML()).not.toContain(secret)
  })

  it('tells a person who was just added, in his language; it reaches the mailbox and is accounted for', async () => {
    const cloud = await openCloud({ config })
    const page = await open(cloud, '/people', true)
    await page.getByRole('button', { name: 'New person' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Id').fill('ann')
    await dialog.getByLabel('Name').fill('Ann Miller')
    await dialog.getByLabel('Language').fill('not a language')
    await dialog.getByRole('button', { name: 'Address', exact: true }).click()
    await dialog.getByLabel('Channel 1').selectOption('mail')
    await dialog.getByLabel('Address 1', { exact: true }).fill('ann@example.org')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await expect.poll(() => dialog.locator('.field-fault').innerText()).toContain('de-AT')
    expect(await barriersOf(page)).toEqual([])
    await dialog.getByLabel('Language').fill('de')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await expect.poll(() => page.locator('.person').allInnerTexts()).toHaveLength(1)

    await page.evaluate(`location.hash = '/notifications'`)
    await page.getByRole('combobox', { name: 'People', exact: true }).fill('ann')
    await page.getByLabel('Subject', { exact: true }).fill('Water off at noon')
    await page.getByRole('button', { name: 'Another language' }).click()
    await page.getByLabel('Language', { exact: true }).fill('de')
    await page.getByLabel('Subject in it').fill('Kein Wasser ab zwölf')
    const preview = page.getByLabel('Previews')
    await expect.poll(() => preview.innerText()).toContain('Water off at noon')
    await page.getByRole('button', { name: 'de', exact: true }).click()
    await expect.poll(() => preview.innerText()).toContain('Kein Wasser ab zwölf')
    await page.getByRole('button', { name: 'Send' }).click()

    const sent = page.locator('ol[aria-label=Notifications] > li')
    await expect.poll(() => sent.allInnerTexts()).toHaveLength(1)
    await expect.poll(() => sent.innerText()).toContain('1 sent')
    await sent.locator('summary').click()
    await expect.poll(() => sent.locator('tbody tr').allInnerTexts()).toHaveLength(1)
    expect(await sent.locator('tbody tr').innerText()).toContain('@ann')
    await sent.getByRole('button', { name: 'Acknowledge' }).click()
    await expect.poll(() => sent.innerText()).toContain('acknowledged by admin')
    const { mails } = await ask(cloud, '/mailbox')
    expect(mails).toMatchObject([{ to: ['ann@example.org'] }])
    expect(mails[0].subject).toContain('Kein Wasser ab zwölf')
    await page.getByRole('link', { name: 'Mailbox 1' }).waitFor()
  })

  it('makes a subscription, says what is wrong with its rarer fields, and takes it away', async () => {
    const cloud = await openCloud({ config })
    const page = await open(cloud, '/people', true)
    await page.getByRole('button', { name: 'Subscriptions', exact: true }).click()
    await page.getByRole('button', { name: 'New subscription' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Id').fill('night')
    await dialog.getByRole('combobox', { name: 'Channels' }).fill('mail')
    await dialog.getByLabel('Quiet from').fill('22:00')
    await dialog.getByLabel('Quiet until').fill('06:00')
    await dialog.getByLabel('More, as JSON').fill('{"digest": "soon"}')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await expect.poll(() => dialog.getByRole('alert').innerText()).toContain('/digest')
    expect(await barriersOf(page)).toEqual([])
    await dialog.getByLabel('More, as JSON').fill('{"digest": "10m"}')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await expect.poll(() => page.locator('.person').innerText()).toContain('quiet hours')
    expect(await ask(cloud, '/subscriptions/night')).toMatchObject({
      to: { channels: ['mail'] },
      quietHours: { from: '22:00', to: '06:00' },
      digest: '10m',
    })
    await page.getByRole('button', { name: 'night' }).click()
    await dialog.getByRole('button', { name: 'Remove', exact: true }).click()
    await dialog.getByRole('button', { name: 'Really remove night' }).click()
    await page.getByText('No subscription yet').waitFor()
  })

  it('makes a group of whoever a search finds, counted while it is written, and one of who is put in', async () => {
    const cloud = await openCloud({ config })
    for (const id of ['dev-1', 'dev-2', 'pump-1'])
      await ask(cloud, `/devices/${id}/telemetry`, { temp: 20 })
    const page = await open(cloud, '/groups', true)
    await page.getByRole('button', { name: 'New group' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Id').fill('devs')
    await dialog.getByLabel('Search').fill('temp:(')
    await expect.poll(() => dialog.locator('.field-fault').count()).toBe(1)
    await dialog.getByLabel('Search').fill('dev*')
    await expect.poll(() => dialog.locator('.group-count').innerText()).toBe('2 devices')
    await dialog.getByRole('button', { name: 'Save' }).click()
    const lines = page.locator('ol[aria-label=Groups] > li')
    await expect.poll(() => lines.first().innerText()).toContain('2 devices')

    await page.getByRole('button', { name: 'New group' }).click()
    await dialog.getByLabel('Id').fill('trial')
    await dialog.getByRole('button', { name: 'Whoever is put in' }).click()
    await dialog.getByRole('combobox', { name: 'Devices' }).fill('pump-1, ')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await expect.poll(() => lines.allInnerTexts().then((all) => all.length)).toBe(2)
    expect(await ask(cloud, '/groups/trial')).toMatchObject({ devices: ['pump-1'] })
  })
})
