import { z } from 'zod'
import type { Body } from './api.ts'
import { differences } from './compare.ts'
import type { Context } from './context.ts'
import { DeployError } from './errors.ts'

const Index = z.looseObject({
  queryScope: z.string().optional(),
  state: z.string().optional(),
  fields: z
    .array(
      z.looseObject({
        fieldPath: z.string(),
        order: z.string().optional(),
        arrayConfig: z.string().optional(),
      }),
    )
    .default([]),
})
type Index = z.infer<typeof Index>

const ORDER = {
  asc: { order: 'ASCENDING' },
  desc: { order: 'DESCENDING' },
  contains: { arrayConfig: 'CONTAINS' },
} as const

/** The database, its fields that expire documents, and its composite indexes. Indexes and expiry are built after the deployment. */
export async function applyFirestore(context: Context): Promise<void> {
  const { api, names, config, say } = context
  const given = config.resources.firestore
  if (given === undefined) return
  const name = `projects/${names.project}/databases/${names.database}`
  const what = `Firestore database ${names.database}`
  const body: Body = {
    type: 'FIRESTORE_NATIVE',
    locationId: given.location ?? names.region,
    pointInTimeRecoveryEnablement: `POINT_IN_TIME_RECOVERY_${given.pointInTimeRecovery === true ? 'ENABLED' : 'DISABLED'}`,
  }
  const found = await api.find(what, 'firestore', `/v1/${name}`)
  if (found === undefined) {
    const path = `/v1/projects/${names.project}/databases?databaseId=${encodeURIComponent(names.database)}`
    const made = await api.call({ what, service: 'firestore', method: 'POST', path, body })
    await api.wait(what, 'firestore', 'v1', made.body)
    say(`${what}: made`)
  } else {
    const changed = differences(body, found)
    const fixed = changed.find((field) => field !== 'pointInTimeRecoveryEnablement')
    if (fixed !== undefined)
      throw new DeployError(
        `${what}: Firestore cannot change ${fixed} of a database: it is ${String(found[fixed])}, the yml says ${String(body[fixed])}\n  do: put it back in the yml, or name another database`,
      )
    if (changed.length > 0) {
      const path = `/v1/${name}?updateMask=${changed.join(',')}`
      const made = await api.call({
        what,
        service: 'firestore',
        method: 'PATCH',
        path,
        body: { name, ...body },
      })
      await api.wait(what, 'firestore', 'v1', made.body)
      say(`${what}: ${changed.join(', ')}`)
    }
  }
  for (const [collection, field] of Object.entries(given.ttl ?? {}))
    await applyTtl(context, name, collection, field)
  const collections = new Set((given.indexes ?? []).map(({ collection }) => collection))
  for (const collection of collections) await applyIndexes(context, name, collection)
}

async function applyTtl(
  { api, say }: Context,
  database: string,
  collection: string,
  field: string,
) {
  const what = `Firestore expiry ${collection}.${field}`
  const name = `${database}/collectionGroups/${collection}/fields/${field}`
  const found = await api.find(what, 'firestore', `/v1/${name}`)
  if (found?.['ttlConfig'] !== undefined) return
  const path = `/v1/${name}?updateMask=ttlConfig`
  await api.call({
    what,
    service: 'firestore',
    method: 'PATCH',
    path,
    body: { name, ttlConfig: {} },
  })
  say(`${what}: made`)
}

async function applyIndexes({ api, config, say }: Context, database: string, collection: string) {
  const path = `/v1/${database}/collectionGroups/${collection}/indexes`
  const what = `Firestore indexes of ${collection}`
  const found = (await api.list(what, 'firestore', path, 'indexes')).map((one) => Index.parse(one))
  for (const given of config.resources.firestore?.indexes ?? []) {
    if (given.collection !== collection) continue
    const wanted = {
      queryScope: given.scope ?? 'COLLECTION',
      fields: given.fields.flatMap((field) =>
        Object.entries(field).map(([fieldPath, order]) => ({ fieldPath, ...ORDER[order] })),
      ),
    }
    const text = wanted.fields.map(({ fieldPath }) => fieldPath).join(', ')
    const same = found.find((one) => sameIndex(one, wanted))
    if (same?.state === 'NEEDS_REPAIR')
      throw new DeployError(
        `Firestore index ${collection} (${text}): NEEDS_REPAIR\n  do: delete it in the console, and deploy again`,
      )
    if (same !== undefined) continue
    await api.call({
      what: `Firestore index ${collection} (${text})`,
      service: 'firestore',
      method: 'POST',
      path,
      body: wanted,
    })
    say(`Firestore index ${collection} (${text}): being built`)
  }
}

/** Google adds `__name__` at the end. Source: Firestore documentation, "Index definition". */
function sameIndex(found: Index, wanted: Index): boolean {
  const textOf = ({ queryScope, fields }: Index) =>
    [
      queryScope,
      ...fields
        .filter(({ fieldPath }) => fieldPath !== '__name__')
        .map(({ fieldPath, order, arrayConfig }) => `${fieldPath} ${order ?? arrayConfig}`),
    ].join('\n')
  return textOf(found) === textOf(wanted)
}

export async function removeFirestore({ api, names, config, say }: Context): Promise<void> {
  const given = config.resources.firestore
  if (given === undefined) return
  const what = `Firestore database ${names.database}`
  // The default database may have been there before, and cannot be told apart: it has no labels.
  if (given.onRemove !== 'delete' || names.database === '(default)') {
    say(`${what}: kept, with all that is in it (onRemove)`)
    return
  }
  const path = `/v1/projects/${names.project}/databases/${names.database}`
  const { status, body } = await api.call({
    what,
    service: 'firestore',
    method: 'DELETE',
    path,
    accept: [404],
  })
  if (status === 404) return
  await api.wait(what, 'firestore', 'v1', body)
  say(`${what}: removed`)
}
