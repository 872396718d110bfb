import { listAccounts } from './accounts.ts'
import type { Grant } from './config.ts'
import { type Context, forAll } from './context.ts'
import { DeployError } from './errors.ts'
import { type Binding, grant, TARGETS, type Target } from './iam.ts'
import type { PlannedFunction } from './plan.ts'

/** What is granted on one resource. */
interface Wanted {
  readonly target: Target
  readonly bindings: Binding[]
}

/**
 * Gives each function what its yml names, and takes away what it no longer names. Agents of Google get what
 * subscriptions need: to write into tables, and to put messages into dead letter topics.
 */
export async function applyGrants(
  context: Context,
  functions: readonly PlannedFunction[],
  number: string,
): Promise<void> {
  const { names, config } = context
  const { resources } = config
  const agent = `serviceAccount:service-${number}@gcp-sa-pubsub.iam.gserviceaccount.com`
  const wanted = new Map<string, Wanted>()
  const on = (target: Target): Binding[] => {
    const key = `${target.service} ${target.path}`
    const there = wanted.get(key) ?? { target, bindings: [] }
    wanted.set(key, there)
    return there.bindings
  }
  // Everything of ours is looked at, so that grants that are no longer named go.
  on(TARGETS.project(names.project))
  for (const key of Object.keys(resources.topics ?? {})) on(TARGETS.topic(names.topic(key)))
  for (const key of Object.keys(resources.buckets ?? {})) on(TARGETS.bucket(names.bucket(key)))
  for (const table of Object.keys(resources.bigquery?.tables ?? {}))
    on(TARGETS.table(names.project, names.dataset, table))

  for (const { key, account } of functions) {
    const given = config.functions[key]
    const member = `serviceAccount:${account}`
    for (const one of given?.iam ?? []) {
      const { target, binding } = placeOf(context, key, account, one)
      on(target).push({ ...binding, member })
    }
    for (const secret of Object.values({ ...config.provider.secrets, ...given?.secrets }))
      on(TARGETS.secret(names.secret(secret.split(':')[0] ?? ''))).push({
        role: 'roles/secretmanager.secretAccessor',
        member,
      })
  }
  for (const topic of deadLetterTopics(context))
    on(TARGETS.topic(topic)).push({ role: 'roles/pubsub.publisher', member: agent })
  for (const { bigquery } of Object.values(resources.subscriptions ?? {})) {
    if (bigquery === undefined) continue
    on(TARGETS.table(names.project, names.dataset, bigquery.table)).push({
      role: 'roles/bigquery.dataEditor',
      member: agent,
    })
  }
  // It signs pushes as the account that calls functions. Source: Pub/Sub, "Authenticate push subscriptions".
  if (functions.some(({ events }) => events.some(({ push, pubsub }) => push ?? pubsub)))
    on(TARGETS.account(names.project, names.caller)).push({
      role: 'roles/iam.serviceAccountTokenCreator',
      member: agent,
    })
  // Eventarc hands events only to an account that may receive them.
  if (functions.some(({ body }) => body['eventTrigger'] !== undefined))
    on(TARGETS.project(names.project)).push({
      role: 'roles/eventarc.eventReceiver',
      member: `serviceAccount:${names.caller}`,
    })
  // Those of functions that are about to go, too.
  const accounts = new Set([
    names.caller,
    ...functions.map(({ account }) => account),
    ...(await listAccounts(context)),
  ])
  await forAll([...wanted.values()], ({ target, bindings }) =>
    grant(
      context,
      target,
      bindings,
      (member) =>
        accounts.has(member.replace(/^serviceAccount:/, '')) ||
        (member === agent &&
          target.service !== 'cloudresourcemanager' &&
          target.service !== 'secretmanager'),
    ),
  )
}

function deadLetterTopics({ names, config }: Context): ReadonlySet<string> {
  const keys = [
    ...Object.values(config.resources.subscriptions ?? {}).map(
      ({ deadLetterTopic }) => deadLetterTopic,
    ),
    ...Object.values(config.functions)
      .flatMap(({ events }) => events)
      .map(({ push, pubsub }) => (push ?? pubsub)?.deadLetterTopic),
  ]
  return new Set(keys.filter((key) => key !== undefined).map((key) => names.topic(key)))
}

/** Where a grant of the yml applies. */
function placeOf(
  { names }: Context,
  key: string,
  account: string,
  given: Grant,
): { readonly target: Target; readonly binding: Omit<Binding, 'member'> } {
  const { role, topic, bucket, database, table, secret, self, project } = given
  const places = [topic, bucket, database, table, secret, self, project].filter(
    (place) => place !== undefined,
  )
  if (places.length !== 1)
    throw new DeployError(
      `function ${key}, iam ${role}: expected one of topic, bucket, database, table, secret, self, project; found ${places.length}`,
    )
  const binding = { role }
  if (topic !== undefined) return { target: TARGETS.topic(names.topic(topic)), binding }
  if (bucket !== undefined) return { target: TARGETS.bucket(names.bucket(bucket)), binding }
  if (table !== undefined)
    return { target: TARGETS.table(names.project, names.dataset, table), binding }
  if (secret !== undefined) return { target: TARGETS.secret(names.secret(secret)), binding }
  if (self !== undefined) return { target: TARGETS.account(names.project, account), binding }
  const target = TARGETS.project(names.project)
  if (database === undefined) return { target, binding }
  // Databases have no policy of their own. Source: Firestore documentation, "Configure conditions".
  const name = `projects/${names.project}/databases/${database === 'own' ? names.database : database}`
  const condition = {
    title: `database ${names.database}`,
    expression: `resource.name == "${name}"`,
  }
  return { target, binding: { role, condition } }
}
