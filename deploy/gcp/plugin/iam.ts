import { z } from 'zod'
import type { Context } from './context.ts'
import { DeployError } from './errors.ts'
import { shortName } from './names.ts'

export interface Condition {
  readonly title: string
  readonly expression: string
}

export interface Binding {
  readonly role: string
  readonly member: string
  readonly condition?: Condition
}

/** A resource with a policy of its own. */
export interface Target {
  readonly what: string
  readonly service: string
  /** Path of the resource, version first, without `:getIamPolicy`. */
  readonly path: string
  /** Interfaces differ in how a policy is read: by which method, and where its version is asked for. */
  readonly read: 'GET' | 'POST' | 'POST with query'
  /** Whether the policy itself is the body (Storage) or a field of it. */
  readonly style?: 'storage'
}

const Policy = z.looseObject({
  version: z.number().optional(),
  etag: z.string().optional(),
  bindings: z
    .array(
      z.looseObject({
        role: z.string(),
        members: z.array(z.string()).default([]),
        condition: z
          .looseObject({ title: z.string().optional(), expression: z.string() })
          .optional(),
      }),
    )
    .default([]),
})
type Policy = z.infer<typeof Policy>

/** With the pauses that operations are waited for, about a minute. */
const ATTEMPTS = 12

export const TARGETS = {
  project: (project: string): Target => ({
    what: `project ${project}`,
    service: 'cloudresourcemanager',
    path: `/v1/projects/${project}`,
    read: 'POST',
  }),
  topic: (name: string): Target => ({
    what: `topic ${shortName(name)}`,
    service: 'pubsub',
    path: `/v1/${name}`,
    read: 'GET',
  }),
  subscription: (name: string): Target => ({
    what: `subscription ${shortName(name)}`,
    service: 'pubsub',
    path: `/v1/${name}`,
    read: 'GET',
  }),
  secret: (name: string): Target => ({
    what: `secret ${shortName(name)}`,
    service: 'secretmanager',
    path: `/v1/${name}`,
    read: 'GET',
  }),
  account: (project: string, email: string): Target => ({
    what: `service account ${email}`,
    service: 'iam',
    path: `/v1/projects/${project}/serviceAccounts/${email}`,
    read: 'POST with query',
  }),
  bucket: (name: string): Target => ({
    what: `bucket ${name}`,
    service: 'storage',
    path: `/storage/v1/b/${name}/iam`,
    read: 'GET',
    style: 'storage',
  }),
  table: (project: string, dataset: string, table: string): Target => ({
    what: `table ${dataset}.${table}`,
    service: 'bigquery',
    path: `/bigquery/v2/projects/${project}/datasets/${dataset}/tables/${table}`,
    read: 'POST',
  }),
  run: (service: string): Target => ({
    what: `service ${shortName(service)}`,
    service: 'run',
    path: `/v2/${service}`,
    read: 'GET',
  }),
} as const

/**
 * Gives the members that are ours exactly the roles that are wanted; those of everybody else stay as they are.
 * Reads, changes and writes with the policy's etag, and again if somebody else was faster.
 */
export async function grant(
  { api, say }: Context,
  target: Target,
  wanted: readonly Binding[],
  isOurs: (member: string) => boolean,
): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const policy = await readPolicy(api, target)
    if (policy === undefined) {
      if (wanted.length === 0) return
      throw new DeployError(
        `${target.what}: expected it to exist, for ${wanted[0]?.role}; make it, or take the grant out of the yml`,
      )
    }
    const next = merge(policy, wanted, isOurs)
    if (next === undefined) return
    try {
      await writePolicy(api, target, next)
      say(`${target.what}: grants`)
      return
    } catch (error) {
      // 409: another writer. 400: an account that was just made is not known everywhere yet (IAM is eventually consistent).
      const again =
        error instanceof DeployError &&
        (error.status === 409 ||
          error.status === 412 ||
          (error.status === 400 && /does not exist/.test(error.message)))
      if (!again || attempt + 1 >= ATTEMPTS) throw error
      await api.pause(attempt)
    }
  }
}

async function readPolicy(api: Context['api'], target: Target): Promise<Policy | undefined> {
  const { what, service, read, style } = target
  const inBody = read === 'POST'
  const query =
    style === 'storage' ? 'optionsRequestedPolicyVersion' : 'options.requestedPolicyVersion'
  const verb = style === 'storage' ? '' : ':getIamPolicy'
  const { status, body } = await api.call({
    what,
    service,
    method: read === 'GET' ? 'GET' : 'POST',
    path: `${target.path}${verb}${inBody ? '' : `?${query}=3`}`,
    accept: [404],
    ...(inBody ? { body: { options: { requestedPolicyVersion: 3 } } } : {}),
  })
  return status === 404 ? undefined : Policy.parse(body)
}

async function writePolicy(api: Context['api'], target: Target, policy: Policy): Promise<void> {
  const { what, service, style } = target
  if (style === 'storage')
    await api.call({ what, service, method: 'PUT', path: target.path, body: policy })
  else
    await api.call({
      what,
      service,
      method: 'POST',
      path: `${target.path}:setIamPolicy`,
      body: { policy },
    })
}

/** The policy with our members put right, or `undefined` if it says so already. */
export function merge(
  policy: Policy,
  wanted: readonly Binding[],
  isOurs: (member: string) => boolean,
): Policy | undefined {
  const keyOf = (role: string, condition?: { expression: string }) =>
    `${role} ${condition?.expression ?? ''}`
  const wantedOf = new Map<string, Set<string>>()
  for (const { role, member, condition } of wanted) {
    const key = keyOf(role, condition)
    wantedOf.set(key, (wantedOf.get(key) ?? new Set()).add(member))
  }
  let changed = false
  const bindings: Policy['bindings'] = []
  for (const binding of policy.bindings) {
    const key = keyOf(binding.role, binding.condition)
    const want = wantedOf.get(key) ?? new Set()
    wantedOf.delete(key)
    const kept = binding.members.filter((member) => !isOurs(member) || want.has(member))
    const added = [...want].filter((member) => !kept.includes(member))
    if (added.length > 0 || kept.length < binding.members.length) changed = true
    if (kept.length + added.length > 0) bindings.push({ ...binding, members: [...kept, ...added] })
  }
  for (const [key, members] of wantedOf) {
    changed = true
    const first = wanted.find(({ role, condition }) => keyOf(role, condition) === key)
    if (first === undefined) continue
    bindings.push({
      role: first.role,
      members: [...members],
      ...(first.condition === undefined ? {} : { condition: { ...first.condition } }),
    })
  }
  if (!changed) return undefined
  const conditional = bindings.some(({ condition }) => condition !== undefined)
  return { ...policy, version: conditional ? 3 : (policy.version ?? 1), bindings }
}
