import * as z from 'zod'
import { type ApiKey, type Caller, ROLES, SCOPES, scopesOfGrant } from '../access/index.ts'
import type { Access } from '../create-access.ts'
import { CoreError } from '../errors.ts'
import type { JsonObject } from '../model/json.ts'
import type { Clock } from '../ports.ts'
import { type Endpoint, endpoint } from './endpoint.ts'
import { RequestFault } from './request-fault.ts'
import { After, Instant, limit } from './schemas.ts'

/** A century. Unit: ms. */
const LONGEST_MS = 36_500 * 86_400_000

const GroupId = z.string().min(1).max(128)

const KeyView = z
  .object({
    id: z.string(),
    name: z.string(),
    role: z.enum(ROLES).optional(),
    scopes: z.array(z.enum(SCOPES)),
    groups: z.array(z.string()).optional(),
    createdAt: Instant,
    createdBy: z.string(),
    expiresAt: Instant.optional(),
    lastUsedAt: Instant.optional(),
  })
  .meta({ id: 'ApiKey' })

const NewKey = z
  .strictObject({
    name: z.string().trim().min(1).max(128).meta({ description: 'What people know it by.' }),
    role: z.enum(ROLES).optional().meta({ description: 'In place of scopes.' }),
    scopes: z.array(z.enum(SCOPES)).min(1).max(SCOPES.length).optional(),
    groups: z
      .array(GroupId)
      .min(1)
      .max(100)
      .optional()
      .meta({ description: 'Device groups that it may reach; all devices unless given.' }),
    expiresAt: Instant.optional().meta({
      description: 'Epoch milliseconds from which it opens nothing; it has no end unless given.',
    }),
  })
  .meta({ id: 'NewApiKey' })

/** API keys: who may come in without being a person. */
export function keyEndpoints({ keys }: Pick<Access, 'keys'>, clock: Clock): readonly Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/keys',
      operation: 'listKeys',
      tag: 'Access',
      summary: 'API keys, without their secrets.',
      needs: 'keys:read',
      query: z.strictObject({ limit: limit(100, 1_000), after: After }),
      answer: z.object({ keys: z.array(KeyView), next: z.string().optional() }),
      async handle({ query: { limit, after = '' } }) {
        const found = await keys.list(after, limit)
        const next = found.length === limit ? found.at(-1)?.id : undefined
        return { keys: found.map(view), ...(next === undefined ? {} : { next }) }
      },
    }),
    endpoint({
      method: 'post',
      path: '/keys',
      operation: 'createKey',
      tag: 'Access',
      summary: 'Makes an API key. Its secret is in this answer and nowhere else.',
      needs: 'keys:write',
      body: NewKey,
      status: 201,
      answer: z.object({ key: KeyView, secret: z.string() }),
      // An answer that is kept would keep the secret.
      idempotent: false,
      async handle({ context, caller, body: { name, role, scopes, groups, expiresAt } }) {
        const grant = role ?? scopes
        if (grant === undefined || (role !== undefined && scopes !== undefined))
          throw wrong('scopes', 'expected either role or scopes')
        const now = clock.now()
        if (expiresAt !== undefined && !(expiresAt > now && expiresAt <= now + LONGEST_MS))
          throw wrong('expiresAt', 'expected a time to come, within a century')
        checkReach(caller, grant, groups)
        const { key, secret } = await keys.create({
          name,
          grant,
          createdBy: `${caller.kind}/${caller.id}`,
          ...(groups === undefined ? {} : { groups }),
          ...(expiresAt === undefined ? {} : { expiresAt }),
        })
        context.set('change', { target: `key/${key.id}`, after: view(key) })
        context.header('cache-control', 'no-store')
        return { key: view(key), secret }
      },
    }),
    endpoint({
      method: 'delete',
      path: '/keys/{keyId}',
      operation: 'revokeKey',
      tag: 'Access',
      summary: 'Revokes an API key, and the sessions that it opened.',
      needs: 'keys:write',
      params: z.strictObject({ keyId: z.string().meta({ description: 'Id of the key.' }) }),
      async handle({ context, params: { keyId } }) {
        const key = await keys.get(keyId)
        if (key === undefined || !(await keys.revoke(keyId)))
          throw new CoreError('input.not_found', 'expected the id of an API key')
        context.set('change', { target: `key/${keyId}`, before: view(key) })
        return undefined
      },
    }),
  ]
}

/** Nobody gives away more than he has. */
function checkReach(
  caller: Caller,
  grant: Parameters<typeof scopesOfGrant>[0],
  groups: readonly string[] | undefined,
): void {
  const missing = [...scopesOfGrant(grant)].find((scope) => !caller.scopes.has(scope))
  if (missing !== undefined)
    throw new CoreError('access.forbidden', `expected scopes that you have, found ${missing}`)
  const { groups: own } = caller
  if (own === undefined) return
  if (groups === undefined || groups.some((group) => !own.includes(group)))
    throw new CoreError('access.forbidden', 'expected groups that are yours, found others')
}

function view({ scopes, groups, ...key }: ApiKey): JsonObject {
  return { ...key, scopes: [...scopes], ...(groups === undefined ? {} : { groups: [...groups] }) }
}

function wrong(key: string, message: string): RequestFault {
  return new RequestFault('body', [{ path: [key], message }], 422)
}
