// Where commands and methods go over MQTT in the dialects that any client may speak.

/**
 * How a device takes commands. `plain`: PUBACK completes them. `execution` and `aws`: it says what became of each.
 */
export type CommandForm = 'plain' | 'execution' | 'aws'

/** What a device subscribed to, as far as commands and methods go. */
export type Wanted = CommandForm | 'methods'

/** What a client wants to take with a filter, if the filter is of the device that it is. */
export function wantedBy(filter: string, clientId: string): Wanted | undefined {
  const levels = filter.split('/')
  const [first, second, third, id] = levels
  if (first === 'devices' && second === clientId) {
    // Who asks for all that is his asks for commands in the form that every client can take.
    if (third === 'commands' || third === '#' || third === '+') return 'plain'
    if (third === 'executions') return 'execution'
    return third === 'methods' ? 'methods' : undefined
  }
  if (first !== '$aws' || second !== 'commands' || !isAwsTarget(third) || id !== clientId)
    return undefined
  if (levels[4] !== 'executions') return undefined
  // Filters for the answers to what the device reports ask for no command.
  const kind = levels[5] === '#' ? '#' : levels[6]
  return kind === 'request' || kind === '+' || kind === '#' ? 'aws' : undefined
}

/** A device speaks of a command that it holds, or answers a method. */
export type DeviceWord =
  | {
      readonly kind: 'settlement'
      readonly deviceId: string
      readonly commandId: string
      /** `report`: it stands in the body, in the words of AWS IoT commands. */
      readonly how: 'complete' | 'reject' | 'abandon' | 'report'
    }
  | {
      readonly kind: 'method_answer'
      readonly deviceId: string
      readonly requestId: string
      readonly status: number
    }

/**
 * Reads what stands behind `devices/{id}/`.
 *
 * Shape: `executions/{commandId}/{complete,reject,abandon}`; `methods/{requestId}/{status}`.
 */
export function readNativeWord(deviceId: string, rest: string): DeviceWord | undefined {
  const execution = /^executions\/([^/]+)\/(complete|reject|abandon)$/.exec(rest)
  const how = execution?.[2]
  const commandId = decoded(execution?.[1])
  if (commandId !== undefined && (how === 'complete' || how === 'reject' || how === 'abandon'))
    return { kind: 'settlement', deviceId, commandId, how }
  const method = /^methods\/([^/]+)\/(-?\d{1,9})$/.exec(rest)
  const requestId = method?.[1]
  if (requestId === undefined) return undefined
  return { kind: 'method_answer', deviceId, requestId, status: Number(method?.[2]) }
}

/**
 * Reads what a device of AWS says of a command.
 *
 * Shape:  `$aws/commands/{things,clients}/{id}/executions/{commandId}/response[/{format}]`.
 * Source: AWS IoT developer guide, reserved topics of commands.
 */
export function readAwsWord(topic: string): DeviceWord | undefined {
  const found =
    /^\$aws\/commands\/(?:things|clients)\/([^/]+)\/executions\/([^/]+)\/response(?:\/(?:json|cbor))?$/.exec(
      topic,
    )
  const deviceId = found?.[1]
  const commandId = decoded(found?.[2])
  if (deviceId === undefined || commandId === undefined) return undefined
  return { kind: 'settlement', deviceId, commandId, how: 'report' }
}

/** Where a command goes. Ids of commands may hold what a topic must not. */
export function commandTopic(
  form: CommandForm,
  { deviceId, commandId, name, contentType }: CommandFacts,
  target: 'things' | 'clients' = 'things',
): string {
  if (form === 'plain') return `devices/${deviceId}/commands/${name}`
  const id = encodeURIComponent(commandId)
  if (form === 'execution') return `devices/${deviceId}/executions/${id}/${name}`
  const format = awsFormat(contentType)
  return `$aws/commands/${target}/${deviceId}/executions/${id}/request${format === undefined ? '' : `/${format}`}`
}

export interface CommandFacts {
  readonly deviceId: string
  readonly commandId: string
  readonly name: string
  readonly contentType: string | undefined
}

/** Where the answer to a report goes: below the topic of the report, before its format. */
export function reportAnswerTopic(reportTopic: string, accepted: boolean): string {
  const format = /\/response(\/json|\/cbor)?$/.exec(reportTopic)?.[1] ?? ''
  const base = reportTopic.slice(0, reportTopic.length - format.length)
  return `${base}/${accepted ? 'accepted' : 'rejected'}${format}`
}

/** Where a device is asked to run a method. */
export function methodTopic(deviceId: string, name: string, requestId: string): string {
  return `devices/${deviceId}/methods/${name}/${requestId}`
}

function awsFormat(contentType: string | undefined): string | undefined {
  const type = contentType?.split(';')[0]?.trim().toLowerCase()
  return type === 'application/json' ? 'json' : type === 'application/cbor' ? 'cbor' : undefined
}

function isAwsTarget(level: string | undefined): boolean {
  return level === 'things' || level === 'clients'
}

/** `undefined` for what is not well encoded. */
function decoded(level: string | undefined): string | undefined {
  if (level === undefined) return undefined
  try {
    return decodeURIComponent(level)
  } catch {
    return undefined
  }
}
