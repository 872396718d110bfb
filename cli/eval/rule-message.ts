import type {
  LookupRequest,
  Lookups,
  MessageFacts,
  MqttProperties,
  RuleMessage,
  SqlVersion,
} from '../../core/index.ts'
import { CoreError, isJsonObject, type Json, type JsonObject } from '../../core/index.ts'

/**
 * Reads the message of a line.
 *
 * Shape: `topic`, one of `payload` (JSON), `payloadText`, `payloadBase64`, and `context` with `nowMs`, `clientId`,
 * `principal`, `accountId`, `traceId`, `sourceIp`, `userProperties`, `mqttProperties` and `lookups`
 * (`[{function, args, value}]`). Without `nowMs` the time is now.
 * @throws CoreError `input.malformed`.
 */
export function readRuleMessage(line: JsonObject): RuleMessage {
  const topic = line['topic'] ?? ''
  if (typeof topic !== 'string') throw malformed('topic: expected a string')
  const context = line['context'] ?? {}
  if (!isJsonObject(context)) throw malformed('context: expected an object')
  return { ...readPayload(line), facts: readFacts(topic, context) }
}

/** @throws CoreError `input.malformed`. */
export function readSqlVersion(line: JsonObject): { readonly sqlVersion?: SqlVersion } {
  const { sqlVersion } = line
  if (sqlVersion === undefined) return {}
  if (sqlVersion === '2016-03-23' || sqlVersion === '2015-10-08' || sqlVersion === 'beta') {
    return { sqlVersion }
  }
  throw malformed('sqlVersion: expected 2016-03-23, 2015-10-08 or beta')
}

/** The text under a key. @throws CoreError `input.malformed`. */
export function readText(line: JsonObject, key: string): string {
  const text = line[key]
  if (typeof text !== 'string') throw malformed(`${key}: expected a string`)
  return text
}

/** The object that a line must be. @throws CoreError `input.malformed`. */
export function readLine(line: Json): JsonObject {
  if (!isJsonObject(line)) throw malformed('expected an object')
  return line
}

/** An error as a value: its code, message and, for a fault in a text, where it is. */
export function errorLine(error: unknown): Json {
  if (!(error instanceof CoreError)) throw error
  const { code, message, position } = error
  return { error: { code, message, ...(position === undefined ? {} : { ...position }) } }
}

function malformed(message: string): CoreError {
  return new CoreError('input.malformed', message)
}

function readPayload(line: JsonObject): Omit<RuleMessage, 'facts'> {
  const { payload, payloadText, payloadBase64 } = line
  if (payload !== undefined) return { body: payload }
  if (typeof payloadText === 'string') return readBytes(Buffer.from(payloadText))
  if (typeof payloadBase64 === 'string') return readBytes(Buffer.from(payloadBase64, 'base64'))
  if (payloadText !== undefined) throw malformed('payloadText: expected a string')
  if (payloadBase64 !== undefined) throw malformed('payloadBase64: expected a string')
  return { body: undefined, bytes: new Uint8Array() }
}

function readBytes(buffer: Buffer): Omit<RuleMessage, 'facts'> {
  const bytes = new Uint8Array(buffer)
  try {
    const rawText = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    const body: Json = JSON.parse(rawText)
    return { body, bytes, rawText }
  } catch {
    return { body: undefined, bytes }
  }
}

function readFacts(topic: string, context: JsonObject): MessageFacts {
  const { nowMs, userProperties, mqttProperties, lookups } = context
  return {
    topic,
    nowMs: typeof nowMs === 'number' ? nowMs : Date.now(),
    newId: () => crypto.randomUUID(),
    random: Math.random,
    ...texts(context, ['clientId', 'principal', 'accountId', 'traceId', 'sourceIp']),
    ...(isJsonObject(userProperties) ? { userProperties: readUserProperties(userProperties) } : {}),
    ...(isJsonObject(mqttProperties) ? { mqttProperties: readMqttProperties(mqttProperties) } : {}),
    ...(Array.isArray(lookups) ? { lookups: readLookups(lookups) } : {}),
  }
}

function texts<K extends string>(from: JsonObject, keys: readonly K[]): { [P in K]?: string } {
  const found: { [P in K]?: string } = {}
  for (const key of keys) {
    const value = from[key]
    if (typeof value === 'string') found[key] = value
  }
  return found
}

function readUserProperties(from: JsonObject): Readonly<Record<string, readonly string[]>> {
  const properties: Record<string, readonly string[]> = {}
  for (const [key, value] of Object.entries(from)) {
    const values = Array.isArray(value) ? value : [value]
    properties[key] = values.filter((each) => typeof each === 'string')
  }
  return properties
}

/** Takes the names of AWS (`content_type`) as well as ours (`contentType`). */
function readMqttProperties(from: JsonObject): MqttProperties {
  const renamed: Record<string, Json> = {}
  for (const [key, value] of Object.entries(from)) {
    renamed[key.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase())] = value
  }
  return texts(renamed, ['contentType', 'responseTopic', 'correlationData', 'formatIndicator'])
}

function readLookups(entries: readonly Json[]): Lookups {
  const answers = new Map<string, Json | undefined>()
  for (const entry of entries) {
    if (!isJsonObject(entry)) throw malformed('context.lookups: expected objects')
    answers.set(JSON.stringify([entry['function'], entry['args']]), entry['value'])
  }
  return {
    find(request: LookupRequest) {
      const key = JSON.stringify([request.function, request.args])
      return answers.has(key) ? { value: answers.get(key) } : undefined
    },
  }
}
