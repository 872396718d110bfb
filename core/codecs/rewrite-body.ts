import { FLAGS_KEY } from '../model/flags.ts'
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import type { Meant } from '../model/meaning.ts'
import type { MetricValue } from '../model/telemetry.ts'
import type { Pointer } from './pointer.ts'

/**
 * A body with other values in the places of its metrics. What stays is shared with the body that came; nothing of it is
 * changed. `flags: keep` says beside them which are bad, `flags: omit` leaves those out.
 */
export function rewriteBody(
  body: Json,
  metrics: Pointer,
  { changed, flags }: Meant,
  mode: 'keep' | 'omit',
): Json {
  const rewritten = at(body, metrics, 0, (root) =>
    rewriteRoot(root, changed, mode === 'omit' ? flags : {}),
  )
  if (mode === 'omit' || !isJsonObject(rewritten) || Object.keys(flags).length === 0)
    return rewritten
  return { ...rewritten, [FLAGS_KEY]: flags }
}

function at(value: Json, pointer: Pointer, depth: number, change: (root: Json) => Json): Json {
  const key = pointer[depth]
  if (key === undefined) return change(value)
  if (Array.isArray(value))
    return value.map((item, index) =>
      String(index) === key ? at(item, pointer, depth + 1, change) : item,
    )
  if (!isJsonObject(value)) return value
  const inner = value[key]
  return inner === undefined ? value : { ...value, [key]: at(inner, pointer, depth + 1, change) }
}

function rewriteRoot(root: Json, changed: Meant['changed'], omitted: Meant['flags']): Json {
  if (!isJsonObject(root)) return changed['value'] ?? root
  let rewritten = root
  for (const name in omitted) rewritten = withValue(rewritten, name, undefined)
  for (const name in changed) rewritten = withValue(rewritten, name, changed[name])
  return rewritten
}

/** A metric of a nested value is named by the way to it, joined with dots; keys may have dots of their own. */
function withValue(object: JsonObject, name: string, value: MetricValue | undefined): JsonObject {
  if (!Object.hasOwn(object, name)) {
    for (let dot = name.indexOf('.'); dot > 0; dot = name.indexOf('.', dot + 1)) {
      const key = name.slice(0, dot)
      const inner = Object.hasOwn(object, key) ? object[key] : undefined
      if (isJsonObject(inner))
        return { ...object, [key]: withValue(inner, name.slice(dot + 1), value) }
    }
  }
  if (value !== undefined) return { ...object, [name]: value }
  const { [name]: _omitted, ...rest } = object
  return rest
}
