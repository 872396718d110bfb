import type { Body } from './api.ts'
import type { LoadedFunction, ServiceConfig } from './config.ts'
import { DeployError } from './errors.ts'
import { CALLER, type Names } from './names.ts'

type Event = LoadedFunction['events'][number]

/** One function as Google is to have it. */
export interface PlannedFunction {
  readonly key: string
  readonly name: string
  readonly account: string
  readonly public: boolean
  readonly events: readonly Event[]
  /** Everything but the code and its mark. */
  readonly body: Body
}

const RUNTIMES = ['nodejs22', 'nodejs24']
const INGRESS = {
  all: 'ALLOW_ALL',
  internal: 'ALLOW_INTERNAL_ONLY',
  'internal-and-load-balancer': 'ALLOW_INTERNAL_AND_GCLB',
} as const

/** @throws DeployError if the yml asks for what Cloud Functions cannot do, naming the function. */
export function planFunctions(config: ServiceConfig, names: Names): readonly PlannedFunction[] {
  const planned = Object.entries(config.functions).map(([key, given]) =>
    planOne(key, given, config, names),
  )
  const byName = new Map<string, string>()
  for (const { key, name } of planned) {
    const other = byName.get(name)
    if (other !== undefined)
      throw new DeployError(`functions ${other} and ${key}: both would be ${name}`)
    byName.set(name, key)
  }
  return planned
}

function planOne(
  key: string,
  given: LoadedFunction,
  { provider }: ServiceConfig,
  names: Names,
): PlannedFunction {
  if (key === CALLER)
    throw new DeployError(`function ${key}: the account that calls functions has this name`)
  const triggers = given.events.filter(({ pubsub, firestore }) => pubsub ?? firestore)
  if (triggers.length > 0 && given.events.length > 1)
    throw new DeployError(
      `function ${key}: expected pubsub or firestore as its only event, found ${given.events.length} events; several topics can each push`,
    )
  if (given.events.length === 0)
    throw new DeployError(
      `function ${key}: expected an event, found none; { http: true } makes it a private one`,
    )
  const runtime = given.runtime ?? provider.runtime ?? 'nodejs24'
  if (!RUNTIMES.includes(runtime))
    throw new DeployError(
      `function ${key}: expected runtime ${RUNTIMES.join(' or ')}, found ${runtime}`,
    )
  const concurrency = given.concurrency ?? provider.concurrency
  // More than one request at a time needs a whole CPU. Source: Cloud Run documentation, "CPU limits".
  const cpu =
    given.cpu ?? provider.cpu ?? (concurrency !== undefined && concurrency > 1 ? '1' : undefined)
  const secrets = { ...provider.secrets, ...given.secrets }
  const [trigger] = triggers
  return {
    key,
    name: names.function(key),
    account: names.account(key),
    public: given.events.some(({ http }) => typeof http === 'object' && http.public === true),
    events: given.events,
    body: {
      description: given.description ?? '',
      environment: 'GEN_2',
      labels: names.labels,
      buildConfig: {
        runtime,
        entryPoint: given.handler.slice(given.handler.lastIndexOf('.') + 1),
        ...(provider.buildServiceAccount === undefined
          ? {}
          : {
              serviceAccount: `projects/${names.project}/serviceAccounts/${provider.buildServiceAccount}`,
            }),
      },
      serviceConfig: {
        availableMemory: given.memory ?? provider.memory ?? '256Mi',
        ...(cpu === undefined ? {} : { availableCpu: cpu }),
        timeoutSeconds: given.timeout ?? provider.timeout ?? 60,
        minInstanceCount: given.minInstances ?? provider.minInstances ?? 0,
        maxInstanceCount: given.maxInstances ?? provider.maxInstances ?? 10,
        ...(concurrency === undefined ? {} : { maxInstanceRequestConcurrency: concurrency }),
        ingressSettings: INGRESS[given.ingress ?? provider.ingress ?? 'all'],
        allTrafficOnLatestRevision: true,
        environmentVariables: { ...provider.environment, ...given.environment },
        secretEnvironmentVariables: Object.entries(secrets)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([variable, secret]) => {
            const [id = '', version = 'latest'] = secret.split(':')
            return { key: variable, secret: id, version }
          }),
        serviceAccountEmail: names.account(key),
      },
      ...(trigger === undefined ? {} : { eventTrigger: planTrigger(trigger, names) }),
    },
  }
}

/** Source: REST reference of Cloud Functions v2, EventTrigger; Eventarc, event types of Firestore. */
function planTrigger({ pubsub, firestore }: Event, names: Names): Body {
  const given = pubsub ?? firestore
  const common = {
    triggerRegion: names.region,
    serviceAccountEmail: names.caller,
    retryPolicy: given?.retry === false ? 'RETRY_POLICY_DO_NOT_RETRY' : 'RETRY_POLICY_RETRY',
  }
  if (pubsub !== undefined)
    return {
      ...common,
      eventType: 'google.cloud.pubsub.topic.v1.messagePublished',
      pubsubTopic: names.topic(pubsub.topic),
    }
  return {
    ...common,
    eventType: `google.cloud.firestore.document.v1.${firestore?.type ?? 'written'}`,
    eventFilters: [
      { attribute: 'database', value: firestore?.database ?? names.database },
      { attribute: 'document', value: firestore?.document ?? '', operator: 'match-path-pattern' },
    ],
  }
}
