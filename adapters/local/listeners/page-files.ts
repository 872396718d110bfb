import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'

/** The files of the page, in the repository and in the package. */
const PAGE_FOLDER = join(
  import.meta.dirname,
  import.meta.url.endsWith('.ts') ? '../../../dashboard' : '../../../../dashboard',
)

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Strict: the page brings all that it needs along. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
}

/** One file of the page. */
export interface PageFile {
  /** The path under which it is served. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  read(): Promise<Uint8Array<ArrayBuffer>>
}

/** Every file of the page: what stands in its folder when the server starts and is of a type that a page needs. */
export function listPageFiles(): readonly PageFile[] {
  return readdirSync(PAGE_FOLDER).flatMap((name) => {
    const type = TYPES[extname(name)]
    if (type === undefined) return []
    return {
      path: name === 'index.html' ? '/' : `/${name}`,
      headers: { ...HEADERS, 'content-type': type },
      read: async () => new Uint8Array(await readFile(join(PAGE_FOLDER, name))),
    }
  })
}
