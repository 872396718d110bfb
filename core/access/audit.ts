import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import type { Caller } from './caller.ts'

/** One change: who made it, to what, and how it was before and after. */
export interface AuditEntry {
  readonly id: string
  /** Epoch ms. */
  readonly at: number
  readonly actor: { readonly kind: Caller['kind']; readonly id: string; readonly name?: string }
  /** The operation of the API, such as `updateDevice`. */
  readonly operation: string
  /** What it was done to: `device/fridge-1`. */
  readonly target: string
  readonly method: string
  readonly path: string
  /** The status of the answer. */
  readonly status: number
  readonly before?: Json
  readonly after?: Json
  /** Where the request came from: an address. */
  readonly remote?: string
}

/** Before and after are kept up to this size each. Unit: characters of JSON. */
const MAX_CHARS = 8_192

/** How deep values are looked into. */
const MAX_DEPTH = 32

/** Names of what is never kept. */
const SECRET_NAME =
  /secret|password|passwd|passphrase|token|authorization|cookie|credential|private|signature|connection[_-]?string|^(?:api[_-]?)?key$|keys?$|^primary$|^secondary$|^(?:pass|pwd|psk|pin|otp|auth|sas|sig)$|payload|digest/i

/**
 * Texts that are secrets whatever they are called: keys of this API, bearers, JSON Web Tokens (each looked at once, however
 * many seem to begin in it), shared access keys and signatures of Azure, passwords in addresses, keys in PEM.
 */
const SECRET_TEXT =
  /\bahk_[0-9a-z]+_[\w-]{20,}|\b(?:Bearer|Basic|SharedAccessSignature) +\S+|(?<![\w-])eyJ[\w-]+\.[\w-]+\.[\w-]*|\bSharedAccessKey=[^;\s]+|(?<=:\/\/[^/\s:@]{0,256}:)[^/\s@]+(?=@)|-----BEGIN [^-]*PRIVATE KEY-----[\s\S]*/gi

/** Stands where a secret or a payload was. */
export const REDACTED = '[redacted]'

/**
 * A value as it may stand in the log: without secrets and payloads, and no longer than 8 KB.
 *
 * Total: what is too long becomes `{truncated: true, start}`.
 */
export function redact(value: Json): Json {
  const clean = cleanse(value, 0)
  const text = JSON.stringify(clean)
  if (text.length <= MAX_CHARS) return clean
  return { truncated: true, start: text.slice(0, MAX_CHARS - 64) }
}

function cleanse(value: Json, depth: number): Json {
  if (typeof value === 'string') return value.replace(SECRET_TEXT, REDACTED)
  if (typeof value !== 'object' || value === null) return value
  if (depth >= MAX_DEPTH) return '…'
  if (Array.isArray(value)) return value.map((one) => cleanse(one, depth + 1))
  const clean: Record<string, Json> = {}
  for (const [name, inner] of Object.entries(value)) {
    // Whether there is one, and how many, may be known.
    const hidden =
      SECRET_NAME.test(name) && inner !== null && typeof inner !== 'boolean' && !isCount(inner)
    Object.defineProperty(clean, name, {
      value: hidden ? REDACTED : cleanse(inner, depth + 1),
      enumerable: true,
      configurable: true,
      writable: true,
    })
  }
  return clean
}

function isCount(value: Json): boolean {
  return Array.isArray(value) && value.length === 0
}

/** The latest time that a key can tell: some 3,200 years. Unit: epoch ms. */
const LATEST = 36 ** 9 - 1

/** The key of an entry: the newest comes first. Total. */
export function auditKey(at: number, id: string): string {
  return `${reversed(at)}.${mirrored(id)}`
}

/** An id of the same moment that sorts after another sorts before it. */
function mirrored(id: string): string {
  return id.replace(/[0-9a-z]/g, (digit) => (35 - Number.parseInt(digit, 36)).toString(36))
}

/** Comes before the keys of everything that is older than this time. */
export function auditKeysBefore(at: number): string {
  return `${reversed(at)}/`
}

function reversed(at: number): string {
  return (LATEST - Math.min(Math.max(0, Math.floor(at)), LATEST)).toString(36).padStart(9, '0')
}

/** An entry as it is kept: its secrets taken out. */
export function writeAuditEntry(entry: AuditEntry): JsonObject {
  const { id, at, actor, operation, target, method, path, status, before, after, remote } = entry
  return {
    id,
    at,
    actor: { ...actor },
    operation,
    target,
    method,
    path: path.replace(SECRET_TEXT, REDACTED).slice(0, 1_024),
    status,
    ...(before === undefined ? {} : { before: redact(before) }),
    ...(after === undefined ? {} : { after: redact(after) }),
    ...(remote === undefined ? {} : { remote }),
  }
}

/** Reads an entry as it was kept; `undefined` if it is none. */
export function readAuditEntry(item: Json | undefined): AuditEntry | undefined {
  if (!isJsonObject(item) || !isJsonObject(item['actor'])) return undefined
  const { id, at, operation, target, method, path, status, before, after, remote } = item
  const { kind, id: actorId, name } = item['actor']
  if (typeof id !== 'string' || typeof at !== 'number' || typeof actorId !== 'string')
    return undefined
  const text = (value: unknown): string => (typeof value === 'string' ? value : '')
  return {
    id,
    at,
    actor: {
      kind: readKind(kind),
      id: actorId,
      ...(typeof name === 'string' ? { name } : {}),
    },
    operation: text(operation),
    target: text(target),
    method: text(method),
    path: text(path),
    status: typeof status === 'number' ? status : 0,
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
    ...(typeof remote === 'string' ? { remote } : {}),
  }
}

function readKind(kind: Json | undefined): Caller['kind'] {
  return kind === 'admin' || kind === 'person' || kind === 'key' || kind === 'device'
    ? kind
    : 'anonymous'
}
