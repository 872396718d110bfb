import * as z from 'zod'
import { readDuration, SEVERITIES } from '../../core/index.ts'

// rules.test.yml as a schema. What it accepts, editors know too: `ruleTestJsonSchema` is the same thing as JSON Schema.

const Value = z.json()

const Severity = z.enum(SEVERITIES)

const failed = z
  .string()
  .min(1)
  .optional()
  .meta({ description: 'The action cannot be done; a part of the reason.' })

/** What an action came to, in the words of anyhub.yml. Only the keys that are given are compared. */
const Action = z
  .union([
    z.strictObject({
      republish: z.strictObject({
        topic: z.string().optional(),
        payload: Value.optional().meta({
          description: 'The payload: its value if it is JSON, else its text.',
        }),
        base64: z
          .string()
          .optional()
          .meta({ description: 'The payload where it is not a text, as base64.' }),
        qos: z.union([z.literal(0), z.literal(1)]).optional(),
        retain: z.boolean().optional(),
        failed,
      }),
    }),
    z.strictObject({ store: z.strictObject({ values: Value.optional(), failed }) }),
    z.strictObject({
      raiseAlarm: z.strictObject({
        alarm: z.string().optional(),
        severity: Severity.optional(),
        text: z.string().optional(),
        notify: z.array(z.string()).optional(),
        failed,
      }),
    }),
    z.strictObject({
      clearAlarm: z.strictObject({
        alarm: z.string().optional(),
        notify: z.array(z.string()).optional(),
        failed,
      }),
    }),
    z.strictObject({
      notify: z.strictObject({
        channels: z.array(z.string()).optional(),
        severity: Severity.optional(),
        subject: z.string().optional(),
        text: z.string().optional(),
        data: Value.optional(),
        failed,
      }),
    }),
    z.strictObject({
      setDesired: z.strictObject({
        device: z.string().optional(),
        shadow: z.string().optional(),
        state: Value.optional(),
        failed,
      }),
    }),
    z.strictObject({
      sendCommand: z.strictObject({
        device: z.string().optional(),
        name: z.string().optional(),
        payload: Value.optional(),
        failed,
      }),
    }),
    z.strictObject({
      webhook: z.strictObject({ channel: z.string().optional(), body: Value.optional(), failed }),
    }),
    z.strictObject({
      queue: z.strictObject({ name: z.string().optional(), body: Value.optional(), failed }),
    }),
    z.strictObject({
      table: z.strictObject({
        table: z.string().optional(),
        key: z.string().optional(),
        item: Value.optional(),
        failed,
      }),
    }),
    z.strictObject({ coldRow: z.strictObject({ body: Value.optional(), failed }) }),
    z.strictObject({
      log: z.strictObject({
        text: z.string().optional(),
        level: z.enum(['info', 'warn', 'error']).optional(),
        failed,
      }),
    }),
  ])
  .meta({
    description:
      'What an action came to, in the words of anyhub.yml; only the keys that are given count.',
  })

const Rule = z
  .union([
    z.enum(['match', 'no match']),
    z.strictObject({
      output: Value.optional().meta({
        description: 'What SELECT gives, whole; the rule matches exactly once.',
      }),
      outputs: z
        .array(Value)
        .optional()
        .meta({ description: 'As output, for a rule that matches several times, in order.' }),
      times: z.int().min(1).optional().meta({ description: 'How often the rule matches.' }),
      actions: z
        .array(Action)
        .optional()
        .meta({ description: 'All that its actions came to, in order.' }),
      errorAction: z
        .array(Action)
        .optional()
        .meta({ description: 'What its error action came to, each time.' }),
      failed: z
        .string()
        .min(1)
        .optional()
        .meta({ description: 'The rule or one of its actions fails; a part of the reason.' }),
    }),
  ])
  .meta({ description: 'match, no match, or what exactly the rule does.' })

const Transition = z.enum(['raised', 'cleared'])

const Alarm = z
  .union([
    z.enum(['raised', 'cleared', 'unchanged']),
    z.array(Transition).min(1),
    z.strictObject({
      is: Transition,
      text: z.string().optional(),
      severity: Severity.optional(),
      device: z.string().optional(),
    }),
  ])
  .meta({ description: 'raised, cleared, unchanged, both in their order, or one with its text.' })

const Expect = z
  .strictObject({
    outcome: z.string().min(1).optional().meta({
      description: 'accepted (unless given), duplicate, or the code of the dead letter.',
    }),
    rules: z.record(z.string(), Rule).optional().meta({ description: 'By the id of the rule.' }),
    otherRules: z
      .literal('no match')
      .optional()
      .meta({ description: 'No rule matches but those named.' }),
    alarms: z.record(z.string(), Alarm).optional().meta({ description: 'By the id of the alarm.' }),
  })
  .meta({ description: 'What is to happen; what is not named is not looked at.' })

