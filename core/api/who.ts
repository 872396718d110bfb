import { type Caller, readSessionCookie, type Shown } from '../access/index.ts'
import type { Access } from '../create-access.ts'

/** What a host knows of a request beside its text. */
export interface RequestFacts {
  /** The address it came from. */
  readonly remote?: string | undefined
  /** Who made it, where the host has found out: by a client certificate, say. */
  readonly caller?: Caller | undefined
  /** What is done for who shows nothing; `undefined`: he has to. */
  readonly anonymous?: Caller | undefined
}

/** Who may use an API, and by what they are known. */
export interface Who {
  readonly access: Access
  readonly factsOf?: (request: Request) => RequestFacts
}

/** Who asks; `undefined` if nobody who is known. */
export function createIdentifier({
  access,
  factsOf = () => NO_FACTS,
}: Who): (request: Request) => Promise<Caller | undefined> {
  return async (request) => {
    const facts = factsOf(request)
    if (facts.caller !== undefined) return facts.caller
    return (await access.prove(shownBy(request, facts)))?.caller ?? facts.anonymous
  }
}

const NO_FACTS: RequestFacts = {}

/** What a request shows of who makes it. */
export function shownBy({ method, url, headers }: Request, { remote }: RequestFacts): Shown {
  const get = (name: string): string | undefined => headers.get(name) ?? undefined
  return {
    method,
    path: pathOf(url),
    authorization: get('authorization'),
    cookie: get('cookie'),
    csrfToken: get('anyhub-csrf'),
    secure: isSecure(url),
    remote,
  }
}

/** The session that a browser shows to have; `undefined` if it shows none. */
export function sessionSecretOf({ url, headers }: Request): string | undefined {
  return readSessionCookie(headers.get('cookie') ?? undefined, isSecure(url))
}

/** True if a request came over TLS. */
export function isSecure(url: string): boolean {
  return url.startsWith('https:')
}

/** Whether a page of another site speaks. What is no browser says nothing of where it comes from. */
export function isForeign({ url, headers }: Request): boolean {
  const origin = headers.get('origin')
  if (origin === null) return headers.get('sec-fetch-site') === 'cross-site'
  return !URL.canParse(origin) || new URL(origin).host !== new URL(url).host
}

/** Without the cost of reading the whole address. */
function pathOf(url: string): string {
  const start = url.indexOf('/', url.indexOf('//') + 2)
  const end = url.slice(start).search(/[?#]/)
  return start < 0 ? '/' : end < 0 ? url.slice(start) : url.slice(start, start + end)
}
