import type { Client } from 'azure-iothub/dist/client.js'
import { type CommandAck, CoreError } from '../../core/index.ts'

/** A message to a device. Source: IoT Hub, "Send cloud-to-device messages from an IoT hub". */
export interface DeviceBoundMessage {
  readonly messageId: string
  readonly payload: Uint8Array
  readonly ack: CommandAck
  readonly properties: Readonly<Record<string, string>>
  /** Epoch ms; the hub's own time to live unless given. */
  readonly expiresAt?: number
  readonly contentType?: string | undefined
  readonly correlationId?: string | undefined
}

/** The way to a device, on which messages wait for it. */
export interface DeviceBound {
  /**
   * Resolves when the hub has it.
   * @throws CoreError `input.not_found` if the hub knows no such device; `command.queue_full`, `command.too_large`,
   * `command.invalid`; `store.unavailable` for all that may pass.
   */
  send(deviceId: string, message: DeviceBoundMessage): Promise<void>
  close(): Promise<void>
}

export interface DeviceBoundOptions {
  readonly host: string
  /** A token of our identity for IoT Hub. */
  readonly token: () => Promise<string>
  /** In place of the identity. Shape: a connection string with a policy of the hub. */
  readonly connection: string | undefined
  /** Epoch ms. */
  readonly now: () => number
  /** Told of each message. */
  readonly onSend?: () => void
}

/** Tokens are good for so long at least. Source: adapters/azure/credentials.ts. Unit: ms. */
const TOKEN_MS = 300_000

const TIMEOUT_MS = 20_000
const CLOSE_MS = 2_000
const MAX_TRIES = 2

/**
 * Messages to devices by the vendor's client: the hub takes them over AMQP alone. It is loaded with the first message: most
 * runs send none.
 */
export function createDeviceBound(options: DeviceBoundOptions): DeviceBound {
  let opened: Promise<Client> | undefined

  async function open(): Promise<Client> {
    const { Client } = await import('azure-iothub/dist/client.js')
    const { default: errors } = await import('azure-iothub/dist/common-amqp/amqp_common_errors.js')
    // It never ends for an error that names itself as its cause, as that of a connection which was cut does: it would end
    // the process. Source: azure-iothub 1.16.6.
    Object.defineProperty(errors, 'getErrorName', { value: String })
    const { host, connection, token, now } = options
    const client =
      connection === undefined
        ? Client.fromTokenCredential(host, {
            getToken: async () => ({
              token: await token(),
              expiresOnTimestamp: now() + TOKEN_MS,
            }),
          })
        : Client.fromConnectionString(connection)
    // The patience of the client, four minutes, is longer than that of a function.
    client.setRetryPolicy({ shouldRetry: () => false, nextRetryTimeout: () => 0 })
    client.on('disconnect', () => {
      opened = undefined
    })
    await client.open()
    return client
  }

  function connection(): Promise<Client> {
    if (opened === undefined) {
      opened = open()
      opened.catch(() => {
        opened = undefined
      })
    }
    return opened
  }

  async function sendOnce(deviceId: string, message: DeviceBoundMessage): Promise<void> {
    const client = await connection()
    await client.send(deviceId, await toMessage(message))
  }

  return {
    async send(deviceId, message) {
      options.onSend?.()
      for (let tries = 1; ; tries++) {
        try {
          await within(TIMEOUT_MS, sendOnce(deviceId, message))
          return
        } catch (error) {
          const fault = toFault(deviceId, error)
          if (fault.code !== 'store.unavailable' || tries === MAX_TRIES) throw fault
          // A connection that was idle for long is closed by the other side: a new one may do. Its end may take long.
          void close()
        }
      }
    },
    close,
  }

  async function close(): Promise<void> {
    const was = opened
    opened = undefined
    const ended = was?.then((client) => client.close()) ?? Promise.resolve()
    await within(CLOSE_MS, ended).catch(() => undefined)
  }
}

async function toMessage(given: DeviceBoundMessage) {
  const { Message } = await import('azure-iothub/dist/common-core/message.js')
  // The client knows messages by the name of their class, which a bundler changes.
  Object.defineProperty(Message, 'name', { value: 'Message' })
  const message = new Message(Buffer.from(given.payload))
  message.messageId = given.messageId
  if (given.ack !== 'none') message.ack = given.ack
  if (given.expiresAt !== undefined) message.expiryTimeUtc = given.expiresAt
  if (given.correlationId !== undefined) message.correlationId = given.correlationId
  // Its type allows application/json alone; the wire any.
  if (given.contentType !== undefined) Reflect.set(message, 'contentType', given.contentType)
  for (const [name, value] of Object.entries(given.properties)) message.properties.add(name, value)
  return message
}

/** Source: azure-iothub 1.16, names of its errors. */
function toFault(deviceId: string, error: unknown): CoreError {
  if (error instanceof CoreError) return error
  const { name, message } =
    error instanceof Error ? error : { name: 'Error', message: String(error) }
  const said = `${deviceId}: iothub: ${name}: ${message}`
  switch (name) {
    case 'DeviceNotFoundError':
      return new CoreError('input.not_found', said, { cause: error })
    case 'DeviceMaximumQueueDepthExceededError':
      return new CoreError('command.queue_full', said, { cause: error })
    case 'MessageTooLargeError':
      return new CoreError('command.too_large', said, { cause: error })
    case 'ArgumentError':
    case 'FormatError':
      return new CoreError('command.invalid', said, { cause: error })
    default:
      return new CoreError('store.unavailable', said, {
        cause: error,
        details: { service: 'iothub' },
      })
  }
}

async function within(ms: number, run: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new CoreError('store.unavailable', `iothub: no answer for ${ms} ms`))
    }, ms)
  })
  try {
    await Promise.race([run, late])
  } finally {
    clearTimeout(timer)
  }
}
