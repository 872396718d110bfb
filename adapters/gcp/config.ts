import { CoreError } from '../../core/index.ts'

/** What a function of ours finds in its environment; serverless.gcp.yml sets it. */
export interface GcpSettings {
  readonly project: string
  readonly functionName: string
  /** The Firestore database, often `(default)`. */
  readonly database: string
  /** Topics, by their names within the project. */
  readonly telemetryTopic: string
  readonly commandsTopic: string
  readonly highTopic: string
  readonly normalTopic: string
  readonly coldTopic: string
  /** Queues that rules fill are topics that are called by it and their name. */
  readonly queuePrefix: string
  /** The BigQuery table that the cold topic fills. Shape: `dataset.table`. */
  readonly coldTable: string
  readonly bucket: string
  /** SHA-256 of the token that people show the API, in hex. */
  readonly adminTokenDigest: string
  /** Who pushes messages and calls the tick: the address of a service account. Without it no push is taken. */
  readonly pushAccount: string | undefined
  /** What tokens of pushes are for; without it an address of the host that was asked. */
  readonly pushAudience: string | undefined
  /** Whether functions that are pushed to are private: Google then checks tokens, and takes their signature off. */
  readonly pushSignatureRemoved: boolean
  /** Emulators, as Google's own clients find them. Shape: `host:port`. */
  readonly firestoreEmulator: string | undefined
  readonly pubsubEmulator: string | undefined
  /** One address for every other service: a test cloud. */
  readonly endpoint: string | undefined
  /** Where the keys are by which tokens of Google are verified, if not at Google. */
  readonly keysUrl: string | undefined
  /** The file of a service account's key, where no metadata server is. */
  readonly credentialsFile: string | undefined
}

const VARIABLES = {
  project: 'GOOGLE_CLOUD_PROJECT',
  database: 'ANYHUB_DATABASE',
  telemetryTopic: 'ANYHUB_TELEMETRY_TOPIC',
  commandsTopic: 'ANYHUB_COMMANDS_TOPIC',
  highTopic: 'ANYHUB_HIGH_TOPIC',
  normalTopic: 'ANYHUB_NORMAL_TOPIC',
  coldTopic: 'ANYHUB_COLD_TOPIC',
  queuePrefix: 'ANYHUB_QUEUE_PREFIX',
  coldTable: 'ANYHUB_COLD_TABLE',
  bucket: 'ANYHUB_BUCKET',
  adminTokenDigest: 'ANYHUB_ADMIN_TOKEN_SHA256',
} as const

/**
 * Reads the settings.
 * @throws CoreError `config.invalid` that names every variable that is missing.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): GcpSettings {
  const missing: string[] = []
  const read = (name: keyof typeof VARIABLES): string => {
    const value = env[VARIABLES[name]]
    if (value === undefined || value === '') missing.push(VARIABLES[name])
    return value ?? ''
  }
  const settings: GcpSettings = {
    project: read('project'),
    // Source: Cloud Run, container runtime contract: the function's own name.
    functionName: env['K_SERVICE'] || env['FUNCTION_TARGET'] || 'function',
    database: read('database'),
    telemetryTopic: read('telemetryTopic'),
    commandsTopic: read('commandsTopic'),
    highTopic: read('highTopic'),
    normalTopic: read('normalTopic'),
    coldTopic: read('coldTopic'),
    queuePrefix: read('queuePrefix'),
    coldTable: read('coldTable'),
    bucket: read('bucket'),
    adminTokenDigest: read('adminTokenDigest'),
    pushAccount: env['ANYHUB_PUSH_ACCOUNT'] || undefined,
    pushAudience: env['ANYHUB_PUSH_AUDIENCE'] || undefined,
    pushSignatureRemoved: env['ANYHUB_PUSH_SIGNATURE_REMOVED'] === 'true',
    firestoreEmulator: env['FIRESTORE_EMULATOR_HOST'] || undefined,
    pubsubEmulator: env['PUBSUB_EMULATOR_HOST'] || undefined,
    endpoint: env['ANYHUB_GOOGLE_ENDPOINT'] || undefined,
    keysUrl: env['ANYHUB_GOOGLE_KEYS_URL'] || undefined,
    credentialsFile: env['GOOGLE_APPLICATION_CREDENTIALS'] || undefined,
  }
  if (missing.length > 0)
    throw new CoreError(
      'config.invalid',
      `expected these environment variables, found none of them: ${missing.join(', ')}`,
    )
  return settings
}
