import { describe, expect, it } from 'vitest'
import { listPageFiles } from '../../../../adapters/local/listeners/page-files.ts'
import { ensureBuilt } from '../../../dashboard/built.ts'
import { openCloud, temporaryFolder } from '../cloud.ts'
import { ask } from './raw.ts'

describe('Host', () => {
  it.each([
    'localhost',
    'LocalHost',
    'localhost:8080',
    '127.0.0.1',
    '127.0.0.1:1',
    '127.1.2.3',
    '[::1]',
    '[::1]:8080',
  ])('%s is this machine', async (host) => {
    const { httpPort } = await openCloud()
    expect((await ask(httpPort!, 'GET /healthz', { host })).status).toBe(200)
  })

  it.each([
    'evil.example',
    'evil.example:8080',
    'localhost.evil.example',
    'localhost@evil.example',
    'evil.example#localhost',
    'xlocalhost',
    '127.0.0.1.evil.example',
    '127.0.0.1:80:80',
    '128.0.0.1',
    '10.0.0.1',
    '[::2]',
    '::1',
    '0.0.0.0',
  ])('%s is not', async (host) => {
    const { httpPort } = await openCloud()
    const { status, head, body } = await ask(httpPort!, 'GET /healthz', { host })
    expect([400, 403]).toContain(status)
    if (status === 400) return
    expect(head).toContain('content-type: application/problem+json')
    expect(JSON.parse(body)).toMatchObject({ title: 'request.foreign', status: 403 })
  })

  it('is asked for', async () => {
    const { httpPort } = await openCloud()
    expect((await ask(httpPort!, 'GET /healthz', {})).status).toBe(400)
    expect((await ask(httpPort!, 'GET /healthz', { host: '' })).status).toBeGreaterThan(399)
  })
})

describe('Origin', () => {
  const post = async (origin: (port: number) => string) => {
    const { httpPort, core } = await openCloud()
    const headers = {
      host: `127.0.0.1:${httpPort}`,
      origin: origin(httpPort!),
      'content-length': '11',
    }
    const answer = await ask(httpPort!, 'POST /devices/d1/telemetry', headers, '{"temp":31}')
    return { status: answer.status, stored: await core.ports.telemetry.count('') }
  }

  it('of our own page may write', async () => {
    const own = await post((port) => `http://127.0.0.1:${port}`)
    expect(own).toEqual({ status: 202, stored: 1 })
  })

  it.each([
    ['another site', () => 'https://evil.example'],
    ['another port of this machine', () => 'http://127.0.0.1:1'],
    ['another name of this machine', (port: number) => `http://localhost:${port}`],
    ['a file or a sandboxed frame', () => 'null'],
    ['nonsense', () => '///'],
    ['a name that starts like ours', (port: number) => `http://127.0.0.1:${port}.evil.example`],
  ])('of %s may not', async (_what, origin) => {
    expect(await post(origin)).toEqual({ status: 403, stored: 0 })
  })

  it('does not matter where nothing is changed', async () => {
    const { call } = await openCloud()
    const answer = await call('/healthz', { headers: { origin: 'https://evil.example' } })
    expect(answer.status).toBe(200)
    // Without this header the browser keeps the answer from the other site.
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
  })
})

describe('the page', () => {
  it('comes with headers that let nothing else in', async () => {
    const { call } = await openCloud()
    const answer = await call('/')
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer')
    const policy = answer.headers.get('content-security-policy') ?? ''
    expect(policy.split('; ')).toEqual([
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self'",
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ])
  })

  it('brings all that it names, each with its type', async () => {
    await ensureBuilt()
    const { call } = await openCloud()
    const html = await (await call('/')).text()
    const named = [...html.matchAll(/(?:src|href)="\.(\/[^"]+)"/g)].map(([, path]) => path!)
    expect(named.length).toBeGreaterThan(1)
    const types: Record<string, string> = {
      js: 'text/javascript; charset=utf-8',
      css: 'text/css; charset=utf-8',
      svg: 'image/svg+xml',
    }
    for (const path of named) {
      const answer = await call(path)
      expect([path, answer.status]).toEqual([path, 200])
      expect(answer.headers.get('content-type')).toBe(types[path.split('.').at(-1)!])
      const text = await answer.text()
      expect(text.length).toBeGreaterThan(0)
      const asset = path.startsWith('/assets/')
      expect(answer.headers.get('cache-control')).toBe(
        asset ? 'public, max-age=31536000, immutable' : 'no-cache',
      )
      // What is small is not worth it.
      if (!asset || text.length < 1_000) continue
      // Compressed when it was built, and the same for whoever takes no compression.
      expect(answer.headers.get('content-encoding')).toMatch(/^(?:br|gzip)$/)
      const plain = await call(path, { headers: { 'accept-encoding': 'br;q=0, identity' } })
      expect(plain.headers.get('content-encoding')).toBeNull()
      expect(await plain.text()).toBe(text)
    }
  })

  it('says how it is built where it was not, and lets its headers in nothing either', async () => {
    const [only, ...others] = listPageFiles({ folder: temporaryFolder() })
    expect(others).toEqual([])
    const { body, headers } = await only!.read('')
    expect(only!.path).toBe('/')
    expect(new TextDecoder().decode(body)).toContain('npm run build:dashboard')
    expect(headers['content-security-policy']).toContain("default-src 'none'")
  })

  it('may ask the issuer that people sign in with, and nobody else', async () => {
    const [page] = listPageFiles({
      folder: temporaryFolder(),
      connectTo: ['https://login.example'],
    })
    const { headers } = await page!.read('')
    expect(headers['content-security-policy']).toContain(
      "connect-src 'self' https://login.example;",
    )
  })

  it.each([
    '/tsconfig.json',
    '/../package.json',
    '/%2e%2e/package.json',
    '/..%2fpackage.json',
    '/page.js/',
    '/page.js%00.css',
    '/.env',
    '/index.html',
    '/.vite/manifest.json',
    '/assets/',
    '/src/main.tsx',
    '/vite.config.ts',
  ])('does not bring %s', async (path) => {
    const { httpPort } = await openCloud()
    const answer = await ask(httpPort!, `GET ${path}`, { host: 'localhost' })
    expect(answer.status).toBe(404)
  })

  it('and every other answer is not to be sniffed', async () => {
    const { call } = await openCloud()
    for (const path of ['/healthz', '/devices', '/metrics', '/stats', '/nope', '/devices/x']) {
      const answer = await call(path)
      expect([path, answer.headers.get('x-content-type-options')]).toEqual([path, 'nosniff'])
    }
  })
})

