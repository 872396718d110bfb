import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'

/** One message as conditions see it. */
export interface RouteMessage {
  /** What the sender put beside the body, by its name in lower case. A name may come with no value. */
  readonly properties: ReadonlyMap<string, string | null>
  /** What the service knows, by its name in lower case, without `$`. */
  readonly systemProperties: ReadonlyMap<string, string | null>
  /** The body; `undefined` unless it is a JSON object whose content type and encoding were declared. */
  readonly body: JsonObject | undefined
  /** The twin of the sender: `tags`, `properties.desired`, `properties.reported`; `undefined` if it is not known. */
  readonly twin: JsonObject | undefined
}

/** Names and values, in any case of letters. The last of several that differ in case only counts. */
export function propertiesOf(
  properties: Readonly<Record<string, string | null>>,
): ReadonlyMap<string, string | null> {
  return new Map(Object.entries(properties).map(([name, value]) => [name.toLowerCase(), value]))
}

/**
 * Whether a body of this type and encoding can be looked into.
 * Source: learn.microsoft.com, iot-hub-devguide-routing-query-syntax, "Query based on message body".
 */
export function isReadableBody(
  contentType: string | null | undefined,
  contentEncoding: string | null | undefined,
): boolean {
  const [type = ''] = (contentType ?? '').split(';')
  return (
    type.trim().toLowerCase() === 'application/json' &&
    /^utf-?(?:8|16|32)$/i.test((contentEncoding ?? '').trim())
  )
}

/** The body of a message for {@link RouteMessage}: only an object has paths. */
export function objectBody(body: Json | undefined): JsonObject | undefined {
  return isJsonObject(body) ? body : undefined
}
