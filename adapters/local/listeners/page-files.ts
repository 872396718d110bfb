import { existsSync, readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'

/** The page as it was built, in the repository and in the package. */
const PAGE_FOLDER = join(
  import.meta.dirname,
  import.meta.url.endsWith('.ts') ? '../../../dashboard/dist' : '../../../../dashboard/dist',
)

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
}

/** Kinds of compression that a build leaves beside a file, the best first. */
const ENCODINGS = [
  { name: 'br', ending: '.br' },
  { name: 'gzip', ending: '.gz' },
] as const

/** Their names change with what is in them. */
const IMMUTABLE = 'public, max-age=31536000, immutable'

export interface PageOptions {
  /** Where else the page has to be able to ask: the issuer that people sign in with. */
  readonly connectTo?: readonly string[]
  /** Where the built page lies; for tests. */
  readonly folder?: string
}

/** One file of the page. */
export interface PageFile {
  /** The path under which it is served. */
  readonly path: string
  /** The file in the best form that the client takes. */
  read(acceptEncoding: string): Promise<PageAnswer>
}

export interface PageAnswer {
  readonly body: Uint8Array<ArrayBuffer>
  readonly headers: Readonly<Record<string, string>>
}

/** Every file of the page: what stands in its folder when the server starts and is of a type that a page needs. */
export function listPageFiles({
  connectTo = [],
  folder = PAGE_FOLDER,
}: PageOptions = {}): readonly PageFile[] {
  const headers = securityHeaders(connectTo)
  if (!existsSync(join(folder, 'index.html'))) return [missingPage(headers)]
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) =>
    name.replaceAll('\\', '/'),
  )
  const all = new Set(names)
  return names.flatMap((name) => {
    const type = TYPES[extname(name)]
    if (type === undefined || name.startsWith('.')) return []
    const encodings = ENCODINGS.filter(({ ending }) => all.has(`${name}${ending}`))
    const fixed = {
      ...headers,
      'cache-control': name.startsWith('assets/') ? IMMUTABLE : 'no-cache',
      'content-type': type,
      ...(encodings.length === 0 ? {} : { vary: 'accept-encoding' }),
    }
    return {
      path: name === 'index.html' ? '/' : `/${name}`,
      async read(acceptEncoding) {
        const encoding = encodings.find((one) => takes(acceptEncoding, one.name))
        const body = await readFile(join(folder, `${name}${encoding?.ending ?? ''}`))
        return {
          body: new Uint8Array(body),
          headers: encoding === undefined ? fixed : { ...fixed, 'content-encoding': encoding.name },
        }
      },
    }
  })
}

/** Strict: the page brings all that it needs along. */
function securityHeaders(connectTo: readonly string[]): Readonly<Record<string, string>> {
  const connect = ["'self'", ...connectTo].join(' ')
  return {
    'content-security-policy': `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src ${connect}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    'referrer-policy': 'no-referrer',
  }
}

/** Source: RFC 9110, 12.5.3; what is not wanted has a weight of 0. */
function takes(acceptEncoding: string, encoding: string): boolean {
  return acceptEncoding.split(',').some((part) => {
    const [name, ...parameters] = part.split(';').map((one) => one.trim().toLowerCase())
    return name === encoding && !parameters.some((one) => /^q=0(?:\.0*)?$/.test(one))
  })
}

/** Where the page was not built: how it is built, and that all the rest works. */
function missingPage(headers: Readonly<Record<string, string>>): PageFile {
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>anyhub</title>
</head>
<body>
<h1>anyhub is running</h1>
<p>Its page has not been built here: it needs the tools of development. Run <code>npm ci &amp;&amp; npm run build:dashboard</code> in its folder and start it again.</p>
<p>Everything else works: <a href="/devices">devices as JSON</a>, <a href="/stats">counters</a>, <a href="/healthz">health</a>.</p>
</body>
</html>
`
  return {
    path: '/',
    read: () =>
      Promise.resolve({
        body: new TextEncoder().encode(html),
        headers: {
          ...headers,
          'cache-control': 'no-cache',
          'content-type': 'text/html; charset=utf-8',
        },
      }),
  }
}
