import { CoreError } from '../../core/index.ts'
import { parseJson } from '../node/web-sender.ts'
import {
  type AzureClient,
  type AzureRequest,
  type AzureResponse,
  header,
  unexpected,
} from './client.ts'
import type { COSMOS_CONTAINERS } from './config.ts'

/** The containers of `COSMOS_CONTAINERS`. */
export type ContainerName = keyof typeof COSMOS_CONTAINERS

/** An item as it is stored, as far as we use it: texts and numbers. It has an `id` and the member of its partition. */
export type Item = Readonly<Record<string, string | number>>

/** What became of a write with a condition. */
export type Written =
  /** What Cosmos calls this state of the item. */
  | { readonly held: true; readonly etag: string }
  /** There is one already, or it is not the one that was expected. */
  | { readonly held: false }

/** A query within one partition. */
export interface Query {
  readonly container: ContainerName
  readonly partition: string
  /** It has to name the partition as well. Shape: `SELECT * FROM c WHERE c.shelf = @shelf`. */
  readonly text: string
  readonly parameters?: Parameters
  readonly limit?: number
  /** Items that are fetched at a time. */
  readonly pageSize?: number
}

/** Values by their names, without `@`. */
export type Parameters = Readonly<Record<string, string | number>>

/** The operations of Cosmos that the stores need. */
export interface Cosmos {
  get(container: ContainerName, partition: string, id: string): Promise<Item | undefined>
  /** Adds an item unless there is one of its id. */
  create(container: ContainerName, partition: string, item: Item): Promise<Written>
  /** Adds an item or puts it in place of the one before. */
  put(container: ContainerName, partition: string, item: Item): Promise<void>
  /** Puts an item in place of the one that has this etag, or of any. */
  replace(container: ContainerName, partition: string, item: Item, etag?: string): Promise<Written>
  /** Gives false if there is none such. */
  remove(container: ContainerName, partition: string, id: string, etag?: string): Promise<boolean>
  /** Items of one partition; pages are fetched until `limit` is reached. */
  query(query: Query): Promise<readonly Item[]>
  /** The same, page by page: one is read when it is asked for. */
  pages(query: Query): AsyncGenerator<readonly Item[]>
  /** Items of all partitions: up to `limit` of each range of partitions, each range in the order of the query. */
  queryAll(query: Omit<Query, 'partition'>): Promise<readonly Item[]>
  /** The sum of the numbers that a query gives, over one partition or all. Shape: `SELECT VALUE COUNT(1) FROM c`. */
  sum(query: Omit<Query, 'partition' | 'limit'> & { readonly partition?: string }): Promise<number>
}

export interface CosmosOptions {
  readonly client: AzureClient
  readonly database: string
}

/** Source: Cosmos DB REST reference, supported versions. */
const VERSION = '2018-12-31'

/** Items of one page. Source: Cosmos DB REST reference, `x-ms-max-item-count`. */
const MAX_PAGE = 1_000

/** How often a query is begun again because its range of partitions was split meanwhile. */
const MAX_SPLITS = 3

/** Sub-statuses. Source: Cosmos DB REST reference, HTTP status codes. */
const OWNER_NOT_FOUND = '1003'
const SESSION_NOT_AVAILABLE = '1002'

