import { z } from 'zod'
import type { Body } from './api.ts'
import { type Context, forAll } from './context.ts'
import { DeployError } from './errors.ts'
import type { Template } from './template.ts'

/** What the group says of the last deployment: hashes of template and zip. */
export interface Marks {
  readonly template: string
  readonly code: string
}

export const GROUP_API = '2024-11-01'

const TEMPLATE = 'sls-template'
const CODE = 'sls-code'

const Group = z.looseObject({
  tags: z.record(z.string(), z.string()).nullish(),
  location: z.string().optional(),
  properties: z.looseObject({ provisioningState: z.string().optional() }).optional(),
})

const pathOf = ({ names }: Pick<Context, 'names'>) => `${names.groupId}?api-version=${GROUP_API}`

const whatOf = ({ names }: Pick<Context, 'names'>) => `resource group ${names.group}`

/**
 * The marks of the group, `undefined` if there is none.
 * @throws DeployError if it is somebody else's.
 */
export async function findGroup(context: Context): Promise<Marks | undefined> {
  const found = await context.api.find(whatOf(context), pathOf(context))
  if (found === undefined) return undefined
  const { tags } = Group.parse(found)
  assertOurs(context, tags ?? {})
  return { template: tags?.[TEMPLATE] ?? '', code: tags?.[CODE] ?? '' }
}

/** Whether the tags of a resource are those of this service and stage. */
export function isOurs({ names }: Pick<Context, 'names'>, tags: unknown): boolean {
  if (typeof tags !== 'object' || tags === null) return false
  const there = new Map(Object.entries(tags))
  return ['service', 'stage'].every((name) => there.get(name) === names.tags[name])
}

function assertOurs(context: Context, tags: Readonly<Record<string, string>>): void {
  if (isOurs(context, tags)) return
  const { names } = context
  throw new DeployError(
    `${whatOf(context)}: exists, and does not belong to service ${names.tags['service']}, stage ${names.tags['stage']} (tags)\n  do: choose another provider.resourceGroup, or az group update -n ${names.group} --set tags.service=${names.tags['service']} tags.stage=${names.tags['stage']}`,
  )
}

/** Makes the group, if there is none. */
export async function applyGroup(context: Context): Promise<Marks> {
  const { api, names, say } = context
  const found = await findGroup(context)
  if (found !== undefined) return found
  await api.call({
    what: whatOf(context),
    method: 'PUT',
    path: pathOf(context),
    body: { location: names.region, tags: { ...names.tags } },
  })
  say(`${whatOf(context)}: made`)
  return { template: '', code: '' }
}

/** Notes what is deployed; tags of others stay. */
export async function markGroup(context: Context, marks: Partial<Marks>): Promise<void> {
  const { api, names } = context
  const found = await api.find(whatOf(context), pathOf(context))
  const tags: Record<string, string> = { ...Group.parse(found ?? {}).tags, ...names.tags }
  if (marks.template !== undefined) tags[TEMPLATE] = marks.template
  if (marks.code !== undefined) tags[CODE] = marks.code
  await api.call({ what: whatOf(context), method: 'PATCH', path: pathOf(context), body: { tags } })
}

const PROVIDER_API = '2021-04-01'

const Provider = z.looseObject({
  registrationState: z.string().default(''),
  resourceTypes: z
    .array(
      z.looseObject({ resourceType: z.string(), apiVersions: z.array(z.string()).default([]) }),
    )
    .default([]),
})

const providerPath = ({ names }: Pick<Context, 'names'>, namespace: string, verb = '') =>
  `/subscriptions/${names.subscriptionId}/providers/${namespace}${verb}?api-version=${PROVIDER_API}`

/** Switches on what a new subscription does not have yet. Source: "Azure resource providers and types". */
export async function registerProviders(context: Context, template: Template): Promise<void> {
  const { api, say } = context
  const namespaces = new Set(template.resources.map(({ type }) => type.split('/')[0] ?? ''))
  await forAll([...namespaces], async (namespace) => {
    const what = `resource provider ${namespace}`
    const state = async () => {
      const found = await api.find(what, providerPath(context, namespace))
      return Provider.parse(found ?? {}).registrationState
    }
    if ((await state()) === 'Registered') return
    await api.call({
      what,
      method: 'POST',
      path: providerPath(context, namespace, '/register'),
      repeatable: true,
    })
    await api.until(what, async () => ((await state()) === 'Registered' ? true : undefined))
    say(`${what}: registered`)
  })
}

/** A resource of the group as its list shows it. */
export const Listed = z.looseObject({
  id: z.string(),
  name: z.string(),
  type: z.string(),
  tags: z.record(z.string(), z.string()).nullish(),
})
export type Listed = z.infer<typeof Listed>

export async function listResources({ api, names }: Context): Promise<readonly Listed[]> {
  const path = `${names.groupId}/resources?api-version=${GROUP_API}`
  const found: readonly Body[] = await api.list(`resources of ${names.group}`, path)
  return found.map((one) => Listed.parse(one))
}

/** The newest version of the interface of a type that is no preview. */
export async function versionOf(context: Context, type: string): Promise<string> {
  const [namespace = '', ...rest] = type.split('/')
  const found = await context.api.find(
    `resource provider ${namespace}`,
    providerPath(context, namespace),
  )
  const wanted = rest.join('/').toLowerCase()
  const versions =
    Provider.parse(found ?? {}).resourceTypes.find(
      ({ resourceType }) => resourceType.toLowerCase() === wanted,
    )?.apiVersions ?? []
  const version =
    [...versions]
      .sort()
      .reverse()
      .find((one) => !one.includes('preview')) ?? versions[0]
  if (version === undefined)
    throw new DeployError(`${type}: expected a version of its interface, found none`)
  return version
}
