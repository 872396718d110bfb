import { CoreError } from '../errors.ts'
import type { JsonObject } from '../model/json.ts'
import { AnyObject } from './schemas.ts'

/**
 * A body as it was sent, for use cases that keep it so.
 * @throws CoreError `input.malformed` if it is no object.
 */
export function sentObject(sent: unknown): JsonObject {
  const parsed = AnyObject.safeParse(sent)
  if (parsed.success) return parsed.data
  throw new CoreError('input.malformed', 'expected an object')
}
