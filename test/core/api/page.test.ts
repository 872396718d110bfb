import { describe, expect, it } from 'vitest'
import { createApi, type PageStore, pageEndpoints } from '../../../core/api/index.ts'
import { start } from '../harness.ts'

const ADMIN = { authorization: 'Bearer a' }

function open() {
  const { core } = start({})
  const kept = new Map<string, { bytes: Uint8Array; contentType: string }>()
  const store: PageStore = {
    get: async (key) => kept.get(key)?.bytes,
    put: async (key, bytes, contentType) => void kept.set(key, { bytes, contentType }),
  }
  const api = createApi({
    core,
    add: async (uplink) => (await core.ingest([uplink]))[0]!,
    isAdmin: (authorization) => authorization === ADMIN.authorization,
    more: pageEndpoints(store, ['https://login.example']),
  })
  const put = (path: string, body: string | Uint8Array<ArrayBuffer>, headers: object = ADMIN) =>
    api.request(`/page?path=${encodeURIComponent(path)}`, {
      method: 'PUT',
      body,
      headers: { ...headers },
    })
  return { api, kept, put }
}

describe('the page in a bucket', () => {
  it('says how it gets there while it is not', async () => {
    const answer = await open().api.request('/')
    expect(answer.status).toBe(404)
    expect(JSON.parse(await answer.text()).detail).toContain('anyhub page upload')
  })

  it('is served with its type and a strict policy, and what has a hash for good', async () => {
    const { api, put, kept } = open()
    expect((await put('index.html', '<!doctype html>')).status).toBe(204)
    expect((await put('assets/index-1a2b.js', 'export {}')).status).toBe(204)
    expect([...kept.keys()]).toEqual(['dashboard/index.html', 'dashboard/assets/index-1a2b.js'])

    const page = await api.request('/')
    expect(await page.text()).toBe('<!doctype html>')
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(page.headers.get('cache-control')).toBe('no-cache')
    expect(page.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; script-src 'self';.*connect-src 'self' https:\/\/login\.example;/,
    )
    const asset = await api.request('/assets/index-1a2b.js')
    expect(asset.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    expect(asset.headers.get('cache-control')).toContain('immutable')
    expect((await api.request('/assets/none.js')).status).toBe(404)
  })

  it.each(['../core.js', 'assets/../x.js', 'assets/a/b.js', '/x.js', 'x.exe', 'x', '.env.js', ''])(
    'takes no file called %j',
    async (path) => {
      const { kept, put } = open()
      const answer = await put(path, 'x')
      expect(answer.status).toBe(400)
      expect(JSON.parse(await answer.text()).errors).toEqual(
        expect.arrayContaining([expect.objectContaining({ in: 'query', pointer: '/path' })]),
      )
      expect(kept.size).toBe(0)
    },
  )

  it('takes files of the admin alone, and none that is too large', async () => {
    const { kept, put } = open()
    expect((await put('index.html', 'x', {})).status).toBe(401)
    expect((await put('assets/a.js', new Uint8Array(5_000_000))).status).toBe(413)
    expect(kept.size).toBe(0)
  })
})
