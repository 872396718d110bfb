// The REST API: web Request in, web Response out, the same behind every cloud's HTTP entry.

import { OpenAPIHono } from '@hono/zod-openapi'
import * as z from 'zod'
import { ADMIN, ANONYMOUS } from '../access/index.ts'
import type { Core } from '../create-core.ts'
import { CoreError } from '../errors.ts'
import { createFleet } from '../fleet.ts'
import { alarmListEndpoints } from './alarm-list.ts'
import { alarmEndpoints } from './alarms.ts'
import { allowedMethods } from './allowed-methods.ts'
import { audienceEndpoints } from './audience.ts'
import { auditEndpoints, recordChanges } from './audit.ts'
import { commandEndpoints } from './commands.ts'
import { createCors } from './cors.ts'
import { deadLetterEndpoints } from './dead-letters.ts'
import { deliveryEndpoints } from './deliveries.ts'
import { deviceEndpoints } from './devices.ts'
import { docsEndpoints } from './docs/index.ts'
import { type Endpoint, endpoint } from './endpoint.ts'
import { groupEndpoints } from './groups.ts'
import { createIdempotency } from './idempotency.ts'
import { keyEndpoints } from './keys.ts'
import { liveEndpoints } from './live.ts'
import type { LiveSource } from './live-source.ts'
import { createMeter } from './meter.ts'
import { type Guards, mount } from './mount.ts'
import { networkEndpoint } from './networks.ts'
import { notificationEndpoints } from './notifications.ts'
import { documentOf } from './openapi.ts'
import { notServed, problemOf } from './problem.ts'
import { RequestFault } from './request-fault.ts'
import { type RulesApiOptions, ruleEndpoints } from './rules.ts'
import { sessionEndpoints } from './session.ts'
import { shadowEndpoints } from './shadows.ts'
import { taskEndpoints } from './tasks.ts'
import { telemetryEndpoints } from './telemetry.ts'
import { exportEndpoints } from './telemetry-export.ts'
import type { IntakeOptions } from './telemetry-intake.ts'
import { seriesEndpoints } from './telemetry-series.ts'
import { createIdentifier, type Who } from './who.ts'

export { alarmEntry } from './alarm-list.ts'
export { allowedMethods } from './allowed-methods.ts'
export { createCors } from './cors.ts'
export { type Endpoint, endpoint } from './endpoint.ts'
export {
  type LiveEvent,
  type LiveItem,
  type LiveListener,
  type LiveSource,
  liveEvent,
} from './live-source.ts'
export { createOpenCheck } from './mount.ts'
export { type PageStore, pageEndpoints, pagePolicy } from './page.ts'
export { notServed, problem, problemOf } from './problem.ts'
export { type ReadBody, readBody } from './read-body.ts'
export { type RegistryOptions, registryEndpoints, type TwinTags } from './registry.ts'
export { MOST_LAST, type RecentMessage } from './rules.ts'
export { deviceSummary } from './views.ts'
export { type RequestFacts, shownBy, type Who } from './who.ts'

export interface ApiOptions extends IntakeOptions, Pick<RulesApiOptions, 'recent' | 'matched'> {
  /** Whether the bearer token of a request allows changes that people make; nobody's does unless given. */
  readonly isAdmin?: (authorization: string | undefined) => boolean
  /** Who may use it. Unless given: the admin by `isAdmin`, else anybody on this machine. */
  readonly who?: Who
  /** Who asks, where the host alone decides on that. */
  readonly identify?: Guards['identify']
  /** Whether networks without a secret take requests of anybody; they do not unless given. */
  readonly trustsNetworks?: boolean
  /** Where what happens is told at once; without it `/live` tells what changed since it was asked last. */
  readonly live?: LiveSource
  /** What this host serves besides. */
  readonly more?: readonly Endpoint[]
}

/** The API, and what it is made of. */
export interface Api extends OpenAPIHono {
  readonly endpoints: readonly Endpoint[]
}

