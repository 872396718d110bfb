import { createHash, scryptSync } from 'node:crypto'
import type { Deployment, DeploymentProperties } from '@azure/arm-resourcesdeployments'
import { z } from 'zod'
import type { Package } from './bundle.ts'
import { differences } from './compare.ts'
import type { ArmResource } from './config.ts'
import { type Context, forAll } from './context.ts'
import type { PlannedFunction } from './entry.ts'
import { DeployError, readErrors, type Told, tell } from './errors.ts'
import { removeGrants } from './grants.ts'
import { applyGroup, type Marks, markGroup, registerProviders } from './group.ts'
import { shortName } from './names.ts'
import { checkFunctions, findApp, mustFindApp, publish, SITE_API, siteIdOf } from './publish.ts'
import { type PlannedTemplate, resourceId } from './template.ts'

export const DEPLOYMENT_API = '2025-04-01'

export interface DeployOptions {
  readonly functions: readonly PlannedFunction[]
  readonly planned: PlannedTemplate
  readonly code: Package
  readonly force: boolean
}

/** Brings everything to what the yml says, and takes back grants that it no longer names. Safe to run again at any time. */
export async function deploy(context: Context, options: DeployOptions): Promise<void> {
  const { say } = context
  const { planned, code, force } = options
  const noted = await applyGroup(context)
  // An app that is made anew has no code, whatever was published before.
  const marks = (await findApp(context)) === undefined ? { ...noted, code: '' } : noted
  await registerProviders(context, planned.template)
  const template = hashOf(context, planned)
  const drifted = force || marks.template !== template ? [] : await driftOf(context, planned)
  const changed = force || marks.template !== template || drifted.length > 0
  if (changed) {
    for (const one of drifted) say(one)
    await applyTemplate(context, planned)
    say(`resources: deployed, ${planned.template.resources.length}`)
  } else say('resources: unchanged')
  await removeGrants(context, planned.template)
  await applyCode(context, options, marks)
  if (changed && Object.keys(context.config.provider.secrets ?? {}).length > 0)
    await refreshSecrets(context)
  if (changed || marks.code !== code.code) await markGroup(context, { template, code: code.code })
}

/**
 * Has the app read its secrets again: otherwise it does so within a day, and a role on the vault may have come after it.
 * Source: App Service, "Use Key Vault references", rotation.
 */
async function refreshSecrets(context: Context): Promise<void> {
  await context.api.call({
    what: `secrets of ${context.names.app}`,
    method: 'POST',
    path: `${siteIdOf(context)}/config/configreferences/appsettings/refresh?api-version=2022-03-01`,
    repeatable: true,
  })
}

/** Publishes the code of an app that exists; what stands around it stays as it is. */
export async function deployCode(
  context: Context,
  options: Omit<DeployOptions, 'planned'>,
  marks: Marks | undefined,
): Promise<void> {
  if (marks === undefined)
    throw new DeployError(`resource group ${context.names.group}: not there\n  do: sls deploy`)
  await applyCode(context, options, marks)
  if (marks.code !== options.code.code) await markGroup(context, { code: options.code.code })
}

async function applyCode(
  context: Context,
  { code, force, functions }: Omit<DeployOptions, 'planned'>,
  marks: Marks,
): Promise<void> {
  const { names, say } = context
  const app = await mustFindApp(context)
  if (marks.code === code.code && !force) {
    say(`code of ${names.app}: unchanged`)
    return
  }
  await publish(context, app, code)
  say(`code of ${names.app}: published, ${code.bytes.length} bytes`)
  await checkFunctions(context, functions)
}

/** Names template and secrets; from it nobody guesses a secret at any speed. */
function hashOf({ names }: Context, { template, secrets }: PlannedTemplate): string {
  const hash = createHash('sha256').update(JSON.stringify(template))
  if (Object.keys(secrets).length > 0)
    hash.update(scryptSync(JSON.stringify(Object.entries(secrets).sort()), names.groupId, 32))
  return hash.digest('hex')
}

/** What stands there otherwise than the template says, or not at all. */
async function driftOf(
  context: Context,
  { template }: PlannedTemplate,
): Promise<readonly string[]> {
  const { api, names } = context
  const drifted: string[] = []
  await forAll([...template.resources], async (resource) => {
    const id = resourceId(names, resource)
    const what = labelOf(resource)
    const found = await api.find(what, `${id}?api-version=${resource.apiVersion}`)
    if (found === undefined) {
      drifted.push(`${what}: missing, is made again`)
      return
    }
    const {
      type: _type,
      apiVersion: _version,
      name: _name,
      scope: _scope,
      dependsOn: _on,
      ...wanted
    } = resource
    const unlike = differences(wanted, found)
    const settings = await settingsOf(context, resource)
    if (unlike.length + settings.length > 0)
      drifted.push(
        `${what} (${[...unlike, ...settings].slice(0, 5).join(', ')}): differs, is put back`,
      )
  })
  return drifted.sort()
}

