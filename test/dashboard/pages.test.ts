import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ConfigInput } from '../../core/index.ts'
import { openCloud, type TestCloud } from '../adapters/local/cloud.ts'
import { barriersOf, describeWithBrowser, launchBrowser, openPage } from './browser.ts'

const config: ConfigInput = {
  alarms: {
    hot: { when: 'temp > 30', severity: 'critical', text: 'it is ${temp} °C at ${place}' },
    dim: { when: 'light < 10', severity: 'warning' },
    odd: { when: 'light < 3', severity: 'info' },
  },
  rules: { warm: { sql: "SELECT temp FROM 'devices/+/telemetry' WHERE temp > 25", actions: [] } },
  channels: { mail: { type: 'email', to: ['ops@example.org'] } },
}

/** Every page, and what stands on it once it is there. */
const PAGES = [
  ['/', '.recent-id'],
  ['/devices', '.device-id'],
  ['/search/nothing', '#no-match'],
  ['/devices/dev-1', '.chart canvas'],
  ['/devices/dev-1/shadow', '.shadow'],
  ['/devices/dev-1/commands', '.lines'],
  ['/devices/dev-1/alarms', '.alarm-card'],
  ['/devices/dev-1/messages', '.message'],
  ['/devices/dev-1/dead-letters', '.letter'],
  ['/devices/dev-1/registry', '.facts'],
  ['/alarms', '.alarm-line'],
  ['/rules', '.rule-line'],
  ['/rules/warm', '.trial-sum'],
  ['/new-rule', '.cm-content'],
  ['/dead-letters', '.letter'],
  ['/notifications', '.sent-states .badge.good'],
  ['/tasks', '.task[data-state="done"] .task-faults'],
  ['/people', '.person'],
  ['/groups', '.group-name'],
  ['/access', '.key-table'],
  ['/audit', '.audit-entry'],
] as const

const WORD = 'word'.repeat(60)
/** Letters and their like that are unfolded on one page. */
const MOST_OPENED = 3
const LONG_ID = 'd'.repeat(128)

describeWithBrowser('every page', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterAll(() => browser.close())

  /** A cloud with something of everything, names and texts as long as they may be among it. */
  async function openFull(): Promise<TestCloud> {
    const cloud = await openCloud({ config })
    const headers = {
      authorization: `Bearer ${cloud.adminToken}`,
      'content-type': 'application/json',
    }
    const post = (path: string, body: object): Promise<Response> =>
      cloud.call(path, { method: 'POST', headers, body: JSON.stringify(body) })
    await post('/registry/devices', { deviceId: 'dev-1', type: 'fridge', tags: { site: 'west' } })
    await post('/devices/dev-1/telemetry', { temp: 20, setpoint: 18, door: 'closed', hum: 40 })
    await post('/devices/dev-1/telemetry', { temp: 31, place: WORD, light: 2, [WORD]: 1 })
    await post(`/devices/${LONG_ID}/telemetry`, { temp: 31.125, place: WORD, [WORD]: 1 })
    await cloud.call('/devices/dev-1/telemetry', { method: 'POST', body: `{${WORD}` })
    await post('/devices/dev-1/commands', { name: 'reboot', payload: { delay: 5 } })
    await post('/devices/dev-1/alarms/hot/comment', { text: WORD })
    const patched = await cloud.call('/devices/dev-1/shadow', {
      method: 'PATCH',
      headers,
      body: JSON.stringify({ state: { desired: { setpoint: 17, led: { colour: WORD } } } }),
    })
    expect(patched.status).toBe(200)
    await administer(cloud, headers)
    return cloud
  }

  /** Somebody to tell, a group, a key, a notification and an import that went wrong. */
  async function administer(cloud: TestCloud, headers: Record<string, string>): Promise<void> {
    const put = (path: string, body: object): Promise<Response> =>
      cloud.call(path, { method: 'PUT', headers, body: JSON.stringify(body) })
    const post = (path: string, body: object): Promise<Response> =>
      cloud.call(path, { method: 'POST', headers, body: JSON.stringify(body) })
    const done = [
      await put('/people/ann', { name: WORD, groups: ['night'], addresses: ['mail'] }),
      await put('/groups/west', { name: 'West', query: 'tags.site:west', description: WORD }),
      await post('/keys', { name: WORD.slice(0, 128), scopes: ['devices:read', 'rules:read'] }),
      await post('/notifications', { audience: { people: ['ann'] }, subject: WORD }),
      await cloud.call('/tasks/import', {
        method: 'POST',
        headers: { ...headers, 'content-type': 'text/csv' },
        body: `deviceId,type\nnew-1,fridge\n${WORD}!,fridge\n`,
      }),
    ]
    expect(done.map(({ ok }) => ok)).toEqual([true, true, true, true, true])
  }

  async function visit(page: Page, path: string, shown: string): Promise<void> {
    await page.evaluate(`location.hash = ${JSON.stringify(path)}`)
    await page.locator(shown).first().waitFor()
    const folded = page.locator('.letter summary')
    for (const letter of (await folded.all()).slice(0, MOST_OPENED)) await letter.click()
  }

  it.each(['light', 'dark'] as const)(
    'has no barrier for anybody in the %s, without a person and with one',
    async (colorScheme) => {
      const cloud = await openFull()
      const { page } = await openPage(browser, cloud, { colorScheme, asAdmin: true })
      expect((await page.evaluate<number>('probe.ground()')) < 0.5).toBe(colorScheme === 'dark')
      for (const [path, shown] of PAGES) {
        await visit(page, path, shown)
        expect([path, await barriersOf(page)]).toEqual([path, []])
      }
      await page.locator('.top-end button').click()
      await page.getByRole('menuitem', { name: 'Sign out' }).waitFor()
      expect(await barriersOf(page)).toEqual([])
    },
  )

  it.each([320, 390])('fits a phone of %i px without scrolling sideways', async (width) => {
    const cloud = await openFull()
    const { page } = await openPage(browser, cloud, {
      asAdmin: true,
      viewport: { width, height: 844 },
      isMobile: true,
    })
    for (const [path, shown] of PAGES) {
      await visit(page, path, shown)
      expect([path, await page.evaluate('probe.sizes()')]).toEqual([path, { width, out: [] }])
    }
    // The navigation comes in from the side.
    await page.getByRole('button', { name: 'Pages' }).click()
    await page.locator('.drawer .nav-link', { hasText: 'Devices' }).click()
    await expect.poll(() => page.url()).toBe(`${cloud.http}/#/devices`)
    await expect.poll(() => page.locator('.drawer').count()).toBe(0)
  })
})
