import type { Context } from 'hono'
import * as z from 'zod'
import type { Caller } from '../access/index.ts'
import { ActionSchema } from '../actions/list.ts'
import type { Core } from '../create-core.ts'
import { CoreError } from '../errors.ts'
import { isDeviceId } from '../model/device-id.ts'
import { writeDuration } from '../model/duration.ts'
import { isJsonObject, type Json, type JsonObject } from '../model/json.ts'
import { IdSchema, RuleSchema } from '../rule-config.ts'
import { type Endpoint, endpoint } from './endpoint.ts'
import { checkMatch, readIfMatch, setEtag } from './etag.ts'
import { findDevice } from './find-device.ts'
import { RequestFault } from './request-fault.ts'
import { After, AnyJson, Instant, limit } from './schemas.ts'

/** A rule that is tried may come with its messages. Unit: bytes. */
const MAX_TRIAL_BYTES = 262_144

/** Messages that a rule is tried on at once. */
const MOST_TRIED = 100

/** Last messages of a device that can be asked for: so many hosts keep as they came. */
export const MOST_LAST = 20

const RuleParams = z.strictObject({
  ruleId: IdSchema.meta({ description: 'Id of the rule.', example: 'hot' }),
})

const Fault = z.object({
  pointer: z.string().meta({ description: 'JSON pointer into the rule.' }),
  detail: z.string(),
  line: z.int().optional(),
  column: z.int().optional(),
})

const Rule = z
  .object({
    id: z.string(),
    description: z.string().optional(),
    sql: z.string(),
    sqlVersion: z.enum(['2016-03-23', '2015-10-08', 'beta']),
    enabled: z.boolean(),
    group: z.enum(['device', 'fleet']),
    lateness: z.string().meta({ description: 'A duration such as 90s, or 0.' }),
    actions: z.array(ActionSchema),
    errorAction: ActionSchema.optional(),
    source: z.enum(['config', 'api']).meta({
      description: 'Who says what it is: anyhub.yml, or whoever put it here.',
    }),
    declared: z.boolean().meta({ description: 'Whether anyhub.yml has a rule of this id.' }),
    version: z.int().meta({ description: 'Counts changes made here; 0: none.' }),
    changedAt: Instant.optional(),
    changedBy: z.string().optional(),
    matched: z.int().optional().meta({
      description:
        'In lists: how often it matched since the process started, where the host counts that.',
    }),
    faults: z.array(Fault).optional().meta({ description: 'Why it does not run.' }),
  })
  .meta({ id: 'Rule' })

const ChangedRule = Rule.extend({
  windows: z.enum(['none', 'kept', 'dropped']).meta({
    description: 'What became of its open windows: those of the same shape go on.',
  }),
}).meta({ id: 'ChangedRule' })

const TrialFault = z
  .object({
    code: z.string(),
    message: z.string(),
    line: z.int().optional(),
    column: z.int().optional(),
  })
  .meta({ id: 'TrialFault' })

const EXPLAINED = {
  text: z.string(),
  value: AnyJson.optional(),
  undefined: z.string().optional().meta({ description: 'Why there is no value.' }),
  note: z.string().optional(),
  parts: z.array(z.lazy(() => Explained)).optional(),
}

const Explained: z.ZodType = z.object(EXPLAINED).meta({ id: 'ExplainedExpression' })

const Explanation = z
  .object({
    sql: z.string(),
    topic: z.object({ filter: z.string(), topic: z.string(), matched: z.boolean() }),
    set: z.array(z.object({ name: z.string(), ...EXPLAINED })),
    where: z.object({ ...EXPLAINED, verdict: z.enum(['true', 'false', 'undefined']) }).optional(),
    select: z.array(z.object({ key: z.string(), ...EXPLAINED })),
    result: AnyJson,
  })
  .meta({ id: 'RuleExplanation' })

