import type { TriggerContext } from '../../../adapters/azure/trigger.ts'

/** One message as Event Hubs hands it to the host, with what IoT Hub says of it. */
export interface HubMessage {
  readonly body: unknown
  readonly deviceId?: string
  /** `Telemetry` unless given. */
  readonly source?: string
  /** Epoch ms. */
  readonly at?: number
  readonly system?: Readonly<Record<string, unknown>>
  readonly properties?: Readonly<Record<string, unknown>>
}

let sequence = 0

/** Metadata of the trigger as the host sends it: keys of Event Hubs are large, those of AMQP small. */
export function hostMetadata(messages: readonly HubMessage[]): Record<string, unknown> {
  const first = sequence
  sequence += messages.length
  const at = messages.map((message) => message.at ?? Date.now())
  const iso = (index: number): string => new Date(at[index] ?? 0).toISOString()
  return {
    PartitionContext: {
      ConsumerGroupName: 'anyhub',
      EventHubPath: 'telemetry',
      PartitionId: '0',
      RuntimeInformation: { PartitionId: '0', LastSequenceNumber: 0 },
    },
    SequenceNumberArray: messages.map((_, index) => first + index),
    OffsetArray: messages.map((_, index) => String((first + index) * 64)),
    EnqueuedTimeUtcArray: messages.map((_, index) => iso(index)),
    PartitionKeyArray: messages.map(({ deviceId }) => deviceId ?? null),
    PropertiesArray: messages.map(({ properties }) => properties ?? {}),
    SystemPropertiesArray: messages.map(({ deviceId, source = 'Telemetry', system }, index) => ({
      ...(deviceId === undefined
        ? {}
        : {
            'iothub-connection-device-id': deviceId,
            'iothub-connection-auth-method':
              '{"scope":"device","type":"sas","issuer":"iothub","acceptingIpFilterRule":null}',
            'iothub-connection-auth-generation-id': '638000000000000000',
          }),
      'iothub-enqueuedtime': iso(index),
      'iothub-message-source': source,
      'x-opt-sequence-number': first + index,
      'x-opt-offset': String((first + index) * 64),
      'x-opt-enqueued-time': iso(index),
      ...system,
    })),
  }
}

/** What the handler is called with: the metadata as @azure/functions converts it. */
export function triggerOf(
  messages: readonly HubMessage[],
  more: Partial<TriggerContext> = {},
): [bodies: unknown[], context: TriggerContext] {
  return [
    messages.map(({ body }) => body),
    { triggerMetadata: lowerFirst(hostMetadata(messages)), ...more },
  ]
}

/** Source: @azure/functions 4, converters/toCamelCase: every key of every level. */
export function lowerFirst(metadata: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(metadata).map(([name, value]) => [
      name.charAt(0).toLowerCase() + name.slice(1),
      lowerValue(value),
    ]),
  )
}

function lowerValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lowerValue)
  if (typeof value !== 'object' || value === null) return value
  return lowerFirst(Object.fromEntries(Object.entries(value)))
}
