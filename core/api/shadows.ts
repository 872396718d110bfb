import type { Context } from 'hono'
import * as z from 'zod'
import type { Core } from '../create-core.ts'
import { CoreError } from '../errors.ts'
import type { ShadowInput } from '../model/input.ts'
import { isJsonObject, type JsonObject } from '../model/json.ts'
import { explainDelta, isAlive } from '../shadow/index.ts'
import { type Endpoint, endpoint } from './endpoint.ts'
import { readIfMatch, setEtag } from './etag.ts'
import { findDevice } from './find-device.ts'
import { problem } from './problem.ts'
import { readBody } from './read-body.ts'
import { AnyJson, AnyObject, DeviceParams, Instant, Switch, whole } from './schemas.ts'
import { wantedVersion, withVersion } from './shadow-match.ts'

/** How far ahead a desired value may expire. Unit: s. */
const MAX_EXPIRES_IN_S = 3_155_760_000

const Name = z
  .string()
  .default('')
  .meta({ description: 'Name of the shadow; the classic one unless given.' })

const SectionChange = z.object({
  patch: AnyObject.optional().meta({ description: 'A merge patch (RFC 7396).' }),
  names: z.array(z.string()).optional().meta({ description: 'Of a long patch the first names.' }),
})

const Entry = z
  .object({
    at: Instant,
    version: z.int(),
    by: z.string().optional(),
    desired: SectionChange.optional(),
    reported: SectionChange.optional(),
    deleted: z.literal(true).optional(),
  })
  .meta({ id: 'ShadowChange' })

const ShadowState = z.object({
  desired: AnyObject.nullish(),
  reported: AnyObject.nullish(),
  delta: AnyObject.optional(),
})

const ShadowView = z
  .object({
    state: ShadowState,
    metadata: AnyObject,
    version: z.int().meta({ description: 'It is the ETag.' }),
    timestamp: z.int().meta({ description: 'Epoch seconds.' }),
    clientToken: z.string().optional(),
  })
  .meta({ id: 'Shadow' })

const ShadowUpdateView = z
  .object({
    state: ShadowState,
    metadata: AnyObject,
    version: z.int(),
    timestamp: z.int().meta({ description: 'Epoch seconds.' }),
    clientToken: z.string().optional(),
  })
  .meta({ id: 'ShadowUpdate', description: 'What was changed.' })

const Seconds = z.number().optional().meta({ description: 'Epoch seconds.' })

const DeltaLeafView = z
  .object({
    pointer: z.string(),
    desired: AnyJson,
    wantedSince: Seconds,
    wantedBy: z.string().optional(),
    expiresAt: Seconds,
    reported: AnyJson.optional(),
    reportedAt: Seconds,
  })
  .meta({ id: 'DeltaLeaf' })

