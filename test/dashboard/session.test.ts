import { createHash } from 'node:crypto'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { openCloud, type TestCloud } from '../adapters/local/cloud.ts'
import { openIssuer } from '../fakes/issuer.ts'
import { describeWithBrowser, launchBrowser, openPage, signInCode } from './browser.ts'

describeWithBrowser('who is in front of the page', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchBrowser()
  })
  afterAll(() => browser.close())

  /** A page that nobody has signed in to, with every address that it asked for. */
  async function stranger(cloud: TestCloud): Promise<{ page: Page; asked: string[] }> {
    const context = await browser.newContext()
    onTestFinished(() => context.close())
    const page = await context.newPage()
    const asked: string[] = []
    page.on('request', (request) => void asked.push(request.url()))
    await page.goto(cloud.http)
    return { page, asked }
  }

  const who = (page: Page): Promise<string | null> =>
    page.locator('.top-end button').getAttribute('aria-label')

  async function chosen(page: Page, item: string): Promise<void> {
    await page.locator('.top-end button').click()
    await page.getByRole('menuitem', { name: item, exact: true }).click()
  }

  it('is asked for a token where the cloud asks for one, and it never stands in an address', async () => {
    const cloud = await openCloud({ settings: { requireAuth: true } })
    const posted = await cloud.call('/devices/dev-1/telemetry', {
      method: 'POST',
      headers: { authorization: `Bearer ${cloud.adminToken}` },
      body: '{"temp": 21.5}',
    })
    expect(posted.status).toBe(202)
    const { page, asked } = await stranger(cloud)
    const give = async (token: string): Promise<void> => {
      await page.getByLabel("Admin's token or API key").fill(token)
      await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    }
    await give('wrong')
    await expect
      .poll(() => page.getByRole('alert').innerText())
      .toBe('This cloud does not know that token.')
    expect(await page.locator('.shell').count()).toBe(0)
    await give(cloud.adminToken)
    await expect.poll(() => page.locator('.recent-id').allInnerTexts()).toEqual(['dev-1'])
    expect(await who(page)).toContain('admin')
    // A cookie that no script can read; nothing is left in the page.
    expect(await page.evaluate('document.cookie + JSON.stringify(sessionStorage)')).toBe('{}')
    await page.reload()
    await expect.poll(() => page.locator('.recent-id').allInnerTexts()).toEqual(['dev-1'])
    expect(asked.length).toBeGreaterThan(5)
    expect(asked.filter((url) => url.includes(cloud.adminToken))).toEqual([])

    const other = await stranger(cloud)
    await other.page.getByLabel("Admin's token or API key").waitFor()
    await chosen(page, 'Sign out')
    await page.getByLabel("Admin's token or API key").waitFor()
  })

  it('is signed in by a link, once', async () => {
    const cloud = await openCloud({ settings: { requireAuth: true } })
    const code = await signInCode(cloud)
    const { page, asked } = await stranger(cloud)
    await page.goto(`${cloud.http}/#sign-in=${code}`)
    await expect.poll(() => who(page)).toContain('admin')
    expect(page.url()).toBe(`${cloud.http}/#/`)
    expect(asked.filter((url) => url.includes(code))).toEqual([])
    const { page: second } = await stranger(cloud)
    await second.goto(`${cloud.http}/#sign-in=${code}`)
    await expect.poll(() => second.getByRole('alert').innerText()).toContain('code')
    expect(await second.locator('.shell').count()).toBe(0)
  })

  it('is asked only when something is changed where reading is open, and then it is changed', async () => {
    const cloud = await openCloud({
      config: { alarms: { hot: { when: 'temp > 30', severity: 'critical' } } },
    })
    await cloud.call('/devices/dev-1/telemetry', { method: 'POST', body: '{"temp": 31}' })
    const { page } = await openPage(browser, cloud, {
      path: '/devices/dev-1/alarms',
      faultsExpected: true,
    })
    expect(await who(page)).toContain('Not signed in')
    const acknowledge = page.getByRole('button', { name: 'Acknowledge' })
    await acknowledge.click()
    await page.getByLabel("Admin's token or API key").waitFor()
    await page.keyboard.press('Escape')
    await expect.poll(() => page.getByLabel("Admin's token or API key").count()).toBe(0)
    await acknowledge.click()
    await page.getByLabel("Admin's token or API key").fill(cloud.adminToken)
    await page.keyboard.press('Enter')
    await expect.poll(() => page.locator('.alarm-card').innerText()).toContain('acknowledged')
    expect(await who(page)).toContain('admin')
  })

  it('sees what an API key may see, and cannot press what it may not do', async () => {
    const cloud = await openCloud({
      config: { alarms: { hot: { when: 'temp > 30', severity: 'critical' } } },
      settings: { requireAuth: true },
    })
    const headers = {
      authorization: `Bearer ${cloud.adminToken}`,
      'content-type': 'application/json',
    }
    await cloud.call('/devices/dev-1/telemetry', { method: 'POST', headers, body: '{"temp": 31}' })
    const made = await cloud.call('/keys', {
      method: 'POST',
      headers,
      body: JSON.stringify({ name: 'wall display', role: 'viewer' }),
    })
    const { secret } = JSON.parse(await made.text())
    const { page } = await stranger(cloud)
    await page.getByLabel("Admin's token or API key").fill(secret)
    await page.keyboard.press('Enter')
    await expect.poll(() => who(page)).toContain('wall display')
    await page.evaluate(`location.hash = '/devices/dev-1/alarms'`)
    const acknowledge = page.getByRole('button', { name: 'Acknowledge' })
    await expect.poll(() => acknowledge.isDisabled()).toBe(true)
  })

  it('signs in with an issuer, by a code that only this page can redeem', async () => {
    const fake = await openIssuer()
    onTestFinished(() => fake.close())
    const { issuer } = fake
    const cloud = await openCloud({
      config: {
        access: {
          oidc: [
            {
              issuer,
              audience: 'anyhub',
              clientId: 'page',
              allowPrivate: true,
              defaultRole: 'operator',
            },
          ],
        },
      },
      settings: { requireAuth: true },
    })
    const { page, asked } = await stranger(cloud)
    const sent: { challenge?: string; redirect?: string } = {}
    const cors = { 'access-control-allow-origin': cloud.http }
    await page.route(`${issuer}/.well-known/openid-configuration`, (route) =>
      route.fulfill({
        headers: cors,
        json: {
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
        },
      }),
    )
    await page.route(`${issuer}/authorize?*`, (route) => {
      const query = new URL(route.request().url()).searchParams
      expect(Object.fromEntries(query)).toMatchObject({
        response_type: 'code',
        client_id: 'page',
        code_challenge_method: 'S256',
        redirect_uri: `${cloud.http}/`,
      })
      sent.challenge = query.get('code_challenge')!
      const back = new URL(query.get('redirect_uri')!)
      back.searchParams.set('code', 'code-1')
      back.searchParams.set('state', query.get('state')!)
      return route.fulfill({ status: 302, headers: { location: back.href } })
    })
    await page.route(`${issuer}/token`, async (route) => {
      const body = new URLSearchParams(route.request().postData() ?? '')
      const verifier = body.get('code_verifier') ?? ''
      const challenge = createHash('sha256').update(verifier).digest('base64url')
      expect([body.get('code'), challenge]).toEqual(['code-1', sent.challenge])
      const token = await fake.sign({ sub: 'ann', name: 'Ann' })
      await route.fulfill({ headers: cors, json: { access_token: token, token_type: 'Bearer' } })
    })
    await page.getByRole('button', { name: `Sign in with ${new URL(issuer).host}` }).click()
    await expect.poll(() => who(page)).toContain('Ann')
    expect(page.url()).toBe(`${cloud.http}/`)
    expect(await page.evaluate('JSON.stringify(sessionStorage)')).toBe('{}')
    expect(asked.some((url) => url.startsWith(`${issuer}/authorize`))).toBe(true)

    // An answer that somebody else began is none.
    const other = await stranger(cloud)
    await other.page.goto(`${cloud.http}/?code=stolen&state=foreign`)
    await other.page.getByLabel("Admin's token or API key").waitFor()
  })

  it('keeps the theme that was chosen', async () => {
    const cloud = await openCloud()
    const { page } = await openPage(browser, cloud, { colorScheme: 'light' })
    const ground = (): Promise<number> => page.evaluate('probe.ground()')
    expect(await ground()).toBeGreaterThan(0.8)
    await page.locator('.top-end button').click()
    await page.getByRole('menuitemradio', { name: 'Dark' }).click()
    await expect.poll(ground).toBeLessThan(0.05)
    await page.reload()
    await page.locator('.stream[data-state="live"]').waitFor()
    expect(await ground()).toBeLessThan(0.05)
  })
})
