import type { ReceivedCommand } from '../../../core/index.ts'
import type { AzureProperties } from './azure-properties.ts'

/** The name of what a back end of Azure sends: a cloud-to-device message has none. */
export const UNNAMED_COMMAND = 'message'

/** The application property that tells an Azure device the name of a command that has one. */
export const COMMAND_NAME_PROPERTY = 'command'

/**
 * A command as a cloud-to-device message.
 * Source: learn.microsoft.com, iot-hub-devguide-messages-construct.
 */
export function toDeviceBound(deviceId: string, received: ReceivedCommand): AzureProperties {
  const { command, contentType, correlationId, properties } = received
  return {
    system: {
      messageId: command.commandId,
      to: `/devices/${encodeURIComponent(deviceId)}/messages/deviceBound`,
      expiryTimeUtc: new Date(command.expiresAt).toISOString(),
      ...(correlationId === undefined ? {} : { correlationId }),
      ...(contentType === undefined || contentType === '' ? {} : { contentType }),
    },
    application: {
      ...(command.name === UNNAMED_COMMAND ? {} : { [COMMAND_NAME_PROPERTY]: command.name }),
      ...properties,
      ...(command.ack === 'none' ? {} : { 'iothub-ack': command.ack }),
    },
  }
}
