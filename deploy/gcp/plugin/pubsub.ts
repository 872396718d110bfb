import { z } from 'zod'
import type { Body } from './api.ts'
import { differences } from './compare.ts'
import type { Delivery, SubscriptionConfig } from './config.ts'
import type { Context } from './context.ts'
import { DeployError } from './errors.ts'
import { shortName } from './names.ts'

/** A subscription as Google is to have it. */
export interface PlannedSubscription {
  readonly name: string
  readonly topic: string
  readonly deadLetterTopic: string | undefined
  readonly body: Body
}

const Labelled = z.looseObject({
  name: z.string(),
  labels: z.record(z.string(), z.string()).optional(),
})

/** Source: REST reference of Pub/Sub, Subscription; durations as protobuf's JSON writes them. */
export function deliveryBody(given: Delivery, topicOf: (key: string) => string): Body {
  const { deadLetterTopic, minimumBackoff, maximumBackoff } = given
  return {
    ackDeadlineSeconds: given.ackDeadline ?? 60,
    retryPolicy: {
      minimumBackoff: `${minimumBackoff ?? 10}s`,
      maximumBackoff: `${maximumBackoff ?? 600}s`,
    },
    ...(deadLetterTopic === undefined
      ? {}
      : {
          deadLetterPolicy: {
            deadLetterTopic: topicOf(deadLetterTopic),
            maxDeliveryAttempts: given.maxDeliveryAttempts ?? 5,
          },
        }),
  }
}

/** How a subscription hands its messages over. */
export type Handover =
  | { readonly kind: 'pull' }
  | { readonly kind: 'push'; readonly endpoint: string; readonly audience: string }
  | { readonly kind: 'table'; readonly table: string; readonly options: Body }

export function planSubscription(
  { names }: Pick<Context, 'names'>,
  key: string,
  given: Omit<SubscriptionConfig, 'bigquery'>,
  handover: Handover,
): PlannedSubscription {
  const topic = names.topic(given.topic)
  const deadLetterTopic = given.deadLetterTopic
  return {
    name: names.subscription(key),
    topic,
    deadLetterTopic: deadLetterTopic === undefined ? undefined : names.topic(deadLetterTopic),
    body: {
      topic,
      labels: names.labels,
      ...deliveryBody(given, names.topic),
      messageRetentionDuration: `${given.retention ?? 604_800}s`,
      enableMessageOrdering: given.ordering ?? false,
      filter: given.filter ?? '',
      // Never: a subscription that nobody used for a month must not disappear.
      expirationPolicy: {},
      ...(handover.kind === 'push'
        ? {
            pushConfig: {
              pushEndpoint: handover.endpoint,
              oidcToken: { serviceAccountEmail: names.caller, audience: handover.audience },
            },
          }
        : {}),
      ...(handover.kind === 'table'
        ? { bigqueryConfig: { table: handover.table, ...handover.options } }
        : {}),
    },
  }
}

/** What Pub/Sub never changes in a subscription that exists. */
const FIXED = ['topic', 'enableMessageOrdering', 'filter']

export async function applySubscription(
  { api, names, say }: Context,
  { name, body }: PlannedSubscription,
): Promise<void> {
  const what = `subscription ${shortName(name)}`
  const found = await api.find(what, 'pubsub', `/v1/${name}`)
  if (found === undefined) {
    await api.call({ what, service: 'pubsub', method: 'PUT', path: `/v1/${name}`, body })
    say(`${what}: made`)
    return
  }
  assertOurs(what, found, names.labels)
  const changed = differences(body, found)
  const fixed = changed.find((field) => FIXED.includes(field))
  if (fixed !== undefined)
    throw new DeployError(
      `${what}: Pub/Sub cannot change ${fixed} of a subscription\n  do: give it another name in the yml (messages that wait in the old one are lost), or put ${fixed} back`,
    )
  await patchSubscription({ api, say }, name, body, changed)
}

/** Changes only what differs. */
export async function patchSubscription(
  { api, say }: Pick<Context, 'api' | 'say'>,
  name: string,
  body: Body,
  changed: readonly string[],
): Promise<void> {
  if (changed.length === 0) return
  const what = `subscription ${shortName(name)}`
  const subscription = { name, ...Object.fromEntries(changed.map((field) => [field, body[field]])) }
  await api.call({
    what,
    service: 'pubsub',
    method: 'PATCH',
    path: `/v1/${name}`,
    body: { subscription, updateMask: changed.join(',') },
  })
  say(`${what}: ${changed.join(', ')}`)
}

export async function applyTopic(
  { api, names, say }: Context,
  key: string,
  given: { readonly retention?: number | undefined } | null,
): Promise<void> {
  const name = names.topic(key)
  const what = `topic ${shortName(name)}`
  const retention = given?.retention
  const body = {
    labels: names.labels,
    ...(retention === undefined ? {} : { messageRetentionDuration: `${retention}s` }),
  }
  const found = await api.find(what, 'pubsub', `/v1/${name}`)
  if (found === undefined) {
    await api.call({ what, service: 'pubsub', method: 'PUT', path: `/v1/${name}`, body })
    say(`${what}: made`)
    return
  }
  assertOurs(what, found, names.labels)
  const changed = differences(body, found)
  if (changed.length === 0) return
  const updateMask = changed.join(',')
  await api.call({
    what,
    service: 'pubsub',
    method: 'PATCH',
    path: `/v1/${name}`,
    body: { topic: { name, ...body }, updateMask },
  })
  say(`${what}: ${updateMask}`)
}

/** @throws DeployError if something of this name was made by somebody else. */
export function assertOurs(
  what: string,
  found: Body,
  labels: Readonly<Record<string, string>>,
): void {
  if (isOurs(found, labels)) return
  throw new DeployError(
    `${what}: exists, and does not belong to service ${labels['service']}, stage ${labels['stage']} (its labels say so)\n  do: choose another name, or label it service=${labels['service']}, stage=${labels['stage']} to hand it over`,
  )
}

export function isOurs(found: Body, labels: Readonly<Record<string, string>>): boolean {
  const parsed = z
    .looseObject({ labels: z.record(z.string(), z.string()).default({}) })
    .parse(found)
  return ['service', 'stage'].every((label) => parsed.labels[label] === labels[label])
}

/** Full names of what Pub/Sub has of this service and stage. */
export async function listPubsub(
  { api, names }: Context,
  kind: 'topics' | 'subscriptions',
): Promise<readonly string[]> {
  const path = `/v1/projects/${names.project}/${kind}?pageSize=500`
  const found = await api.list(kind, 'pubsub', path, kind)
  return found.filter((one) => isOurs(one, names.labels)).map((one) => Labelled.parse(one).name)
}

export async function removePubsub({ api, say }: Context, name: string): Promise<void> {
  const what = `${name.includes('/topics/') ? 'topic' : 'subscription'} ${shortName(name)}`
  await api.call({ what, service: 'pubsub', method: 'DELETE', path: `/v1/${name}`, accept: [404] })
  say(`${what}: removed`)
}
