import { z } from 'zod'
import type { Body } from './api.ts'
import { differences } from './compare.ts'
import type { Context } from './context.ts'
import { DeployError } from './errors.ts'
import { shortName } from './names.ts'
import type { PlannedFunction } from './plan.ts'
import { assertOurs, isOurs } from './pubsub.ts'

/** A function as Google has it; only the fields we read. Source: Cloud Functions v2, Function. */
export const LiveFunction = z.looseObject({
  name: z.string(),
  state: z.string().optional(),
  updateTime: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  buildConfig: z
    .looseObject({ runtime: z.string().optional(), source: z.unknown().optional() })
    .optional(),
  serviceConfig: z
    .looseObject({
      service: z.string().optional(),
      uri: z.string().optional(),
      revision: z.string().optional(),
    })
    .optional(),
  eventTrigger: z.looseObject({ trigger: z.string().optional() }).optional(),
  stateMessages: z.array(z.looseObject({ message: z.string().optional() })).optional(),
})
export type LiveFunction = z.infer<typeof LiveFunction>

export interface Code {
  readonly bytes: Uint8Array
  /** Names these bytes. */
  readonly code: string
}

export async function findFunction(
  { api }: Pick<Context, 'api'>,
  name: string,
): Promise<LiveFunction | undefined> {
  const found = await api.find(`function ${shortName(name)}`, 'cloudfunctions', `/v2/${name}`)
  return found === undefined ? undefined : LiveFunction.parse(found)
}

/** Those of this service and stage, whatever the yml says. */
export async function listFunctions({
  api,
  names,
}: Pick<Context, 'api' | 'names'>): Promise<readonly LiveFunction[]> {
  const path = `/v2/${names.location}/functions?pageSize=100`
  const found = await api.list('functions', 'cloudfunctions', path, 'functions')
  return found.filter((one) => isOurs(one, names.labels)).map((one) => LiveFunction.parse(one))
}

/**
 * Makes the function, or changes what differs of it. The same code is not uploaded or built again, unless the last
 * build failed or `force` asks for it.
 */
export async function applyFunction(
  context: Context,
  planned: PlannedFunction,
  { bytes, code }: Code,
  force: boolean,
): Promise<LiveFunction> {
  const { api, names, say } = context
  const { name } = planned
  const what = `function ${shortName(name)}`
  const wanted: Body = { name, ...planned.body, labels: { ...names.labels, code } }
  const found = await findFunction(context, name)
  if (found === undefined) {
    const body = withSource(wanted, await upload(context, what, bytes))
    const path = `/v2/${names.location}/functions?functionId=${shortName(name)}`
    const operation = await api.call({
      what,
      service: 'cloudfunctions',
      method: 'POST',
      path,
      body,
    })
    await api.wait(what, 'cloudfunctions', 'v2', operation.body)
    say(`${what}: made, ${bytes.length} bytes`)
    return mustFind(context, name)
  }
  assertOurs(what, found, names.labels)
  if ((found.eventTrigger === undefined) !== (wanted['eventTrigger'] === undefined))
    throw new DeployError(
      `${what}: Google cannot turn a function with a trigger into one without, or back\n  do: give it another name in the yml; the old one is then removed`,
    )
  // `name` and `environment` never change.
  const changed = differences(wanted, found).filter(
    (field) => field !== 'name' && field !== 'environment',
  )
  const sameCode = found.labels?.['code'] === code && found.state === 'ACTIVE' && !force
  if (sameCode && changed.length === 0) {
    say(`${what}: unchanged`)
    return found
  }
  const mask = new Set(changed)
  // The mark of the code must not run ahead of the code.
  if (!sameCode || mask.has('buildConfig'))
    for (const field of ['buildConfig', 'labels']) mask.add(field)
  const fields = [...mask].sort()
  const part: Body = { name, ...Object.fromEntries(fields.map((field) => [field, wanted[field]])) }
  const body = mask.has('buildConfig') ? withSource(part, await upload(context, what, bytes)) : part
  const path = `/v2/${name}?updateMask=${fields.join(',')}`
  const operation = await api.call({ what, service: 'cloudfunctions', method: 'PATCH', path, body })
  await api.wait(what, 'cloudfunctions', 'v2', operation.body)
  say(`${what}: changed (${sameCode ? fields.join(', ') : `code, ${bytes.length} bytes`})`)
  return mustFind(context, name)
}

function withSource(body: Body, storageSource: unknown): Body {
  const buildConfig = z.record(z.string(), z.unknown()).parse(body['buildConfig'])
  return { ...body, buildConfig: { ...buildConfig, source: { storageSource } } }
}

async function upload({ api, names }: Context, what: string, bytes: Uint8Array): Promise<unknown> {
  const { body } = await api.call({
    what,
    service: 'cloudfunctions',
    method: 'POST',
    path: `/v2/${names.location}/functions:generateUploadUrl`,
    body: { environment: 'GEN_2' },
  })
  const { uploadUrl, storageSource } = z
    .looseObject({ uploadUrl: z.string(), storageSource: z.unknown() })
    .parse(body)
  await api.upload(what, uploadUrl, bytes)
  return storageSource
}

async function mustFind(context: Context, name: string): Promise<LiveFunction> {
  const found = await findFunction(context, name)
  if (found === undefined)
    throw new DeployError(`function ${shortName(name)}: deployed, but Google does not show it`)
  return found
}

/** @throws DeployError if Google gives the function no address. */
export function addressOf(live: LiveFunction): { readonly uri: string; readonly service: string } {
  const { uri, service } = live.serviceConfig ?? {}
  if (uri === undefined || service === undefined)
    throw new DeployError(
      `function ${shortName(live.name)}: state ${live.state ?? 'unknown'}, without an address: ${live.stateMessages?.map(({ message }) => message).join('; ') ?? ''}\n  do: sls deploy --force`,
    )
  return { uri, service }
}

export async function removeFunction({ api, say }: Context, name: string): Promise<void> {
  const what = `function ${shortName(name)}`
  const path = `/v2/${name}`
  const { status, body } = await api.call({
    what,
    service: 'cloudfunctions',
    method: 'DELETE',
    path,
    accept: [404],
  })
  if (status === 404) return
  await api.wait(what, 'cloudfunctions', 'v2', body)
  say(`${what}: removed`)
}
