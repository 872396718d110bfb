import { type Context, forAll } from './context.ts'
import { DeployError } from './errors.ts'
import { removeGrants } from './grants.ts'
import {
  findGroup,
  GROUP_API,
  isOurs,
  type Listed,
  listResources,
  markGroup,
  versionOf,
} from './group.ts'

const VAULT_API = '2023-07-01'

/** What Azure itself puts beside Application Insights. */
const BY_AZURE =
  /^microsoft\.(?:insights\/actiongroups|alertsmanagement\/smartdetectoralertrules)$/i

/** In this order: an app holds its plan, and all hold the identity. */
const LATER: readonly RegExp[] = [/\/serverfarms$/i, /\/userassignedidentities$/i]

/**
 * Removes all of this service and stage, but what the yml retains and what somebody else put into the group; says what is
 * left.
 */
export async function remove(context: Context): Promise<void> {
  const { names, config, say } = context
  const group = `resource group ${names.group}`
  if ((await findGroup(context)) === undefined) {
    say(`${group}: not there`)
    return
  }
  const listed = await listResources(context)
  const retained = new Set((config.resources.retain ?? []).map((id) => id.toLowerCase()))
  const kept = listed.filter(({ id }) => retained.has(id.toLowerCase()))
  const foreign = listed.filter(
    (one) => !isOurs(context, one.tags) && !BY_AZURE.test(one.type) && !kept.includes(one),
  )
  if (kept.length + foreign.length === 0) {
    await removeGroup(context, group)
    say(`${group}: removed, with ${listed.length} resources`)
  } else {
    await removeGrants(context, undefined)
    await removeEach(
      context,
      listed.filter((one) => !kept.includes(one) && !foreign.includes(one)),
    )
    for (const { type, name } of kept) say(`${type} ${name}: kept, with all that is in it`)
    for (const { type, name } of foreign) say(`${type} ${name}: kept, it is somebody else's`)
    await markGroup(context, { template: '', code: '' })
    say(`${group}: kept`)
  }
  await purgeVault(context)
}

async function removeGroup({ api, names }: Context, what: string): Promise<void> {
  const answer = await api.call({
    what,
    method: 'DELETE',
    path: `${names.groupId}?api-version=${GROUP_API}`,
    accept: [404],
  })
  await api.wait(what, answer)
}

async function removeEach(context: Context, resources: readonly Listed[]): Promise<void> {
  const orderOf = ({ type }: Listed) => LATER.findIndex((pattern) => pattern.test(type)) + 1
  for (let order = 0; order <= LATER.length; order++)
    await forAll(
      resources.filter((one) => orderOf(one) === order),
      (one) => removeOne(context, one),
    )
}

const ATTEMPTS = 5

async function removeOne(context: Context, { id, type, name }: Listed): Promise<void> {
  const { api, say } = context
  const what = `${type} ${name}`
  const path = `${id}?api-version=${await versionOf(context, type)}`
  for (let attempt = 0; ; attempt++) {
    // Another that holds it may still be on its way out.
    const last = attempt === ATTEMPTS - 1
    const accept = last ? [404] : [404, 409]
    const answer = await api.call({ what, method: 'DELETE', path, accept })
    if (answer.status !== 409) {
      await api.wait(what, answer)
      say(`${what}: removed`)
      return
    }
    await api.pause(attempt)
  }
}

/** A vault that was deleted keeps its name for a week, unless it is purged. */
async function purgeVault({ api, names, say }: Context): Promise<void> {
  const what = `vault ${names.vault}`
  const path = `/subscriptions/${names.subscriptionId}/providers/Microsoft.KeyVault/locations/${names.region}/deletedVaults/${names.vault}`
  const deleted = await api.find(what, `${path}?api-version=${VAULT_API}`)
  if (deleted === undefined) return
  try {
    const answer = await api.call({
      what,
      method: 'POST',
      path: `${path}/purge?api-version=${VAULT_API}`,
      repeatable: true,
    })
    await api.wait(what, answer)
    say(`${what}: purged`)
  } catch (error) {
    if (!(error instanceof DeployError) || error.status !== 403) throw error
    say(`${what}: deleted, but its name is kept for 7 days (no right to purge it)`)
  }
}
