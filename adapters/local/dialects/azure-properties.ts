/** What a message of Azure IoT Hub carries beside its body, in either direction and over any transport. */
export interface AzureProperties {
  /** By the names of Azure: `messageId`, `contentType`, `iothub-creation-time-utc`, … */
  readonly system: Readonly<Record<string, string>>
  /** By the names that the sender chose. */
  readonly application: Readonly<Record<string, string>>
}

/**
 * System properties by their names in a property bag. What is not among them keeps the name that it came with.
 *
 * Source: Azure/azure-iot-sdk-node `mqtt.ts`, Azure/iotedge `mqttConfiguration.json`.
 */
const BAG_NAMES: ReadonlyMap<string, string> = new Map([
  ['$.mid', 'messageId'],
  ['$.cid', 'correlationId'],
  ['$.uid', 'userId'],
  ['$.ct', 'contentType'],
  ['$.ce', 'contentEncoding'],
  ['$.to', 'to'],
  ['$.exp', 'expiryTimeUtc'],
  ['$.ctime', 'iothub-creation-time-utc'],
  ['$.on', 'iothub-outputname'],
  ['$.ifid', 'iothub-interface-id'],
  ['$.sub', 'dt-subject'],
])

const BAG_KEYS: ReadonlyMap<string, string> = new Map(
  [...BAG_NAMES].map(([key, name]): [string, string] => [name, key]),
)

/** More than any device sends; a topic has room for thousands. */
const MAX_PROPERTIES = 500

/**
 * Reads a property bag: `name=value` or `name`, URL-encoded, with `&` between them. The last of one name counts.
 *
 * Result: `undefined` if the bag is malformed.
 * Source: learn.microsoft.com, iot-mqtt-connect-to-iot-hub, "Send device-to-cloud messages".
 */
export function readPropertyBag(bag: string): AzureProperties | undefined {
  const system: [string, string][] = []
  const application: [string, string][] = []
  if (bag === '') return NO_PROPERTIES
  for (const part of bag.split('&')) {
    if (part === '') continue
    const end = part.indexOf('=')
    const key = decode(end < 0 ? part : part.slice(0, end))
    const value = end < 0 ? '' : decode(part.slice(end + 1))
    if (key === undefined || key === '' || value === undefined) return undefined
    if (key.startsWith('$.')) system.push([BAG_NAMES.get(key) ?? key, value])
    else application.push([key, value])
  }
  if (system.length + application.length > MAX_PROPERTIES) return undefined
  return { system: Object.fromEntries(system), application: Object.fromEntries(application) }
}

/** Writes a property bag. System properties that a bag has no name for are left out. */
export function writePropertyBag({ system, application }: AzureProperties): string {
  const parts: string[] = []
  for (const [name, value] of Object.entries(system)) {
    const key =
      BAG_KEYS.get(name) ?? (name.startsWith('$.') || name.startsWith('iothub-') ? name : undefined)
    if (key !== undefined) parts.push(`${encode(key)}=${encode(value)}`)
  }
  for (const [name, value] of Object.entries(application))
    parts.push(`${encode(name)}=${encode(value)}`)
  return parts.join('&')
}

export const NO_PROPERTIES: AzureProperties = { system: {}, application: {} }

/** Total: half a character, which JSON may hold, has no UTF-8 and becomes U+FFFD. */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed())
}

function decode(text: string): string | undefined {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