const TrialAnswer = z
  .object({
    results: z.array(
      z.object({
        topic: z.string(),
        at: Instant.optional(),
        payload: AnyJson.optional(),
        output: AnyJson.optional(),
        outputBase64: z.string().optional(),
        noMatch: z.enum(['topic', 'where']).optional(),
        error: TrialFault.optional(),
        explain: Explanation.optional(),
      }),
    ),
    windows: z
      .array(
        z.object({
          start: Instant,
          end: Instant,
          group: z.array(AnyJson),
          matched: z.boolean(),
          output: AnyJson.optional(),
          error: TrialFault.optional(),
        }),
      )
      .optional()
      .meta({ description: 'Of a rule with windows: what they came to over these messages.' }),
    warnings: z.array(z.string()),
    error: TrialFault.optional().meta({ description: 'The rule cannot run: where it is wrong.' }),
    source: z.enum(['raw', 'rows']).optional().meta({
      description:
        'Of the last messages of a device: as they came, or made again of the rows that are stored.',
    }),
  })
  .meta({ id: 'RuleTrial' })

const Message = z
  .strictObject({
    topic: z.string().min(1).max(1_024).default('devices/device-1/telemetry'),
    payload: AnyJson.optional().meta({ description: 'The message as rules see it.' }),
    payloadText: z.string().optional().meta({ description: 'Bytes, for the codec of the device.' }),
    payloadBase64: z
      .base64()
      .optional()
      .meta({ description: 'Bytes, for the codec of the device.' }),
    contentType: z.string().max(256).default('application/json'),
    at: z.int().min(0).max(8.64e15).optional().meta({ description: 'Event time, epoch ms.' }),
  })
  .refine(
    ({ payload, payloadText, payloadBase64 }) =>
      [payload, payloadText, payloadBase64].filter((one) => one !== undefined).length === 1,
    'expected one of payload, payloadText and payloadBase64',
  )

const Trial = z
  .strictObject({
    sql: z.string(),
    sqlVersion: RuleSchema.shape.sqlVersion,
    group: RuleSchema.shape.group,
    lateness: RuleSchema.shape.lateness,
    messages: z.array(Message).max(MOST_TRIED).optional(),
    deviceId: z.string().optional(),
    last: z.int().min(1).max(MOST_LAST).default(MOST_LAST),
  })
  .refine(
    ({ messages, deviceId }) => (messages === undefined) !== (deviceId === undefined),
    'expected messages, or deviceId',
  )
  .meta({ id: 'RuleTrialRequest' })

/** A message of a device, as it came. */
export interface RecentMessage {
  readonly topic: string
  readonly payload: Uint8Array
  readonly contentType: string
  /** Epoch ms. */
  readonly receivedAt: number
}

export interface RulesApiOptions {
  readonly core: Core
  /** The last messages of a device, oldest first, where the host keeps some. */
  readonly recent?: ((deviceId: string) => readonly RecentMessage[]) | undefined
  /** How often each rule matched, where the host counts. */
  readonly matched?: (() => Readonly<Record<string, number>>) | undefined
  /** Whether a caller who is limited to groups may see a device. */
  readonly reaches: (caller: Caller, deviceId: string) => Promise<boolean>
}

type Entry = NonNullable<Awaited<ReturnType<Core['rules']['get']>>>

