import type { Authorize } from './client.ts'
import type { Credentials } from './credentials.ts'

// How services of Azure are shown who asks. Keys are for emulators, and for what knows no identity.

/** With a token of our identity. */
export function byToken(credentials: Credentials, resource: string): Authorize {
  return async () => ({ authorization: `Bearer ${await credentials.token(resource)}` })
}

/** Blobs and queues under our identity. Source: Azure Storage REST reference, "Authorize with Microsoft Entra ID". */
export function storageByToken(credentials: Credentials, now: () => number): Authorize {
  const authorize = byToken(credentials, 'https://storage.azure.com')
  return async (request) => ({ ...(await authorize(request)), 'x-ms-date': httpDate(now()) })
}

/** Cosmos under our identity. Source: Cosmos DB REST reference, access control: `type=aad`. */
export function cosmosByToken(
  credentials: Credentials,
  resource: string,
  now: () => number,
): Authorize {
  return async () => ({
    authorization: encodeURIComponent(`type=aad&ver=1.0&sig=${await credentials.token(resource)}`),
    'x-ms-date': httpDate(now()),
  })
}

/** Kinds of resources of Cosmos, as they stand in paths. */
const COSMOS_KINDS: ReadonlySet<string> = new Set(['dbs', 'colls', 'docs', 'pkranges'])

/**
 * Cosmos by its key.
 *
 * Source: Cosmos DB REST reference, access control: the HMAC over verb, kind, link and date.
 */
export function cosmosByKey(key: string, now: () => number): Authorize {
  return async ({ url, method }) => {
    const date = httpDate(now())
    const parts = url.pathname
      .split('/')
      .filter((part) => part !== '')
      .map(decodeURIComponent)
    const last = parts.at(-1) ?? ''
    // A path ends with the kind of what is made or listed, or with the id of one.
    const ofKind = parts.length % 2 === 1 && COSMOS_KINDS.has(last)
    const kind = ofKind ? last : (parts.at(-2) ?? '')
    const link = (ofKind ? parts.slice(0, -1) : parts).join('/')
    const text = `${method.toLowerCase()}\n${kind}\n${link}\n${date.toLowerCase()}\n\n`
    return {
      authorization: encodeURIComponent(`type=master&ver=1.0&sig=${hmac(key, text)}`),
      'x-ms-date': date,
    }
  }
}

/**
 * Blobs and queues by the account's key.
 *
 * Source: Azure Storage REST reference, "Authorize with Shared Key", versions since 2015-02-21.
 */
export function storageByKey(account: string, key: string, now: () => number): Authorize {
  return async ({ url, method, headers, body }) => {
    const date = httpDate(now())
    const all = new Map(
      Object.entries({ ...headers, 'x-ms-date': date }).map(([name, value]) => [
        name.toLowerCase(),
        value,
      ]),
    )
    const length = body === undefined ? 0 : Buffer.byteLength(body)
    const standard = [
      'content-encoding',
      'content-language',
      'content-length',
      'content-md5',
      'content-type',
      'date',
      'if-modified-since',
      'if-match',
      'if-none-match',
      'if-unmodified-since',
      'range',
    ].map((name) =>
      name === 'content-length' ? (length === 0 ? '' : String(length)) : (all.get(name) ?? ''),
    )
    const ours = [...all]
      .filter(([name]) => name.startsWith('x-ms-'))
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => `${name}:${value.trim()}`)
    const query = [...url.searchParams.keys()]
      .toSorted()
      .map((name) => `${name.toLowerCase()}:${url.searchParams.getAll(name).toSorted().join(',')}`)
    const text = [
      method,
      ...standard,
      ...ours,
      [`/${account}${url.pathname}`, ...query].join('\n'),
    ].join('\n')
    return { authorization: `SharedKey ${account}:${hmac(key, text)}`, 'x-ms-date': date }
  }
}

/**
 * Communication Services by a key.
 *
 * Source: Azure Communication Services REST reference, authentication: HMAC over path, date, host and digest of the body.
 */
export function communicationByKey(key: string, now: () => number): Authorize {
  return async ({ url, method, body }) => {
    const { createHash } = process.getBuiltinModule('node:crypto')
    const date = httpDate(now())
    const digest = createHash('sha256')
      .update(body ?? '')
      .digest('base64')
    const text = `${method}\n${url.pathname}${url.search}\n${date};${url.host};${digest}`
    return {
      'x-ms-date': date,
      'x-ms-content-sha256': digest,
      authorization: `HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=${hmac(key, text)}`,
    }
  }
}

/** How long a signature of a policy holds. Unit: s. */
const SAS_SECONDS = 3_600

export interface Policy {
  readonly name: string
  /** What is signed with: its bytes. */
  readonly key: Buffer
}

/**
 * A shared access signature of a policy of IoT Hub or Notification Hubs.
 *
 * Source: IoT Hub, "Control access with SAS tokens"; Notification Hubs, "SAS tokens": the latter sign with the key's text,
 *         and write the address in small letters.
 */
export function bySignature(resource: string, { name, key }: Policy, now: () => number): Authorize {
  return async () => {
    const target = encodeURIComponent(resource)
    const expiry = Math.ceil(now() / 1_000) + SAS_SECONDS
    const { createHmac } = process.getBuiltinModule('node:crypto')
    const signature = createHmac('sha256', key).update(`${target}\n${expiry}`).digest('base64')
    return {
      authorization: `SharedAccessSignature sr=${target}&sig=${encodeURIComponent(signature)}&se=${expiry}&skn=${encodeURIComponent(name)}`,
    }
  }
}

/** HMAC-SHA256, in base64. The key is base64 as well. */
export function hmac(key: string, text: string): string {
  const { createHmac } = process.getBuiltinModule('node:crypto')
  return createHmac('sha256', Buffer.from(key, 'base64')).update(text, 'utf8').digest('base64')
}

/** Source: RFC 9110, 5.6.7. */
function httpDate(at: number): string {
  return new Date(at).toUTCString()
}
