import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startTestCloud, type TestCloud } from './local-cloud.ts'
import { type Folder, runCli, temporaryFolder } from './run-cli.ts'

describe('anyhub sign-in', () => {
  let folder: Folder
  let running: TestCloud
  beforeEach(async () => {
    folder = temporaryFolder()
    running = await startTestCloud(folder, '{}')
  })
  afterEach(async () => {
    await running.cloud.close()
    folder.remove()
  })

  const post = (code: string) =>
    fetch(`${running.http}/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ code }),
    })

  it('prints a link that signs a browser in, once', async () => {
    const { code, out } = await runCli(['sign-in', '--url', running.http, '--data', running.data])
    expect(code).toBe(0)
    const [url, secret = ''] = out.trim().split('/#sign-in=')
    expect(url).toBe(running.http)
    const opened = await post(secret)
    expect(opened.status).toBe(201)
    expect(await opened.json()).toMatchObject({ caller: { kind: 'admin' } })
    expect(opened.headers.get('set-cookie')).toContain('HttpOnly; SameSite=Strict')
    expect((await post(secret)).status).toBe(401)
  })

  it('prints it as JSON, with its end', async () => {
    const before = Date.now()
    const { out } = await runCli([
      ...['sign-in', '--url', running.http, '--data', running.data, '--json'],
    ])
    const { link, expiresAt } = JSON.parse(out)
    expect(link).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#sign-in=[0-9a-z]{9}\.[\w-]{43}$/)
    expect(expiresAt).toBeGreaterThanOrEqual(before + 600_000)
  })

  it('is for the admin', async () => {
    const { code, err } = await runCli(['sign-in', '--url', running.http, '--token', 'wrong'])
    expect(code).not.toBe(0)
    expect(err).toContain('token is none of the admin, a key or an issuer')
    expect((await runCli(['sign-in', 'now'])).code).toBe(2)
  })

  it('makes codes that the cloud itself makes at its start', async () => {
    expect((await post(await running.cloud.createSignInCode())).status).toBe(201)
  })
})