/** What devices shall be, and what they say that they are. */
export function shadowEndpoints({ ports, gate, program }: Core): readonly Endpoint[] {
  async function answer(
    context: Context,
    deviceId: string,
    request: Omit<ShadowInput, 'kind' | 'at'>,
  ): Promise<Response | JsonObject> {
    const [result] = await gate.run(deviceId, [
      { kind: 'shadow', at: ports.clock.now(), ...request },
    ])
    if (result?.status === 'refused') throw new CoreError(result.code, result.message)
    if (result?.status !== 'answered')
      throw new CoreError('shadow.bad_request', 'expected an answer, found none')
    const { accepted, body } = result
    if (!isJsonObject(body)) throw new CoreError('shadow.bad_request', 'expected an object')
    if (!accepted) return refusal(context, body)
    if (typeof body['version'] === 'number') setEtag(context, body['version'])
    return body
  }

  /** The version that has to be there; `undefined` if any will do. */
  async function versionFor(
    context: Context,
    deviceId: string,
    name: string,
  ): Promise<number | undefined> {
    const match = readIfMatch(context)
    if (match === undefined) return undefined
    const shadows = (await ports.devices.load(deviceId))?.shadows ?? {}
    const shadow = Object.hasOwn(shadows, name) ? shadows[name] : undefined
    const version = wantedVersion(match, isAlive(shadow) ? shadow.version : undefined)
    if (version !== undefined) return version
    throw new CoreError('input.precondition_failed', 'expected another version of the shadow', {
      details: isAlive(shadow) ? { version: shadow.version } : {},
    })
  }

  return [
    endpoint({
      method: 'get',
      path: '/devices/{deviceId}/shadow',
      operation: 'getShadow',
      tag: 'Shadows',
      summary: 'A shadow: desired, reported, delta and their times.',
      needs: 'shadows:read',
      params: DeviceParams,
      query: z.strictObject({ name: Name }),
      answer: ShadowView,
      async handle({ context, params, query: { name } }) {
        const { deviceId } = await findDevice(ports, params.deviceId)
        return answer(context, deviceId, { operation: 'get', name, body: '' })
      },
    }),
    endpoint({
      method: 'get',
      path: '/devices/{deviceId}/shadow/delta',
      operation: 'explainShadow',
      tag: 'Shadows',
      summary: 'Why a device is not yet what it shall be.',
      needs: 'shadows:read',
      params: DeviceParams,
      query: z.strictObject({ name: Name }),
      answer: z.object({ version: z.int(), delta: z.array(DeltaLeafView) }),
      async handle({ params, query: { name } }) {
        const { shadows } = await findDevice(ports, params.deviceId)
        const shadow = Object.hasOwn(shadows, name) ? shadows[name] : undefined
        if (!isAlive(shadow))
          throw new CoreError('shadow.not_found', `no shadow has the name ${JSON.stringify(name)}`)
        return { version: shadow.version, delta: explainDelta(shadow) }
      },
    }),
    endpoint({
      method: 'get',
      path: '/devices/{deviceId}/shadow/history',
      operation: 'listShadowChanges',
      tag: 'Shadows',
      summary: 'What changed in a shadow lately, the newest first.',
      description:
        'The last 20 changes of all shadows of the device are kept. Measured values that are reported are telemetry, and no changes.',
      needs: 'shadows:read',
      params: DeviceParams,
      query: z.strictObject({ name: Name }),
      answer: z.object({ entries: z.array(Entry) }),
      async handle({ params, query: { name } }) {
        const { shadowLog = [] } = await findDevice(ports, params.deviceId)
        const entries = shadowLog
          .filter((change) => change.name === name)
          .map(({ name: _, at, ...change }) => ({ at: at * 1_000, ...change }))
        return { entries: entries.toReversed() }
      },
    }),
    endpoint({
      method: 'get',
      path: '/devices/{deviceId}/shadows',
      operation: 'listShadows',
      tag: 'Shadows',
      summary: 'The shadows that a device has.',
      needs: 'shadows:read',
      params: DeviceParams,
      answer: z.object({
        shadows: z.array(
          z.object({
            name: z.string().meta({ description: 'Empty: the classic one.' }),
            version: z.int(),
            updatedAt: Instant,
          }),
        ),
      }),
      async handle({ params }) {
        const { shadows } = await findDevice(ports, params.deviceId)
        return {
          shadows: Object.entries(shadows)
            .filter(([, document]) => isAlive(document))
            .map(([name, { version, updatedAt }]) => ({
              name,
              version,
              updatedAt: updatedAt * 1_000,
            })),
        }
      },
    }),
    endpoint({
      method: 'patch',
      path: '/devices/{deviceId}/shadow',
      operation: 'patchShadow',
      tag: 'Shadows',
      summary: 'Changes what a device shall be.',
      needs: 'shadows:write',
      params: DeviceParams,
      query: z.strictObject({
        name: Name,
        once: Switch.default(false),
        expiresIn: whole(0, MAX_EXPIRES_IN_S).optional().meta({ description: 'Seconds.' }),
      }),
      description:
        'With `If-Match` only if nobody else changed it since; else the answer is 412, and nothing is changed.',
      raw: ['application/json'],
      answer: ShadowUpdateView,
      async handle({
        context,
        caller,
        params: { deviceId },
        query: { name, once, expiresIn = 0 },
      }) {
        const limit = program.config.limits.bodyBytes
        const body = await readBody(context.req.raw, limit)
        if (!body.complete)
          throw new CoreError('input.too_large', `expected a body of at most ${limit} bytes`)
        const version = await versionFor(context, deviceId, name)
        const result = await answer(context, deviceId, {
          operation: 'update',
          name,
          body: version === undefined ? body.bytes : withVersion(body.bytes, version),
          by: caller.id,
          once,
          ...(expiresIn === 0 ? {} : { expiresAt: ports.clock.now() + expiresIn * 1_000 }),
        })
        if (version !== undefined && result instanceof Response && result.status === 409)
          throw new CoreError('input.precondition_failed', 'the shadow was changed meanwhile')
        if (!(result instanceof Response))
          context.set('change', {
            target: `device/${deviceId}/shadow${name === '' ? '' : `/${name}`}`,
            after: result,
          })
        return result
      },
    }),
  ]
}

const REFUSALS: Readonly<Record<number, string>> = {
  404: 'shadow.not_found',
  409: 'shadow.version_conflict',
  413: 'shadow.too_large',
  415: 'input.wrong_type',
}

/** What the shadow said no to, as a problem; its own words stay in it. */
function refusal(context: Context, body: JsonObject): Response {
  const { code, message } = body
  const status = code === 404 || code === 409 || code === 413 || code === 415 ? code : 400
  const detail = typeof message === 'string' ? message : 'expected another request'
  return problem(context, status, REFUSALS[status] ?? 'shadow.bad_request', detail, body)
}
