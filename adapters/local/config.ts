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
  /** Events are kept for Event Hubs consumers from the start, and not only once one was there. */
  readonly keepEvents: boolean
  /** The data folder; it is created. */
  readonly data: string
  readonly durability: 'full' | 'normal'
  /** Nobody is served who does not prove who he is, not even on this machine. */
  readonly requireAuth: boolean
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
    value: '8443',
    help: 'HTTPS with client certificates; any free port if --http-port is not 8080',
  },
  mqttPort: { flag: 'mqtt-port', env: 'ANYHUB_MQTT_PORT', value: '1883', help: 'MQTT 3.1.1 and 5' },
  mqttsPort: {
    flag: 'mqtts-port',
    env: 'ANYHUB_MQTTS_PORT',
    value: '8883',
    help: 'MQTT over TLS; any free port if --mqtt-port is not 1883',
  },
  amqpsPort: {
    flag: 'amqps-port',
    env: 'ANYHUB_AMQPS_PORT',
    value: '5671',
    help: 'AMQP 1.0 over TLS, for Azure devices, back ends and Event Hubs consumers; any free port if the others are moved',
  },
  data: { flag: 'data', env: 'ANYHUB_DATA', value: '.anyhub', help: 'data folder' },
  durability: {
    flag: 'durability',
    env: 'ANYHUB_DURABILITY',
    value: 'full',
    help: 'full: an acknowledged message survives a loss of power; normal: a crash of the process',
  },
} as const

/** Settings that are either given or not; by environment `on`. */
export const LOCAL_SWITCHES = {
  requireAuth: {
    flag: 'require-auth',
    env: 'ANYHUB_REQUIRE_AUTH',
    help: 'serve only devices and people who prove who they are',
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
  switches: ReadonlySet<string> = new Set(),
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
  const isGiven = (name: SettingName): boolean => {
    const { flag, env: variable } = LOCAL_SETTINGS[name]
    return (flags[flag] ?? env[variable]) !== undefined
  }
  const isMoved = (plain: 'httpPort' | 'mqttPort'): boolean =>
    text(plain) !== LOCAL_SETTINGS[plain].value && text(plain) !== 'off'
  /** Who moves the plain port away from its default runs something beside it, and the usual TLS port may be taken. */
  const tlsPort = (
    name: 'httpsPort' | 'mqttsPort',
    plain: 'httpPort' | 'mqttPort',
  ): PortSetting => {
    return !isGiven(name) && isMoved(plain) ? 0 : port(name)
  }
  /** It has no plain port beside it: it goes with the others. */
  const amqpsPort = (): PortSetting => {
    const plain = ['httpPort', 'mqttPort'] as const
    if (isGiven('amqpsPort')) return port('amqpsPort')
    if (plain.every((name) => text(name) === 'off')) return undefined
    return plain.some(isMoved) ? 0 : port('amqpsPort')
  }
  const durability = text('durability')
  if (durability !== 'full' && durability !== 'normal') {
    faults.push(`--durability: expected full or normal, found ${JSON.stringify(durability)}`)
  }
  const settings: LocalSettings = {
    host: text('host'),
    httpPort: port('httpPort'),
    httpsPort: tlsPort('httpsPort', 'httpPort'),
    mqttPort: port('mqttPort'),
    mqttsPort: tlsPort('mqttsPort', 'mqttPort'),
    amqpsPort: amqpsPort(),
    keepEvents: isGiven('amqpsPort'),
    data: text('data'),
    durability: durability === 'normal' ? 'normal' : 'full',
    requireAuth:
      switches.has(LOCAL_SWITCHES.requireAuth.flag) ||
      isOn(env[LOCAL_SWITCHES.requireAuth.env], faults),
  }
  if (settings.host === '' || !(isLoopback(settings.host) || settings.requireAuth)) {
    faults.push(
      `--host: expected a loopback address, found ${JSON.stringify(settings.host)}: others may reach it only with --require-auth`,
    )
  }
  if (settings.data === '') faults.push('--data: expected a folder, found nothing')
  if (faults.length > 0) throw new CoreError('usage.wrong', faults.join('\n'))
  return settings
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))
}

function isOn(value: string | undefined, faults: string[]): boolean {
  if (value !== undefined && value !== 'on' && value !== 'off' && value !== '') {
    faults.push(
      `${LOCAL_SWITCHES.requireAuth.env}: expected on or off, found ${JSON.stringify(value)}`,
    )
  }
  return value === 'on'
}