/** The rules of the system, and what people change of them. */
export function ruleEndpoints({
  core,
  recent = () => [],
  matched = () => ({}),
  reaches,
}: RulesApiOptions): readonly Endpoint[] {
  const { rules, tryRule, ports } = core

  const changeOf = (context: Context, caller: Caller) => {
    const match = readIfMatch(context)
    return {
      by: caller.name ?? caller.id,
      check: (version: number) => checkMatch(match, version),
    }
  }

  function told(
    context: Context,
    { before, after, windows }: Awaited<ReturnType<typeof rules.enable>>,
    ruleId: string,
  ): object | undefined {
    context.set('change', {
      target: `rule/${ruleId}`,
      ...(before === undefined ? {} : { before: asJson(before) }),
      ...(after === undefined ? {} : { after: asJson(after) }),
    })
    if (after === undefined) return undefined
    if (after.version > 0) setEtag(context, after.version)
    return { ...viewOf(after, matched()), windows }
  }

  /** What the last messages of a device are: as they came where the host has them, else as their rows have it. */
  async function lastOf(deviceId: string, last: number) {
    await findDevice(ports, deviceId)
    const raw = recent(deviceId).slice(-last)
    if (raw.length > 0)
      return {
        source: 'raw' as const,
        messages: raw.map(({ topic, payload: bytes, contentType, receivedAt: at }) => {
          return { topic, deviceId, content: { bytes, contentType }, at }
        }),
      }
    const query = { from: 0, to: 8.64e15, limit: last, descending: true }
    const rows = await ports.telemetry.range(deviceId, query)
    return {
      source: 'rows' as const,
      messages: rows.toReversed().map(({ at, metrics }) => {
        const topic = `devices/${deviceId}/telemetry`
        return { topic, deviceId, content: { body: bodyOfMetrics(metrics) }, at }
      }),
    }
  }

  return [
    endpoint({
      method: 'get',
      path: '/rules',
      operation: 'listRules',
      tag: 'Rules',
      summary: 'Rules in the order of their ids.',
      needs: 'rules:read',
      query: z.strictObject({ limit: limit(1_000, 10_000), after: After }),
      answer: z.object({ rules: z.array(Rule), next: z.string().optional() }),
      async handle({ query: { limit, after = '' } }) {
        const all = await rules.list()
        const rest = all.filter(({ ruleId }) => ruleId > after)
        const page = rest.slice(0, limit)
        const next = rest.length > page.length ? page.at(-1)?.ruleId : undefined
        const counts = matched()
        return {
          rules: page.map((entry) => viewOf(entry, counts)),
          ...(next === undefined ? {} : { next }),
        }
      },
    }),
    endpoint({
      method: 'get',
      path: '/rules/{ruleId}',
      operation: 'getRule',
      tag: 'Rules',
      summary: 'One rule.',
      needs: 'rules:read',
      params: RuleParams,
      answer: Rule,
      async handle({ context, params: { ruleId } }) {
        const entry = await rules.get(ruleId)
        if (entry === undefined)
          throw new CoreError('input.not_found', `there is no rule ${JSON.stringify(ruleId)}`)
        // What anyhub.yml says has no version: another one may say something else.
        if (entry.version > 0) setEtag(context, entry.version)
        return viewOf(entry, {})
      },
    }),
    endpoint({
      method: 'put',
      path: '/rules/{ruleId}',
      operation: 'putRule',
      tag: 'Rules',
      summary: 'Puts a rule in place of whatever has its id, and runs by it.',
      description:
        'As in anyhub.yml. What is wrong with it is answered with 422 and `errors`, in SQL with line and column; then nothing has changed.',
      needs: 'rules:write',
      params: RuleParams,
      body: RuleSchema,
      answer: ChangedRule,
      async handle({ context, caller, params: { ruleId }, body }) {
        const change = await rules.put(ruleId, body, changeOf(context, caller))
        if ('faults' in change) throw new RequestFault('body', change.faults, 422)
        return told(context, change, ruleId)
      },
    }),
    endpoint({
      method: 'patch',
      path: '/rules/{ruleId}',
      operation: 'switchRule',
      tag: 'Rules',
      summary: 'Switches a rule on or off.',
      needs: 'rules:write',
      params: RuleParams,
      body: z.strictObject({ enabled: z.boolean() }),
      answer: ChangedRule,
      handle: async ({ context, caller, params: { ruleId }, body: { enabled } }) =>
        told(context, await rules.enable(ruleId, enabled, changeOf(context, caller)), ruleId),
    }),
    endpoint({
      method: 'delete',
      path: '/rules/{ruleId}',
      operation: 'deleteRule',
      tag: 'Rules',
      summary: 'Takes back what was changed: the rule is as anyhub.yml says, or gone.',
      description: 'Answers with the rule where anyhub.yml has one, else with 204.',
      needs: 'rules:write',
      params: RuleParams,
      answer: ChangedRule,
      handle: async ({ context, caller, params: { ruleId } }) =>
        told(context, await rules.remove(ruleId, changeOf(context, caller)), ruleId),
    }),
    endpoint({
      method: 'post',
      path: '/rules/test',
      operation: 'testRule',
      tag: 'Rules',
      summary:
        'Tries SQL on messages, or on the last ones of a device, and shows how it came to that.',
      description:
        'Nothing is stored or sent. What is wrong with the SQL is answered with 200 and `error`, with line and column, so that an editor can show it. For the messages of a device one needs `telemetry:read`, too.',
      needs: 'rules:read',
      byGroups: true,
      idempotent: false,
      body: Trial,
      maxBytes: MAX_TRIAL_BYTES,
      answer: TrialAnswer,
      async handle({ caller, body: { messages, deviceId, last, ...rule } }) {
        if (deviceId === undefined) return tryRule(rule, (messages ?? []).map(toTrial))
        if (
          !caller.scopes.has('telemetry:read') ||
          (caller.groups !== undefined && !(await reaches(caller, deviceId)))
        )
          throw new CoreError(
            'access.forbidden',
            'expected a caller with telemetry:read on this device',
          )
        const found = await lastOf(deviceId, last)
        return { ...tryRule(rule, found.messages), source: found.source }
      },
    }),
  ]
}

