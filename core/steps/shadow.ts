import type { DesireInput, InputResult, ShadowInput } from '../model/input.ts'
import { isJsonObject, type Json } from '../model/json.ts'
import {
  AWS_SHADOW,
  changesDesired,
  deleteShadow,
  getShadow,
  isShadowName,
  parseShadowRequest,
  readClientToken,
  readShadowRequest,
  reject,
  type ShadowUpdate,
  type UpdateOptions,
  updateShadow,
} from '../shadow/index.ts'
import type { Draft } from './draft.ts'

/** A request about one shadow, from the device or from the API. */
export function applyShadow(draft: Draft, input: ShadowInput): InputResult {
  const options = { at: Math.floor(input.at / 1_000), dialect: AWS_SHADOW }
  if (!isShadowName(input.name, AWS_SHADOW)) {
    return answered(false, reject(AWS_SHADOW.rejections.invalidName, options))
  }
  const current = draft.shadow(input.name)
  if (input.operation === 'update') {
    const parsed = parseShadowRequest(input.body, options)
    if ('rejected' in parsed) return answered(false, parsed.rejected)
    return applyUpdate(draft, input.name, parsed.request, options)
  }
  const clientToken = readClientToken(input.body, AWS_SHADOW)
  const query = { ...options, name: input.name, thingName: draft.deviceId, clientToken }
  if (input.operation === 'get') {
    const answer = getShadow(current, query)
    return 'rejected' in answer ? answered(false, answer.rejected) : answered(true, answer.accepted)
  }
  const deletion = deleteShadow(current, query)
  if ('rejected' in deletion) return answered(false, deletion.rejected)
  draft.setShadow(input.name, deletion.document)
  return answered(true, deletion.accepted)
}

function applyUpdate(
  draft: Draft,
  name: string,
  request: ShadowUpdate,
  options: UpdateOptions,
): InputResult {
  const change = updateShadow(draft.shadow(name), request, options)
  if ('rejected' in change) return answered(false, change.rejected)
  draft.setShadow(name, change.document)
  const target = { kind: 'shadow' as const, deviceId: draft.deviceId, name }
  const key = `shadow/${name}/${change.document.version}`
  if (change.delta !== undefined)
    draft.emit(`${key}/delta`, { ...target, event: 'delta', body: change.delta })
  draft.emit(`${key}/documents`, { ...target, event: 'documents', body: change.documents })
  return answered(true, change.accepted)
}

function answered(accepted: boolean, body: Json): InputResult {
  return { status: 'answered', accepted, body }
}

/** Merges a wish of a rule into the desired state; one that is already there changes nothing and is not sent again. */
export function applyDesire(draft: Draft, input: DesireInput): InputResult {
  if (!isJsonObject(input.desired)) {
    return {
      status: 'refused',
      code: 'shadow.bad_request',
      message: 'expected an object as desired state',
    }
  }
  if (!changesDesired(draft.shadow(input.name), input.desired, AWS_SHADOW))
    return { status: 'accepted' }
  const options = { at: Math.floor(input.at / 1_000), dialect: AWS_SHADOW }
  const parsed = readShadowRequest({ state: { desired: input.desired } }, options)
  const result =
    'rejected' in parsed
      ? answered(false, parsed.rejected)
      : applyUpdate(draft, input.name, parsed.request, options)
  if (result.status !== 'answered' || result.accepted) return { status: 'accepted' }
  return {
    status: 'refused',
    code: 'shadow.bad_request',
    message: `desired state refused: ${JSON.stringify(result.body)}`,
  }
}
