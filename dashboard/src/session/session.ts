import { useSyncExternalStore } from 'react'
import { dataOf, type Schemas } from '../../../client/index.ts'
import { type AnswerOf, client, quietly } from '../client.ts'
import { ApiFault, isSameOrigin, onRefused, setBase, setProof } from '../http.ts'
import { type OidcSettings, readSettings, type Settings } from '../settings.ts'
import { finishOidc, startOidc } from './oidc.ts'

/** Who is in front of this page, as the cloud sees them. */
export type Caller = Schemas['Caller']

/** What is the same whether somebody signs in, or is signed in. */
type Opened = Pick<AnswerOf<'getSession'>, 'caller' | 'csrfToken'>

export interface Session {
  /** `gate`: nothing can be seen without signing in. */
  readonly status: 'starting' | 'gate' | 'ready'
  readonly caller: Caller
  readonly oidc: OidcSettings | undefined
  /** A person wants to change something, or asked for it: the form stands over the page. */
  readonly asking: boolean
  /** Why the last try did not work. */
  readonly fault: string
}

const NOBODY: Caller = { kind: 'anonymous', id: '', scopes: [] }

/** Kept for this tab, where no cookie can be. */
const TOKEN = 'anyhub-token'

const current: { session: Session; settings: Settings } = {
  session: { status: 'starting', caller: NOBODY, oidc: undefined, asking: false, fault: '' },
  settings: { api: '/' },
}
const listeners = new Set<() => void>()
let waiting: ((signedIn: boolean) => void)[] = []

function set(change: Partial<Session>): void {
  current.session = { ...current.session, ...change }
  for (const listener of listeners) listener()
}

export function useSession(): Session {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    () => current.session,
  )
}

/** Whether the person may do something: `ask` means that signing in may help. */
export function useMay(scope: string): 'yes' | 'ask' | 'no' {
  const { caller } = useSession()
  if (caller.scopes.some((one) => one === scope)) return 'yes'
  return caller.kind === 'anonymous' ? 'ask' : 'no'
}

/** Finds out where the API is and who is in front of the page. Never fails: at worst somebody has to sign in. */
export async function startSession(): Promise<void> {
  current.settings = await readSettings()
  setBase(current.settings.api)
  onRefused(refused)
  const kept = sessionStorage.getItem(TOKEN)
  if (kept !== null) setProof({ token: kept })

  await redeemLink()
  // The link may also be opened where the page is open already.
  addEventListener('hashchange', () => void redeemLink())
  const returned = await finishOidc().catch((error: unknown) => {
    set({ fault: messageOf(error) })
    return undefined
  })
  if (returned !== undefined) await attempt(() => exchange(returned))
  await look()
}

/** Signs in by the code in the address, if there is one. */
async function redeemLink(): Promise<void> {
  const code = /^#sign-in=(.+)$/.exec(location.hash)?.[1]
  if (code === undefined) return
  // A code works once; nobody shall find it in the history.
  history.replaceState(null, '', `${location.pathname}#/`)
  dispatchEvent(new HashChangeEvent('hashchange'))
  await attempt(() => dataOf(client().POST('/session', { body: { code }, ...quietly })))
}

/** Asks the cloud who this is. */
async function look(): Promise<void> {
  try {
    const { caller, csrfToken, signIn } = await dataOf(client().GET('/session', quietly))
    const token = sessionStorage.getItem(TOKEN)
    setProof({
      ...(token === null ? {} : { token }),
      ...(csrfToken === undefined ? {} : { csrfToken }),
    })
    const gate = caller.kind === 'anonymous' && signIn.required
    set({
      status: gate ? 'gate' : 'ready',
      caller,
      oidc: signIn.oidc ?? current.settings.oidc,
    })
  } catch (error) {
    const status = error instanceof ApiFault ? error.status : 0
    if (status === 401 || status === 403) {
      sessionStorage.removeItem(TOKEN)
      setProof({})
      set({ status: 'gate', caller: NOBODY, oidc: current.settings.oidc })
    } else {
      // The page opens and says that the cloud does not answer; the stream tries again by itself.
      set({ status: 'ready', fault: messageOf(error) })
    }
  }
}

/** Changes a bearer token into a session: a cookie where one can be, else the token is kept for this tab. */
async function exchange(token: string): Promise<Opened> {
  setProof({ token })
  try {
    if (!isSameOrigin()) {
      const answer = await dataOf(client().GET('/session', quietly))
      if (answer.caller.kind === 'anonymous')
        throw new ApiFault({ status: 401, title: 'unauthorized', detail: UNKNOWN })
      sessionStorage.setItem(TOKEN, token)
      return answer
    }
    const answer = await dataOf(client().POST('/session', quietly))
    sessionStorage.removeItem(TOKEN)
    setProof(answer.csrfToken === undefined ? {} : { csrfToken: answer.csrfToken })
    return answer
  } catch (error) {
    setProof({})
    if (error instanceof ApiFault && error.status === 401) throw new Error(UNKNOWN)
    throw error
  }
}

const UNKNOWN = 'This cloud does not know that token.'

async function attempt(work: () => Promise<Opened>): Promise<boolean> {
  try {
    const { caller, csrfToken } = await work()
    const token = sessionStorage.getItem(TOKEN)
    setProof({
      ...(token === null ? {} : { token }),
      ...(csrfToken === undefined ? {} : { csrfToken }),
    })
    set({ status: 'ready', caller, asking: false, fault: '' })
    settle(true)
    return true
  } catch (error) {
    set({ fault: messageOf(error) })
    return false
  }
}

/** Signs in with the admin's token, an API key or a token of an issuer. */
export function signInWith(token: string): Promise<boolean> {
  return attempt(() => exchange(token))
}

/** Leaves for the issuer, and comes back signed in. */
export async function signInWithIssuer(): Promise<void> {
  const { oidc } = current.session
  if (oidc === undefined) return
  try {
    await startOidc(oidc)
  } catch (error) {
    set({ fault: messageOf(error) })
  }
}

export async function signOut(): Promise<void> {
  sessionStorage.removeItem(TOKEN)
  try {
    await dataOf(client().DELETE('/session', quietly))
  } catch {
    // Whoever is signed out already has what they wanted.
  }
  setProof({})
  location.reload()
}

/** Opens the form. Result: whether somebody signed in. */
export function askToSignIn(): Promise<boolean> {
  set({ asking: true, fault: '' })
  return new Promise((resolve) => void waiting.push(resolve))
}

/** The person closed the form. */
export function declineSignIn(): void {
  set({ asking: false, fault: '' })
  settle(false)
}

async function refused(mayAsk: boolean): Promise<boolean> {
  if (mayAsk) return askToSignIn()
  // What was good a moment ago has ended: the cloud says what is possible without it.
  if (current.session.status === 'ready' && current.session.caller.kind !== 'anonymous') {
    set({ caller: NOBODY })
    await look()
  }
  return false
}

function settle(signedIn: boolean): void {
  const settled = waiting
  waiting = []
  for (const resolve of settled) resolve(signedIn)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
