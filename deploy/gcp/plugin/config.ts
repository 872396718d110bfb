import { z } from 'zod'

// What a yml for this provider may say. One source for the types, for parsing and for the JSON Schema of the CLI.

const Seconds = z.number().int().positive()

/** How messages reach whoever subscribes. Source: REST reference of Pub/Sub, projects.subscriptions. */
const delivery = {
  ackDeadline: Seconds.min(10).max(600).optional(),
  /** Where messages go that were refused too often: a topic. */
  deadLetterTopic: z.string().optional(),
  maxDeliveryAttempts: z.number().int().min(5).max(100).optional(),
  /** Wait between attempts, from and to, in seconds. */
  minimumBackoff: z.number().int().min(0).max(600).optional(),
  maximumBackoff: z.number().int().min(0).max(600).optional(),
}

const subscription = {
  topic: z.string(),
  ...delivery,
  /** Messages with the same ordering key come one after the other. */
  ordering: z.boolean().optional(),
  filter: z.string().optional(),
  /** How long unacknowledged messages are kept, in seconds. */
  retention: Seconds.min(600).max(2_678_400).optional(),
}

const retry = z.boolean().optional()

export const EVENTS = {
  http: z.union([z.boolean(), z.strictObject({ public: z.boolean().optional() })]),
  pubsub: z.strictObject({ topic: z.string(), retry, ...delivery }),
  push: z.strictObject({ ...subscription, path: z.string().optional() }),
  firestore: z.strictObject({
    document: z.string(),
    type: z.enum(['created', 'updated', 'deleted', 'written']).optional(),
    database: z.string().optional(),
    retry,
  }),
  schedule: z.strictObject({
    cron: z.string(),
    timeZone: z.string().optional(),
    path: z.string().optional(),
    body: z.string().optional(),
    retries: z.number().int().min(0).max(5).optional(),
    deadline: Seconds.min(15).max(1_800).optional(),
  }),
}

const FunctionEvent = z.object({
  http: EVENTS.http.optional(),
  pubsub: EVENTS.pubsub.optional(),
  push: EVENTS.push.optional(),
  firestore: EVENTS.firestore.optional(),
  schedule: EVENTS.schedule.optional(),
})

/** A role on one resource; `project` for the few that have no resource to name. */
const Grant = z.strictObject({
  role: z.string(),
  topic: z.string().optional(),
  bucket: z.string().optional(),
  database: z.string().optional(),
  table: z.string().optional(),
  secret: z.string().optional(),
  /** On the account of the function itself, to sign with. */
  self: z.literal(true).optional(),
  project: z.literal(true).optional(),
})

const shared = {
  runtime: z.string().optional(),
  memory: z.string().optional(),
  cpu: z.string().optional(),
  timeout: Seconds.max(3_600).optional(),
  minInstances: z.number().int().min(0).optional(),
  maxInstances: z.number().int().min(1).optional(),
  concurrency: z.number().int().min(1).max(1_000).optional(),
  ingress: z.enum(['all', 'internal', 'internal-and-load-balancer']).optional(),
  environment: z.record(z.string(), z.string()).optional(),
  /** Names of variables and the secrets of Secret Manager that fill them: `name` or `name:version`. */
  secrets: z.record(z.string(), z.string()).optional(),
}

export const FunctionConfig = z.object({
  handler: z.string(),
  description: z.string().optional(),
  ...shared,
  iam: z.array(Grant).optional(),
})

const Project = z.string().regex(/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/)

export const ProviderConfig = z.object({
  project: Project,
  region: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  buildServiceAccount: z.string().optional(),
  ...shared,
  operations: z
    .strictObject({
      firstPollMs: z.number().int().min(1).optional(),
      maxPollMs: z.number().int().min(1).optional(),
      timeoutMs: z.number().int().min(1).optional(),
    })
    .optional(),
})

const onRemove = z.enum(['retain', 'delete']).optional()
const anything = z.record(z.string(), z.unknown())

const Subscription = z.strictObject({
  ...subscription,
  bigquery: z
    .strictObject({
      table: z.string(),
      useTableSchema: z.boolean().optional(),
      writeMetadata: z.boolean().optional(),
      dropUnknownFields: z.boolean().optional(),
    })
    .optional(),
})

export const Resources = z.strictObject({
  topics: z
    .record(z.string(), z.union([z.null(), z.strictObject({ retention: Seconds.optional() })]))
    .optional(),
  subscriptions: z.record(z.string(), Subscription).optional(),
  firestore: z
    .strictObject({
      database: z.string().optional(),
      location: z.string().optional(),
      pointInTimeRecovery: z.boolean().optional(),
      onRemove,
      ttl: z.record(z.string(), z.string()).optional(),
      indexes: z
        .array(
          z.strictObject({
            collection: z.string(),
            scope: z.enum(['COLLECTION', 'COLLECTION_GROUP']).optional(),
            fields: z.array(z.record(z.string(), z.enum(['asc', 'desc', 'contains']))),
          }),
        )
        .optional(),
    })
    .optional(),
  bigquery: z
    .strictObject({
      dataset: z.string().optional(),
      location: z.string().optional(),
      onRemove,
      tables: z.record(
        z.string(),
        z.strictObject({
          fields: z.record(z.string(), z.string()),
          partitionBy: z.string().optional(),
          expirationDays: z.number().int().min(1).optional(),
          clusterBy: z.array(z.string()).optional(),
        }),
      ),
    })
    .optional(),
  buckets: z
    .record(
      z.string(),
      z.union([
        z.null(),
        z.strictObject({
          name: z.string().optional(),
          location: z.string().optional(),
          onRemove,
          lifecycle: z.array(anything).optional(),
          cors: z.array(anything).optional(),
        }),
      ]),
    )
    .optional(),
})

const LoadedFunction = z.object({
  ...FunctionConfig.shape,
  events: z.array(FunctionEvent).default([]),
  package: z
    .object({ artifact: z.string().optional(), patterns: z.array(z.string()).optional() })
    .default({}),
})

/** A service as the CLI hands it over, variables filled in. */
export const ServiceConfig = z.object({
  service: z.string(),
  stage: z.string(),
  provider: ProviderConfig,
  functions: z.record(z.string(), LoadedFunction),
  resources: Resources.optional().transform((resources) => resources ?? {}),
})

export type ServiceConfig = z.infer<typeof ServiceConfig>
export type LoadedFunction = z.infer<typeof LoadedFunction>
export type Grant = z.infer<typeof Grant>
export type SubscriptionConfig = z.infer<typeof Subscription>
export type Delivery = Omit<z.infer<typeof EVENTS.pubsub>, 'topic' | 'retry'>

/** JSON Schema as the CLI checks with: draft 7, without the address of the draft. */
export function jsonSchema(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { target: 'draft-7', io: 'input' })
  return rest
}
