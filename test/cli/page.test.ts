import { mkdirSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { runCli, temporaryFolder } from './run-cli.ts'

function openFolder() {
  const folder = temporaryFolder()
  onTestFinished(() => folder.remove())
  return folder
}

/** Takes what is put there; whoever has no token is refused. */
async function openApi() {
  const got: { path: string; body: string }[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const isAdmin = request.headers.authorization === 'Bearer a'
    if (isAdmin) got.push({ path: `${request.method} ${request.url}`, body })
    response.writeHead(isAdmin ? 204 : 401, { 'content-type': 'application/problem+json' })
    response.end(isAdmin ? undefined : '{"detail":"expected the admin\'s token"}')
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => void server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('expected a port')
  return { got, url: `http://127.0.0.1:${address.port}` }
}

it('puts every file of the page that a browser asks for, and the first page last', async () => {
  const folder = openFolder()
  mkdirSync(join(folder.path, 'assets'))
  mkdirSync(join(folder.path, '.vite'))
  folder.write('index.html', '<!doctype html>')
  folder.write('icon.svg', '<svg/>')
  folder.write('assets/a-1.js', 'let a = 1')
  folder.write('assets/a-1.js.br', 'x')
  folder.write('.vite/manifest.json', '{}')
  const { got, url } = await openApi()
  const args = ['page', 'upload', '--url', url, '--folder', folder.path]
  const { code, out } = await runCli([...args, '--token', 'a'])
  expect({ code, out }).toEqual({ code: 0, out: `3 files, 0 KB: ${url}/\n` })
  expect(got).toEqual([
    { path: 'PUT /page?path=assets%2Fa-1.js', body: 'let a = 1' },
    { path: 'PUT /page?path=icon.svg', body: '<svg/>' },
    { path: 'PUT /page?path=index.html', body: '<!doctype html>' },
  ])
  const refused = await runCli([...args, '--token', 'b'])
  expect(refused.code).toBe(1)
  expect(refused.err).toContain("401 expected the admin's token")
})

it('says how the page is made where there is none', async () => {
  const folder = openFolder()
  const { code, err } = await runCli(['page', 'upload', '--folder', folder.path])
  expect(code).toBe(1)
  expect(err).toContain('npm run build:dashboard')
  expect((await runCli(['page'])).code).toBe(2)
})
