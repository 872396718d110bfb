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
] as const

const WORD = 'word'.repeat(60)
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
    return cloud
  }

  async function visit(page: Page, path: string, shown: string): Promise<void> {
    await page.evaluate(`location.hash = ${JSON.stringify(path)}`)
    await page.locator(shown).first().waitFor()
    for (const letter of await page.locator('.letter summary').all()) await letter.click()
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
