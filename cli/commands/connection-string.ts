import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { CoreError, type JsonObject } from '../../core/index.ts'
import { readFlags } from '../flags.ts'
import { openRemote, REMOTE_FLAGS, type Remote } from '../remote.ts'
import { type Command, wrongUse } from '../terminal.ts'

const TRANSPORTS = ['mqtt', 'amqp', 'https'] as const

/** `anyhub connection-string`: what SDKs of Azure are configured with. */
export const connectionString: Command = {
  name: 'connection-string',
  summary: 'print what SDKs of Azure IoT Hub and Event Hubs are configured with',
  usage: `anyhub connection-string device ID [--transport mqtt | amqp | https]
       anyhub connection-string service [--transport amqp | https]
       anyhub connection-string event-hubs
       [--ca FILE] [--url URL] [--token TOKEN] [--data FOLDER] [--json]

  Without --transport a device gets that of MQTT, a service that of AMQP. It holds a secret: the key of the device, or the
  admin's token. --ca writes what clients of this cloud have to trust (NODE_EXTRA_CA_CERTS, or the option "ca" of the SDK).`,
  async run(args, terminal) {
    const { values, switches, positionals } = readFlags(args, {
      values: [...REMOTE_FLAGS, 'transport', 'ca'],
      switches: ['json'],
    })
    const [of, id, ...rest] = positionals
    const isDevice = of === 'device'
    if (
      rest.length > 0 ||
      !(isDevice || of === 'service' || of === 'event-hubs') ||
      isDevice !== (id !== undefined)
    )
      throw wrongUse(
        `expected device ID, service or event-hubs, found ${JSON.stringify(positionals.join(' '))}`,
      )
    const given = values['transport']
    if (given !== undefined && !TRANSPORTS.some((one) => one === given))
      throw wrongUse(`--transport: expected ${TRANSPORTS.join(', ')}, found ${given}`)
    const transport = of === 'event-hubs' ? 'eventHubs' : (given ?? (isDevice ? 'mqtt' : 'amqp'))
    const remote = openRemote(values, terminal)
    const strings = await askStrings(remote, isDevice ? id : undefined)
    const text = strings[transport]
    if (typeof text !== 'string')
      throw new CoreError(
        'input.not_found',
        `this cloud has no listener for ${transport === 'eventHubs' ? 'event-hubs' : transport}; its connection strings: ${Object.keys(
          strings,
        )
          .filter((name) => name !== 'authority')
          .join(', ')}`,
      )
    const { authority } = strings
    if (values['ca'] !== undefined && typeof authority === 'string')
      writeFileSync(resolve(terminal.cwd, values['ca']), authority)
    terminal.out(
      switches.has('json') ? `${JSON.stringify({ connectionString: text })}\n` : `${text}\n`,
    )
    return 0
  },
}

/** By transport: of a device, or of back ends. */
export function askStrings(remote: Remote, deviceId: string | undefined): Promise<JsonObject> {
  const query = deviceId === undefined ? '' : `?device=${encodeURIComponent(deviceId)}`
  return remote.call('GET', `/registry/connection-strings${query}`)
}