/** A moment of a case: after so long, or an ISO 8601 time. Result: a delay in ms, or epoch ms. */
const Moment = z
  .string()
  .transform((text, context): { readonly afterMs: number } | { readonly at: number } => {
    const afterMs = readDuration(text)
    if (afterMs !== undefined) return { afterMs }
    const at = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN
    if (!Number.isNaN(at)) return { at }
    context.addIssue({
      code: 'custom',
      message: `expected a time after the start such as 90s, or one such as 2026-01-01T12:00:00Z, found ${JSON.stringify(text)}`,
    })
    return z.NEVER
  })
  .meta({
    description: 'A time after the start of the case (90s, 2m, 1h), or 2026-01-01T12:00:00Z.',
  })

const message = {
  topic: z.string().min(1).optional().meta({
    description: 'devices/{device}/telemetry unless given.',
  }),
  device: z.string().min(1).optional().meta({
    description: 'Who sends it; as the case or the topic says unless given.',
  }),
  payload: Value.optional().meta({ description: 'The payload as a JSON value.' }),
  text: z.string().optional().meta({ description: 'The payload as text, byte for byte.' }),
  base64: z.base64().optional().meta({ description: 'The payload as base64.' }),
  at: Moment.optional().meta({
    description: 'When it comes by our clock; with the one before it unless given.',
  }),
  messageId: z.string().optional(),
  contentType: z.string().optional(),
  clientId: z.string().optional(),
  principal: z.string().optional(),
  sourceIp: z.string().optional(),
  traceId: z.string().optional(),
  userProperties: z.record(z.string(), z.array(z.string())).optional(),
}

const Message = z.strictObject(message).superRefine((one, context) => {
  checkPayload(one, context)
})

const Step = z
  .strictObject({ ...message, expect: Expect.optional() })
  .superRefine((one, context) => {
    const { at, expect, ...sent } = one
    if (Object.values(sent).every((part) => part === undefined) && at !== undefined) {
      if (expect?.outcome === undefined) return
      context.addIssue({
        code: 'custom',
        path: ['expect', 'outcome'],
        message: 'expected a message that has this outcome, found that time passes',
      })
    } else checkPayload(one, context)
  })
  .meta({
    description: 'A message, or, where only `at` and `expect` are given, that time passes.',
  })

const Case = z
  .strictObject({
    name: z.string().min(1),
    start: z.iso
      .datetime({ offset: true, error: 'expected a time such as 2026-01-01T12:00:00Z' })
      .default('2026-01-01T00:00:00Z')
      .meta({ description: 'The clock when the case starts. It moves only as the case says.' }),
    device: z.string().min(1).optional().meta({
      description: 'Who sends, unless a message says; device-1 where no topic says either.',
    }),
    message: Message.optional(),
    messages: z.array(Step).min(1).optional(),
    expect: Expect.optional().meta({ description: 'What is to happen in all of the case.' }),
    tables: z
      .record(z.string(), z.record(z.string(), Value))
      .default({})
      .meta({ description: 'Items that lookup() and get_dynamodb() find: table, key, item.' }),
    lookups: z
      .array(z.strictObject({ function: z.string(), args: z.array(Value), value: Value }))
      .default([])
      .meta({ description: 'What the world answers to get_secret, aws_lambda, ….' }),
  })
  .superRefine((one, context) => {
    const issue = (message: string, ...path: string[]): void =>
      context.addIssue({ code: 'custom', path, message })
    if ((one.message === undefined) === (one.messages === undefined))
      issue('expected either message or messages')
    if (one.expect === undefined && !one.messages?.some(({ expect }) => expect !== undefined))
      issue('expected expect: a case that expects nothing cannot fail')
    if (one.expect?.outcome !== undefined && one.messages !== undefined)
      issue('expected the outcome with the message that has it', 'expect', 'outcome')
  })

const RuleTestSchema = z
  .strictObject({ $schema: z.string().optional(), cases: z.array(Case).min(1) })
  .meta({
    title: 'rules.test.yml',
    description: 'Tests of the rules and alarms of the anyhub.yml beside it, run by anyhub check.',
  })

export type RuleTests = z.output<typeof RuleTestSchema>
export type RuleTestCase = RuleTests['cases'][number]
export type RuleTestStep = NonNullable<RuleTestCase['messages']>[number]
export type Expectation = NonNullable<RuleTestCase['expect']>
export type RuleExpectation = NonNullable<Expectation['rules']>[string]
export type AlarmExpectation = NonNullable<Expectation['alarms']>[string]

/** Checks the shape of a test file. */
export function parseRuleTests(
  data: unknown,
): { readonly tests: RuleTests } | { readonly error: z.core.$ZodError } {
  const parsed = RuleTestSchema.safeParse(data)
  return parsed.success ? { tests: parsed.data } : { error: parsed.error }
}

/** The JSON Schema that editors use for rules.test.yml. */
export function ruleTestJsonSchema(): object {
  return z.toJSONSchema(RuleTestSchema, { io: 'input', unrepresentable: 'any' })
}

function checkPayload(
  { payload, text, base64 }: { payload?: unknown; text?: unknown; base64?: unknown },
  context: z.core.$RefinementCtx,
): void {
  const given = [payload, text, base64].filter((one) => one !== undefined).length
  if (given === 1) return
  context.addIssue({
    code: 'custom',
    path: [],
    message: `expected one of payload, text and base64, found ${given === 0 ? 'none' : given}`,
  })
}
