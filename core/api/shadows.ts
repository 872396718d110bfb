import * as z from 'zod'
import type { Core } from '../create-core.ts'
import { CoreError } from '../errors.ts'
import type { ShadowInput } from '../model/input.ts'
import { explainDelta, isAlive } from '../shadow/index.ts'
import { type Endpoint, endpoint } from './endpoint.ts'
import { findDevice } from './find-device.ts'
import { readBody } from './read-body.ts'
import { AnyObject, DeviceParams, Instant, Switch, whole } from './schemas.ts'

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

/** What devices shall be, and what they say that they are. */
export function shadowEndpoints({ ports, gate, program }: Core): readonly Endpoint[] {
  async function answer(
    deviceId: string,
    request: Omit<ShadowInput, 'kind' | 'at'>,
  ): Promise<Response> {
    const [result] = await gate.run(deviceId, [
      { kind: 'shadow', at: ports.clock.now(), ...request },
    ])
    if (result?.status === 'refused') throw new CoreError(result.code, result.message)
    if (result?.status !== 'answered')
      throw new CoreError('shadow.bad_request', 'expected an answer, found none')
    return new Response(JSON.stringify(result.body), {
      status: result.accepted ? 200 : statusOf(result.body),
      headers: { 'content-type': 'application/json' },
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
      answer: AnyObject,
      async handle({ params, query: { name } }) {
        const { deviceId } = await findDevice(ports, params.deviceId)
        return answer(deviceId, { operation: 'get', name, body: '' })
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
      answer: AnyObject,
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
      raw: ['application/json'],
      answer: AnyObject,
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
        return answer(deviceId, {
          operation: 'update',
          name,
          body: body.bytes,
          by: caller.id,
          once,
          ...(expiresIn === 0 ? {} : { expiresAt: ports.clock.now() + expiresIn * 1_000 }),
        })
      },
    }),
  ]
}

function statusOf(body: unknown): number {
  if (typeof body !== 'object' || body === null || !('code' in body)) return 400
  return typeof body.code === 'number' && body.code >= 400 && body.code < 600 ? body.code : 400
}
