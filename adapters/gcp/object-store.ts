import { createHash } from 'node:crypto'
import * as z from 'zod/mini'
import { parseJson } from '../node/web-sender.ts'
import { type GcpClient, unexpected } from './client.ts'
import type { Credentials } from './credentials.ts'

/** Objects of one bucket: firmware, the dashboard. */
export interface ObjectStore {
  put(key: string, bytes: Uint8Array, contentType: string): Promise<void>
  /** The bytes, or `undefined` if there is no such object. */
  get(key: string): Promise<Buffer | undefined>
  remove(key: string): Promise<void>
  /** Keys that start so, in their order. */
  list(prefix: string): Promise<readonly string[]>
  /** A URL by which whoever has it reads the object, for so long. Unit: s, up to a week. */
  signedUrl(key: string, seconds: number): Promise<string>
}

export interface ObjectStoreOptions {
  readonly client: GcpClient
  readonly credentials: Credentials
  readonly bucket: string
  /** Epoch ms. */
  readonly now: () => number
  /** Where objects are read; Google's address unless given. */
  readonly origin?: string | undefined
}

const ListReply = z.object({
  items: z._default(z.array(z.object({ name: z.string() })), []),
  nextPageToken: z.optional(z.string()),
})

/** Objects in Cloud Storage. */
export function createObjectStore({
  client,
  credentials,
  bucket,
  now,
  origin = 'https://storage.googleapis.com',
}: ObjectStoreOptions): ObjectStore {
  const objects = `/storage/v1/b/${bucket}/o`

  return {
    async put(key, bytes, contentType) {
      const response = await client.send({
        service: 'storage',
        method: 'POST',
        path: `/upload${objects}?uploadType=media&name=${encodeURIComponent(key)}`,
        headers: { 'content-type': contentType },
        body: bytes,
      })
      if (response.status !== 200) throw unexpected('storage', response)
    },

    async get(key) {
      const path = `${objects}/${encodeURIComponent(key)}?alt=media`
      const response = await client.send({ service: 'storage', method: 'GET', path })
      if (response.status === 404) return undefined
      if (response.status !== 200) throw unexpected('storage', response)
      return response.body
    },

    async remove(key) {
      const path = `${objects}/${encodeURIComponent(key)}`
      const response = await client.send({ service: 'storage', method: 'DELETE', path })
      if (response.status >= 300 && response.status !== 404) throw unexpected('storage', response)
    },

    async list(prefix) {
      const found: string[] = []
      let token: string | undefined
      do {
        const query = new URLSearchParams({ prefix, fields: 'items(name),nextPageToken' })
        if (token !== undefined) query.set('pageToken', token)
        const path = `${objects}?${query.toString()}`
        const response = await client.send({ service: 'storage', method: 'GET', path })
        if (response.status !== 200) throw unexpected('storage', response)
        const page = ListReply.parse(parseJson(response.body))
        found.push(...page.items.map(({ name }) => name))
        token = page.nextPageToken
      } while (token !== undefined)
      return found
    },

    /** Source: Cloud Storage, "V4 signing process": a canonical request, its digest in a text, the text signed. */
    async signedUrl(key, seconds) {
      const at = new Date(now()).toISOString().replace(/[-:]|\.\d{3}/g, '')
      const scope = `${at.slice(0, 8)}/auto/storage/goog4_request`
      const { host } = new URL(origin)
      const path = `/${bucket}/${key.split('/').map(encodeStrictly).join('/')}`
      const query = [
        ['X-Goog-Algorithm', 'GOOG4-RSA-SHA256'],
        ['X-Goog-Credential', `${await credentials.email()}/${scope}`],
        ['X-Goog-Date', at],
        ['X-Goog-Expires', String(seconds)],
        ['X-Goog-SignedHeaders', 'host'],
      ]
        .map(([name = '', value = '']) => `${name}=${encodeStrictly(value)}`)
        .join('&')
      const request = ['GET', path, query, `host:${host}`, '', 'host', 'UNSIGNED-PAYLOAD'].join(
        '\n',
      )
      const digest = createHash('sha256').update(request).digest('hex')
      const signature = await credentials.sign(
        ['GOOG4-RSA-SHA256', at, scope, digest].join('\n'),
        client,
      )
      return `${origin}${path}?${query}&X-Goog-Signature=${signature.toString('hex')}`
    },
  }
}

/** Source: RFC 3986, 2.3: all but the unreserved characters. */
function encodeStrictly(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
