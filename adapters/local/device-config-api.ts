import { Hono } from 'hono'
import { problem, readBody } from '../../core/api/index.ts'
import { CoreError, isDeviceId, type JsonObject } from '../../core/index.ts'
import { type ConfigDesk, type DeviceConfig, MAX_CONFIG_BYTES } from './dialects/google-config.ts'
import type { StateDesk } from './dialects/google-state.ts'

export interface DeviceConfigApiOptions {
  readonly configs: ConfigDesk
  readonly states: StateDesk
  /** Whether the bearer token of a request is the admin's. */
  readonly isAdmin: (authorization: string | undefined) => boolean
}

/**
 * Builds `/devices/{id}/config` and `/devices/{id}/state`: what devices with the dialect of Google are to have and say
 * that they are, as bytes. A config is sent as the body of a PUT. All of it is for the admin.
 */
export function createDeviceConfigApi({ configs, states, isAdmin }: DeviceConfigApiOptions): Hono {
  const api = new Hono()
  api.use('/devices/:id/:what{config|state}', (context, next) => {
    if (!isAdmin(context.req.header('authorization'))) {
      const detail = "expected the admin's token: Authorization: Bearer …"
      const answer = problem(context, 401, 'unauthorized', detail)
      answer.headers.set('www-authenticate', 'Bearer')
      return Promise.resolve(answer)
    }
    if (!isDeviceId(context.req.param('id')))
      throw new CoreError('input.malformed', 'expected a device id')
    return next()
  })

  api.put('/devices/:id/config', async (context) => {
    const { bytes, complete } = await readBody(context.req.raw, MAX_CONFIG_BYTES)
    if (!complete)
      throw new CoreError('input.malformed', `expected at most ${MAX_CONFIG_BYTES} bytes`)
    return context.json(view(await configs.set(context.req.param('id'), bytes)))
  })

  api.get('/devices/:id/config', async (context) => {
    const versions = await configs.versions(context.req.param('id'))
    return context.json({ versions: versions.map(view) })
  })

  api.get('/devices/:id/state', async (context) => {
    const state = await states.last(context.req.param('id'))
    if (state === undefined)
      throw new CoreError('input.not_found', 'the device has told no state of this dialect')
    const { payload, updatedAt } = state
    return context.json({ updatedAt, binaryData: Buffer.from(payload).toString('base64') })
  })

  return api
}

function view({ version, payload, updatedAt, acknowledgedAt }: DeviceConfig): JsonObject {
  return {
    version,
    updatedAt,
    ...(acknowledgedAt === 0 ? {} : { acknowledgedAt }),
    binaryData: Buffer.from(payload).toString('base64'),
  }
}
