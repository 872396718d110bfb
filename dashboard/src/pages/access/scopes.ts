/** What can be looked at, changed, or both. */
export const AREAS = [
  { name: 'devices', label: 'Devices', kinds: ['read', 'write'] },
  { name: 'groups', label: 'Groups', kinds: ['read', 'write'] },
  { name: 'shadows', label: 'Shadows', kinds: ['read', 'write'] },
  { name: 'telemetry', label: 'Telemetry', kinds: ['read', 'write'] },
  { name: 'commands', label: 'Commands', kinds: ['read', 'write'] },
  { name: 'rules', label: 'Rules', kinds: ['read', 'write'] },
  { name: 'alarms', label: 'Alarms', kinds: ['read', 'write'] },
  { name: 'notifications', label: 'Notifications', kinds: ['read', 'write'] },
  { name: 'people', label: 'People', kinds: ['read', 'write'] },
  { name: 'dead-letters', label: 'Dead letters', kinds: ['read', 'write'] },
  { name: 'tasks', label: 'Long work', kinds: ['read', 'write'] },
  { name: 'keys', label: 'API keys', kinds: ['read', 'write'] },
  { name: 'audit', label: 'Audit log', kinds: ['read'] },
  { name: 'system', label: 'System', kinds: ['read', 'write'] },
] as const

const ALL: readonly string[] = AREAS.flatMap(({ name, kinds }) =>
  kinds.map((kind) => `${name}:${kind}`),
)

const GUARDED: readonly string[] = ['keys:read', 'audit:read', 'people:read']

const VIEWER = ALL.filter((scope) => scope.endsWith(':read') && !GUARDED.includes(scope))

/** The roles as the cloud has them. */
export const ROLES: Readonly<Record<'viewer' | 'operator' | 'admin', readonly string[]>> = {
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
