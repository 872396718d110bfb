import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import type { Grant, IssuerConfig } from './access-config.ts'
import { type Caller, isRole, type Scope, scopesOfRole } from './caller.ts'

/** Stands for all devices where a token names groups. */
const ALL_GROUPS = '*'

/** Longer lists in a token are cut: nobody is in more. */
const MAX_VALUES = 500

/** What of an issuer decides what its tokens allow. */
export type ClaimRules = Pick<IssuerConfig, 'rolesClaim' | 'roles' | 'defaultRole' | 'groupsClaim'>

/**
 * The person whom a verified token names; `undefined` if none of its roles counts here.
 *
 * Roles and groups may be a list, or one text with spaces between them, as `scope` has it. Rights of several roles add up.
 * Total: claims of any shape.
 */
export function callerOfClaims(rules: ClaimRules, claims: JsonObject): Caller | undefined {
  const { sub } = claims
  if (typeof sub !== 'string' || sub === '') return undefined
  const scopes = scopesOf(rules, valuesOf(claims, rules.rolesClaim))
  if (scopes === undefined) return undefined
  const name = [claims['name'], claims['preferred_username'], claims['email']].find(
    (one): one is string => typeof one === 'string' && one !== '',
  )
  const groups = rules.groupsClaim === undefined ? undefined : valuesOf(claims, rules.groupsClaim)
  const isLimited = groups !== undefined && !groups.includes(ALL_GROUPS)
  return {
    kind: 'person',
    id: sub,
    scopes,
    ...(name === undefined ? {} : { name: name.slice(0, 256) }),
    ...(isLimited ? { groups } : {}),
  }
}

function scopesOf(
  { roles, defaultRole }: ClaimRules,
  values: readonly string[],
): ReadonlySet<Scope> | undefined {
  const grants = values.flatMap((value): Grant[] => {
    if (roles === undefined) return isRole(value) ? [value] : []
    const grant = Object.hasOwn(roles, value) ? roles[value] : undefined
    return grant === undefined ? [] : [grant]
  })
  const counted = grants.length > 0 || defaultRole === undefined ? grants : [defaultRole]
  if (counted.length === 0) return undefined
  return new Set(counted.flatMap((grant) => [...scopesOfGrant(grant)]))
}

/** The scopes of a role, or those of a list. Total. */
export function scopesOfGrant(grant: Grant): Iterable<Scope> {
  return typeof grant === 'string' ? scopesOfRole(grant) : grant
}

/** The texts of a claim; an unknown claim has none. */
function valuesOf(claims: JsonObject, claim: string): readonly string[] {
  const found = claim.startsWith('/') ? follow(claims, claim) : own(claims, claim)
  if (typeof found === 'string') return found.split(' ').filter((one) => one !== '')
  if (!Array.isArray(found)) return []
  return found.filter((one) => typeof one === 'string').slice(0, MAX_VALUES)
}

/** Source: RFC 6901. */
function follow(claims: JsonObject, pointer: string): Json | undefined {
  let at: Json | undefined = claims
  for (const part of pointer.slice(1).split('/')) {
    if (!isJsonObject(at)) return undefined
    at = own(at, part.replaceAll('~1', '/').replaceAll('~0', '~'))
  }
  return at
}

function own(object: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined
}
