import * as z from 'zod'
import { CoreError } from '../errors.ts'
import { type Endpoint, endpoint } from './endpoint.ts'
import { readBody } from './read-body.ts'

/** Where the files of the page lie: a bucket or container. */
export interface PageStore {
  get(key: string): Promise<Uint8Array | undefined>
  put(key: string, bytes: Uint8Array, contentType: string): Promise<void>
}

const FOLDER = 'dashboard/'

/** The largest file of a page. Unit: bytes. */
const MAX_FILE_BYTES = 4_194_304

/** What a page is made of, by the end of its name. */
const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  json: 'application/json',
}

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/

const FileName = z.string().regex(NAME, 'expected the name of a file of the page')

const PATH = /^(?:assets\/)?[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/

/** Strict: the page brings all that it needs along. `connect`: whom else it may ask. */
export function pagePolicy(connect: readonly string[] = []): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    ["connect-src 'self'", ...connect].join(' '),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

/**
 * The page, out of a store of the cloud: one address with the API, so that the browser needs no leave to ask it and a cookie
 * signs in. Whoever is admin puts its files there.
 */
export function pageEndpoints(
  store: PageStore,
  connect: readonly string[] = [],
): readonly Endpoint[] {
  const policy = pagePolicy(connect)

  async function serve(key: string, lasting: boolean): Promise<Response> {
    const bytes = await store.get(FOLDER + key)
    if (bytes === undefined)
      throw new CoreError(
        'input.not_found',
        key === 'index.html'
          ? 'expected the page, found none here: "anyhub page upload" puts it there'
          : 'expected a file of the page',
      )
    return new Response(new Uint8Array(bytes), {
      headers: {
        'content-type': typeOf(key) ?? 'application/octet-stream',
        'content-security-policy': policy,
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        // Names of assets hold a hash of what they are.
        'cache-control': lasting ? 'public, max-age=31536000, immutable' : 'no-cache',
      },
    })
  }

  const root = ['index.html', 'icon.svg', 'config.json'].map((name) => {
    const path = name === 'index.html' ? '/' : `/${name}`
    return endpoint({
      method: 'get',
      path,
      operation: `getPage${name.replaceAll(/[^a-z]/g, '')}`,
      tag: 'Page',
      summary: `The page: ${name}.`,
      needs: 'open',
      contentType: typeOf(name) ?? '',
      handle: () => serve(name, false),
    })
  })
  return [
    ...root,
    endpoint({
      method: 'get',
      path: '/assets/{file}',
      operation: 'getPageAsset',
      tag: 'Page',
      summary: 'A file of the page.',
      needs: 'open',
      params: z.strictObject({ file: FileName }),
      contentType: 'application/octet-stream',
      handle: ({ params: { file } }) => serve(`assets/${file}`, true),
    }),
    endpoint({
      method: 'put',
      path: '/page',
      operation: 'putPageFile',
      tag: 'Page',
      summary: 'Puts a file of the page into the bucket of this cloud.',
      needs: 'system:write',
      query: z.strictObject({
        path: z
          .string()
          .regex(PATH, 'expected a path such as assets/index-1a2b.js')
          .refine(
            (path) => typeOf(path) !== undefined,
            `expected one of ${Object.keys(TYPES).join(', ')}`,
          ),
      }),
      raw: ['application/octet-stream'],
      async handle({ context, query: { path } }) {
        const { bytes, complete } = await readBody(context.req.raw, MAX_FILE_BYTES)
        if (!complete)
          throw new CoreError(
            'input.too_large',
            `expected a file of at most ${MAX_FILE_BYTES} bytes`,
          )
        await store.put(FOLDER + path, bytes, typeOf(path) ?? '')
        context.set('change', { target: `page/${path}`, after: { bytes: bytes.length } })
        return undefined
      },
    }),
  ]
}

function typeOf(key: string): string | undefined {
  const end = key.slice(key.lastIndexOf('.') + 1)
  return Object.hasOwn(TYPES, end) ? TYPES[end] : undefined
}
