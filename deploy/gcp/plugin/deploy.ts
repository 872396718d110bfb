import { z } from 'zod'
import { applyAccounts, listAccounts, removeAccount } from './accounts.ts'
import { applyBigquery, removeBigquery } from './bigquery.ts'
import { applyBuckets, removeBuckets } from './buckets.ts'
import { differences } from './compare.ts'
import { type Context, forAll } from './context.ts'
import { applyFirestore, removeFirestore } from './firestore.ts'
import {
  addressOf,
  applyFunction,
  type Code,
  type LiveFunction,
  listFunctions,
  removeFunction,
} from './functions.ts'
import { applyGrants } from './grants.ts'
import { type Binding, grant, TARGETS } from './iam.ts'
import { shortName } from './names.ts'
import type { PlannedFunction } from './plan.ts'
import {
  applySubscription,
  applyTopic,
  deliveryBody,
  listPubsub,
  type PlannedSubscription,
  patchSubscription,
  planSubscription,
  removePubsub,
} from './pubsub.ts'
import { applyJob, listJobs, planJob, removeJob } from './schedules.ts'
import { applyServices, projectNumber } from './services.ts'

export interface Deployment {
  readonly functions: readonly PlannedFunction[]
  readonly codeOf: (key: string) => Code
  readonly force: boolean
}

/** Brings everything to what the yml says, and removes what it no longer names. Safe to run again at any time. */
export async function deploy(
  context: Context,
  { functions, codeOf, force }: Deployment,
): Promise<void> {
  const { names, config } = context
  await applyServices(context)
  const number = await projectNumber(context)
  await applyAccounts(
    context,
    new Map([
      [names.caller, `${names.prefix}: calls functions`],
      ...functions.map(({ key, account }): [string, string] => [
        account,
        `${names.prefix}: function ${key}`,
      ]),
    ]),
  )
  await forAll(
    [
      () =>
        forAll(Object.entries(config.resources.topics ?? {}), ([key, given]) =>
          applyTopic(context, key, given),
        ),
      () => applyFirestore(context),
      () => applyBigquery(context),
      () => applyBuckets(context),
    ],
    (apply) => apply(),
  )
  await applyGrants(context, functions, number)
  const live = new Map<string, LiveFunction>()
  await forAll(functions, async (planned) => {
    live.set(planned.key, await applyFunction(context, planned, codeOf(planned.key), force))
  })
  await forAll(functions, (planned) => applyCallers(context, planned, mustGet(live, planned.key)))
  await applySubscriptions(context, functions, live, number)
  await removeLeftovers(context, functions)
}

/** Deploys one function that exists or not; what stands around it stays as it is. */
export async function deployFunction(
  context: Context,
  planned: PlannedFunction,
  code: Code,
  force: boolean,
): Promise<void> {
  await applyCallers(context, planned, await applyFunction(context, planned, code, force))
}

/** Who may call it: the account that calls functions, and everybody only if the yml says so. */
async function applyCallers(
  context: Context,
  planned: PlannedFunction,
  live: LiveFunction,
): Promise<void> {
  const { names } = context
  const caller = `serviceAccount:${names.caller}`
  const role = 'roles/run.invoker'
  const wanted: Binding[] = [{ role, member: caller }]
  if (planned.public) wanted.push({ role, member: 'allUsers' })
  const { service } = addressOf(live)
  await grant(
    context,
    TARGETS.run(service),
    wanted,
    (member) => member === 'allUsers' || member === 'allAuthenticatedUsers' || member === caller,
  )
}

async function applySubscriptions(
  context: Context,
  functions: readonly PlannedFunction[],
  live: ReadonlyMap<string, LiveFunction>,
  number: string,
): Promise<void> {
  const { names } = context
  const subscriptions = planSubscriptions(
    context,
    functions,
    (key) => addressOf(mustGet(live, key)).uri,
  )
  await forAll(subscriptions, async (planned) => {
    await applySubscription(context, planned)
    await grantDeadLetters(context, planned.name, planned.deadLetterTopic !== undefined, number)
  })
  for (const planned of functions) {
    const [event] = planned.events
    if (event?.pubsub !== undefined)
      await applyDelivery(context, mustGet(live, planned.key), event.pubsub, number)
  }
  for (const { key, events } of functions) {
    const schedules = events.flatMap(({ schedule }) => (schedule === undefined ? [] : [schedule]))
    for (const [index, schedule] of schedules.entries()) {
      const { uri } = addressOf(mustGet(live, key))
      await applyJob(context, planJob({ names }, indexed(key, index), schedule, uri))
    }
  }
}

/** Subscriptions of functions, called by function and topic, and those that the yml names. */
function planSubscriptions(
  context: Context,
  functions: readonly PlannedFunction[],
  uriOf: (key: string) => string,
): readonly PlannedSubscription[] {
  const { names, config } = context
  const pushed = functions.flatMap(({ key, events }) =>
    events.flatMap(({ push }) => {
      if (push === undefined) return []
      const { path = '', ...given } = push
      const uri = uriOf(key)
      const handover = { kind: 'push', endpoint: `${uri}${path}`, audience: uri } as const
      return [planSubscription(context, `${key}-${shortName(push.topic)}`, given, handover)]
    }),
  )
  const named = Object.entries(config.resources.subscriptions ?? {}).map(
    ([key, { bigquery, ...given }]) => {
      if (bigquery === undefined) return planSubscription(context, key, given, { kind: 'pull' })
      const { table, ...options } = bigquery
      const full = table.includes('.') ? table : `${names.project}.${names.dataset}.${table}`
      return planSubscription(context, key, given, { kind: 'table', table: full, options })
    },
  )
  return [...pushed, ...named]
}

