import { type AzureClient, type AzureResponse, faultOf, header, unexpected } from './client.ts'

/** What became of an append. */
export type Appended = 'done' | 'missing' | 'full'

export interface BlobFacts {
  readonly name: string
  readonly bytes: number
}

/** The operations of Blob Storage that the adapters need, on one container. */
export interface Blobs {
  put(name: string, content: Uint8Array, contentType: string): Promise<void>
  /** The bytes, or `undefined` if there is no such blob. */
  get(name: string): Promise<Buffer | undefined>
  /** Gives false if there was none. */
  remove(name: string): Promise<boolean>
  /** Blobs whose names start so, in the order of their names. */
  list(prefix: string): Promise<readonly BlobFacts[]>
  /** Makes an empty blob that is appended to, unless there is one. */
  createAppend(name: string, contentType: string): Promise<void>
  append(name: string, content: Uint8Array): Promise<Appended>
  /** A key by which URLs are signed, for so long. Unit: epoch ms. */
  delegationKey(from: number, to: number): Promise<DelegationKey>
}

/** Source: Blob Storage REST reference, Get User Delegation Key. */
export interface DelegationKey {
  readonly oid: string
  readonly tid: string
  readonly start: string
  readonly expiry: string
  readonly service: string
  readonly version: string
  /** Base64. */
  readonly value: string
}

/** Source: Azure Storage REST reference, versioning. */
export const STORAGE_VERSION = '2024-11-04'

/** Large objects take their time. Unit: ms. */
const TIMEOUT_MS = 60_000

/** Blob Storage over its REST interface. */
export function createBlobs(client: AzureClient, container: string): Blobs {
  const at = (name: string): string =>
    `/${container}/${name.split('/').map(encodeURIComponent).join('/')}`

  function send(
    method: 'GET' | 'PUT' | 'POST' | 'DELETE',
    path: string,
    headers: Readonly<Record<string, string>> = {},
    body?: string | Uint8Array,
  ): Promise<AzureResponse> {
    return client.send({
      service: 'blob',
      method,
      path,
      headers: { 'x-ms-version': STORAGE_VERSION, ...headers },
      timeoutMs: TIMEOUT_MS,
      ...(body === undefined ? {} : { body }),
    })
  }

  async function listPage(prefix: string, marker: string) {
    const query = new URLSearchParams({ restype: 'container', comp: 'list', prefix })
    if (marker !== '') query.set('marker', marker)
    const response = await send('GET', `/${container}?${query.toString().replaceAll('+', '%20')}`)
    if (response.status !== 200) throw unexpected('blob', response)
    const xml = response.body.toString('utf8')
    return {
      blobs: [...xml.matchAll(/<Blob>([\s\S]*?)<\/Blob>/g)].map(
        ([, blob = '']): BlobFacts => ({
          name: unescapeXml(inside(blob, 'Name')),
          bytes: Number(inside(blob, 'Content-Length')),
        }),
      ),
      next: unescapeXml(inside(xml, 'NextMarker')),
    }
  }

  return {
    async put(name, content, contentType) {
      const response = await send(
        'PUT',
        at(name),
        { 'x-ms-blob-type': 'BlockBlob', 'content-type': contentType },
        content,
      )
      if (response.status !== 201) throw unexpected('blob', response)
    },

    async get(name) {
      const response = await send('GET', at(name))
      if (isMissing(response)) return undefined
      if (response.status !== 200) throw unexpected('blob', response)
      return response.body
    },

    async remove(name) {
      const response = await send('DELETE', at(name))
      if (isMissing(response)) return false
      if (response.status !== 202) throw unexpected('blob', response)
      return true
    },

    async list(prefix) {
      const found: BlobFacts[] = []
      let marker = ''
      do {
        const page = await listPage(prefix, marker)
        found.push(...page.blobs)
        marker = page.next
      } while (marker !== '')
      return found
    },

    async createAppend(name, contentType) {
      const response = await send('PUT', at(name), {
        'x-ms-blob-type': 'AppendBlob',
        'content-type': contentType,
        'if-none-match': '*',
      })
      // 409 BlobAlreadyExists: another call was first.
      if (response.status !== 201 && response.status !== 409) throw unexpected('blob', response)
    },

    async append(name, content) {
      const response = await send('PUT', `${at(name)}?comp=appendblock`, {}, content)
      if (response.status === 201) return 'done'
      if (isMissing(response)) return 'missing'
      if (faultOf(response).code === 'BlockCountExceedsLimit') return 'full'
      throw unexpected('blob', response)
    },

    async delegationKey(from, to) {
      const response = await send(
        'POST',
        '/?restype=service&comp=userdelegationkey',
        { 'content-type': 'application/xml' },
        `<?xml version="1.0" encoding="utf-8"?><KeyInfo><Start>${isoSeconds(from)}</Start><Expiry>${isoSeconds(to)}</Expiry></KeyInfo>`,
      )
      if (response.status !== 200) throw unexpected('blob', response)
      const xml = response.body.toString('utf8')
      return {
        oid: inside(xml, 'SignedOid'),
        tid: inside(xml, 'SignedTid'),
        start: inside(xml, 'SignedStart'),
        expiry: inside(xml, 'SignedExpiry'),
        service: inside(xml, 'SignedService'),
        version: inside(xml, 'SignedVersion'),
        value: inside(xml, 'Value'),
      }
    },
  }
}

/** Times of signatures have no parts of seconds. */
export function isoSeconds(at: number): string {
  return new Date(at).toISOString().replace(/\.\d{3}/, '')
}

/** The text of the first element of a name; '' if there is none. */
export function inside(xml: string, name: string): string {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? ''
}

export function unescapeXml(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
}

/** No such blob; that there is no such container is another matter. */
function isMissing(response: AzureResponse): boolean {
  return response.status === 404 && header(response.headers, 'x-ms-error-code') === 'BlobNotFound'
}
