import { CoreError } from '../../core/index.ts'

/** What the bridge between a broker and Pub/Sub finds in its environment. */
export interface BridgeSettings {
  readonly project: string
  /** By its name within the project. */
  readonly telemetryTopic: string
  /** A subscription of the commands topic, by its name within the project. */
  readonly subscription: string
  /** Shape: `mqtt://host:port`, `mqtts://…`, `ws://…`, `wss://…`. */
  readonly brokerUrl: string
  readonly username: string | undefined
  readonly password: string | undefined
  /** Client ids start with it; the broker keeps sessions by them, so it stays the same when the bridge starts again. */
  readonly id: string
  /**
   * Connections that take messages, each one at a time; several share a subscription, which keeps no order among them.
   * Range: 1 to 64.
   */
  readonly connections: number
  /** Shape: `host:port`. */
  readonly pubsubEmulator: string | undefined
  /** The file of a service account's key, where no metadata server is. */
  readonly credentialsFile: string | undefined
}

const VARIABLES = {
  project: 'GOOGLE_CLOUD_PROJECT',
  telemetryTopic: 'ANYHUB_TELEMETRY_TOPIC',
  subscription: 'ANYHUB_BRIDGE_SUBSCRIPTION',
  brokerUrl: 'ANYHUB_BROKER_URL',
} as const

/**
 * Reads the settings.
 * @throws CoreError `config.invalid` that names every variable that is missing, or what is wrong.
 */
export function readBridgeConfig(
  env: Readonly<Record<string, string | undefined>>,
): BridgeSettings {
  const missing = Object.values(VARIABLES).filter((name) => !env[name])
  if (missing.length > 0)
    throw new CoreError(
      'config.invalid',
      `expected these environment variables, found none of them: ${missing.join(', ')}`,
    )
  const connections = Number(env['ANYHUB_BRIDGE_CONNECTIONS'] || 1)
  if (!Number.isInteger(connections) || connections < 1 || connections > 64)
    throw new CoreError(
      'config.invalid',
      `expected ANYHUB_BRIDGE_CONNECTIONS from 1 to 64, found ${env['ANYHUB_BRIDGE_CONNECTIONS']}`,
    )
  return {
    project: env[VARIABLES.project] ?? '',
    telemetryTopic: env[VARIABLES.telemetryTopic] ?? '',
    subscription: env[VARIABLES.subscription] ?? '',
    brokerUrl: env[VARIABLES.brokerUrl] ?? '',
    username: env['ANYHUB_BROKER_USERNAME'] || undefined,
    password: env['ANYHUB_BROKER_PASSWORD'] || undefined,
    id: env['ANYHUB_BRIDGE_ID'] || 'anyhub-bridge',
    connections,
    pubsubEmulator: env['PUBSUB_EMULATOR_HOST'] || undefined,
    credentialsFile: env['GOOGLE_APPLICATION_CREDENTIALS'] || undefined,
  }
}
