import { CoreError } from '../errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import { readBody } from './read-body.ts'

/**
 * Reads a body that is an object of JSON; no body is an empty one.
 * @throws CoreError `input.too_large` or `input.malformed`.
 */
export async function readObject(request: Request, maxBytes: number): Promise<JsonObject> {
  const { bytes, complete, length } = await readBody(request, maxBytes)
  if (!complete) {
    throw new CoreError(
      'input.too_large',
      `expected a body of at most ${maxBytes} bytes, found ${length} or more`,
    )
  }
  if (bytes.length === 0) return {}
  let body: Json
  try {
    body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new CoreError('input.malformed', 'expected a body of JSON')
  }
  if (!isJsonObject(body)) throw new CoreError('input.malformed', 'expected an object')
  return body
}
