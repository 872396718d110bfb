import * as z from 'zod'
import { EVENT_KINDS } from '../model/audience.ts'
import { readDuration } from '../model/duration.ts'
import { SEVERITIES } from '../model/notification.ts'
import { WEEKDAYS } from '../model/weekly-span.ts'

// People, subscriptions and maintenance windows, as people write them in anyhub.yml and in requests.

const LONGEST_MS = 366 * 86_400_000

function durationFrom(leastMs: number, words: string) {
  return z
    .string()
    .transform((text, context) => {
      const ms = readDuration(text)
      if (ms !== undefined && ms >= leastMs && ms <= LONGEST_MS) return ms
      context.addIssue({
        code: 'custom',
        message: `expected a duration of ${words} to 366d, found ${JSON.stringify(text)}`,
      })
      return z.NEVER
    })
    .meta({ description: 'A duration such as 90s, 10m, 1h.' })
}

const Span = durationFrom(1_000, '1s')

/** Ids of people, groups and subscriptions. */
export const AudienceId = z
  .string()
  .regex(/^[a-zA-Z0-9_.@+-]{1,128}$/, 'expected 1 to 128 letters, digits, _ . @ + or -')

const TimeOfDay = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'expected a time such as 07:30')
  .transform((text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3)))
  .meta({ description: 'A time of the day, such as 07:30.' })

const Days = z
  .array(z.enum(WEEKDAYS))
  .min(1)
  .optional()
  .meta({ description: 'The days on which it begins; every day unless given.' })

const TimeZone = z
  .string()
  .max(64)
  .refine(isTimeZone, 'expected a time zone such as Europe/Berlin')
  .meta({ description: 'An IANA time zone.' })

const Language = z
  .string()
  .max(64)
  .refine(isLanguage, 'expected a language such as de or de-AT')
  .meta({ description: 'The language, as BCP 47: de, en-GB.' })

const Weekly = z.strictObject({
  days: Days,
  from: TimeOfDay.meta({ description: 'When it begins.' }),
  to: TimeOfDay.meta({ description: 'When it ends; before `from`: on the next day.' }),
})

const AddressSchema = z
  .union([
    AudienceId.transform((channelId) => ({ channelId, to: undefined })),
    z
      .strictObject({
        channel: AudienceId.meta({ description: 'The channel.' }),
        to: z.string().min(1).max(4_096).optional().meta({
          description: 'The own address on it, in place of those that the channel names.',
        }),
      })
      .transform(({ channel: channelId, to }) => ({ channelId, to })),
  ])
  .meta({ description: 'A channel, or a channel and an address on it.' })

/** Somebody who can be told. */
export const PersonSchema = z
  .strictObject({
    name: z.string().max(256).default('').meta({ description: 'The name, for people.' }),
    groups: z
      .array(AudienceId)
      .max(100)
      .default([])
      .meta({ description: 'The groups that he belongs to.' }),
    language: Language.optional().meta({ description: 'In which language he is told.' }),
    timeZone: TimeZone.optional().meta({ description: 'In which time zone he lives.' }),
    addresses: z
      .array(AddressSchema)
      .max(20)
      .default([])
      .meta({ description: 'Where he is reached.' }),
  })
  .meta({ description: 'Somebody who can be told.' })

export type Person = z.output<typeof PersonSchema>

const AUDIENCE = {
  people: z.array(AudienceId).max(1_000).default([]).meta({ description: 'People, by their ids.' }),
  groups: z
    .array(AudienceId)
    .max(100)
    .default([])
    .meta({ description: 'Everybody of these groups.' }),
  channels: z.array(AudienceId).max(100).default([]).meta({ description: 'Channels as they are.' }),
}

/** Who is told by one call. */
export const AudienceSchema = z.strictObject({
  ...AUDIENCE,
  everybody: z.boolean().default(false).meta({ description: 'All people there are.' }),
  subscribers: z.boolean().default(false).meta({
    description: 'All whose subscriptions ask for it.',
  }),
})

const Words = z
  .record(
    Language,
    z.strictObject({
      subject: z.string().min(1).max(1_000).optional().meta({
        description: 'In place of the subject; {{path}} is filled in.',
      }),
      text: z
        .string()
        .max(10_000)
        .optional()
        .meta({ description: 'In place of the text; {{path}} is filled in.' }),
    }),
  )
  .meta({ description: 'Words by language.' })

export { Language as LanguageSchema, TimeZone as TimeZoneSchema, Words as WordsSchema }

/** How urgent something is. */
export const PrioritySchema = z
  .literal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  .meta({ description: '0 to 9, which overtakes the others; by the severity unless given.' })

/** Which events are meant. */
const FILTER = {
  events: z
    .array(z.enum(EVENT_KINDS, { error: aboutJobs }))
    .min(1)
    .optional()
    .meta({ description: 'What brings it about; alarm, rule and on-demand unless given.' }),
  devices: z.string().min(1).max(256).default('*').meta({
    description: 'Which device ids: a pattern in which * stands for any characters.',
  }),
  tags: z
    .record(z.string(), z.string())
    .default({})
    .meta({ description: 'Tags that the registered device must have.' }),
  alarms: z.array(AudienceId).max(100).optional().meta({
    description:
      'Which alarms or rules, by their ids; of health presence, endpoint, address, dead-letters. All unless given.',
  }),
  severity: z
    .enum(SEVERITIES)
    .default('info')
    .meta({ description: 'How much it must matter at least.' }),
}

