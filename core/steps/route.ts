import type { Json, JsonObject } from '../model/json.ts'
import type { ShadowDocument } from '../model/shadow.ts'
import type { Telemetry } from '../model/telemetry.ts'
import type { ProgramRoute } from '../program.ts'
import {
  HUB_NAME,
  isReadableBody,
  objectBody,
  propertiesOf,
  type RouteMessage,
  type RouteSource,
} from '../routing/index.ts'
import type { RuleMessage } from '../rules/index.ts'
import { runActions } from './actions.ts'
import type { ActionSource } from './context.ts'
import type { Draft } from './draft.ts'

/** One message on its way through the routes. */
export interface Routed {
  readonly source: RouteSource
  readonly message: RouteMessage
  /** As actions and their templates see it. */
  readonly ruleMessage: RuleMessage
  readonly properties: Readonly<Record<string, string>>
  readonly systemProperties: Readonly<Record<string, string>>
  readonly from: ActionSource
}

/** Something that the service itself tells of a device. */
export interface DeviceEvent {
  readonly source: Exclude<RouteSource, 'telemetry'>
  /** What happened, in Azure's words: `updateTwin`, `deviceConnected`, … */
  readonly operation: string
  /** What kind of message it is, in Azure's words. */
  readonly schema: string
  readonly body: JsonObject
  /** Sets it apart from other events of the device. */
  readonly id: string
}

/** Runs the routes that one message of the device takes. */
export function routeTelemetry(draft: Draft, message: RuleMessage, telemetry: Telemetry): void {
  const { routes } = draft.context.program
  if (!routes.has('telemetry')) return
  const twin = routes.needsTwin('telemetry') ? twinOf(draft) : undefined
  runRoutes(draft, toRouted(draft.deviceId, telemetry, message, twin))
}

/** One uplink as routes see it. */
export function toRouted(
  deviceId: string,
  telemetry: Telemetry,
  ruleMessage: RuleMessage,
  twin: JsonObject | undefined,
): Routed {
  const { properties, systemProperties } = readFacts(deviceId, telemetry)
  const message = {
    properties: propertiesOf(properties),
    systemProperties: propertiesOf(systemProperties),
    body: readableBody(telemetry),
    twin,
  }
  return {
    source: 'telemetry',
    message,
    ruleMessage,
    properties,
    systemProperties,
    from: telemetry,
  }
}

/** What the actions of a route get of a message that it takes. */
export function takeRouted(
  route: ProgramRoute,
  routed: Routed,
): { readonly message: RuleMessage; readonly value: Json | Uint8Array | undefined } {
  const enriched = enrich(route, routed)
  return { message: enriched.ruleMessage, value: outputOf(route, enriched) }
}

/** The twin as conditions and enrichments see it. Until it has tags of its own, those of the registry are its tags. */
export function twinView(
  deviceId: string,
  document: ShadowDocument | undefined,
  registeredTags: JsonObject = {},
): JsonObject {
  const { tags = registeredTags, desired = {}, reported = {} } = document ?? {}
  return { deviceId, tags, properties: { desired, reported } }
}

/** Tells an event of the device to the routes of its source. */
export function routeEvent(draft: Draft, event: DeviceEvent): void {
  const { program, now, newId, random } = draft.context
  if (!program.routes.has(event.source)) return
  const { deviceId } = draft
  const properties = {
    hubName: HUB_NAME,
    deviceId,
    opType: event.operation,
    operationTimestamp: new Date(now).toISOString(),
    'iothub-message-schema': event.schema,
  }
  const systemProperties = {
    contentType: 'application/json',
    contentEncoding: 'utf-8',
    ...serviceProperties(deviceId, now, EVENT_NAMES[event.source]),
  }
  const topic = `$anyhub/${event.source}/${deviceId}`
  const userProperties = asLists(properties)
  runRoutes(draft, {
    source: event.source,
    message: {
      properties: propertiesOf(properties),
      systemProperties: propertiesOf(systemProperties),
      body: event.body,
      twin: program.routes.needsTwin(event.source) ? twinOf(draft) : undefined,
    },
    ruleMessage: {
      body: event.body,
      facts: { topic, nowMs: now, newId, random, userProperties, clientId: deviceId },
    },
    properties,
    systemProperties,
    from: {
      topic,
      messageId: event.id,
      at: now,
      receivedAt: now,
      bytes: new TextEncoder().encode(JSON.stringify(event.body)),
    },
  })
}

/** Source: learn.microsoft.com, iot-hub-non-telemetry-event-schema, `iothub-message-source`. */
const EVENT_NAMES: Readonly<Record<RouteSource, string>> = {
  telemetry: 'Telemetry',
  twinChanges: 'twinChangeEvents',
  lifecycle: 'deviceLifecycleEvents',
  connectionState: 'deviceConnectionStateEvents',
}

function runRoutes(draft: Draft, routed: Routed): void {
  for (const route of draft.context.program.routes.match(routed.source, routed.message)) {
    draft.countRoute(route.routeId)
    const { message, value } = takeRouted(route, routed)
    runActions(draft, route, message, routed.from, value)
  }
}

function enrich({ enrichments }: ProgramRoute, routed: Routed): Routed {
  if (enrichments.length === 0) return routed
  const added = enrichments.map(({ key, value }) => [key, value(routed.message.twin)] as const)
  const { ruleMessage } = routed
  const { facts } = ruleMessage
  const userProperties = { ...facts.userProperties, ...asLists(Object.fromEntries(added)) }
  return {
    ...routed,
    properties: { ...routed.properties, ...Object.fromEntries(added) },
    ruleMessage: { ...ruleMessage, facts: { ...facts, userProperties } },
  }
}

/** What the actions get. A body that is no JSON is passed on as it came. */
function outputOf({ output }: ProgramRoute, routed: Routed): Json | Uint8Array | undefined {
  const { body, bytes } = routed.ruleMessage
  if (output === 'body') return body ?? bytes
  const { properties, systemProperties } = routed
  return {
    body: body ?? null,
    properties: { ...properties },
    systemProperties: { ...systemProperties },
  }
}

function readFacts(
  deviceId: string,
  { facts, receivedAt }: Telemetry,
): Pick<Routed, 'properties' | 'systemProperties'> {
  const properties: Record<string, string> = {}
  for (const [name, values] of Object.entries(facts?.userProperties ?? {}))
    properties[name] = values.at(-1) ?? ''
  const systemProperties = {
    ...facts?.systemProperties,
    ...serviceProperties(deviceId, receivedAt, EVENT_NAMES.telemetry),
  }
  return { properties, systemProperties }
}

/** What the service adds, by both names that Azure has for it. */
function serviceProperties(deviceId: string, at: number, source: string): Record<string, string> {
  const time = new Date(at).toISOString()
  return {
    connectionDeviceId: deviceId,
    'iothub-connection-device-id': deviceId,
    enqueuedTime: time,
    'iothub-enqueuedtime': time,
    'iothub-message-source': source,
  }
}

/**
 * What `$body` looks into. A sender that can declare what its body is has to; of the others it is what their codec made of
 * it.
 */
function readableBody({ body, facts }: Telemetry): JsonObject | undefined {
  const declared = facts?.systemProperties
  if (
    declared !== undefined &&
    !isReadableBody(declared['contentType'], declared['contentEncoding'])
  )
    return undefined
  return objectBody(body)
}

function twinOf(draft: Draft): JsonObject {
  return twinView(draft.deviceId, draft.shadow(''), draft.context.registeredTags)
}

function asLists(properties: Readonly<Record<string, string>>): Record<string, readonly string[]> {
  return Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, [value]]))
}
