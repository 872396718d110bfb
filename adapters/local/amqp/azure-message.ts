import rhea from 'rhea'
import type { ReceivedCommand } from '../../../core/index.ts'
import { toDeviceBound } from '../dialects/azure-command.ts'
import type { AzureProperties } from '../dialects/azure-properties.ts'
import { type AmqpMessage, type AmqpOutgoing, textOf } from '../listeners/amqp/index.ts'

/** Annotations that devices may set, by the names of their properties. Source: wire of azure-iot-amqp-base 2.5. */
const ANNOTATIONS = ['iothub-interface-id', 'dt-subject']

/**
 * What a message says beside its body, in the words of Azure.
 * Source: learn.microsoft.com, iot-hub-devguide-messages-construct.
 */
export function readAzureProperties(message: AmqpMessage): AzureProperties {
  const system: [string, string][] = []
  const put = (name: string, value: string | undefined): void => {
    if (value !== undefined && value !== '') system.push([name, value])
  }
  put('messageId', message.messageId)
  put('correlationId', message.correlationId)
  put('userId', message.userId)
  put('contentType', message.contentType)
  put('contentEncoding', message.contentEncoding)
  for (const name of ANNOTATIONS) put(name, textOf(message.annotations[name]))
  const application: [string, string][] = []
  for (const [name, value] of Object.entries(message.applicationProperties)) {
    const text = value instanceof Date ? value.toISOString() : textOf(value)
    if (text === undefined) continue
    if (name === 'iothub-creation-time-utc') put(name, text)
    else application.push([name, text])
  }
  if (message.createdAt !== undefined && !system.some(([name]) => name === CREATED))
    put(CREATED, new Date(message.createdAt).toISOString())
  return { system: Object.fromEntries(system), application: Object.fromEntries(application) }
}

const CREATED = 'iothub-creation-time-utc'

/** A command as a device gets it. */
export function toCloudToDevice(deviceId: string, received: ReceivedCommand): AmqpOutgoing {
  const { command, payload, lockToken, deliveryCount } = received
  const { system, application } = toDeviceBound(deviceId, received)
  const { messageId, correlationId, contentType, to = '' } = system
  const { types } = rhea
  return {
    messageId,
    to,
    ...(correlationId === undefined ? {} : { correlationId }),
    ...(contentType === undefined ? {} : { contentType }),
    expiresAt: command.expiresAt,
    deliveryCount,
    applicationProperties: application,
    annotations: {
      'iothub-enqueuedtime': types.wrap_timestamp(command.enqueuedAt),
      'iothub-deliverycount': types.wrap_uint(deliveryCount),
      'x-opt-lock-token': lockToken,
    },
    body: payload,
  }
}
