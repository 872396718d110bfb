import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { describe, expect, onTestFinished } from 'vitest'
import type { TestCloud } from '../adapters/local/cloud.ts'
import { ensureBuilt } from './built.ts'

const CHROMIUM = '/usr/bin/chromium'

/** A bound for a busy machine, on which a browser, a cloud and a test share two cores with others. */
const PATIENCE_MS = 60_000

/** It tells nobody anything, and runs as the user that a container has. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** A suite that needs a browser: skipped by name, with the reason, where there is none; in CI it then fails. */
export function describeWithBrowser(name: string, body: () => void): void {
  const skip = !existsSync(CHROMIUM) && process.env['CI'] !== 'true'
  describe.skipIf(skip)(
    skip ? `${name} (skipped: there is no ${CHROMIUM})` : name,
    { timeout: PATIENCE_MS },
    body,
  )
}

/** A browser, and a page for it to open. */
export async function launchBrowser(): Promise<Browser> {
  await ensureBuilt()
  return chromium.launch({ executablePath: CHROMIUM, args: FLAGS })
}

/** A page, and what went wrong on it. */
export interface WatchedPage {
  readonly page: Page
  /** Errors in the console, exceptions, dialogs and what the content security policy stopped. */
  readonly faults: string[]
}

export type OpenOptions = BrowserContextOptions & {
  readonly faultsExpected?: boolean
  /** Where in the page: `/devices/dev-1`. */
  readonly path?: string
  /** Signs in as the admin first, with a link as `anyhub start` prints it. */
  readonly asAdmin?: boolean
}

/** Opens a page of a fresh visitor. Unless the test says otherwise, it ends with no fault. */
export async function openPage(
  browser: Browser,
  cloud: TestCloud,
  options: OpenOptions = {},
): Promise<WatchedPage> {
  const { faultsExpected = false, path = '/', asAdmin = false, ...rest } = options
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...rest })
  const page = await context.newPage()
  const faults: string[] = []
  page.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return
    // That something is not there is an answer, and no fault of the page.
    if (!/status of 404/.test(message.text())) faults.push(message.text())
  })
  page.on('pageerror', (error) => void faults.push(String(error)))
  page.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  await page.addInitScript({ path: join(import.meta.dirname, 'probe.js') })
  onTestFinished(async () => {
    faults.push(...(await page.evaluate<string[]>('probe.found.stopped')))
    await context.close()
    if (!faultsExpected) expect(faults).toEqual([])
  })
  if (asAdmin) {
    await page.goto(`${cloud.http}/#sign-in=${await signInCode(cloud)}`)
    await page.locator('.stream[data-state="live"]').waitFor()
    await page.evaluate(`location.hash = ${JSON.stringify(path)}`)
  } else {
    await page.goto(`${cloud.http}/#${path}`)
  }
  // What happens before the stream is open comes with its snapshot, and is not announced as news.
  await page.locator('.stream[data-state="live"]').waitFor()
  return { page, faults }
}

/** A code that signs a browser in as the admin, once. */
export async function signInCode(cloud: TestCloud): Promise<string> {
  const answer = await cloud.call('/session/codes', {
    method: 'POST',
    headers: { authorization: `Bearer ${cloud.adminToken}` },
  })
  expect(answer.status).toBe(201)
  const { code }: { code: string } = JSON.parse(await answer.text())
  return code
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe has against a page: rules of WCAG 2.2 A and AA, serious and critical. */
export async function barriersOf(page: Page): Promise<string[]> {
  // Over the protocol of the browser: the content security policy of the page lets no script in.
  await page.evaluate(axe)
  return page.evaluate<string[]>(`
    axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
      .then(({ violations, passes }) => (passes.length < 10 ? [{ id: 'axe saw nothing', impact: 'critical', nodes: [] }] : violations)
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .flatMap(({ id, nodes }) => (nodes.length === 0 ? [{ html: '', any: [] }] : nodes).map((node) => id + ': ' + node.html.slice(0, 160) + ' ' + (node.any[0]?.message ?? ''))))
  `)
}
