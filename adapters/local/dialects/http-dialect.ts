import type { Identity } from '../identity.ts'

/** Who asks, as far as the listener knows. */
export interface HttpCallerFacts {
  /** `undefined`: anybody on this machine. */
  readonly identity: Identity | undefined
  readonly remoteAddress: string | undefined
  /** Names and values of the headers in turn, in the letters in which they came: `Request` knows small ones only. */
  readonly rawHeaders: readonly string[]
}

/** A vendor's HTTP interface on paths of its own. */
export interface HttpDialect {
  /** Whether a request is in the words of this dialect, by its path and what its query has under a name. */
  owns(method: string, path: string, query: (name: string) => string | undefined): boolean
  /** Serves one request of somebody who was let in. */
  serve(request: Request, caller: HttpCallerFacts): Response | Promise<Response>
  /** What is told who is not let in. */
  refuse(status: 401 | 403, reason: string): Response
}
