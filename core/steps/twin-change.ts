import type { InputResult, LifecycleInput } from '../model/input.ts'
import { isJsonObject, type JsonObject } from '../model/json.ts'
import type { ShadowDocument } from '../model/shadow.ts'
import { AZURE_IOT_HUB, mergeDiff, twinVersion } from '../shadow/index.ts'
import type { Draft } from './draft.ts'
import { routeEvent, twinView } from './route.ts'

/** The twin before an input; `undefined` where no route wants to know what becomes of it. */
export interface WatchedTwin {
  readonly document: ShadowDocument | undefined
}

/** Looks at the twin before an input. What was measured in this step counts as reported by then. */
export function watchTwin(draft: Draft): WatchedTwin | undefined {
  return draft.context.program.routes.has('twinChanges')
    ? { document: draft.shadow('') }
    : undefined
}

/**
 * Tells the routes what an input changed in the twin, whoever asked for it: the device, a back end, a rule, or a message
 * whose values are reported. The body is the change alone.
 * Source: learn.microsoft.com, iot-hub-devguide-device-twins, "Back-end operations", twin notifications.
 */
export function tellTwinChange(draft: Draft, before: WatchedTwin | undefined): void {
  if (before === undefined) return
  const document = draft.shadow('')
  if (document === undefined || document === before.document) return
  const desired = changeOf(before.document, document, 'desired')
  const reported = changeOf(before.document, document, 'reported')
  const tags = changeOf(before.document, document, 'tags')
  if (desired === undefined && reported === undefined && tags === undefined) return
  const { firstVersion } = AZURE_IOT_HUB
  const version = twinVersion(document, AZURE_IOT_HUB)
  routeEvent(draft, {
    source: 'twinChanges',
    operation: 'updateTwin',
    schema: 'twinChangeNotification',
    body: {
      version,
      ...(tags === undefined ? {} : { tags }),
      properties: {
        ...section('desired', desired, document.desiredVersion + firstVersion),
        ...section('reported', reported, document.reportedVersion + firstVersion),
      },
    },
    id: `twin-${document.version}`,
  })
}

/** Tells the routes that the device was registered, or is no longer. */
export function tellLifecycle(draft: Draft, { event, at }: LifecycleInput): InputResult {
  routeEvent(draft, {
    source: 'lifecycle',
    operation: event === 'registered' ? 'createDeviceIdentity' : 'deleteDeviceIdentity',
    schema: 'deviceLifecycleNotification',
    body: twinView(draft.deviceId, draft.shadow('')),
    id: `lifecycle-${event}-${at}`,
  })
  return { status: 'accepted' }
}

function section(
  name: 'desired' | 'reported',
  change: JsonObject | undefined,
  version: number,
): JsonObject {
  return change === undefined ? {} : { [name]: { ...change, $version: version } }
}

/** What leads from one document to the next in one section; null removes. */
function changeOf(
  before: ShadowDocument | undefined,
  after: ShadowDocument,
  name: 'desired' | 'reported' | 'tags',
): JsonObject | undefined {
  const old = before?.deletedAt === undefined ? before?.[name] : undefined
  if (old === after[name]) return undefined
  const change = mergeDiff(old ?? {}, after[name] ?? {})
  return isJsonObject(change) && Object.keys(change).length > 0 ? change : undefined
}