/** How much is told at most. */
export const ThrottleSchema = z.strictObject({
  most: z.int().min(1).max(100).meta({ description: 'So many are told at most.' }),
  per: Span.meta({ description: 'Within which time.' }),
})

/** Who wants to be told of what. */
export const SubscriptionSchema = z
  .strictObject({
    to: z
      .strictObject({
        ...AUDIENCE,
        addresses: z.array(AddressSchema).max(100).default([]).meta({
          description: 'Addresses of nobody who is declared.',
        }),
      })
      .meta({ description: 'Who is told.' }),
    ...FILTER,
    schedule: z
      .array(Weekly)
      .min(1)
      .max(20)
      .optional()
      .meta({ description: 'When it holds; always unless given.' }),
    timeZone: TimeZone.optional().meta({
      description: 'Of schedule and quiet hours; that of the person, or UTC, unless given.',
    }),
    language: Language.optional().meta({
      description: 'In which language it is told to those who have none.',
    }),
    words: Words.default({}),
    priority: PrioritySchema.optional(),
    dedup: Span.optional().meta({
      description: 'The same again within so long is not told.',
    }),
    flaps: z
      .strictObject({
        most: z.int().min(1).max(50).default(4).meta({
          description: 'So many changes are usual: raised and cleared are two.',
        }),
        within: Span.meta({ description: 'Within which time.' }),
      })
      .optional()
      .meta({
        description:
          'An alarm that changes more often is told once, and again when it has come to rest.',
      }),
    throttle: ThrottleSchema.optional().meta({
      description: 'How much one recipient is told at most.',
    }),
    quietHours: z
      .union([Weekly, z.array(Weekly).min(1).max(20)])
      .transform((one) => (Array.isArray(one) ? one : [one]))
      .optional()
      .meta({ description: 'When nothing is told; what comes is told together at the end.' }),
    digest: Span.optional().meta({
      description: 'After one was told, what follows within so long is told together.',
    }),
    override: z
      .enum([...SEVERITIES, 'never'])
      .default('critical')
      .meta({
        description:
          'From this severity on quiet hours, digest and throttle do not count; never: they always do.',
      }),
    escalation: z
      .array(
        z.strictObject({
          after: Span.meta({ description: 'How long after the event.' }),
          to: z.strictObject(AUDIENCE).meta({ description: 'Who is told then.' }),
        }),
      )
      .min(1)
      .max(10)
      .optional()
      .meta({ description: 'Who is told, one after the other, until somebody acknowledges.' }),
  })
  .superRefine(({ escalation = [] }, context) => {
    for (const [at, { after, to }] of escalation.entries()) {
      if (to.people.length + to.groups.length + to.channels.length === 0)
        context.addIssue({
          code: 'custom',
          path: ['escalation', at, 'to'],
          message: 'expected people, groups or channels',
        })
      if (after <= (escalation[at - 1]?.after ?? 0))
        context.addIssue({
          code: 'custom',
          path: ['escalation', at, 'after'],
          message: 'expected it later than the step before',
        })
    }
  })
  .superRefine(({ to }, context) => {
    if (to.people.length + to.groups.length + to.channels.length + to.addresses.length === 0)
      context.addIssue({
        code: 'custom',
        path: ['to'],
        message: 'expected people, groups, channels or addresses',
      })
  })
  .meta({ description: 'Who wants to be told of what.' })

export type Subscription = z.output<typeof SubscriptionSchema>

/** Other systems have such events: who asks for them has to hear that there are none. */
function aboutJobs({ input }: { readonly input?: unknown }): string | undefined {
  return input === 'job'
    ? 'expected alarm, rule, on-demand or health: there are no jobs yet, and nothing raises this event'
    : undefined
}

const Moment = z.iso
  .datetime({ offset: true })
  .transform((text) => Date.parse(text))
  .meta({ description: 'A time in ISO 8601.' })

/** A time in which nobody is told of some devices. */
export const MaintenanceSchema = z
  .strictObject({
    devices: FILTER.devices,
    tags: FILTER.tags,
    from: Moment.optional().meta({ description: 'When it begins, in ISO 8601.' }),
    to: Moment.optional().meta({ description: 'When it ends, in ISO 8601.' }),
    weekly: z.array(Weekly).min(1).max(20).optional().meta({
      description: 'When it is, every week.',
    }),
    timeZone: TimeZone.default('UTC').meta({ description: 'Of `weekly`.' }),
    reason: z.string().min(1).max(256).default('maintenance').meta({ description: 'Why.' }),
  })
  .superRefine(({ from, to, weekly }, context) => {
    if (from === undefined && to === undefined && weekly === undefined)
      context.addIssue({ code: 'custom', path: [], message: 'expected from, to or weekly' })
    if (from !== undefined && to !== undefined && from >= to)
      context.addIssue({ code: 'custom', path: ['to'], message: 'expected it after from' })
  })
  .meta({ description: 'A time in which nobody is told of some devices.' })

export type Maintenance = z.output<typeof MaintenanceSchema>

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}

function isLanguage(name: string): boolean {
  try {
    return Intl.getCanonicalLocales(name).length === 1
  } catch {
    return false
  }
}
