import { z } from 'zod'
import { isRole } from './roles.ts'

// What a yml for this provider may say. One source for the types, for parsing and for the JSON Schema of the CLI.

const Ms = z.number().int().positive()

/** Intervals in ms. Source: Azure Functions, "Error handling and retries". */
const retry = z
  .union([
    z.strictObject({
      strategy: z.literal('fixedDelay'),
      maxRetryCount: z.number().int().min(-1),
      delayInterval: Ms,
    }),
    z.strictObject({
      strategy: z.literal('exponentialBackoff'),
      maxRetryCount: z.number().int().min(-1),
      minimumInterval: Ms,
      maximumInterval: Ms,
    }),
  ])
  .optional()

/** Tells the functions apart that several events of one function make. */
const name = z.string().optional()

const cardinality = z.enum(['one', 'many']).optional()

/** Kinds of events, by the names of `app.*`. */
export const EVENT_KINDS = [
  'http',
  'timer',
  'eventHub',
  'storageQueue',
  'serviceBusQueue',
  'eventGrid',
  'cosmosDB',
] as const

export type EventKind = (typeof EVENT_KINDS)[number]

/** Events are what `app.*` of `@azure/functions` takes, by its names. */
export const EVENTS = {
  http: z.strictObject({
    name,
    route: z.string().optional(),
    methods: z
      .array(z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']))
      .optional(),
    authLevel: z.enum(['anonymous', 'function', 'admin']).optional(),
  }),
  timer: z.strictObject({
    name,
    schedule: z.string(),
    runOnStartup: z.boolean().optional(),
    useMonitor: z.boolean().optional(),
    retry,
  }),
  eventHub: z.strictObject({
    name,
    eventHubName: z.string(),
    connection: z.string(),
    consumerGroup: z.string().optional(),
    cardinality,
    /** With `binary` the host leaves bytes alone; otherwise it reads them as text and parses what is JSON. */
    dataType: z.enum(['string', 'binary']).optional(),
    retry,
  }),
  storageQueue: z.strictObject({ name, queueName: z.string(), connection: z.string() }),
  serviceBusQueue: z.strictObject({
    name,
    queueName: z.string(),
    connection: z.string(),
    isSessionsEnabled: z.boolean().optional(),
    cardinality,
  }),
  eventGrid: z.strictObject({ name }),
  cosmosDB: z.strictObject({
    name,
    connection: z.string(),
    databaseName: z.string(),
    containerName: z.string(),
    leaseContainerName: z.string().optional(),
    createLeaseContainerIfNotExists: z.boolean().optional(),
    startFromBeginning: z.boolean().optional(),
    maxItemsPerInvocation: z.number().int().positive().optional(),
    feedPollDelay: z.number().int().positive().optional(),
    retry,
  }),
} as const satisfies Record<EventKind, z.ZodType>

const FunctionEvent = z.strictObject({
  http: EVENTS.http.optional(),
  timer: EVENTS.timer.optional(),
  eventHub: EVENTS.eventHub.optional(),
  storageQueue: EVENTS.storageQueue.optional(),
  serviceBusQueue: EVENTS.serviceBusQueue.optional(),
  eventGrid: EVENTS.eventGrid.optional(),
  cosmosDB: EVENTS.cosmosDB.optional(),
})

/**
 * What the app may do, and where: a built-in role of Azure by its name, or any by its id, on the resource with this
 * id; `cosmos` is a role of Cosmos DB itself, on an account or a database of it.
 */
const Grant = z.union([
  z.strictObject({
    role: z.string().refine(isRole, {
      error: ({ input }) => `no role that is known: ${input}; its id may stand here`,
    }),
    scope: z.string().regex(/^\/subscriptions\//, 'expected the id of a resource'),
  }),
  z.strictObject({
    cosmos: z.enum(['reader', 'contributor']),
    account: z.string().regex(/^\/subscriptions\//, 'expected the id of a resource'),
    database: z.string().optional(),
  }),
])

/** Only what we read; the rest belongs to the resource's provider. Source: Resource Manager, "Template structure". */
export const ArmResource = z.looseObject({
  type: z
    .string()
    .regex(/^[\w.]+(?:\/\w+)+$/, 'expected a type, as Microsoft.Storage/storageAccounts'),
  apiVersion: z.string(),
  name: z.string().min(1),
  scope: z.string().optional(),
  location: z.string().optional(),
  tags: z.record(z.string(), z.string()).optional(),
  dependsOn: z.array(z.string()).optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
})

const Output = z.strictObject({ type: z.string(), value: z.unknown() })

export const Resources = z.strictObject({
  resources: z.array(ArmResource).optional(),
  outputs: z.record(z.string(), Output).optional(),
  /** Ids of what stays when the service is removed. */
  retain: z.array(z.string()).optional(),
})

const texts = z.record(z.string(), z.string())

export const FunctionConfig = z.object({
  handler: z.string(),
  description: z.string().optional(),
})

export const ProviderConfig = z.object({
  subscriptionId: z.string(),
  resourceGroup: z.string().optional(),
  region: z.string().optional(),
  stage: z.string().optional(),
  tags: texts.optional(),
  runtime: z.enum(['nodejs22', 'nodejs24']),
  /** In MB. Source: Azure Functions, Flex Consumption plan, "Instance sizes". */
  memory: z
    .union([z.literal([512, 2048, 4096]), z.literal(['512', '2048', '4096'])])
    .transform(Number)
    .optional(),
  maxInstances: z.number().int().min(1).max(1_000).optional(),
  /** Instances that wait, by function, or by `http` for all of HTTP: they are paid for. */
  alwaysReady: z.record(z.string(), z.number().int().min(1).max(1_000)).optional(),
  /** Requests of HTTP at a time for each instance. */
  httpConcurrency: z.number().int().min(1).max(1_000).optional(),
  /** Settings of the app. A value that begins with `[` is an expression of Resource Manager. */
  environment: texts.optional(),
  /** Settings that are secret: they go to a vault, and the app gets a reference. */
  secrets: texts.optional(),
  grants: z.array(Grant).optional(),
  /** More of host.json. */
  host: z.record(z.string(), z.unknown()).optional(),
  logRetentionDays: z.coerce.number().int().min(30).max(730).optional(),
  operations: z
    .strictObject({
      firstPollMs: Ms.optional(),
      maxPollMs: Ms.optional(),
      timeoutMs: Ms.optional(),
      /** How long a new role is waited for. */
      roleTimeoutMs: Ms.optional(),
    })
    .optional(),
})

const Bundling = z
  .looseObject({
    target: z.string().optional(),
    minify: z.boolean().optional(),
    plugins: z.string().optional(),
    external: z.array(z.string()).optional(),
    /** Packages that most starts do not need: they are read when the first of them is asked for. */
    apart: z.array(z.string()).optional(),
    /** Each file of handlers is a bundle of its own, which is read when one of its functions is first called. */
    split: z.boolean().optional(),
  })
  .default({})

const LoadedFunction = z.object({
  ...FunctionConfig.shape,
  events: z.array(FunctionEvent).min(1, 'expected an event, found none'),
})

/** A service as the CLI hands it over, variables filled in. */
export const ServiceConfig = z.object({
  service: z.string(),
  stage: z.string(),
  provider: ProviderConfig,
  functions: z.record(
    z.string().regex(/^[A-Za-z][\w-]{0,60}$/, 'expected letters, digits, - and _, a letter first'),
    LoadedFunction,
  ),
  bundling: Bundling,
  resources: Resources.optional().transform((resources) => resources ?? {}),
})

export type ServiceConfig = z.infer<typeof ServiceConfig>
export type Grant = z.infer<typeof Grant>
export type ArmResource = z.infer<typeof ArmResource>
export type Bundling = z.infer<typeof Bundling>

/** JSON Schema as the CLI checks with: draft 7, without the address of the draft. */
export function jsonSchema(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { target: 'draft-7', io: 'input' })
  return rest
}
