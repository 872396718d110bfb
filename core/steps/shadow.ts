import type { ShadowEffect } from '../model/effect.ts'
import type { DesireInput, InputResult, MirrorInput, ShadowInput } from '../model/input.ts'
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import type { ShadowDocument } from '../model/shadow.ts'
import {
  AWS_SHADOW,
  changeBodies,
  changesDesired,
  clearReachedDesired,
  deleteShadow,
  endsBefore,
  expireDesired,
  getShadow,
  isShadowName,
  mirrorShadow,
  parseShadowRequest,
  readClientToken,
  readShadowRequest,
  reject,
  type ShadowUpdate,
  type UpdateOptions,
  updateShadow,
} from '../shadow/index.ts'
import type { Draft } from './draft.ts'
import { giveRequestNotice, giveShadowNotice } from './notice.ts'

/** A request about one shadow, from the device or from the API. Rules hear it, and what comes of it. */
export function applyShadow(draft: Draft, input: ShadowInput): InputResult {
  if (!draft.context.program.hearsNotices) return answerRequest(draft, input)
  const { name, operation, body } = input
  const id = draft.context.newId()
  giveRequestNotice(draft, name, operation, body, id)
  const result = answerRequest(draft, input)
  // Of an update that was accepted tells whoever tells the change.
  if (result.status === 'answered' && !(result.accepted && operation === 'update')) {
    const answer = result.accepted ? 'accepted' : 'rejected'
    giveShadowNotice(draft, name, `${operation}/${answer}`, result.body, id)
  }
  return result
}

function answerRequest(draft: Draft, input: ShadowInput): InputResult {
  const options = {
    at: seconds(input.at),
    dialect: AWS_SHADOW,
    by: input.by,
    once: input.once,
    expiresAt: input.expiresAt === undefined ? undefined : seconds(input.expiresAt),
  }
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
  const change = updateShadow(draft.shadow(name), request, {
    ...options,
    measured: name === '' ? draft.measured : undefined,
  })
  if ('rejected' in change) return answered(false, change.rejected)
  tellChange(draft, name, change)
  return answered(true, change.accepted)
}

/** What a change left behind, and what is told of it. */
interface Change {
  readonly document: ShadowDocument
  readonly delta?: JsonObject
  readonly documents: JsonObject
  /** Absent where nobody asked for the change. */
  readonly accepted?: JsonObject
}

/**
 * Stores a change and tells it, whoever made it, in the order that devices expect.
 * @throws CoreError `device.outbox_full`
 */
export function tellChange(draft: Draft, name: string, change: Change): void {
  const { document, delta, documents, accepted } = change
  draft.setShadow(name, document)
  push(draft, name, document.version, 'delta', delta)
  push(draft, name, document.version, 'documents', documents)
  push(draft, name, document.version, 'accepted', accepted)
  const id = `${document.version}`
  if (delta !== undefined) giveShadowNotice(draft, name, 'update/delta', delta, id)
  giveShadowNotice(draft, name, 'update/documents', documents, id)
  if (accepted !== undefined) giveShadowNotice(draft, name, 'update/accepted', accepted, id)
}

/** Takes over what the owner of the shadow has. Nobody is told: the owner does that. */
export function applyMirror(draft: Draft, input: MirrorInput): InputResult {
  const { name, state, version, at, partial = false } = input
  const before = draft.shadow(name)
  const seen = before?.ownerVersion ?? 0
  if (partial && (seen === 0 || version > seen + 1))
    return {
      status: 'refused',
      code: 'shadow.version_conflict',
      message: `expected what changed from version ${seen}, found a change to version ${version}`,
    }
  const measured = name === '' ? draft.measured : undefined
  const options = { at: seconds(at), dialect: AWS_SHADOW, measured }
  const document = mirrorShadow(before, { state, version, partial }, options)
  if (document !== before) draft.setShadow(name, document)
  return { status: 'accepted' }
}

/** What nobody listens to need not wait in the record until it is told. */
function push(
  draft: Draft,
  name: string,
  version: number,
  event: ShadowEffect['event'],
  body: JsonObject | undefined,
): void {
  const { deviceId, context } = draft
  if (body === undefined || context.hearsShadow?.(deviceId, name, event) === false) return
  draft.emit(`shadow/${name}/${version}/${event}`, { kind: 'shadow', deviceId, name, event, body })
}

/** Drops desired values whose time is over, in every shadow of the device. */
export function expireWishes(draft: Draft, now: number): void {
  for (const name of draft.shadowNames) {
    const before = draft.shadow(name)
    if (before?.expires === undefined) continue
    tellOwnChange(draft, name, before, expireDesired(before, seconds(now)), seconds(now))
  }
}

/** Drops desired values that were wanted once and that a measured value has reached. */
export function dropReached(draft: Draft, now: number): void {
  const before = draft.shadow('')
  if (before?.wishes === undefined) return
  tellOwnChange(draft, '', before, clearReachedDesired(before, seconds(now)), seconds(now))
}

/** A change that cannot be told, because too much waits to be told, is one all the same. */
function tellOwnChange(
  draft: Draft,
  name: string,
  before: ShadowDocument,
  document: ShadowDocument,
  at: number,
): void {
  if (document === before) return
  try {
    tellChange(draft, name, { document, ...changeBodies(before, document, { at }) })
  } catch (error) {
    draft.fail(`shadow/${name}`, '', error)
  }
}

function seconds(ms: number): number {
  return Math.floor(ms / 1_000)
}

function answered(accepted: boolean, body: Json): InputResult {
  return { status: 'answered', accepted, body }
}

/**
 * Merges a wish of a rule into the desired state. One that is already there changes nothing and is not sent again, unless
 * its time is half over.
 */
export function applyDesire(draft: Draft, input: DesireInput): InputResult {
  if (!isJsonObject(input.desired)) {
    return {
      status: 'refused',
      code: 'shadow.bad_request',
      message: 'expected an object as desired state',
    }
  }
  const { by, once, forMs } = input
  const current = draft.shadow(input.name)
  const isLasting =
    forMs === undefined ||
    current === undefined ||
    !endsBefore(current, input.desired, seconds(input.at + forMs / 2))
  if (isLasting && !changesDesired(current, input.desired, AWS_SHADOW))
    return { status: 'accepted' }
  const options = {
    at: seconds(input.at),
    dialect: AWS_SHADOW,
    by,
    once,
    expiresAt: forMs === undefined ? undefined : seconds(input.at + forMs),
  }
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