describe('what is not served', () => {
  it.each(['/nope', '/devices/a/b/c', '/healthz/', '/DEVICES', '/%'])(
    '%s is a problem document of 404',
    async (path) => {
      const { httpPort } = await openCloud()
      const { status, head, body } = await ask(httpPort!, `GET ${path}`, { host: 'localhost' })
      expect(status).toBe(404)
      expect(head).toContain('content-type: application/problem+json')
      expect(JSON.parse(body)).toEqual({
        type: 'urn:anyhub:input.not_found',
        title: 'input.not_found',
        status: 404,
        detail: `no such path: GET ${path}`,
      })
    },
  )

  it.each([
    ['DELETE', '/devices', 'GET'],
    ['POST', '/', 'GET'],
    ['PUT', '/metrics', 'GET'],
    ['POST', '/events', 'GET'],
    ['GET', '/dead-letters/x/redrive', 'POST'],
    ['DELETE', '/devices/d1/shadow', 'GET, PATCH'],
    ['PATCH', '/devices/d1/telemetry', 'GET, POST'],
    ['PUT', '/dead-letters/x', 'GET, DELETE'],
    ['OPTIONS', '/devices', 'GET'],
  ])('%s %s is a problem document of 405', async (method, path, allowed) => {
    const { call } = await openCloud()
    const answer = await call(path, { method })
    expect(answer.status).toBe(405)
    expect(answer.headers.get('allow')).toBe(allowed)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(await answer.json()).toMatchObject({ title: 'input.not_allowed', status: 405 })
  })

  it('GET /mqtt without a WebSocket is told what it takes', async () => {
    const { call } = await openCloud()
    const answer = await call('/mqtt')
    expect(answer.status).toBe(426)
    expect(answer.headers.get('upgrade')).toBe('websocket')
  })

  it('a device id that is none is a fault of the request', async () => {
    const { call, adminToken, core } = await openCloud()
    const answer = await call('/devices/two%20words/shadow', {
      method: 'PATCH',
      headers: { authorization: `Bearer ${adminToken}` },
      body: '{"state":{"desired":{"on":true}}}',
    })
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ title: 'uplink.bad_device_id' })
    expect(await core.ports.devices.list('', 10)).toEqual([])
  })

  it('HEAD is GET without the body', async () => {
    const { call } = await openCloud()
    for (const path of ['/', '/healthz', '/metrics', '/events']) {
      const answer = await call(path, { method: 'HEAD' })
      expect([path, answer.status, await answer.text()]).toEqual([path, 200, ''])
    }
  })

  it.each([
    'GET //',
    'GET http://',
    'GET http://[',
    'GET ?',
    'GET *',
    'CONNECT evil:1',
    'NONSENSE /',
  ])('%s harms nobody', async (line) => {
    const { httpPort, call } = await openCloud()
    const answer = await ask(httpPort!, line, { host: 'localhost' }).catch(() => undefined)
    if (answer !== undefined && !Number.isNaN(answer.status))
      expect(answer.status).toBeGreaterThan(399)
    expect((await call('/healthz')).status).toBe(200)
  })

  it('an offer of HTTP/2 is passed over', async () => {
    const { httpPort } = await openCloud()
    const { status, body } = await ask(httpPort!, 'GET /healthz', {
      host: 'localhost',
      connection: 'Upgrade, HTTP2-Settings, close',
      upgrade: 'h2c',
      'http2-settings': 'AAMAAABkAARAAAAAAAIAAAAA',
    })
    expect({ status, body }).toEqual({ status: 200, body: '{"status":"ok"}' })
  })
})