const Settings = z.looseObject({ properties: z.record(z.string(), z.string()) })
const Wanted = z.looseObject({
  siteConfig: z.looseObject({
    appSettings: z.array(z.object({ name: z.string(), value: z.string() })),
  }),
})

/** Settings of the app that differ: Azure never shows them with the rest. */
async function settingsOf(context: Context, resource: ArmResource): Promise<readonly string[]> {
  if (resource.type !== 'Microsoft.Web/sites') return []
  const { body } = await context.api.call({
    what: labelOf(resource),
    method: 'POST',
    path: `${siteIdOf(context)}/config/appsettings/list?api-version=${SITE_API}`,
    repeatable: true,
  })
  const there = new Map(Object.entries(Settings.parse(body).properties))
  const wanted = new Map(
    Wanted.parse(resource.properties).siteConfig.appSettings.map(({ name, value }) => [
      name,
      value,
    ]),
  )
  const names = new Set([...there.keys(), ...wanted.keys()])
  return [...names]
    .filter((name) => {
      const value = wanted.get(name)
      if (value === undefined || !there.has(name)) return true
      return (
        differences(value, there.get(name)).length > 0 ||
        (!value.startsWith('[') && value !== there.get(name))
      )
    })
    .map((name) => `setting ${name}`)
}

const Operations = z.looseObject({
  properties: z.looseObject({
    provisioningState: z.string().optional(),
    statusCode: z.string().optional(),
    statusMessage: z.unknown().optional(),
    targetResource: z.looseObject({ id: z.string().optional() }).nullish(),
  }),
})

export const Deployed = z.looseObject({
  properties: z.looseObject({
    provisioningState: z.string().optional(),
    correlationId: z.string().optional(),
    timestamp: z.string().optional(),
    error: z.unknown().optional(),
    outputs: z.record(z.string(), z.looseObject({ value: z.unknown() })).nullish(),
  }),
})

export const deploymentPath = ({ names }: Pick<Context, 'names'>, rest = '') =>
  `${names.groupId}/providers/Microsoft.Resources/deployments/${names.deployment}${rest}?api-version=${DEPLOYMENT_API}`

const HTTP_STATUS: Readonly<Record<string, number>> = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  Conflict: 409,
  TooManyRequests: 429,
}

/** Sends the template and waits until all of it stands. */
async function applyTemplate(
  context: Context,
  { template, secrets }: PlannedTemplate,
): Promise<void> {
  const { api, names } = context
  const what = `deployment ${names.deployment}`
  const properties = {
    mode: 'Incremental',
    template,
    parameters: Object.fromEntries(
      Object.entries(secrets).map(([name, value]) => [name, { value }]),
    ),
  } satisfies DeploymentProperties
  // What stands there is not what the mark says any more, until the end.
  await markGroup(context, { template: '' })
  await api.call({
    what,
    method: 'PUT',
    path: deploymentPath(context),
    body: { properties } satisfies Deployment,
  })
  const { provisioningState, correlationId, error } = await api.until(what, async () => {
    const { body } = await api.call({ what, method: 'GET', path: deploymentPath(context) })
    const { properties } = Deployed.parse(body)
    return /^(?:Succeeded|Failed|Canceled)$/.test(properties.provisioningState ?? '')
      ? properties
      : undefined
  })
  if (provisioningState === 'Succeeded') return
  const failed = await failedOperations(context)
  const faults = failed.length > 0 ? failed.flatMap(({ told }) => told) : readErrors(error)
  const status = HTTP_STATUS[failed[0]?.statusCode ?? ''] ?? 500
  throw new DeployError(
    tell(what, String(provisioningState).toLowerCase(), {
      status,
      faults,
      trail: { correlationId },
    }),
    status,
    faults[0]?.code,
  )
}

/** What each resource that failed said. */
async function failedOperations(context: Context) {
  const found = await context.api.list(
    `deployment ${context.names.deployment}`,
    deploymentPath(context, '/operations'),
  )
  return found
    .map((one) => Operations.parse(one).properties)
    .filter(({ provisioningState }) => provisioningState === 'Failed')
    .map(({ statusCode, statusMessage, targetResource }) => ({
      statusCode,
      told: readErrors(statusMessage).map(
        (one): Told => ({ ...one, target: placeOf(targetResource?.id ?? one.target) }),
      ),
    }))
}

/** `IotHubs anyhub-dev-hub` of a full id. */
function placeOf(id: string): string {
  const parts = id.split('/')
  return parts.length < 2 ? id : `${parts.at(-2)} ${parts.at(-1)}`
}

/** A resource as people call it. */
export function labelOf({ type, name }: Pick<ArmResource, 'type' | 'name'>): string {
  return `${shortName(type)} ${name}`
}