/** Builds the API: what each endpoint is, needs and takes stands with the endpoint. */
export function createApi({
  core,
  add,
  isAdmin = () => false,
  who,
  identify = who === undefined ? byAdminToken(isAdmin) : createIdentifier(who),
  trustsNetworks = false,
  recent,
  matched,
  live,
  more = [],
}: ApiOptions): Api {
  const { ports } = core
  const api = new OpenAPIHono()
  const fleet = createFleet(ports, () => core.program)
  const { reaches } = fleet.groups
  api.onError((error, context) => {
    if (!(error instanceof CoreError || error instanceof RequestFault))
      ports.observer.log('error', 'request failed', {
        path: context.req.path,
        reason: error.message,
      })
    return problemOf(context, error)
  })
  const { origins } = core.program.config.api.cors
  if (origins.length > 0) api.use(createCors(origins))
  api.notFound((context) => notServed(context, allowedMethods(api, context.req.path)))

  const endpoints: readonly Endpoint[] = [
    ...systemEndpoints(api, () => endpoints),
    ...docsEndpoints(),
    ...deviceEndpoints(core, fleet),
    ...groupEndpoints(fleet),
    ...seriesEndpoints(core, fleet),
    ...exportEndpoints(core, fleet),
    ...taskEndpoints(core, fleet),
    ...telemetryEndpoints({ core, add }),
    ...shadowEndpoints(core),
    ...alarmEndpoints(core),
    ...alarmListEndpoints({ core, reaches }),
    ...ruleEndpoints({ core, recent, matched, reaches }),
    ...liveEndpoints({ core, source: live, reaches }),
    ...commandEndpoints(core),
    ...deadLetterEndpoints(core),
    ...deliveryEndpoints(core),
    ...notificationEndpoints(core),
    ...audienceEndpoints(core),
    networkEndpoint({ core, add, isAdmin: knowsAdmin(identify), trusting: trustsNetworks }),
    ...(who === undefined ? [] : accessEndpoints(core, who)),
    ...more,
  ]
  mount(api, endpoints, {
    identify,
    reaches,
    meter: createMeter(core.program.config.api.rateLimit, ports.clock, who?.factsOf),
    around: inside(
      createIdempotency(ports),
      who === undefined ? undefined : recordChanges(who.access.audit, who.factsOf),
    ),
  })
  return Object.assign(api, { endpoints })
}

/** What is done around a handler, and around that. */
function inside(
  outer: NonNullable<Guards['around']>,
  inner: Guards['around'],
): NonNullable<Guards['around']> {
  if (inner === undefined) return outer
  return (one, caller, context, bytes, handle) =>
    outer(one, caller, context, bytes, () => inner(one, caller, context, bytes, handle))
}

/** Whether the admin asks. What proves nothing is nobody's word here. */
function knowsAdmin(identify: Guards['identify']): (request: Request) => Promise<boolean> {
  return async (request) => {
    try {
      return (await identify(request))?.kind === 'admin'
    } catch (error) {
      if (error instanceof CoreError && !error.retryable) return false
      throw error
    }
  }
}

/** Who comes in, and what they changed. */
function accessEndpoints({ ports: { clock }, program }: Core, who: Who): readonly Endpoint[] {
  const { oidc: issuers } = program.config.access
  return [
    ...sessionEndpoints({ who, issuers, clock }),
    ...keyEndpoints(who.access, clock),
    ...auditEndpoints(who.access),
  ]
}

/** Whether it is there, and what it serves. */
function systemEndpoints(api: OpenAPIHono, all: () => readonly Endpoint[]): readonly Endpoint[] {
  let document: string | undefined
  return [
    endpoint({
      method: 'get',
      path: '/healthz',
      operation: 'getHealth',
      tag: 'System',
      summary: 'Whether it serves.',
      needs: 'open',
      answer: z.object({ status: z.literal('ok') }),
      handle: () => ({ status: 'ok' }),
    }),
    endpoint({
      method: 'get',
      path: '/openapi.json',
      operation: 'getDocument',
      tag: 'System',
      summary: 'This document.',
      needs: 'open',
      answer: z.record(z.string(), z.json()),
      handle({ context }) {
        document ??= JSON.stringify(documentOf(api, all()))
        return context.body(document, 200, { 'content-type': 'application/json' })
      },
    }),
  ]
}

function byAdminToken(isAdmin: NonNullable<ApiOptions['isAdmin']>): Guards['identify'] {
  return ({ headers }) => (isAdmin(headers.get('authorization') ?? undefined) ? ADMIN : ANONYMOUS)
}
