import type { Secrets } from './access/secrets.ts'
import { type AuditLog, createAuditLog } from './audit-log.ts'
import type { Config } from './config.ts'
import { createIdentify, type Identify, type IdentifyParts } from './identify.ts'
import { createKeys, type Keys } from './keys.ts'
import type { Ports } from './ports.ts'
import { createSessions, type Sessions } from './sessions.ts'

/** Who may use the API of one cloud, and what they did with it. */
export interface Access extends Identify {
  readonly keys: Keys
  readonly sessions: Sessions
  readonly audit: AuditLog
}

/** What a host brings along. */
export interface AccessOptions
  extends Pick<IdentifyParts, 'adminTokenDigest' | 'verifyToken' | 'deviceOf'> {
  readonly ports: Ports
  readonly config: Pick<Config, 'access'>
  readonly secrets: Secrets
}

/** Wires keys, sessions, the audit log and who is who to the ports of one cloud. */
export function createAccess({ ports, config, secrets, ...host }: AccessOptions): Access {
  const keys = createKeys(ports, secrets)
  const sessions = createSessions(ports, secrets)
  const { clock } = ports
  const { oidc: issuers } = config.access
  const identify = createIdentify({ keys, sessions, secrets, clock, issuers, ...host })
  return { ...identify, keys, sessions, audit: createAuditLog(ports) }
}
