import * as z from 'zod'
import { type Endpoint, endpoint, readBody } from '../../core/api/index.ts'
import { CoreError, isDeviceId, type JsonObject } from '../../core/index.ts'
import { type ConfigDesk, type DeviceConfig, MAX_CONFIG_BYTES } from './dialects/google-config.ts'
import type { StateDesk } from './dialects/google-state.ts'

export interface DeviceConfigOptions {
  readonly configs: ConfigDesk
  readonly states: StateDesk
}

const Params = z.strictObject({
  deviceId: z.string().refine(isDeviceId, 'expected a device id'),
})

const Instant = z.int().meta({ description: 'Epoch milliseconds.' })

const ConfigVersion = z
  .object({
    version: z.int(),
    updatedAt: Instant,
    acknowledgedAt: Instant.optional(),
    binaryData: z.string().meta({ description: 'Base64.' }),
  })
  .meta({ id: 'DeviceConfigVersion' })

/**
 * `/devices/{deviceId}/config` and `/devices/{deviceId}/state`: what devices with the dialect of Google are to have and
 * say that they are, as bytes. A config is sent as the body of a PUT.
 */
export function deviceConfigEndpoints({
  configs,
  states,
}: DeviceConfigOptions): readonly Endpoint[] {
  return [
    endpoint({
      method: 'put',
      path: '/devices/{deviceId}/config',
      operation: 'putDeviceConfig',
      tag: 'Shadows',
      summary: 'Sets what a device is to have, as bytes.',
      needs: 'shadows:write',
      params: Params,
      raw: ['application/octet-stream'],
      answer: ConfigVersion,
      async handle({ context, params: { deviceId } }) {
        const { bytes, complete } = await readBody(context.req.raw, MAX_CONFIG_BYTES)
        if (!complete)
          throw new CoreError('input.malformed', `expected at most ${MAX_CONFIG_BYTES} bytes`)
        const config = await configs.set(deviceId, bytes)
        context.set('change', {
          target: `device/${deviceId}/config`,
          after: { version: config.version, bytes: bytes.length },
        })
        return view(config)
      },
    }),
    endpoint({
      method: 'get',
      path: '/devices/{deviceId}/config',
      operation: 'listDeviceConfigs',
      tag: 'Shadows',
      summary: 'The last configs that were looked at, the newest first.',
      // What a config holds is between the back end and the device: keys, often.
      needs: 'shadows:write',
      params: Params,
      answer: z.object({ versions: z.array(ConfigVersion) }),
      async handle({ params: { deviceId } }) {
        const versions = await configs.versions(deviceId)
        return { versions: versions.map(view) }
      },
    }),
    endpoint({
      method: 'get',
      path: '/devices/{deviceId}/state',
      operation: 'getDeviceState',
      tag: 'Shadows',
      summary: 'What a device said last that it is, as bytes.',
      // What a config holds is between the back end and the device: keys, often.
      needs: 'shadows:write',
      params: Params,
      answer: z.object({ updatedAt: Instant, binaryData: z.string() }),
      async handle({ params: { deviceId } }) {
        const state = await states.last(deviceId)
        if (state === undefined)
          throw new CoreError('input.not_found', 'the device has told no state of this dialect')
        const { payload, updatedAt } = state
        return { updatedAt, binaryData: Buffer.from(payload).toString('base64') }
      },
    }),
  ]
}

function view({ version, payload, updatedAt, acknowledgedAt }: DeviceConfig): JsonObject {
  return {
    version,
    updatedAt,
    ...(acknowledgedAt === 0 ? {} : { acknowledgedAt }),
    binaryData: Buffer.from(payload).toString('base64'),
  }
}
