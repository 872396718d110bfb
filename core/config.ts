import * as z from 'zod'
import { AccessSchema } from './access/access-config.ts'
import { ActionSchema } from './actions/list.ts'
import { API_LIMITS } from './api-config.ts'
import { CodecSchema } from './codecs/codec-config.ts'
import { type ConfigFault, faultsOf } from './config-faults.ts'
import { DurationSchema as Duration } from './duration-schema.ts'
import { ExampleSchema } from './meaning/example-schema.ts'
import {
  BAD_VALUES,
  CalibrationSchema,
  DerivedSchema,
  MetricsSchema,
  UNKNOWN_METRICS,
} from './meaning/schema.ts'
import { SEVERITIES } from './model/notification.ts'
import { networkSchema } from './networks/network-config.ts'
import {
  AudienceId,
  MaintenanceSchema,
  PersonSchema,
  SubscriptionSchema,
} from './notifications/audience-config.ts'
import { ChannelSchema } from './notifications/channels/list.ts'
import { TelephonySchema } from './notifications/channels/telephony.ts'
import { IdSchema as Id, RuleSchema } from './rule-config.ts'

// anyhub.yml as a schema. What it accepts, editors know too: `configJsonSchema` is the same thing as JSON Schema.

const Pointer = z
  .string()
  .regex(
    /^(\/([^~/]|~[01])*)*$/,
    'expected a JSON pointer such as /data/temp, or "" for the whole message',
  )

const Severity = z.enum(SEVERITIES)

const DeviceType = z
  .strictObject({
    devices: z
      .string()
      .min(1)
      .default('*')
      .meta({ description: 'Which device ids: a pattern in which * stands for any characters.' }),
    codec: CodecSchema.prefault('json').meta({
      description:
        'How the bytes are decoded: the name of a codec, or an object of type and its options.',
    }),
    time: z
      .union([Pointer, z.array(Pointer)])
      .transform((one) => (typeof one === 'string' ? [one] : one))
      .prefault(['/ts', '/time', '/timestamp'])
      .meta({ description: 'Where the event time stands; the first that exists counts.' }),
    timeUnit: z.enum(['auto', 's', 'ms', 'iso']).default('auto').meta({
      description: 'auto: ISO 8601 text; numbers below 1e11 are seconds, others milliseconds.',
    }),
    metrics: Pointer.default('').meta({ description: 'Where the measured values stand.' }),
    schema: MetricsSchema.default({}).meta({
      description: 'What the measured values mean, by their names.',
    }),
    unknownMetrics: z.enum(UNKNOWN_METRICS).default('keep').meta({
      description:
        'Values that the schema does not name: kept, kept and flagged, or the message is refused.',
    }),
    badValues: z.enum(BAD_VALUES).default('flag').meta({
      description: 'Values that the schema rules out: kept and flagged, or the message is refused.',
    }),
    derived: DerivedSchema.default({}).meta({
      description: 'Values that follow from others, by their names.',
    }),
    calibration: CalibrationSchema.default({}).meta({
      description: 'What single devices measure wrong: by device id, then by metric.',
    }),
    examples: z.array(ExampleSchema).default([]).meta({
      description: 'Messages and what has to come of them; `anyhub check` tries them.',
    }),
    report: z.boolean().default(true).meta({
      description: 'Whether measured values also become the reported state of the shadow.',
    }),
    expectEvery: Duration.prefault(0).meta({
      description:
        'How often a device promises to be heard of: who is silent for longer is late, or offline. 0: it promises nothing.',
    }),
    offlineAfter: Duration.prefault('60s').meta({
      description:
        'How long a device must be gone until it is offline: shorter absences are flaps.',
    }),
  })
  .meta({ description: 'How devices of one kind speak.' })

