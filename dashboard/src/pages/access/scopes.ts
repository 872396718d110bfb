import type { ApiKey } from '../../api-administer.ts'

export type Scope = ApiKey['scopes'][number]

interface Area {
  readonly label: string
  readonly scopes: readonly Scope[]
}

/** What can be looked at, changed, or both. */
export const AREAS: readonly Area[] = [
  { label: 'Devices', scopes: ['devices:read', 'devices:write'] },
  { label: 'Groups', scopes: ['groups:read', 'groups:write'] },
  { label: 'Shadows', scopes: ['shadows:read', 'shadows:write'] },
  { label: 'Telemetry', scopes: ['telemetry:read', 'telemetry:write'] },
  { label: 'Commands', scopes: ['commands:read', 'commands:write'] },
  { label: 'Rules', scopes: ['rules:read', 'rules:write'] },
  { label: 'Alarms', scopes: ['alarms:read', 'alarms:write'] },
  { label: 'Notifications', scopes: ['notifications:read', 'notifications:write'] },
  { label: 'People', scopes: ['people:read', 'people:write'] },
  { label: 'Dead letters', scopes: ['dead-letters:read', 'dead-letters:write'] },
  { label: 'Long work', scopes: ['tasks:read', 'tasks:write'] },
  { label: 'API keys', scopes: ['keys:read', 'keys:write'] },
  { label: 'Audit log', scopes: ['audit:read'] },
  { label: 'System', scopes: ['system:read', 'system:write'] },
]

const ALL = AREAS.flatMap(({ scopes }) => scopes)

const GUARDED: readonly Scope[] = ['keys:read', 'audit:read', 'people:read']

const VIEWER = ALL.filter((scope) => scope.endsWith(':read') && !GUARDED.includes(scope))

/** The roles as the cloud has them. */
export const ROLES: Readonly<Record<'viewer' | 'operator' | 'admin', readonly Scope[]>> = {
  viewer: VIEWER,
  operator: [
    ...VIEWER,
    'shadows:write',
    'commands:write',
    'alarms:write',
    'notifications:write',
    'dead-letters:write',
    'tasks:write',
  ],
  admin: ALL,
}

/** The role that is just these scopes, if there is one. */
export function roleOf(scopes: readonly string[]): string | undefined {
  const found = Object.entries(ROLES).find(
    ([, those]) => those.length === scopes.length && those.every((scope) => scopes.includes(scope)),
  )
  return found?.[0]
}
