import { z } from 'zod'
import type { Body } from './api.ts'
import { differences } from './compare.ts'
import type { EVENTS } from './config.ts'
import type { Context } from './context.ts'
import { DeployError } from './errors.ts'
import { shortName } from './names.ts'

/** Source: REST reference of Cloud Scheduler, Job with an httpTarget. */
export function planJob(
  { names }: Pick<Context, 'names'>,
  key: string,
  given: z.infer<(typeof EVENTS)['schedule']>,
  uri: string,
): Body & { readonly name: string } {
  return {
    name: names.job(key),
    // Jobs have no labels.
    description: names.mark,
    schedule: given.cron,
    timeZone: given.timeZone ?? 'Etc/UTC',
    attemptDeadline: `${given.deadline ?? 180}s`,
    retryConfig: { retryCount: given.retries ?? 0 },
    httpTarget: {
      // Scheduler adds the slash itself, and answers with it.
      uri: `${uri}${given.path ?? '/'}`,
      httpMethod: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: Buffer.from(given.body ?? '{}').toString('base64'),
      oidcToken: { serviceAccountEmail: names.caller, audience: uri },
    },
  }
}

export async function applyJob(
  { api, names, say }: Context,
  job: Body & { readonly name: string },
): Promise<void> {
  const what = `schedule ${shortName(job.name)}`
  const found = await api.find(what, 'cloudscheduler', `/v1/${job.name}`)
  if (found === undefined) {
    const path = `/v1/${names.location}/jobs`
    await api.call({ what, service: 'cloudscheduler', method: 'POST', path, body: job })
    say(`${what}: made`)
    return
  }
  if (found['description'] !== names.mark)
    throw new DeployError(
      `${what}: exists, and its description is not "${names.mark}"\n  do: choose another name, or give it this description to hand it over`,
    )
  const changed = differences(job, found)
  if (changed.length === 0) return
  const path = `/v1/${job.name}?updateMask=${changed.join(',')}`
  await api.call({ what, service: 'cloudscheduler', method: 'PATCH', path, body: job })
  say(`${what}: ${changed.join(', ')}`)
}

/** Full names of the jobs of this service and stage. */
export async function listJobs({ api, names }: Context): Promise<readonly string[]> {
  const found = await api.list(
    'schedules',
    'cloudscheduler',
    `/v1/${names.location}/jobs?pageSize=500`,
    'jobs',
  )
  return found
    .map((one) =>
      z.looseObject({ name: z.string(), description: z.string().optional() }).parse(one),
    )
    .filter(({ description }) => description === names.mark)
    .map(({ name }) => name)
}

export async function removeJob({ api, say }: Context, name: string): Promise<void> {
  const what = `schedule ${shortName(name)}`
  await api.call({
    what,
    service: 'cloudscheduler',
    method: 'DELETE',
    path: `/v1/${name}`,
    accept: [404],
  })
  say(`${what}: removed`)
}
