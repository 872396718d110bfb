import type { Context } from 'hono'
import { CoreError } from '../errors.ts'
import type { Endpoint } from './endpoint.ts'

/** What tools say of a body when nobody told them what it is: `fetch` of a text, `curl -d`. It is looked at for itself. */
const UNTOLD: ReadonlySet<string> = new Set(['text/plain', 'application/x-www-form-urlencoded'])

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json$/

/**
 * Checks what a request says that its body is.
 * @throws CoreError `input.wrong_type` if the endpoint reads no such thing.
 */
export function checkMediaType({ body, raw }: Endpoint, context: Context): void {
  const given = context.req.header('content-type')
  if (given === undefined || (body === undefined && raw === undefined)) return
  const [name = ''] = given.split(';', 1)
  const type = name.trim().toLowerCase()
  if (type === '' || UNTOLD.has(type)) return
  if (body !== undefined ? JSON_TYPE.test(type) : mayBeRead(raw ?? [], type)) return
  const expected = body === undefined ? (raw ?? []).join(' or ') : 'application/json'
  throw new CoreError(
    'input.wrong_type',
    `expected a body of ${expected}, found ${type.slice(0, 60)}`,
  )
}

/** Who reads bytes of any kind looks at them himself. */
function mayBeRead(types: readonly string[], type: string): boolean {
  return types.some(
    (one) =>
      one === type ||
      one === 'application/octet-stream' ||
      (one === 'application/json' && JSON_TYPE.test(type)),
  )
}
