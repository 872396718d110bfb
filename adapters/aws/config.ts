import { CoreError } from '../../core/index.ts'

/** What a function of ours finds in its environment; serverless.aws.yml sets it. */
export interface AwsSettings {
  readonly region: string
  /** One address for every service: a test cloud. */
  readonly endpoint: string | undefined
  readonly functionName: string
  readonly devicesTable: string
  readonly telemetryTable: string
  readonly itemsTable: string
  readonly notificationsTable: string
  readonly highQueueUrl: string
  readonly normalQueueUrl: string
  /** Queues that rules fill are called by it and their name. */
  readonly queuePrefix: string
  readonly coldStream: string
  readonly bucket: string
  readonly devicePolicy: string
  /** The address that mails are sent from, if the account has one. */
  readonly mailFrom: string | undefined
  /** SHA-256 of the token that people show the API, in hex. */
  readonly adminTokenDigest: string
}

const VARIABLES = {
  region: 'AWS_REGION',
  functionName: 'AWS_LAMBDA_FUNCTION_NAME',
  devicesTable: 'ANYHUB_DEVICES_TABLE',
  telemetryTable: 'ANYHUB_TELEMETRY_TABLE',
  itemsTable: 'ANYHUB_ITEMS_TABLE',
  notificationsTable: 'ANYHUB_NOTIFICATIONS_TABLE',
  highQueueUrl: 'ANYHUB_HIGH_QUEUE_URL',
  normalQueueUrl: 'ANYHUB_NORMAL_QUEUE_URL',
  queuePrefix: 'ANYHUB_QUEUE_PREFIX',
  coldStream: 'ANYHUB_COLD_STREAM',
  bucket: 'ANYHUB_BUCKET',
  devicePolicy: 'ANYHUB_DEVICE_POLICY',
  adminTokenDigest: 'ANYHUB_ADMIN_TOKEN_SHA256',
} as const

/**
 * Reads the settings.
 * @throws CoreError `config.invalid` that names every variable that is missing.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): AwsSettings {
  const missing: string[] = []
  const read = (name: keyof typeof VARIABLES): string => {
    const value = env[VARIABLES[name]]
    if (value === undefined || value === '') missing.push(VARIABLES[name])
    return value ?? ''
  }
  const settings: AwsSettings = {
    region: read('region'),
    endpoint: env['AWS_ENDPOINT_URL'] || undefined,
    functionName: read('functionName'),
    devicesTable: read('devicesTable'),
    telemetryTable: read('telemetryTable'),
    itemsTable: read('itemsTable'),
    notificationsTable: read('notificationsTable'),
    highQueueUrl: read('highQueueUrl'),
    normalQueueUrl: read('normalQueueUrl'),
    queuePrefix: read('queuePrefix'),
    coldStream: read('coldStream'),
    bucket: read('bucket'),
    devicePolicy: read('devicePolicy'),
    mailFrom: env['ANYHUB_MAIL_FROM'] || undefined,
    adminTokenDigest: read('adminTokenDigest'),
  }
  if (missing.length > 0)
    throw new CoreError(
      'config.invalid',
      `expected these environment variables, found none of them: ${missing.join(', ')}`,
    )
  return settings
}
