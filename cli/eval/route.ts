import {
  CoreError,
  compileCondition,
  isJsonObject,
  isReadableBody,
  type Json,
  type JsonObject,
  objectBody,
  propertiesOf,
  type RouteMessage,
  type RouteSource,
} from '../../core/index.ts'
import { errorLine, readLine, readText } from './rule-message.ts'

/**
 * `anyhub eval route`: runs the condition of an Azure message route on one message.
 *
 * Shape:  in `{condition, message, source?}`; the message has `body` (JSON, or the text of it), `bodyText` or
 *         `bodyBase64`, `applicationProperties` (also `properties`), `systemProperties` and `twin`.
 * Result: `{result: true | false | "undefined"}` or `{error: {code, message, line, column}}`.
 */
export function evalRoute(input: Json): Json {
  try {
    const line = readLine(input)
    const condition = compileCondition(readText(line, 'condition'), readSource(line['source']))
    const verdict = condition.evaluate(readMessage(line['message'] ?? {}))
    return { result: verdict ?? 'undefined' }
  } catch (error) {
    return errorLine(error)
  }
}

const SOURCES: Readonly<Record<string, RouteSource>> = {
  telemetry: 'telemetry',
  twinChanges: 'twinChanges',
  lifecycle: 'lifecycle',
  connectionState: 'connectionState',
}

function readSource(source: Json | undefined): RouteSource | undefined {
  if (source === undefined || source === null) return undefined
  const found =
    typeof source === 'string' && Object.hasOwn(SOURCES, source) ? SOURCES[source] : undefined
  if (found !== undefined) return found
  throw malformed(`source: expected one of ${Object.keys(SOURCES).join(', ')}`)
}

function readMessage(message: Json): RouteMessage {
  if (!isJsonObject(message)) throw malformed('message: expected an object')
  const properties = readProperties(message, ['applicationProperties', 'properties'])
  const systemProperties = readProperties(message, ['systemProperties'])
  const isReadable = isReadableBody(
    systemProperties.get('contenttype'),
    systemProperties.get('contentencoding'),
  )
  const { twin } = message
  return {
    properties,
    systemProperties,
    body: isReadable ? objectBody(readBody(message)) : undefined,
    twin: isJsonObject(twin) ? twin : undefined,
  }
}

/** A body that is a text is the text of the body. */
function readBody({ body, bodyText, bodyBase64 }: JsonObject): Json | undefined {
  const text =
    typeof bodyBase64 === 'string'
      ? Buffer.from(bodyBase64, 'base64').toString('utf8')
      : (bodyText ?? body)
  if (typeof text !== 'string') return text
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function readProperties(
  message: JsonObject,
  names: readonly string[],
): ReadonlyMap<string, string | null> {
  const name = names.find((one) => message[one] !== undefined)
  const given = name === undefined ? {} : message[name]
  if (!isJsonObject(given)) throw malformed(`message.${name}: expected an object`)
  const texts: Record<string, string | null> = {}
  for (const [key, value] of Object.entries(given))
    texts[key] = value === null || typeof value === 'string' ? value : JSON.stringify(value)
  return propertiesOf(texts)
}

function malformed(message: string): CoreError {
  return new CoreError('input.malformed', message)
}
