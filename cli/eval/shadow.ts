import type { ShadowDocument } from '../../core/index.ts'
import {
  AWS_SHADOW,
  deleteShadow,
  getShadow,
  isJsonObject,
  isShadowName,
  type Json,
  type JsonObject,
  listNamedShadows,
  parseShadowRequest,
  readClientToken,
  readShadowRequest,
  reject,
  updateShadow,
} from '../../core/index.ts'

/** The clock where no step has set it, epoch s: fixed, so that a line gives the same answer every time. */
const START = 1_700_000_000

/**
 * `anyhub eval shadow`: runs requests against the shadows of one fresh device.
 *
 * Shape:  in `{steps: [{op, name?, payload? | payloadText?, at?}]}` with `op` update, get, delete, listNamed
 *         (`pageSize?`, `nextToken?`) or seed (`state?`, `version`); `at` is in epoch seconds and stays until the next.
 * Result: `{results: [{accepted?, rejected?, delta?, documents?}]}`, one per step; `{error}` if the line is not of
 *         that shape.
 */
export function evalShadow(line: Json): Json {
  const steps = isJsonObject(line) ? line['steps'] : undefined
  if (!Array.isArray(steps)) return malformed('expected {"steps": […]}')
  const device: Device = { shadows: new Map(), at: START }
  const results: Json[] = []
  for (const [index, step] of steps.entries()) {
    const result = isJsonObject(step) ? runStep(device, step) : 'expected an object'
    if (typeof result === 'string') return malformed(`step ${index}: ${result}`)
    results.push(result)
  }
  return { results }
}

interface Device {
  readonly shadows: Map<string, ShadowDocument>
  /** Epoch s. */
  at: number
}

/** The result of a step, or what is wrong with it. */
function runStep(device: Device, step: JsonObject): JsonObject | string {
  const { op, name = '', at = device.at } = step
  if (typeof name !== 'string') return 'expected a text as name'
  if (typeof at !== 'number') return 'expected epoch seconds as at'
  device.at = at
  if (!isShadowName(name, AWS_SHADOW)) {
    return { rejected: reject(AWS_SHADOW.rejections.invalidName, { at }) }
  }
  switch (op) {
    case 'update':
      return update(device, name, step)
    case 'get':
      return getShadow(device.shadows.get(name), query(device, name, step))
    case 'delete':
      return remove(device, name, step)
    case 'listNamed':
      return list(device, step)
    case 'seed':
      return seed(device, name, step)
    default:
      return 'expected op update, get, delete, listNamed or seed'
  }
}

function update(device: Device, name: string, step: JsonObject): JsonObject {
  const options = { at: device.at, dialect: AWS_SHADOW }
  const { payload, payloadText } = step
  const read =
    payload === undefined
      ? parseShadowRequest(typeof payloadText === 'string' ? payloadText : '', options)
      : readShadowRequest(payload, options)
  if ('rejected' in read) return { rejected: read.rejected }
  const change = updateShadow(device.shadows.get(name), read.request, options)
  if ('rejected' in change) return { rejected: change.rejected }
  const { document, ...messages } = change
  device.shadows.set(name, document)
  return messages
}

function remove(device: Device, name: string, step: JsonObject): JsonObject {
  const deletion = deleteShadow(device.shadows.get(name), query(device, name, step))
  if ('rejected' in deletion) return { rejected: deletion.rejected }
  device.shadows.set(name, deletion.document)
  return { accepted: deletion.accepted }
}

function list(device: Device, { pageSize, nextToken }: JsonObject): JsonObject | string {
  if (pageSize !== undefined && typeof pageSize !== 'number') return 'expected a number as pageSize'
  if (nextToken !== undefined && typeof nextToken !== 'string')
    return 'expected a text as nextToken'
  return listNamedShadows(device.shadows, {
    at: device.at,
    dialect: AWS_SHADOW,
    pageSize,
    nextToken,
  })
}

/** Puts the store into a state: an update of that state which ends at that version. */
function seed(
  device: Device,
  name: string,
  { state = {}, version }: JsonObject,
): JsonObject | string {
  if (typeof version !== 'number') return 'expected a number as version'
  const options = { at: device.at, dialect: AWS_SHADOW }
  const read = readShadowRequest({ state }, options)
  if ('rejected' in read) return read.rejected.message
  const change = updateShadow(undefined, read.request, options)
  if ('rejected' in change) return change.rejected.message
  device.shadows.set(name, { ...change.document, version })
  return {}
}

function query(device: Device, name: string, { payload, payloadText = '' }: JsonObject) {
  const token = isJsonObject(payload) ? payload['clientToken'] : undefined
  const body = typeof token === 'string' ? JSON.stringify({ clientToken: token }) : payloadText
  const clientToken = typeof body === 'string' ? readClientToken(body, AWS_SHADOW) : undefined
  return { at: device.at, dialect: AWS_SHADOW, name, clientToken }
}

function malformed(message: string): Json {
  return { error: { code: 'input.malformed', message } }
}