const Route = z
  .strictObject({
    source: z
      .enum(['telemetry', 'twinChanges', 'lifecycle', 'connectionState'])
      .default('telemetry')
      .meta({ description: 'Which messages it looks at.' }),
    condition: z.string().optional().meta({
      description: 'A condition in the language of Azure message routing; true unless given.',
    }),
    fallback: z.boolean().default(false).meta({
      description: 'Takes the messages that no other route of its source takes; without condition.',
    }),
    enabled: z
      .boolean()
      .default(true)
      .meta({ description: 'Whether it runs; one that does not is checked all the same.' }),
    enrichments: z
      .array(
        z.strictObject({
          key: z.string().min(1).max(128).meta({ description: 'The name of the property.' }),
          value: z.string().max(4_096).meta({
            description:
              'A text, $iothubname, or a path such as $twin.tags.site or $twin.properties.desired.mode.',
          }),
        }),
      )
      .max(10, 'expected at most 10 enrichments')
      .default([])
      .meta({ description: 'Properties that a message gets before the actions see it.' }),
    output: z.enum(['body', 'message']).default('body').meta({
      description:
        'What the actions get: the body, or an object of body, properties and systemProperties.',
    }),
    actions: z
      .array(ActionSchema)
      .max(10)
      .default([])
      .meta({ description: 'What to do, each by itself.' }),
    errorAction: ActionSchema.optional().meta({
      description: 'Done when another action of the route cannot be done.',
    }),
  })
  .meta({ description: 'What to do with messages that a condition takes, as Azure routes them.' })

/** Source: learn.microsoft.com, iot-hub-devguide-quotas-throttling, "message routing". */
const MAX_ROUTES = 100

const Alarm = z
  .strictObject({
    from: z.string().min(1).default('devices/+/telemetry').meta({ description: 'Topic filter.' }),
    when: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'Condition in the rule language; true raises.' }),
    missing: Duration.prefault(0).meta({
      description:
        'In place of `when`: raised when a device that was heard of on the topics sends nothing for so long.',
    }),
    clear: z.string().min(1).optional().meta({
      description:
        'Condition that clears; not `when` unless given. A gap between the two is the hysteresis.',
    }),
    for: Duration.prefault(0).meta({
      description: 'How long the condition must hold before the alarm is raised.',
    }),
    clearFor: Duration.prefault(0).meta({
      description: 'How long the condition that clears must hold.',
    }),
    times: z.int().min(1).max(100).default(1).meta({
      description:
        'How often the condition must be true before the alarm is raised: in a row, unless `within` is given.',
    }),
    within: Duration.prefault(0).meta({
      description: 'Within which time it must be true so often, whatever is between.',
    }),
    rate: z
      .strictObject({
        of: z.string().min(1).meta({ description: 'An expression that gives a number.' }),
        per: Duration.refine((ms) => ms > 0, 'expected more than 0')
          .prefault('1m')
          .meta({ description: 'The time in which the change is counted.' }),
      })
      .optional()
      .meta({
        description:
          'Gives conditions and text `_rate`: how much a value changed since the message before.',
      }),
    severities: z
      .array(
        z.strictObject({
          when: z.string().min(1).meta({ description: 'Condition in the rule language.' }),
          severity: Severity.meta({ description: 'How much it matters then.' }),
        }),
      )
      .max(10)
      .default([])
      .meta({ description: 'A ladder: the first condition that is true counts, else `severity`.' }),
    severity: Severity.default('warning').meta({ description: 'How much it matters.' }),
    text: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'The sentence for people; ${…} is evaluated on the message.' }),
    notify: z.array(Id).default([]).meta({ description: 'Channels to tell.' }),
    notifyCleared: z
      .boolean()
      .default(true)
      .meta({ description: 'Whether they are also told that it has cleared.' }),
  })
  .superRefine(({ when, missing, ...alarm }, context) => {
    const wrong = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message })
    if (when === undefined && missing === 0) wrong('when', 'expected when, or missing')
    if (when !== undefined && missing > 0) wrong('missing', 'expected it without when')
    if (missing > 0)
      for (const key of ['clear', 'rate'] as const)
        if (alarm[key] !== undefined) wrong(key, 'expected it beside when, not beside missing')
    if (missing > 0 && alarm.clearFor > 0)
      wrong('clearFor', 'expected it beside when, not beside missing')
    if (missing > 0 && (alarm.for > 0 || alarm.times > 1 || alarm.severities.length > 0))
      wrong('missing', 'expected it without for, times and severities')
    if (alarm.times > 1 && alarm.for > 0) wrong('times', 'expected it without for')
    if (alarm.within > 0 && alarm.times === 1) wrong('within', 'expected it beside times')
  })
  .meta({ description: 'A condition that is raised and cleared once per device.' })

