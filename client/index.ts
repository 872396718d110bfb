// The typed client of the REST API, for browsers and Node: import { createAnyhubClient } from 'anyhub/client'.

import createClient, { type Client } from 'openapi-fetch'
import { type LiveEvent, type LiveOptions, liveEvents } from './live.ts'
import { problemOf } from './problem.ts'
import type { components, paths } from './schema.ts'

export type { LiveEvent, LiveOptions } from './live.ts'
export { AnyhubProblem, type ProblemFault } from './problem.ts'
export type { components, operations, paths } from './schema.ts'

/** Names of what the API takes and gives, such as `Device`. */
export type Schemas = components['schemas']

export interface ClientOptions {
  /** Such as http://127.0.0.1:8080; the origin of the page unless given. */
  readonly baseUrl?: string
  /** The admin's token, an API key, or a token of an identity provider; asked for with each request if it is a function. */
  readonly token?: string | (() => string | undefined)
  /** In a browser that is signed in: `csrfToken` of GET /session. Its cookie is sent along then. */
  readonly csrf?: string | (() => string | undefined)
  /** In place of the one of the platform. */
  readonly fetch?: (request: Request) => Promise<Response>
}

/** `GET`, `POST`, … by path, as openapi-fetch has them, and what goes over many requests. */
export interface AnyhubClient extends Client<paths> {
  /** What happens, as it happens. @throws AnyhubProblem if the API says no. */
  live(options?: LiveOptions): AsyncGenerator<LiveEvent, void, undefined>
}

/** Makes a client. */
export function createAnyhubClient({
  baseUrl = '',
  token,
  csrf,
  fetch = (request) => globalThis.fetch(request),
}: ClientOptions = {}): AnyhubClient {
  const root = baseUrl.replace(/\/+$/, '')
  const credentials = csrf === undefined ? 'same-origin' : 'include'
  const client = createClient<paths>({ baseUrl: root, fetch, credentials })
  const authorization = (): Readonly<Record<string, string>> => {
    const found = current(token)
    return found === undefined ? {} : { authorization: `Bearer ${found}` }
  }
  client.use({
    onRequest({ request }) {
      for (const [name, value] of Object.entries(authorization())) request.headers.set(name, value)
      const proof = current(csrf)
      if (proof !== undefined && !/^(?:GET|HEAD)$/.test(request.method))
        request.headers.set('anyhub-csrf', proof)
      return request
    },
  })
  return Object.assign(client, {
    live: (options: LiveOptions = {}) =>
      liveEvents({ baseUrl: root, fetch, headers: authorization(), credentials }, options),
  })
}

/**
 * What an answer holds: `const device = await dataOf(client.GET('/devices/{deviceId}', …))`.
 * @throws AnyhubProblem if the API said no.
 */
export async function dataOf<T>(asked: Promise<Asked<T>>): Promise<T> {
  const answer = await asked
  if (!answer.response.ok || answer.error !== undefined)
    throw problemOf(answer.response.status, answer.error)
  return answer.data
}

/**
 * All pages of a list: `for await (const { devices } of pages((after) => client.GET('/devices', { params: { query: { after } } })))`.
 * @throws AnyhubProblem if the API said no.
 */
export async function* pages<T extends { readonly next?: string | undefined }>(
  ask: (after: string | undefined) => Promise<Asked<T>>,
): AsyncGenerator<T, void, undefined> {
  let after: string | undefined
  do {
    const page = await dataOf(ask(after))
    yield page
    after = page.next
  } while (after !== undefined)
}

/** What openapi-fetch gives. */
type Asked<T> =
  | { readonly data: T; readonly error?: never; readonly response: Response }
  | { readonly data?: never; readonly error: object | string; readonly response: Response }

function current(given: string | (() => string | undefined) | undefined): string | undefined {
  return typeof given === 'function' ? given() : given
}
