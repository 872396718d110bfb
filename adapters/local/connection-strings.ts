import * as z from 'zod'
import { type Endpoint, endpoint } from '../../core/api/index.ts'
import {
  type Clock,
  CoreError,
  isLive,
  type JsonObject,
  type RegisteredDevice,
} from '../../core/index.ts'
import { OWNER_POLICY, ownerKeyOf } from './identity.ts'

/** Ports of the TLS listeners; `undefined` where one is off. */
export interface TlsPorts {
  readonly mqtts: number | undefined
  readonly amqps: number | undefined
  readonly https: number | undefined
}

export interface ConnectionStringsOptions {
  readonly peek: (deviceId: string) => RegisteredDevice | undefined
  readonly adminToken: string
  readonly clock: Clock
  readonly ports: () => TlsPorts
  /** PEM of what clients of the TLS listeners trust; `undefined` while there is none. */
  readonly authority: () => string | undefined
}

/** What SDKs of Azure are configured with, as the admin gets it, and under `authority` what they have to trust. */
export interface ConnectionStrings {
  /**
   * Of a device, by transport.
   * @throws CoreError `input.not_found` if it is not registered or has no keys.
   */
  device(host: string, deviceId: string): JsonObject
  /** Of back ends, by transport, and of the Event Hubs endpoint. */
  service(host: string): JsonObject
}

/** The Event Hub that each cloud has. */
const EVENT_HUB = 'anyhub'

/** Connection strings as the portal of Azure shows them. */
export function createConnectionStrings({
  peek,
  adminToken,
  clock,
  ports,
  authority,
}: ConnectionStringsOptions): ConnectionStrings {
  function trusted(): JsonObject {
    const certificate = authority()
    return certificate === undefined ? {} : { authority: certificate }
  }

  return {
    device(host, deviceId) {
      const keys = keysOf(peek(deviceId), clock.now())
      if (keys === undefined)
        throw new CoreError(
          'input.not_found',
          `no device ${JSON.stringify(deviceId)} with keys is registered: "anyhub device add ${deviceId} --key", or rotate --key`,
        )
      const tail = `;DeviceId=${deviceId};SharedAccessKey=${keys.primary}`
      const { mqtts, amqps, https } = ports()
      return {
        ...stringOf('mqtt', host, mqtts, tail),
        ...stringOf('amqp', host, amqps, tail),
        ...stringOf('https', host, https, tail),
        ...trusted(),
      }
    },

    service(host) {
      const { amqps, https } = ports()
      const tail = `;SharedAccessKeyName=${OWNER_POLICY};SharedAccessKey=${ownerKeyOf(adminToken)}`
      return {
        ...stringOf('amqp', host, amqps, tail),
        ...stringOf('https', host, https, tail),
        ...(amqps === undefined
          ? {}
          : { eventHubs: `Endpoint=sb://${host}:${amqps}/${tail};EntityPath=${EVENT_HUB}` }),
        ...trusted(),
      }
    },
  }
}

function stringOf(name: string, host: string, port: number | undefined, tail: string): JsonObject {
  return port === undefined ? {} : { [name]: `HostName=${host}:${port}${tail}` }
}

/** The newest keys that still prove something. */
function keysOf(device: RegisteredDevice | undefined, now: number) {
  return device?.credentials.findLast((one) => one.keys !== undefined && isLive(one, now))?.keys
}

/** `/registry/connection-strings`: keys of the owner, so that whoever may make keys may have them. */
export function connectionStringsEndpoint(strings: ConnectionStrings): Endpoint {
  return endpoint({
    method: 'get',
    path: '/registry/connection-strings',
    operation: 'getConnectionStrings',
    tag: 'Registry',
    summary: 'What SDKs of Azure are configured with, of back ends or of one device.',
    needs: 'keys:write',
    query: z.strictObject({
      device: z
        .string()
        .optional()
        .meta({ description: 'Of this device; of back ends unless given.' }),
    }),
    answer: z
      .object({
        mqtt: z.string().optional(),
        amqp: z.string().optional(),
        https: z.string().optional(),
        eventHubs: z.string().optional(),
        authority: z.string().optional().meta({ description: 'PEM of what has to be trusted.' }),
      })
      .meta({ id: 'ConnectionStrings' }),
    handle({ context, query: { device } }) {
      const host = new URL(context.req.url).hostname
      const named = host === '127.0.0.1' ? 'localhost' : host
      return device === undefined ? strings.service(named) : strings.device(named, device)
    },
  })
}
