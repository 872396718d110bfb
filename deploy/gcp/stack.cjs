// The parts of the service that follow from anyhub.yml, and those that several functions share.

const { readFileSync } = require('node:fs')
const { resolve } = require('node:path')
const { parse } = require('yaml')

const CONFIG_PATH = resolve(process.env.ANYHUB_CONFIG ?? 'anyhub.yml')

const text = () => readFileSync(CONFIG_PATH, 'utf8')
const config = () => parse(text()) ?? {}

/** Queues that rules, routes and channels name; one whose name depends on the message has to be made by hand, called by the prefix. */
function queues() {
  const { rules = {}, routes = {}, channels = {} } = config()
  const acting = [...Object.values(rules), ...Object.values(routes)]
    .flatMap(({ actions = [], errorAction }) => [...actions, errorAction])
    .map((action) => action?.queue?.name)
  const told = Object.values(channels).map(({ type, queue }) => type === 'queue' && queue)
  const names = [...acting, ...told].filter(
    (name) => typeof name === 'string' && /^[\w.~%+-]+$/.test(name),
  )
  return [...new Set(names)]
}

/** Topics of channels that publish or fill a queue. */
function topicsOfChannels() {
  const { channels = {} } = config()
  const topics = Object.values(channels).flatMap(({ type, queue }) =>
    type === 'mqtt' ? ['commands'] : type === 'queue' ? [`queue-${queue}`] : [],
  )
  return [...new Set(topics)]
}

/** Secrets that rules look up: `get_secret('name', …)`. */
function lookedUp() {
  const { rules = {} } = config()
  const found = Object.values(rules).flatMap(({ sql = '' }) =>
    [...sql.matchAll(/\bget_secret\s*\(\s*'([^']+)'/gi)].map(([, name]) => name),
  )
  return [...new Set(found)]
}

const publish = (topics) => topics.map((topic) => ({ role: 'roles/pubsub.publisher', topic }))

const records = { role: 'roles/datastore.user', database: 'own' }

/** What steps of a device do besides keeping its record. */
const acting = () => [
  records,
  ...publish(['commands', 'high', 'normal', 'cold', ...queues().map((name) => `queue-${name}`)]),
  ...lookedUp().map((secret) => ({ role: 'roles/secretmanager.secretAccessor', secret })),
]

const archive = [
  { role: 'roles/bigquery.dataViewer', table: 'cold' },
  // Queries run in a project, and have no resource to name.
  { role: 'roles/bigquery.jobUser', project: true },
]

/** The dashboard lies in the bucket, and comes from there. */
const page = { role: 'roles/storage.objectUser', bucket: 'files' }

/**
 * Variables that anyhub.yml names as `${env:NAME}`: functions get them from Secret Manager.
 * Shape: the secret `{service}-{stage}-{NAME}`.
 */
async function secrets({ resolveVariable }) {
  const stage = await resolveVariable('sls:stage')
  const service = await resolveVariable('self:service')
  const names = new Set([...text().matchAll(/\$\{env:([A-Za-z_]\w*)\}/g)].map(([, name]) => name))
  return Object.fromEntries([...names].map((name) => [name, `${service}-${stage}-${name}`]))
}

/** Names of 30 characters, in small letters, are all that Google takes for an account. */
const MAX_ACCOUNT = 30

async function resources({ resolveVariable }) {
  const stage = await resolveVariable('sls:stage')
  const service = await resolveVariable('self:service')
  const onRemove = await resolveVariable('param:data')
  const caller = `${service}-${stage}-caller`
  if (!/^[a-z][a-z0-9-]*$/.test(caller) || caller.length > MAX_ACCOUNT)
    throw new Error(
      `stage: expected small letters, digits and hyphens, at most ${MAX_ACCOUNT - caller.length + stage.length}; found ${stage}`,
    )
  const own = queues().map((name) => `queue-${name}`)
  return {
    topics: {
      telemetry: null,
      'telemetry-dead': null,
      commands: null,
      high: null,
      normal: null,
      'notify-dead': null,
      cold: null,
      'cold-dead': null,
      ...Object.fromEntries(own.map((name) => [name, null])),
    },
    subscriptions: {
      // What nobody could take is kept for a month.
      'telemetry-dead': { topic: 'telemetry-dead', retention: 2_678_400 },
      'notify-dead': { topic: 'notify-dead', retention: 2_678_400 },
      'cold-dead': { topic: 'cold-dead', retention: 2_678_400 },
      cold: {
        topic: 'cold',
        deadLetterTopic: 'cold-dead',
        maxDeliveryAttempts: 20,
        bigquery: { table: 'cold', useTableSchema: true, dropUnknownFields: true },
      },
      ...Object.fromEntries(own.map((name) => [name, { topic: name, ordering: true }])),
    },
    firestore: {
      onRemove,
      pointInTimeRecovery: true,
      // By collection, wherever it stands. Source: adapters/gcp/firestore.ts, expireAt.
      ttl: {
        rows: 'expireAt',
        contents: 'expireAt',
        notifications: 'expireAt',
        deadLetters: 'expireAt',
        parts: 'expireAt',
        sent: 'expireAt',
      },
    },
    bigquery: {
      dataset: `${service}-${stage}`.replaceAll('-', '_'),
      onRemove,
      // Source: adapters/gcp/cold-store.ts.
      tables: {
        cold: {
          fields: {
            day: 'DATE REQUIRED',
            position: 'INT64 REQUIRED',
            deviceId: 'STRING REQUIRED',
            at: 'INT64 REQUIRED',
            receivedAt: 'INT64 REQUIRED',
            messageId: 'STRING REQUIRED',
            topic: 'STRING REQUIRED',
            body: 'JSON',
          },
          partitionBy: 'day',
          clusterBy: ['deviceId', 'position'],
        },
      },
    },
    buckets: { files: { onRemove } },
  }
}

module.exports = {
  secrets,
  resources,
  grantsOfIngest: () => acting(),
  // Pages of a fan-out go into its own queues.
  grantsOfNotify: () => [records, ...publish(['high', 'normal', ...topicsOfChannels()])],
  grantsOfTick: () => acting(),
  grantsOfApi: () => [...acting(), ...archive, page],
  grantsOfIngestHttp: () => [...acting(), ...publish(['telemetry'])],
}
