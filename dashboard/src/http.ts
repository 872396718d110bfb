/** One field that is wrong in what was sent. */
export interface FieldFault {
  readonly in?: string
  readonly pointer?: string
  readonly detail: string
  readonly line?: number
  readonly column?: number
}

/** A problem document. Source: RFC 9457. */
export interface Problem {
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly errors?: readonly FieldFault[]
}

/** The API said no, or did not answer (status 0). `message` is what people read. */
export class ApiFault extends Error {
  override readonly name = 'ApiFault'
  readonly status: number
  readonly code: string
  readonly errors: readonly FieldFault[]

  constructor({ status, title, detail, errors = [] }: Problem) {
    super(detail)
    this.status = status
    this.code = title
    this.errors = errors
  }
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>

export interface RequestOptions {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly query?: Query
  /** Goes out as JSON. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  /** Whether a person is asked to sign in where that would help; for changes, unless said otherwise. */
  readonly mayAsk?: boolean
}

/** What proves who sends the requests of this page. */
export interface Proof {
  /** Travels in a header: addresses end up in logs. */
  readonly token?: string
  /** Of the cookie's session: changes need it. */
  readonly csrfToken?: string
}

const state: {
  base: string
  proof: Proof
  refused: (mayAsk: boolean) => Promise<boolean>
} = { base: '/', proof: {}, refused: () => Promise.resolve(false) }

/** Says where the API is. */
export function setBase(base: string): void {
  state.base = base
}

/** Says who sends from now on. */
export function setProof(proof: Proof): void {
  state.proof = proof
}

/** Says what happens when the API asks who this is; true as a result means that it is worth another try. */
export function onRefused(refused: (mayAsk: boolean) => Promise<boolean>): void {
  state.refused = refused
}

/** True if the API is where the page comes from, so that its cookie is sent. */
export function isSameOrigin(): boolean {
  return new URL(state.base, location.href).origin === location.origin
}

/** Where the API is, as a whole address. */
export function baseUrl(): string {
  return new URL(state.base, location.href).href
}

/** The address of a path of the API: `/devices` with its query. */
export function urlOf(path: string, query: Query = {}): string {
  const url = new URL(path.replace(/^\//, ''), baseUrl())
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) url.searchParams.set(name, String(value))
  return url.href
}

/**
 * Sends one request, signed in if possible, and gives the answer if it is a good one.
 * @throws ApiFault if the API refuses or cannot be reached.
 */
export async function sendRequest(
  asked: Request,
  mayAsk = asked.method !== 'GET',
): Promise<Response> {
  const request = new Request(asked, { cache: 'no-store', credentials: credentials() })
  for (;;) {
    const sent = state.proof
    // A body is read once: the next try needs one of its own.
    const answer = await reach(prove(request.clone(), sent))
    if (answer.ok) return answer
    if (answer.status !== 401) throw new ApiFault(await problemOf(answer))
    // Somebody else may have signed in since.
    if (sent === state.proof && !(await state.refused(mayAsk)))
      throw new ApiFault(await problemOf(answer))
  }
}

function prove(request: Request, { token, csrfToken }: Proof): Request {
  if (token !== undefined) request.headers.set('authorization', `Bearer ${token}`)
  if (csrfToken !== undefined && request.method !== 'GET')
    request.headers.set('anyhub-csrf', csrfToken)
  return request
}

async function reach(request: Request): Promise<Response> {
  try {
    return await fetch(request)
  } catch (error) {
    if (request.signal.aborted) throw error
    throw new ApiFault({
      status: 0,
      title: 'unreachable',
      detail: 'The cloud does not answer. It may be stopped, or the network is gone.',
    })
  }
}

/**
 * Sends one request to a path and gives the answer if it is a good one.
 * @throws ApiFault if the API refuses or cannot be reached.
 */
export function send(path: string, options: RequestOptions = {}): Promise<Response> {
  const { method = 'GET', query, body, headers, signal, mayAsk } = options
  const request = new Request(urlOf(path, query), {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  })
  return sendRequest(request, mayAsk)
}

function credentials(): RequestCredentials {
  return isSameOrigin() ? 'same-origin' : 'omit'
}

/**
 * Sends one request and reads the answer as JSON; `undefined` where there is none.
 * @throws ApiFault if the API refuses or cannot be reached.
 */
export async function call<T>(path: string, options: RequestOptions = {}): Promise<T> {
  const answer = await send(path, options)
  const text = await answer.text()
  return JSON.parse(text === '' ? 'null' : text)
}

async function problemOf(answer: Response): Promise<Problem> {
  const usual = { status: answer.status, title: String(answer.status), detail: answer.statusText }
  try {
    const found = await answer.json()
    // What the shadow says of itself is no problem document: {code, message}.
    const detail: unknown = found?.detail ?? found?.message
    return {
      status: answer.status,
      title: typeof found?.title === 'string' ? found.title : usual.title,
      detail: typeof detail === 'string' ? detail : `the cloud answered ${answer.status}`,
      errors: Array.isArray(found?.errors) ? found.errors : [],
    }
  } catch {
    return { ...usual, detail: usual.detail || `the cloud answered ${answer.status}` }
  }
}