/** Cosmos DB for NoSQL over its REST interface. */
export function createCosmos({ client, database }: CosmosOptions): Cosmos {
  /** The newest state that this process has seen, by container and range: what it wrote, it also reads. */
  const sessions = new Map<ContainerName, Map<string, string>>()
  const ranges = new Map<ContainerName, Promise<readonly string[]>>()

  const root = (container: ContainerName) =>
    `/dbs/${encodeURIComponent(database)}/colls/${container}`

  function sessionOf(container: ContainerName): Readonly<Record<string, string>> {
    const tokens = sessions.get(container)
    return tokens === undefined || tokens.size === 0
      ? {}
      : { 'x-ms-session-token': [...tokens].map(([range, token]) => `${range}:${token}`).join() }
  }

  function remember(container: ContainerName, { headers }: AzureResponse): void {
    const tokens = header(headers, 'x-ms-session-token')
    if (tokens === undefined) return
    let known = sessions.get(container)
    if (known === undefined) {
      known = new Map()
      sessions.set(container, known)
    }
    for (const one of tokens.split(',')) {
      const [range = '', token = ''] = one.split(':', 2)
      if (token !== '' && lsnOf(token) >= lsnOf(known.get(range) ?? '')) known.set(range, token)
    }
  }

  async function send(
    container: ContainerName,
    request: Omit<AzureRequest, 'service'>,
  ): Promise<AzureResponse> {
    for (let tries = 1; ; tries++) {
      const response = await client.send({
        service: 'cosmos',
        ...request,
        path: `${root(container)}${request.path}`,
        headers: { 'x-ms-version': VERSION, ...request.headers, ...sessionOf(container) },
      })
      remember(container, response)
      const lags = response.status === 404 && substatus(response) === SESSION_NOT_AVAILABLE
      if (!lags || tries === 2) return response
      // The replica has not seen what we have, or it went elsewhere: it is asked without.
      sessions.delete(container)
    }
  }

  async function write(
    container: ContainerName,
    partition: string,
    request: { readonly method: 'POST' | 'PUT'; readonly path: string; readonly item: Item },
    headers: Readonly<Record<string, string>>,
  ): Promise<AzureResponse> {
    return send(container, {
      method: request.method,
      path: request.path,
      headers: {
        ...partitionHeader(partition),
        'content-type': 'application/json',
        prefer: 'return=minimal',
        ...headers,
      },
      body: JSON.stringify(request.item),
    })
  }

  /** All partitions lie in so many ranges, often one. Only within a range Cosmos puts what it finds in order. */
  function rangesOf(container: ContainerName): Promise<readonly string[]> {
    let found = ranges.get(container)
    if (found === undefined) {
      found = fetchRanges(container)
      ranges.set(container, found)
      found.catch(() => ranges.delete(container))
    }
    return found
  }

  async function fetchRanges(container: ContainerName): Promise<readonly string[]> {
    const response = await send(container, { method: 'GET', path: '/pkranges', headers: {} })
    if (response.status !== 200) throw fault(response)
    return itemsOf(response, 'PartitionKeyRanges').map(({ id }) => String(id))
  }

  async function* rawPages(
    { container, text, parameters = {}, limit, pageSize = MAX_PAGE }: Omit<Query, 'partition'>,
    where: Readonly<Record<string, string>>,
  ): AsyncGenerator<readonly unknown[]> {
    const body = JSON.stringify({
      query: text,
      parameters: Object.entries(parameters).map(([name, value]) => ({ name: `@${name}`, value })),
    })
    let left = limit ?? Number.POSITIVE_INFINITY
    let continuation: string | undefined
    while (left > 0) {
      const response = await send(container, {
        method: 'POST',
        path: '/docs',
        headers: {
          'content-type': 'application/query+json',
          'x-ms-documentdb-isquery': 'true',
          'x-ms-max-item-count': String(Math.min(left, pageSize)),
          ...(continuation === undefined ? {} : { 'x-ms-continuation': continuation }),
          ...where,
        },
        body,
      })
      if (response.status !== 200) throw fault(response)
      const found = rawItemsOf(response, 'Documents')
      if (found.length > 0) yield found
      left -= found.length
      continuation = header(response.headers, 'x-ms-continuation')
      if (continuation === undefined || continuation === '') return
    }
  }

  async function* pages(query: Query): AsyncGenerator<readonly Item[]> {
    for await (const page of rawPages(query, partitionHeader(query.partition)))
      yield page.flatMap(toItem)
  }

  /** Everything that a query gives in all ranges. */
  async function everywhere(query: Omit<Query, 'partition'>): Promise<readonly unknown[]> {
    for (let splits = 0; ; splits++) {
      try {
        const found = await Promise.all(
          (await rangesOf(query.container)).map((range) =>
            gather(
              rawPages(query, {
                'x-ms-documentdb-query-enablecrosspartition': 'True',
                'x-ms-documentdb-partitionkeyrangeid': range,
              }),
            ),
          ),
        )
        return found.flat()
      } catch (error) {
        // 410: the range was split, or its partitions moved.
        const gone = error instanceof CoreError && error.details['status'] === 410
        if (!gone || splits === MAX_SPLITS) throw error
        ranges.delete(query.container)
      }
    }
  }

  return {
    async get(container, partition, id) {
      const response = await send(container, {
        method: 'GET',
        path: `/docs/${encodeURIComponent(id)}`,
        headers: partitionHeader(partition),
      })
      if (isMissing(response)) return undefined
      if (response.status !== 200) throw fault(response)
      const [item] = toItem(parseJson(response.body))
      return item
    },

    async create(container, partition, item) {
      const response = await write(
        container,
        partition,
        { method: 'POST', path: '/docs', item },
        {},
      )
      if (response.status === 409) return { held: false }
      if (response.status !== 201) throw fault(response)
      return { held: true, etag: etagOf(response) }
    },

    async put(container, partition, item) {
      const response = await write(
        container,
        partition,
        { method: 'POST', path: '/docs', item },
        { 'x-ms-documentdb-is-upsert': 'True' },
      )
      if (response.status !== 200 && response.status !== 201) throw fault(response)
    },

    async replace(container, partition, item, etag) {
      const path = `/docs/${encodeURIComponent(textOf(item['id']) ?? '')}`
      const response = await write(
        container,
        partition,
        { method: 'PUT', path, item },
        etag === undefined ? {} : { 'if-match': etag },
      )
      if (response.status === 412 || isMissing(response)) return { held: false }
      if (response.status !== 200) throw fault(response)
      return { held: true, etag: etagOf(response) }
    },

    async remove(container, partition, id, etag) {
      const response = await send(container, {
        method: 'DELETE',
        path: `/docs/${encodeURIComponent(id)}`,
        headers: {
          ...partitionHeader(partition),
          ...(etag === undefined ? {} : { 'if-match': etag }),
        },
      })
      if (response.status === 412 || isMissing(response)) return false
      if (response.status !== 204) throw fault(response)
      return true
    },

    pages,
    async query(query) {
      const found: Item[] = []
      for await (const page of pages(query)) found.push(...page)
      return found
    },

    async queryAll(query) {
      return (await everywhere(query)).flatMap(toItem)
    },

    async sum({ partition, ...query }) {
      const found =
        partition === undefined
          ? await everywhere(query)
          : await gather(rawPages(query, partitionHeader(partition)))
      return found.reduce<number>((sum, one) => sum + (typeof one === 'number' ? one : 0), 0)
    },
  }
}

