import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import { isDeeperThan, own, utf8Bytes } from './json-tree.ts'
import { parseBody } from './parse-body.ts'
import {
  type RejectionContext,
  type RejectionReason,
  reject,
  type ShadowRejection,
} from './rejection.ts'
import type { ShadowDialect } from './shadow-dialect.ts'

/** The sections that an update names; `null` clears one. */
export type ShadowState = {
  readonly desired?: JsonObject | null
  readonly reported?: JsonObject | null
}

/** A well-formed update. */
export interface ShadowUpdate {
  /** `null` clears both sections. */
  readonly state: ShadowState | null
  /** The version that must be the current one. */
  readonly version?: number
  readonly clientToken?: string
}

/** What a request is read with. */
export interface RequestOptions {
  /** Epoch s. */
  readonly at: number
  readonly dialect: ShadowDialect
}

/** An update, or why the request is none. */
export type ReadRequest =
  | { readonly request: ShadowUpdate }
  | { readonly rejected: ShadowRejection }

/**
 * Reads the body of an update. The size is judged first, then the encoding, then what it says.
 *
 * Source: AWS IoT developer guide, device-shadow-document and device-shadow-error-messages.
 */
export function parseShadowRequest(
  body: string | Uint8Array,
  options: RequestOptions,
): ReadRequest {
  const parsed = parseBody(body, options.dialect.maxRequestBytes)
  return 'json' in parsed ? readShadowRequest(parsed.json, options) : refuse(parsed.fault, options)
}

/** `parseShadowRequest` for a body that is JSON already. */
export function readShadowRequest(body: Json, options: RequestOptions): ReadRequest {
  if (!isJsonObject(body)) return refuse('invalidJson', options)
  const { dialect } = options
  const asked = own(body, 'clientToken')
  const token = isClientToken(asked, dialect) ? { clientToken: asked } : {}
  const state = own(body, 'state')
  const version = own(body, 'version')
  const fault =
    shapeFault(state) ??
    (version === undefined || isVersion(version) ? undefined : 'invalidVersion') ??
    (asked === undefined || isClientToken(asked, dialect) ? undefined : 'invalidClientToken') ??
    contentFault(state, dialect)
  if (fault !== undefined) return refuse(fault, { ...options, ...token })
  const expected = isVersion(version) ? { version } : {}
  return {
    request: { state: isJsonObject(state) ? pickSections(state) : null, ...expected, ...token },
  }
}

/**
 * The client token of a get or delete. Their body means nothing else: an empty one is usual, and what cannot be read
 * is as good as empty.
 */
export function readClientToken(
  body: string | Uint8Array,
  dialect: ShadowDialect,
): string | undefined {
  const parsed = parseBody(body, dialect.maxRequestBytes)
  const token =
    'json' in parsed && isJsonObject(parsed.json) ? own(parsed.json, 'clientToken') : undefined
  return isClientToken(token, dialect) ? token : undefined
}

/** Whether a shadow may have this name; '' is the classic shadow. */
export function isShadowName(name: string, dialect: ShadowDialect): boolean {
  return name === '' || (name.length <= dialect.maxNameLength && dialect.namePattern.test(name))
}

function refuse(reason: RejectionReason, context: RequestOptions & RejectionContext): ReadRequest {
  return { rejected: reject(context.dialect.rejections[reason], context) }
}

function isVersion(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isClientToken(value: Json | undefined, dialect: ShadowDialect): value is string {
  return typeof value === 'string' && utf8Bytes(value) <= dialect.maxClientTokenBytes
}

function shapeFault(state: Json | undefined): RejectionReason | undefined {
  if (state === undefined) return 'missingState'
  if (state === null) return undefined
  if (!isJsonObject(state)) return 'stateNotObject'
  if (!isSection(own(state, 'desired'))) return 'desiredNotObject'
  if (!isSection(own(state, 'reported'))) return 'reportedNotObject'
  return undefined
}

function isSection(value: Json | undefined): value is JsonObject | null | undefined {
  return value === undefined || value === null || isJsonObject(value)
}

function contentFault(
  state: Json | undefined,
  dialect: ShadowDialect,
): RejectionReason | undefined {
  if (!isJsonObject(state)) return undefined
  for (const key in state) {
    const section = state[key]
    if (section !== undefined && isDeeperThan(section, dialect.maxDepth)) return 'tooDeep'
  }
  for (const key in state) {
    const section = state[key]
    if (key !== 'desired' && key !== 'reported') return 'invalidNode'
    if (section !== undefined && hasNullInArray(section, false)) return 'invalidNode'
  }
  return undefined
}

/** A null means "remove", and nothing can be removed from an array. The depth is bounded before. */
function hasNullInArray(value: Json, inArray: boolean): boolean {
  if (value === null) return inArray
  if (typeof value !== 'object') return false
  if (!isJsonObject(value)) return value.some((item) => hasNullInArray(item, true))
  for (const key in value) {
    const child = value[key]
    if (child !== undefined && hasNullInArray(child, inArray)) return true
  }
  return false
}

function pickSections(state: JsonObject): ShadowState {
  const desired = own(state, 'desired')
  const reported = own(state, 'reported')
  return {
    ...(isJsonObject(desired) || desired === null ? { desired } : {}),
    ...(isJsonObject(reported) || reported === null ? { reported } : {}),
  }
}
