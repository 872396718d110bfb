/** What a caller may be, from least to most: each is a named set of scopes. */
export const ROLES = ['viewer', 'operator', 'admin'] as const

export type Role = (typeof ROLES)[number]

/** Every right there is: a kind of thing, and whether it is looked at or changed. */
export const SCOPES = [
  'devices:read',
  'devices:write',
  'groups:read',
  'groups:write',
  'shadows:read',
  'shadows:write',
  'telemetry:read',
  'telemetry:write',
  'commands:read',
  'commands:write',
  'rules:read',
  'rules:write',
  'alarms:read',
  'alarms:write',
  'notifications:read',
  'notifications:write',
  'people:read',
  'people:write',
  'dead-letters:read',
  'dead-letters:write',
  'tasks:read',
  'tasks:write',
  'keys:read',
  'keys:write',
  'audit:read',
  'system:read',
  'system:write',
] as const

export type Scope = (typeof SCOPES)[number]

/** Who makes a request, as far as it was proved, and what they may do. */
export interface Caller {
  readonly kind: 'admin' | 'person' | 'key' | 'device' | 'anonymous'
  /** `admin`, subject of a token (behind its issuer and # where several issuers count), id of a key, device id, or `''`. */
  readonly id: string
  readonly name?: string
  readonly scopes: ReadonlySet<Scope>
  /** Absent: all devices. Else only those of these groups. */
  readonly groups?: readonly string[]
  /** Absent: any device. Else only this one (a device itself). */
  readonly device?: string
  /** Set where a cookie proved it: changes then need the CSRF token. */
  readonly session?: { readonly csrfToken: string }
}

const ADMIN_SCOPES: ReadonlySet<Scope> = new Set(SCOPES)

/** What only an admin sees: who may come in, and what each of them did. */
const GUARDED: ReadonlySet<Scope> = new Set<Scope>(['keys:read', 'audit:read', 'people:read'])

const VIEWER_SCOPES: ReadonlySet<Scope> = new Set(
  SCOPES.filter((scope) => scope.endsWith(':read') && !GUARDED.has(scope)),
)

const OPERATOR_SCOPES: ReadonlySet<Scope> = new Set<Scope>([
  ...VIEWER_SCOPES,
  'shadows:write',
  'commands:write',
  'alarms:write',
  'notifications:write',
  'dead-letters:write',
  'tasks:write',
])

const SCOPES_OF: Readonly<Record<Role, ReadonlySet<Scope>>> = {
  viewer: VIEWER_SCOPES,
  operator: OPERATOR_SCOPES,
  admin: ADMIN_SCOPES,
}

/** All that a role may do. Total. */
export function scopesOfRole(role: Role): ReadonlySet<Scope> {
  return SCOPES_OF[role]
}

/** True for the name of a role. Total. */
export function isRole(name: string): name is Role {
  return ROLES.some((role) => role === name)
}

/** True for the name of a scope. Total. */
export function isScope(name: string): name is Scope {
  return SCOPES.some((scope) => scope === name)
}

/** Whoever holds the admin token of this cloud. */
export const ADMIN: Caller = { kind: 'admin', id: 'admin', scopes: ADMIN_SCOPES }

/** Nobody that is known, with what a cloud that asks for no credentials lets everybody do. */
export const ANONYMOUS: Caller = {
  kind: 'anonymous',
  id: '',
  scopes: new Set<Scope>([...VIEWER_SCOPES, 'telemetry:write']),
}

const DEVICE_SCOPES: ReadonlySet<Scope> = new Set<Scope>([
  'telemetry:write',
  'shadows:read',
  'commands:read',
  'commands:write',
])

/** A device that acts for itself: it never reaches another one. Total. */
export function deviceCaller(deviceId: string): Caller {
  return { kind: 'device', id: deviceId, scopes: DEVICE_SCOPES, device: deviceId }
}
