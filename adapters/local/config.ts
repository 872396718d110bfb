import { isIPv4 } from 'node:net'
import { CoreError } from '../../core/index.ts'

/** A port to listen on; 0 picks a free one, `undefined` leaves the listener out. */
export type PortSetting = number | undefined

/** Where the embedded cloud listens and keeps its data. */
export interface LocalSettings {
  readonly host: string
  readonly httpPort: PortSetting
  readonly httpsPort: PortSetting
  readonly mqttPort: PortSetting
  readonly mqttsPort: PortSetting
  readonly amqpsPort: PortSetting
  /** The data folder; it is created. */
  readonly data: string
  readonly durability: 'full' | 'normal'
}

/** Each setting: its flag, its environment variable, its default and a sentence for `--help`. */
export const LOCAL_SETTINGS = {
  host: { flag: 'host', env: 'ANYHUB_HOST', value: '127.0.0.1', help: 'address to listen on' },
  httpPort: {
    flag: 'http-port',
    env: 'ANYHUB_HTTP_PORT',
    value: '8080',
    help: 'HTTP: ingest, API, page, MQTT over WebSocket at /mqtt',
  },
  httpsPort: {
    flag: 'https-port',
    env: 'ANYHUB_HTTPS_PORT',
    value: 'off',
    help: 'HTTPS: not served yet',
  },
  mqttPort: { flag: 'mqtt-port', env: 'ANYHUB_MQTT_PORT', value: '1883', help: 'MQTT 3.1.1 and 5' },
  mqttsPort: {
    flag: 'mqtts-port',
    env: 'ANYHUB_MQTTS_PORT',
    value: 'off',
    help: 'MQTT over TLS: not served yet',
  },
  amqpsPort: {
    flag: 'amqps-port',
    env: 'ANYHUB_AMQPS_PORT',
    value: 'off',
    help: 'AMQP over TLS: not served yet',
  },
  data: { flag: 'data', env: 'ANYHUB_DATA', value: '.anyhub', help: 'data folder' },
  durability: {
    flag: 'durability',
    env: 'ANYHUB_DURABILITY',
    value: 'full',
    help: 'full: an acknowledged message survives a loss of power; normal: a crash of the process',
  },
} as const

type SettingName = keyof typeof LOCAL_SETTINGS

/**
 * Reads the settings: a flag wins over the environment, the environment over the default.
 * @throws CoreError `usage.wrong` that lists every setting that is wrong.
 */
export function readLocalSettings(
  flags: Readonly<Record<string, string | undefined>>,
  env: Readonly<Record<string, string | undefined>>,
): LocalSettings {
  const faults: string[] = []
  const text = (name: SettingName): string => {
    const { flag, env: variable, value } = LOCAL_SETTINGS[name]
    return flags[flag] ?? env[variable] ?? value
  }
  const port = (name: SettingName): PortSetting => {
    const value = text(name)
    if (value === 'off') return undefined
    const number = Number(value)
    if (/^\d+$/.test(value) && number <= 65_535) return number
    faults.push(
      `--${LOCAL_SETTINGS[name].flag}: expected a port from 0 to 65535 or off, found ${JSON.stringify(value)}`,
    )
    return undefined
  }
  const durability = text('durability')
  if (durability !== 'full' && durability !== 'normal') {
    faults.push(`--durability: expected full or normal, found ${JSON.stringify(durability)}`)
  }
  const settings: LocalSettings = {
    host: text('host'),
    httpPort: port('httpPort'),
    httpsPort: port('httpsPort'),
    mqttPort: port('mqttPort'),
    mqttsPort: port('mqttsPort'),
    amqpsPort: port('amqpsPort'),
    data: text('data'),
    durability: durability === 'normal' ? 'normal' : 'full',
  }
  if (!isLoopback(settings.host)) {
    faults.push(
      `--host: expected a loopback address, found ${JSON.stringify(settings.host)}: devices are not yet authenticated, so nobody else may reach them`,
    )
  }
  if (settings.data === '') faults.push('--data: expected a folder, found nothing')
  if (faults.length > 0) throw new CoreError('usage.wrong', faults.join('\n'))
  return settings
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))
}
