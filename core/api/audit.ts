import type { Context } from 'hono'
import * as z from 'zod'
import type { Caller } from '../access/index.ts'
import type { Access } from '../create-access.ts'
import { type Endpoint, endpoint } from './endpoint.ts'
import type { Guards } from './mount.ts'
import { After, AnyJson, Instant, limit } from './schemas.ts'
import type { Who } from './who.ts'

const EntryView = z
  .object({
    id: z.string(),
    at: Instant,
    actor: z.object({ kind: z.string(), id: z.string(), name: z.string().optional() }),
    operation: z.string(),
    target: z.string(),
    method: z.string(),
    path: z.string(),
    status: z.int(),
    before: AnyJson.optional(),
    after: AnyJson.optional(),
    remote: z.string().optional(),
  })
  .meta({ id: 'AuditEntry' })

/** Who changed what. */
export function auditEndpoints({ audit }: Pick<Access, 'audit'>): readonly Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/audit',
      operation: 'listAudit',
      tag: 'Access',
      summary: 'Who changed what, newest first.',
      description:
        'A page may be shorter than its limit where few entries fit; there is more as long as there is `next`.',
      needs: 'audit:read',
      query: z.strictObject({
        limit: limit(50, 500),
        after: After,
        actor: z.string().max(256).optional().meta({ description: 'Only by this id.' }),
        target: z.string().max(512).optional().meta({
          description: 'Only this and what is below it: `device/fridge-1`.',
        }),
      }),
      answer: z.object({ entries: z.array(EntryView), next: z.string().optional() }),
      handle: ({ query: { limit, after = '', actor, target } }) =>
        audit.list({ limit, after, actor, target }),
    }),
  ]
}

/** Messages of devices are no changes that people make. */
const NOT_CHANGES: ReadonlySet<string> = new Set(['telemetry:write'])

/** Writes every change that was made into the log, after it was made. */
export function recordChanges(
  audit: Pick<Access['audit'], 'record'>,
  factsOf: Who['factsOf'] = () => ({}),
): NonNullable<Guards['around']> {
  return async (one, caller, context, _body, handle) => {
    const answer = await handle()
    const change = context.get('change')
    if (answer.status >= 400 || (change === undefined && !isChange(one, caller))) return answer
    const { kind, id, name } = context.get('caller') ?? caller
    const { method, path } = context.req
    const { remote } = factsOf(context.req.raw)
    await audit.record({
      actor: { kind, id, ...(name === undefined ? {} : { name }) },
      operation: one.operation,
      target: change?.target ?? targetOf(one.path, context),
      method,
      path,
      status: answer.status,
      ...(change?.before === undefined ? {} : { before: change.before }),
      ...(change?.after === undefined ? {} : { after: change.after }),
      ...(remote === undefined ? {} : { remote }),
    })
    return answer
  }
}

function isChange({ method, needs }: Endpoint, { kind }: Caller): boolean {
  return (
    method !== 'get' && kind !== 'device' && needs.endsWith(':write') && !NOT_CHANGES.has(needs)
  )
}

/** What stands in the path: `/devices/{deviceId}/shadow` is about `device/fridge-1`. */
function targetOf(path: string, context: Context): string {
  const parts = path.split('/').slice(1)
  const named = parts.flatMap((part, at) => {
    const name = /^\{(\w+)\}$/.exec(parts[at + 1] ?? '')?.[1]
    return name === undefined ? [] : [`${singular(part)}/${context.req.param(name) ?? ''}`]
  })
  return named.length === 0 ? singular(parts[0] ?? '') : named.join('/')
}

function singular(word: string): string {
  return word.replace(/ies$/, 'y').replace(/s$/, '')
}
