import { z } from 'zod'
import type { Context } from './context.ts'
import { shortName } from './names.ts'
import { roleName } from './roles.ts'
import { resourceId, type Template } from './template.ts'

const ROLE_API = '2022-04-01'
const COSMOS_API = '2024-11-15'
const IDENTITY_API = '2024-11-30'

const Identity = z.looseObject({
  properties: z.looseObject({ principalId: z.string().optional() }),
})

const Assignment = z.looseObject({
  id: z.string(),
  properties: z.looseObject({
    principalId: z.string().optional(),
    scope: z.string().optional(),
    roleDefinitionId: z.string().default(''),
  }),
})

/**
 * Takes back what the app may do by role and the template no longer names: on Azure nothing goes by not being named.
 * Without a template: all of it.
 */
export async function removeGrants(
  context: Context,
  template: Template | undefined,
): Promise<void> {
  const { api, names, say } = context
  const identityId = names.idOf('Microsoft.ManagedIdentity/userAssignedIdentities', names.identity)
  const what = `identity ${names.identity}`
  const identity = await api.find(what, `${identityId}?api-version=${IDENTITY_API}`)
  const principalId =
    identity === undefined ? undefined : Identity.parse(identity).properties.principalId
  if (principalId === undefined) return
  const kept = new Set(
    (template?.resources ?? []).map((one) => resourceId(names, one).toLowerCase()),
  )
  for (const [path, version] of await placesOf(context, principalId))
    for (const one of await api.list(`grants of ${names.identity}`, path)) {
      const { id, properties } = Assignment.parse(one)
      // The list also has what was granted above the group: that is somebody else's.
      const ours =
        properties.principalId === principalId &&
        id.toLowerCase().startsWith(`${names.groupId}/`.toLowerCase())
      if (!ours || kept.has(id.toLowerCase())) continue
      const { scope = '', roleDefinitionId } = properties
      const grant = `grant ${roleName(shortName(roleDefinitionId))} on ${shortName(scope)}`
      const answer = await api.call({
        what: grant,
        method: 'DELETE',
        path: `${id}?api-version=${version}`,
        accept: [404],
      })
      await api.wait(grant, answer)
      say(`${grant}: taken back`)
    }
}

/** Lists in which grants of the identity may stand, with the version of their interface. */
async function placesOf({ api, names }: Context, principalId: string) {
  const accounts = await api.list(
    `Cosmos DB accounts of ${names.group}`,
    `${names.groupId}/providers/Microsoft.DocumentDB/databaseAccounts?api-version=${COSMOS_API}`,
  )
  const filter = encodeURIComponent(`principalId eq '${principalId}'`)
  return [
    [
      `${names.groupId}/providers/Microsoft.Authorization/roleAssignments?api-version=${ROLE_API}&$filter=${filter}`,
      ROLE_API,
    ],
    ...accounts.map((one) => [
      `${String(one['id'])}/sqlRoleAssignments?api-version=${COSMOS_API}`,
      COSMOS_API,
    ]),
  ] as const
}
