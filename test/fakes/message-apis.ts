import { createECDH, createVerify, generateKeyPairSync, randomBytes, verify } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'

/** One request that an API of others got. */
export interface ApiRequest {
  readonly path: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
  readonly bytes: Buffer
}

/** How it answers. */
export interface ApiAnswer {
  readonly status: number
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface MessageApi {
  readonly url: string
  readonly requests: readonly ApiRequest[]
  /** Answers of requests to come, one after the other; the last stays. */
  answer(...answers: ApiAnswer[]): void
  close(): Promise<void>
}

/** An API on loopback that keeps what it got, over HTTP/1.1 or, as Apple's, over HTTP/2. */
export async function openMessageApi(version: 1 | 2 = 1): Promise<MessageApi> {
  const requests: ApiRequest[] = []
  let answers: readonly ApiAnswer[] = [{ status: 200, body: '{}' }]
  const handle = async (request: IncomingMessage | AsyncIterable<Buffer>, head: ApiHead) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(Buffer.from(chunk))
    const bytes = Buffer.concat(chunks)
    requests.push({ ...head, bytes, body: bytes.toString('utf8') })
    const [next = { status: 200 }, ...rest] = answers
    if (rest.length > 0) answers = rest
    return next
  }
  const server =
    version === 1
      ? createServer((request, response) => {
          const head = { path: request.url ?? '', headers: flat(request.headers) }
          void handle(request, head).then(({ status, body = '', headers = {} }) =>
            response.writeHead(status, headers).end(body),
          )
        })
      : createHttp2Server((request, response) => {
          const head = { path: request.url, headers: flat(request.headers) }
          void handle(request, head).then(({ status, body = '' }) => {
            response.writeHead(status)
            response.end(body)
          })
        })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    answer: (...given) => {
      answers = given
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        if ('closeAllConnections' in server) server.closeAllConnections()
      }),
  }
}

type ApiHead = Pick<ApiRequest, 'path' | 'headers'>

function flat(headers: IncomingMessage['headers']): ApiRequest['headers'] {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : value,
    ]),
  )
}

/** The two parts of a JSON Web Token, and whether a key made its signature. */
export function openJwt(
  token: string,
  publicKey: string,
): { head: object; claims: object; signed: boolean } {
  const [head = '', claims = '', signature = ''] = token.split('.')
  const decode = (part: string): object => JSON.parse(Buffer.from(part, 'base64url').toString())
  const bytes = Buffer.from(signature, 'base64url')
  const input = Buffer.from(`${head}.${claims}`)
  const header = decode(head) as { alg?: string }
  const signed =
    header.alg === 'ES256'
      ? verify('sha256', input, { key: publicKey, dsaEncoding: 'ieee-p1363' }, bytes)
      : createVerify('sha256').update(input).verify(publicKey, bytes)
  return { head: header, claims: decode(claims), signed }
}

export function rsaKeys() {
  return generateKeyPairSync('rsa', {
    modulusLength: 2_048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
}

export function ecKeys() {
  return generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
}

/** A browser that subscribed: what it tells, and what only it knows. */
export function browser() {
  const ecdh = createECDH('prime256v1')
  ecdh.generateKeys()
  const auth = randomBytes(16)
  return {
    ecdh,
    auth,
    keys: { p256dh: ecdh.getPublicKey('base64url'), auth: auth.toString('base64url') },
  }
}
