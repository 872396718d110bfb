import { type AwsClient, unexpected } from './client.ts'

/** Objects of one bucket: firmware, cold rows, the dashboard. */
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
  readonly client: AwsClient
  readonly bucket: string
  readonly region: string
  /** True where every service has one address: the bucket is then part of the path. */
  readonly pathStyle: boolean
}

/** Objects in S3. */
export function createObjectStore({
  client,
  bucket,
  region,
  pathStyle,
}: ObjectStoreOptions): ObjectStore {
  const host = `${bucket}.s3.${region}.amazonaws.com`
  const root = pathStyle ? `/${bucket}` : ''
  const at = (key: string): string => `${root}/${key.split('/').map(encodeURIComponent).join('/')}`

  async function listPage(prefix: string, token: string | undefined) {
    const query = new URLSearchParams({ 'list-type': '2', prefix })
    if (token !== undefined) query.set('continuation-token', token)
    const response = await client.send({
      service: 's3',
      host,
      method: 'GET',
      path: `${root}/?${query.toString().replaceAll('+', '%20')}`,
    })
    if (response.status !== 200) throw unexpected('s3', response)
    const xml = response.body.toString('utf8')
    return {
      keys: [...xml.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => unescapeXml(key ?? '')),
      next: /<NextContinuationToken>([^<]*)</.exec(xml)?.[1],
    }
  }

  return {
    async put(key, bytes, contentType) {
      const response = await client.send({
        service: 's3',
        host,
        method: 'PUT',
        path: at(key),
        headers: { 'content-type': contentType },
        body: bytes,
      })
      if (response.status !== 200) throw unexpected('s3', response)
    },

    async get(key) {
      const response = await client.send({ service: 's3', host, method: 'GET', path: at(key) })
      if (response.status === 404) return undefined
      if (response.status !== 200) throw unexpected('s3', response)
      return response.body
    },

    async remove(key) {
      const response = await client.send({ service: 's3', host, method: 'DELETE', path: at(key) })
      if (response.status >= 300 && response.status !== 404) throw unexpected('s3', response)
    },

    async list(prefix) {
      const found: string[] = []
      let token: string | undefined
      do {
        const page = await listPage(prefix, token)
        found.push(...page.keys)
        token = page.next === undefined ? undefined : unescapeXml(page.next)
      } while (token !== undefined)
      return found
    },

    signedUrl: (key, seconds) =>
      client.presign({ service: 's3', host, method: 'GET', path: at(key) }, seconds),
  }
}

function unescapeXml(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
}