/** Eventarc made the subscription of a trigger: how often it tries, and what becomes of the rest, is ours to say. */
async function applyDelivery(
  context: Context,
  live: LiveFunction,
  event: Parameters<typeof deliveryBody>[0],
  number: string,
): Promise<void> {
  const { api, names } = context
  const trigger = live.eventTrigger?.trigger
  if (trigger === undefined) return
  const what = `trigger ${shortName(trigger)}`
  const { body } = await api.call({
    what,
    service: 'eventarc',
    method: 'GET',
    path: `/v1/${trigger}`,
  })
  const name = z
    .looseObject({
      transport: z.looseObject({ pubsub: z.looseObject({ subscription: z.string() }) }),
    })
    .parse(body).transport.pubsub.subscription
  const wanted = deliveryBody(event, names.topic)
  const found = await api.call({ what, service: 'pubsub', method: 'GET', path: `/v1/${name}` })
  await patchSubscription(context, name, wanted, differences(wanted, found.body))
  await grantDeadLetters(context, name, event.deadLetterTopic !== undefined, number)
}

/** Pub/Sub's agent takes messages from a subscription to its dead letter topic. */
async function grantDeadLetters(
  context: Context,
  name: string,
  wanted: boolean,
  number: string,
): Promise<void> {
  const member = `serviceAccount:service-${number}@gcp-sa-pubsub.iam.gserviceaccount.com`
  await grant(
    context,
    TARGETS.subscription(name),
    wanted ? [{ role: 'roles/pubsub.subscriber', member }] : [],
    (one) => one === member,
  )
}

/** Removes functions, and what stood only for them, that the yml no longer names. Topics may hold messages: they stay until `remove`. */
async function removeLeftovers(
  context: Context,
  functions: readonly PlannedFunction[],
): Promise<void> {
  const { names, say } = context
  const planned = new Set(functions.map(({ name }) => name))
  const jobs = new Set(
    functions.flatMap(({ key, events }) =>
      events
        .filter(({ schedule }) => schedule !== undefined)
        .map((_, index) => names.job(indexed(key, index))),
    ),
  )
  for (const name of await listJobs(context)) if (!jobs.has(name)) await removeJob(context, name)
  const subscriptions = new Set(
    planSubscriptions(context, functions, () => '').map(({ name }) => name),
  )
  for (const name of await listPubsub(context, 'subscriptions'))
    if (!subscriptions.has(name)) await removePubsub(context, name)
  const gone = (await listFunctions(context)).filter(({ name }) => !planned.has(name))
  await forAll(gone, ({ name }) => removeFunction(context, name))
  const accounts = new Set([names.caller, ...functions.map(({ account }) => account)])
  const leaving = (await listAccounts(context)).filter((email) => !accounts.has(email))
  await removeAccounts(context, leaving)
  const topics = new Set(
    Object.keys(context.config.resources.topics ?? {}).map((key) => names.topic(key)),
  )
  for (const name of await listPubsub(context, 'topics'))
    if (!topics.has(name))
      say(
        `topic ${shortName(name)}: no longer in the yml, kept until sls remove (gcloud pubsub topics delete ${shortName(name)})`,
      )
}

/** Their grants first: a policy would keep them as `deleted:…`. */
async function removeAccounts(context: Context, emails: readonly string[]): Promise<void> {
  if (emails.length === 0) return
  const members = new Set(emails.map((email) => `serviceAccount:${email}`))
  const isOurs = (member: string) => members.has(member)
  await grant(context, TARGETS.project(context.names.project), [], isOurs)
  for (const email of emails) await removeAccount(context, email)
}

/** Removes all that was made for this service and stage, but what the yml says to keep. */
export async function remove(context: Context): Promise<void> {
  for (const name of await listJobs(context)) await removeJob(context, name)
  for (const name of await listPubsub(context, 'subscriptions')) await removePubsub(context, name)
  await forAll(await listFunctions(context), ({ name }) => removeFunction(context, name))
  for (const name of await listPubsub(context, 'topics')) await removePubsub(context, name)
  await removeBigquery(context)
  await removeBuckets(context)
  await removeFirestore(context)
  await removeSecretGrants(context)
  await removeAccounts(context, await listAccounts(context))
}

/** Secrets are not ours: they stay, and forget our accounts. */
async function removeSecretGrants(context: Context): Promise<void> {
  const { names, config } = context
  const accounts = new Set(
    Object.keys(config.functions).map((key) => `serviceAccount:${names.account(key)}`),
  )
  const secrets = new Set(
    [
      config.provider.secrets,
      ...Object.values(config.functions).map(({ secrets }) => secrets),
    ].flatMap((one) => Object.values(one ?? {}).map((secret) => secret.split(':')[0] ?? '')),
  )
  for (const secret of secrets)
    await grant(context, TARGETS.secret(names.secret(secret)), [], (member) => accounts.has(member))
}

/** The first of its kind has the name of its function alone. */
function indexed(key: string, index: number): string {
  return index === 0 ? key : `${key}-${index + 1}`
}

function mustGet(live: ReadonlyMap<string, LiveFunction>, key: string): LiveFunction {
  const found = live.get(key)
  if (found === undefined) throw new Error(`function ${key}: not deployed`)
  return found
}
