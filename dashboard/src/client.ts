import { type AnyhubClient, createAnyhubClient, type operations } from '../../client/index.ts'
import { baseUrl, sendRequest } from './http.ts'

/** What an operation of the API may be asked with, such as `QueryOf<'listDevices'>`. */
export type QueryOf<O extends keyof operations> = NonNullable<operations[O]['parameters']['query']>

/** What an operation of the API answers, such as `AnswerOf<'listDevices'>`. */
export type AnswerOf<O extends keyof operations> = operations[O] extends {
  responses: { 200: { content: { 'application/json': infer A } } }
}
  ? A
  : never

/** The client that is generated from the document of the API; it sends as `send` does, and throws what that throws. */
export function client(): AnyhubClient {
  const base = baseUrl()
  if (made?.base !== base)
    made = {
      base,
      client: createAnyhubClient({ baseUrl: base, fetch: (request) => sendRequest(request) }),
    }
  return made.client
}

/** In place of the usual sending: nobody is asked to sign in for what was no wish of a person. */
export const quietly = { fetch: (request: Request) => sendRequest(request, false) }

let made: { readonly base: string; readonly client: AnyhubClient } | undefined
