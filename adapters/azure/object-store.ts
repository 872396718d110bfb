import { type Blobs, type DelegationKey, isoSeconds, STORAGE_VERSION } from './blob.ts'
import { hmac } from './signing.ts'

/** Objects of one container: firmware, large payloads, the dashboard. */
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
  readonly blobs: Blobs
  /** Shape: `https://name.blob.core.windows.net`. */
  readonly endpoint: string
  readonly account: string
  readonly container: string
  /** The account's key, where emulators have one; on Azure our identity signs. */
  readonly key?: string | undefined
  /** Epoch ms. */
  readonly now: () => number
}

/** Clocks differ: what is signed now holds a little before now. Unit: ms. */
const SKEW_MS = 300_000

/** A key of our identity signs for a week at most. Source: Blob Storage REST reference, Get User Delegation Key. */
const WEEK_MS = 7 * 86_400_000

/** Objects in Blob Storage. */
export function createObjectStore(options: ObjectStoreOptions): ObjectStore {
  const { blobs, endpoint, account, container, key: accountKey, now } = options
  let kept: { readonly until: number; readonly key: Promise<DelegationKey> } | undefined

  /** One key signs many URLs; the last that it signs may need it as long as the first. */
  function delegationKey(until: number): Promise<DelegationKey> {
    if (kept !== undefined && kept.until >= until) return kept.key
    const from = now() - SKEW_MS
    const to = Math.min(from + WEEK_MS, until + 3_600_000)
    const key = blobs.delegationKey(from, to)
    kept = { until: to, key }
    key.catch(() => {
      kept = undefined
    })
    return key
  }

  /** Source: Azure Storage REST reference, "Create a user delegation SAS" and "Create a service SAS", version 2020-12-06. */
  async function signature(blob: string, until: number): Promise<URLSearchParams> {
    const query = new URLSearchParams({
      sp: 'r',
      st: isoSeconds(now() - SKEW_MS),
      se: isoSeconds(until),
      spr: endpoint.startsWith('http:') ? 'https,http' : 'https',
      sv: STORAGE_VERSION,
      sr: 'b',
    })
    const common = ['sp', 'st', 'se'].map((name) => query.get(name) ?? '')
    const resource = `/blob/${account}/${container}/${blob}`
    const rest = [query.get('spr'), STORAGE_VERSION, 'b', '', '', '', '', '', '', '']
    if (accountKey !== undefined) {
      const text = [...common, resource, '', '', ...rest].join('\n')
      query.set('sig', hmac(accountKey, text))
      return query
    }
    const { oid, tid, start, expiry, service, version, value } = await delegationKey(until)
    const ours = [oid, tid, start, expiry, service, version]
    for (const [index, name] of ['skoid', 'sktid', 'skt', 'ske', 'sks', 'skv'].entries())
      query.set(name, ours[index] ?? '')
    const text = [...common, resource, ...ours, '', '', '', '', ...rest].join('\n')
    query.set('sig', hmac(value, text))
    return query
  }

  return {
    put: blobs.put,
    get: blobs.get,
    async remove(key) {
      await blobs.remove(key)
    },
    list: async (prefix) => (await blobs.list(prefix)).map(({ name }) => name),

    async signedUrl(key, seconds) {
      const query = await signature(key, now() + seconds * 1_000)
      const path = key.split('/').map(encodeURIComponent).join('/')
      return `${endpoint.replace(/\/$/, '')}/${container}/${path}?${query.toString()}`
    },
  }
}