/** The schema of anyhub.yml. */
export const ConfigSchema = z
  .strictObject({
    $schema: z
      .string()
      .optional()
      .meta({ description: 'Where editors find the schema of this file.' }),
    deviceTypes: z.record(Id, DeviceType).prefault({ default: {} }).meta({
      description:
        'Kinds of devices, by their ids; of several that fit the one with the longest pattern.',
    }),
    networks: z.record(Id, networkSchema(CodecSchema)).default({}).meta({
      description: 'Networks that bring messages of devices, by the names under which they post.',
    }),
    rules: z.record(Id, RuleSchema).default({}).meta({ description: 'Rules, by their ids.' }),
    routes: z
      .record(Id, Route)
      .refine((routes) => Object.keys(routes).length <= MAX_ROUTES, {
        message: `expected at most ${MAX_ROUTES} routes`,
      })
      .default({})
      .meta({ description: 'Routes in the language of Azure IoT Hub, by their names.' }),
    alarms: z.record(Id, Alarm).default({}).meta({ description: 'Alarms, by their ids.' }),
    channels: z
      .record(Id, ChannelSchema)
      .default({})
      .meta({ description: 'Channels, by their ids.' }),
    smtp: z
      .strictObject({
        url: z
          .string()
          .regex(
            /^smtps?:\/\/(?:[^/?#]*@)?(?![^/?#]*@)[^:/?#\s]+/,
            'expected smtp://host or smtps://host',
          )
          .meta({ description: 'The server, with user and password if it asks for them.' }),
        from: z
          .email()
          .default('anyhub@localhost.localdomain')
          .meta({ description: 'The sender of channels that name none.' }),
      })
      .optional()
      .meta({ description: 'The mail server for channels of type email.' }),
    telephony: TelephonySchema.optional(),
    people: z
      .record(AudienceId, PersonSchema)
      .default({})
      .meta({ description: 'People who can be told, by their ids.' }),
    subscriptions: z
      .record(AudienceId, SubscriptionSchema)
      .default({})
      .meta({ description: 'Who wants to be told of what, by names.' }),
    storedSubscriptions: z.boolean().default(false).meta({
      description:
        'Whether subscriptions may also be put through REST: every event then looks through them.',
    }),
    maintenance: z
      .record(AudienceId, MaintenanceSchema)
      .default({})
      .meta({ description: 'Times in which nobody is told of some devices, by names.' }),
    limits: z
      .strictObject({
        bodyBytes: z
          .int()
          .min(1)
          .max(16_777_216)
          .default(131_072)
          .meta({ description: 'Bytes of one message.' }),
        bodyDepth: z
          .int()
          .min(1)
          .max(256)
          .default(32)
          .meta({ description: 'How deep its values may nest.' }),
        windows: z.int().min(1).max(1_024).default(64).meta({
          description:
            'Windows of one rule that are open at once, on one device or in one fleet-wide group.',
        }),
        windowMessages: z
          .int()
          .min(1)
          .max(2_000)
          .default(256)
          .meta({ description: 'Messages inside one sliding window.' }),
        metrics: z
          .int()
          .min(1)
          .max(1_024)
          .default(128)
          .meta({ description: 'Measured values of one message.' }),
        future: Duration.prefault('10m').meta({
          description: 'How far ahead of our clock an event time may be.',
        }),
      })
      .prefault({})
      .meta({ description: 'How much of everything there may be.' }),
    cold: z
      .strictObject({
        enabled: z.boolean().default(false).meta({ description: 'Whether it does.' }),
      })
      .prefault({})
      .meta({ description: 'Whether every accepted message also goes to the archive.' }),
    eventHub: z
      .strictObject({
        enabled: z.boolean().default(true).meta({ description: 'Whether it does.' }),
        partitions: z
          .int()
          .min(1)
          .max(32)
          .default(4)
          .meta({ description: 'Partitions; each device has its own one.' }),
        events: z
          .int()
          .min(1)
          .max(10_000_000)
          .default(100_000)
          .meta({ description: 'Events that are kept at most, in all partitions together.' }),
        retention: Duration.prefault('1d').meta({ description: 'How long events are kept.' }),
      })
      .prefault({})
      .meta({
        description:
          'Whether accepted messages are also kept as events for Event Hubs consumers, while the embedded cloud serves AMQP.',
      }),
    commands: z
      .strictObject({
        ttl: Duration.prefault('1h').meta({
          description: 'How long a command waits for its device, unless its sender says otherwise.',
        }),
        maxTtl: Duration.refine((ms) => ms >= 1_000, 'expected at least 1s')
          .prefault('2d')
          .meta({ description: 'How long a sender may let a command wait.' }),
        maxPending: z
          .int()
          .min(1)
          .max(200)
          .default(50)
          .meta({ description: 'Commands of one device that have not ended; more are refused.' }),
        maxDeliveries: z.int().min(1).max(100).default(10).meta({
          description: 'Deliveries that come to nothing before a command is given up.',
        }),
        lock: Duration.refine((ms) => ms >= 1_000 && ms <= 3_600_000, 'expected 1s to 1h')
          .prefault('1m')
          .meta({ description: 'How long a device holds a command before it waits again.' }),
      })
      .prefault({})
      .meta({ description: 'Commands that wait for their device.' }),
    access: AccessSchema,
    api: z
      .strictObject({
        rules: z.enum(['fixed', 'stored']).optional().meta({
          description:
            'Whether rules may be put, switched and removed through REST: not where they are fixed. Unless given they may on the embedded cloud only: functions then look every 15 s for changes.',
        }),
        ...API_LIMITS,
      })
      .prefault({})
      .meta({ description: 'What may be done through REST, and how it is served.' }),
    retention: z
      .strictObject({
        telemetry: Duration.prefault('90d').meta({ description: 'Rows of telemetry.' }),
        deadLetters: Duration.prefault('30d').meta({
          description: 'Messages that could not be processed.',
        }),
        notifications: Duration.prefault('30d').meta({
          description: 'What became of notifications on demand.',
        }),
        audit: Duration.prefault('365d').meta({ description: 'Who changed what.' }),
      })
      .prefault({})
      .meta({ description: 'How long things are kept.' }),
  })
  .meta({ title: 'anyhub.yml', description: 'One IoT backend, any cloud.' })

/** anyhub.yml after defaults: what the rest of the core reads. Durations are in ms. */
export type Config = z.output<typeof ConfigSchema>
export type ConfigInput = z.input<typeof ConfigSchema>
export type DeviceTypeConfig = Config['deviceTypes'][string]
export type NetworkConfig = Config['networks'][string]
export type { RuleConfig } from './rule-config.ts'
export type RouteConfig = Config['routes'][string]
export type AlarmConfig = Config['alarms'][string]

/** Checks shapes and applies defaults. Every fault is reported, not only the first. */
export function parseConfig(
  input: unknown,
): { readonly config: Config } | { readonly faults: readonly ConfigFault[] } {
  const parsed = ConfigSchema.safeParse(input ?? {})
  const lost = lostKeys(input, [])
  if (parsed.success && lost.length === 0) return { config: parsed.data }
  return { faults: [...lost, ...(parsed.success ? [] : faultsOf(parsed.error))] }
}

/** Names that a schema drops without a word. */
function lostKeys(value: unknown, path: readonly (string | number)[]): ConfigFault[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]): ConfigFault[] =>
    key === '__proto__'
      ? [{ path: [...path, key], message: 'expected another name than __proto__', part: 'key' }]
      : lostKeys(inner, [...path, Array.isArray(value) ? Number(key) : key]),
  )
}

/** Types a config in anyhub.config.ts; returns it unchanged. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config
}

/** The JSON Schema that editors use for anyhub.yml. */
export function configJsonSchema(): object {
  return z.toJSONSchema(ConfigSchema, { io: 'input', unrepresentable: 'any' })
}
