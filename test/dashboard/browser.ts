import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { describe, expect, onTestFinished } from 'vitest'

const CHROMIUM = '/usr/bin/chromium'

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
  describe.skipIf(skip)(skip ? `${name} (skipped: there is no ${CHROMIUM})` : name, body)
}

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: FLAGS })
}

/** A page, and what went wrong on it. */
export interface WatchedPage {
  readonly page: Page
  /** Errors in the console, exceptions, dialogs and what the content security policy stopped. */
  readonly faults: string[]
}

/** Opens a page of a fresh visitor. Unless the test says otherwise, it ends with no fault. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions & { readonly faultsExpected?: boolean } = {},
): Promise<WatchedPage> {
  const { faultsExpected = false, ...rest } = options
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...rest })
  const page = await context.newPage()
  const faults: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') faults.push(message.text())
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
  await page.goto(url)
  // What happens before the stream is open comes with its snapshot, and is not announced as news.
  await page.locator('body[data-stream="live"]').waitFor({ state: 'attached' })
  return { page, faults }
}