function viewOf(entry: Entry, counts: Readonly<Record<string, number>>): z.output<typeof Rule> {
  const { ruleId, rule, source, declared, version, changedAt, changedBy, faults } = entry
  const { description, errorAction, lateness, sql, sqlVersion, enabled, group, actions } = rule
  const matched = Object.hasOwn(counts, ruleId) ? counts[ruleId] : undefined
  return {
    id: ruleId,
    ...(description === undefined ? {} : { description }),
    sql,
    sqlVersion,
    enabled,
    group,
    lateness: writeDuration(lateness),
    actions,
    ...(errorAction === undefined ? {} : { errorAction }),
    source,
    declared,
    version,
    ...(changedAt === undefined ? {} : { changedAt }),
    ...(changedBy === undefined ? {} : { changedBy }),
    ...(matched === undefined ? {} : { matched }),
    ...(faults.length === 0
      ? {}
      : {
          faults: new RequestFault(
            'body',
            faults.map((fault) => ({ ...fault, path: fault.path.slice(2) })),
          ).faults.map(({ in: _, ...fault }) => fault),
        }),
  }
}

/** For the audit log. */
function asJson(entry: Entry): JsonObject {
  const made: Json = JSON.parse(JSON.stringify(viewOf(entry, {})))
  return isJsonObject(made) ? made : {}
}

function toTrial({
  topic,
  payload,
  payloadText,
  payloadBase64,
  contentType,
  at,
}: z.output<typeof Message>) {
  const deviceId = deviceOf(topic)
  if (payloadText === undefined && payloadBase64 === undefined)
    return { topic, deviceId, content: { body: payload ?? null }, at }
  const bytes =
    payloadText === undefined
      ? Uint8Array.from(atob(payloadBase64 ?? ''), (char) => char.charCodeAt(0))
      : new TextEncoder().encode(payloadText)
  return { topic, deviceId, content: { bytes, contentType }, at }
}

/** Whose codec reads the bytes of a topic: that of the device it names, else that of any. */
function deviceOf(topic: string): string {
  const named = /^\/?devices\/([^/]+)\//.exec(topic)?.[1]
  return named !== undefined && isDeviceId(named) ? named : 'device-1'
}

/** The metrics of a row as a message: names joined with dots become objects again. */
export function bodyOfMetrics(metrics: Readonly<Record<string, Json>>): JsonObject {
  const body: Record<string, Json> = {}
  for (const [name, value] of Object.entries(metrics)) place(body, name.split('.'), value)
  return body
}

function place(
  into: Record<string, Json>,
  [first = '', ...rest]: readonly string[],
  value: Json,
): void {
  const there = Object.hasOwn(into, first) ? into[first] : undefined
  const inner: Record<string, Json> = { ...(isJsonObject(there) ? there : undefined) }
  if (rest.length > 0) place(inner, rest, value)
  // A name such as __proto__ is one of theirs, too.
  Object.defineProperty(into, first, {
    value: rest.length === 0 ? value : inner,
    enumerable: true,
    configurable: true,
    writable: true,
  })
}
