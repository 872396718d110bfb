// What the addresses of links mean. Source: ../shared/reference/wire-formats.md; Azure/azure-iot-sdk-node `endpoint.ts`.

/** What a link is for. */
export type AmqpAddress =
  | { readonly kind: 'cbs' }
  | { readonly kind: 'device'; readonly deviceId: string; readonly part: DevicePart }
  /** A module of a device, which there are none of here. */
  | { readonly kind: 'module' }
  | { readonly kind: 'service'; readonly part: ServicePart }
  | { readonly kind: 'management'; readonly hub: string }
  | {
      readonly kind: 'partition'
      readonly hub: string
      readonly group: string
      readonly partition: string
    }
  /** Where producers of Event Hubs send to. */
  | { readonly kind: 'hub'; readonly hub: string }
  | { readonly kind: 'unknown' }

export type DevicePart = 'events' | 'devicebound' | 'twin' | 'methods'
export type ServicePart = 'devicebound' | 'feedback' | 'filenotifications'

const DEVICE_PARTS: Readonly<Record<string, DevicePart>> = {
  'messages/events': 'events',
  'messages/devicebound': 'devicebound',
  twin: 'twin',
  'methods/devicebound': 'methods',
}

const SERVICE_PARTS: Readonly<Record<string, ServicePart>> = {
  'messages/devicebound': 'devicebound',
  'messages/servicebound/feedback': 'feedback',
  'messages/servicebound/filenotifications': 'filenotifications',
}

/** Reads the address of a link. Total. */
export function readAddress(address: string): AmqpAddress {
  const path = address
    .replace(/^amqps?:\/\/[^/]*/i, '')
    .replace(/^\/+/, '')
    .replace(/\/+$/, '')
  if (path === '$cbs') return { kind: 'cbs' }
  const lower = path.toLowerCase()
  const service = Object.hasOwn(SERVICE_PARTS, lower) ? SERVICE_PARTS[lower] : undefined
  if (service !== undefined) return { kind: 'service', part: service }
  const device = /^devices\/([^/]+)\/(.+)$/i.exec(path)
  if (device !== null) return readDeviceAddress(device[1] ?? '', device[2] ?? '')
  const management = /^(?:(.+)\/)?\$management$/i.exec(path)
  if (management !== null) return { kind: 'management', hub: management[1] ?? '' }
  const partition = /^(.+)\/ConsumerGroups\/([^/]+)\/Partitions\/([^/]+)$/i.exec(path)
  if (partition !== null) {
    return {
      kind: 'partition',
      hub: partition[1] ?? '',
      group: partition[2] ?? '',
      partition: partition[3] ?? '',
    }
  }
  const hub = /^([^$][^$]*?)(?:\/Partitions\/[^/]+)?$/i.exec(path)
  return hub === null ? { kind: 'unknown' } : { kind: 'hub', hub: hub[1] ?? '' }
}

function readDeviceAddress(rawId: string, rest: string): AmqpAddress {
  if (/^modules\//i.test(rest)) return { kind: 'module' }
  const lower = rest.toLowerCase()
  const part = Object.hasOwn(DEVICE_PARTS, lower) ? DEVICE_PARTS[lower] : undefined
  const deviceId = decode(rawId)
  if (part === undefined || deviceId === undefined) return { kind: 'unknown' }
  return { kind: 'device', deviceId, part }
}

/** The device that a message is addressed to: `/devices/{id}/messages/devicebound`. */
export function deviceOfAddress(to: string): string | undefined {
  const found = readAddress(to)
  return found.kind === 'device' && found.part === 'devicebound' ? found.deviceId : undefined
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
