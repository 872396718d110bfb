import { z } from 'zod'
import type { Context } from './context.ts'

/** The interfaces that a deployment needs, by what the yml asks for. */
export function neededServices({ config }: Pick<Context, 'config'>): readonly string[] {
  const { functions, resources } = config
  const all = Object.values(functions)
  const has = (kind: 'pubsub' | 'push' | 'firestore' | 'schedule') =>
    all.some(({ events }) => events.some((event) => event[kind] !== undefined))
  const pubsub =
    has('pubsub') ||
    has('push') ||
    resources.topics !== undefined ||
    resources.subscriptions !== undefined
  const secrets =
    all.some(({ secrets }) => secrets !== undefined) || config.provider.secrets !== undefined
  const wanted: readonly (readonly [string, boolean])[] = [
    ['artifactregistry', true],
    ['cloudbuild', true],
    ['cloudfunctions', true],
    ['cloudresourcemanager', true],
    ['iam', true],
    ['iamcredentials', true],
    ['logging', true],
    ['run', true],
    ['pubsub', pubsub],
    ['eventarc', has('pubsub') || has('firestore')],
    ['cloudscheduler', has('schedule')],
    ['firestore', resources.firestore !== undefined || has('firestore')],
    ['bigquery', resources.bigquery !== undefined],
    ['storage', resources.buckets !== undefined],
    ['secretmanager', secrets],
  ]
  return wanted.filter(([, needed]) => needed).map(([name]) => `${name}.googleapis.com`)
}

const State = z.looseObject({ name: z.string(), state: z.string().optional() })

/** Switches on what is off. Source: REST reference of Service Usage; a batch is at most 20. */
export async function applyServices(context: Context): Promise<void> {
  const { api, names, say } = context
  const parent = `projects/${names.project}`
  const needed = neededServices(context)
  const query = needed.map((name) => `names=${parent}/services/${name}`).join('&')
  const { body } = await api.call({
    what: `services of ${names.project}`,
    service: 'serviceusage',
    method: 'GET',
    path: `/v1/${parent}/services:batchGet?${query}`,
  })
  const states = z.array(State).parse(body['services'] ?? [])
  const on = new Set(
    states
      .filter(({ state }) => state === 'ENABLED')
      .map(({ name }) => name.slice(name.lastIndexOf('/') + 1)),
  )
  const serviceIds = needed.filter((name) => !on.has(name))
  if (serviceIds.length === 0) return
  const what = `services ${serviceIds.join(', ')}`
  const operation = await api.call({
    what,
    service: 'serviceusage',
    method: 'POST',
    path: `/v1/${parent}/services:batchEnable`,
    body: { serviceIds },
  })
  await api.wait(what, 'serviceusage', 'v1', operation.body)
  say(`${what}: switched on`)
  for (const id of serviceIds.filter((name) => AGENTS.includes(name))) await makeAgent(context, id)
}

/** Interfaces that act through an agent of Google's, which we grant something to: it has to exist before. */
const AGENTS = ['pubsub.googleapis.com', 'eventarc.googleapis.com', 'cloudscheduler.googleapis.com']

async function makeAgent({ api, names }: Context, service: string): Promise<void> {
  const what = `agent of ${service}`
  const path = `/v1beta1/projects/${names.project}/services/${service}:generateServiceIdentity`
  const { body } = await api.call({ what, service: 'serviceusage', method: 'POST', path, body: {} })
  await api.wait(what, 'serviceusage', 'v1beta1', body)
}

/** The number of the project: agents of Google are named by it. */
export async function projectNumber({
  api,
  names,
}: Pick<Context, 'api' | 'names'>): Promise<string> {
  const { body } = await api.call({
    what: `project ${names.project}`,
    service: 'cloudresourcemanager',
    method: 'GET',
    path: `/v1/projects/${names.project}`,
  })
  return z.looseObject({ projectNumber: z.string() }).parse(body).projectNumber
}