/** An id that no rule of Cosmos forbids, the same for one text and no other. Source: Cosmos DB, "Service quotas": no `/ \ # ?`. */
export function itemId(text: string): string {
  return `k${text.replace(/[^\w.:-]/gu, (character) => `~${character.codePointAt(0)?.toString(16)}~`)}`
}

/** An item that goes by itself. Unit: seconds from its last write. */
export function expireIn(ms: number): { readonly ttl: number } {
  return { ttl: Math.max(1, Math.min(Math.ceil(ms / 1_000), 2_147_483_647)) }
}

export function text(item: Item, name: string): string | undefined {
  return Object.hasOwn(item, name) ? textOf(item[name]) : undefined
}

export function number(item: Item, name: string): number | undefined {
  const value = Object.hasOwn(item, name) ? item[name] : undefined
  return typeof value === 'number' ? value : undefined
}

export function bytes(item: Item, name: string): Buffer | undefined {
  const value = text(item, name)
  return value === undefined ? undefined : Buffer.from(value, 'base64')
}

/** What Cosmos calls this state of an item that it gave. */
export function etag(item: Item): string {
  return text(item, '_etag') ?? ''
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** A header takes no other characters than ASCII. */
function partitionHeader(partition: string): Readonly<Record<string, string>> {
  const ascii = JSON.stringify([partition]).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return { 'x-ms-documentdb-partitionkey': ascii }
}

function toItem(value: unknown): readonly Item[] {
  if (typeof value !== 'object' || value === null) return []
  const members = Object.entries(value).filter(
    ([, member]) => typeof member === 'string' || typeof member === 'number',
  )
  return [Object.fromEntries(members)]
}

function rawItemsOf(response: AzureResponse, name: string): readonly unknown[] {
  const parsed = parseJson(response.body)
  const found = typeof parsed === 'object' && parsed !== null ? Object.entries(parsed) : []
  const list = found.find(([member]) => member === name)?.[1]
  return Array.isArray(list) ? list : []
}

function itemsOf(response: AzureResponse, name: string): readonly Item[] {
  return rawItemsOf(response, name).flatMap(toItem)
}

async function gather(pages: AsyncGenerator<readonly unknown[]>): Promise<readonly unknown[]> {
  const found: unknown[] = []
  for await (const page of pages) found.push(...page)
  return found
}

function etagOf({ headers }: AzureResponse): string {
  return header(headers, 'etag') ?? ''
}

function substatus({ headers }: AzureResponse): string {
  return header(headers, 'x-ms-substatus') ?? '0'
}

/** No such item; that there is no such container is another matter, and none of the device's. */
function isMissing(response: AzureResponse): boolean {
  return response.status === 404 && substatus(response) !== OWNER_NOT_FOUND
}

/** The position in the log of a range. Shape: `-1#lsn` or `version#lsn#region=lsn`. */
function lsnOf(token: string): number {
  return Number(token.split('#')[1] ?? -1)
}

function fault(response: AzureResponse): CoreError {
  if (response.status !== 413) return unexpected('cosmos', response)
  return new CoreError(
    'device.record_too_large',
    'expected an item of at most 2 MB, found a larger one',
  )
}
