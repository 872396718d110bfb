import { z } from 'zod'
import { differences } from './compare.ts'
import { type Context, forAll } from './context.ts'
import { assertOurs } from './pubsub.ts'

/** Buckets without access lists of their own, and closed to the public. */
export async function applyBuckets({ api, names, config, say }: Context): Promise<void> {
  for (const [key, given] of Object.entries(config.resources.buckets ?? {})) {
    const name = names.bucket(key)
    const what = `bucket ${name}`
    const body = {
      name,
      labels: names.labels,
      iamConfiguration: {
        uniformBucketLevelAccess: { enabled: true },
        publicAccessPrevention: 'enforced',
      },
      lifecycle: { rule: given?.lifecycle ?? [] },
      cors: given?.cors ?? [],
    }
    const found = await api.find(what, 'storage', `/storage/v1/b/${name}`)
    if (found === undefined) {
      const location = given?.location ?? names.region
      const path = `/storage/v1/b?project=${names.project}`
      await api.call({
        what,
        service: 'storage',
        method: 'POST',
        path,
        body: { ...body, location },
      })
      say(`${what}: made`)
      continue
    }
    assertOurs(what, found, names.labels)
    const changed = differences(body, found)
    if (changed.length === 0) continue
    const patch = Object.fromEntries(
      Object.entries(body).filter(([field]) => changed.includes(field)),
    )
    await api.call({
      what,
      service: 'storage',
      method: 'PATCH',
      path: `/storage/v1/b/${name}`,
      body: patch,
    })
    say(`${what}: ${changed.join(', ')}`)
  }
}

/** Google removes no bucket that holds anything: it is emptied before. */
export async function removeBuckets({ api, names, config, say }: Context): Promise<void> {
  for (const [key, given] of Object.entries(config.resources.buckets ?? {})) {
    const name = names.bucket(key)
    const what = `bucket ${name}`
    if (given?.onRemove !== 'delete') {
      say(`${what}: kept, with all that is in it (onRemove)`)
      continue
    }
    const found = await api.find(what, 'storage', `/storage/v1/b/${name}`)
    if (found === undefined) continue
    assertOurs(what, found, names.labels)
    const objects = await api.list(
      what,
      'storage',
      `/storage/v1/b/${name}/o?maxResults=1000`,
      'items',
    )
    await forAll(
      objects.map((one) => z.looseObject({ name: z.string() }).parse(one).name),
      async (object) => {
        const path = `/storage/v1/b/${name}/o/${encodeURIComponent(object)}`
        await api.call({ what, service: 'storage', method: 'DELETE', path, accept: [404] })
      },
      16,
    )
    await api.call({
      what,
      service: 'storage',
      method: 'DELETE',
      path: `/storage/v1/b/${name}`,
      accept: [404],
    })
    say(`${what}: removed`)
  }
}
