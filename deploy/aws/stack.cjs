// The parts of the stack that follow from anyhub.yml: which topics come to us, what a device may do.

const { readFileSync } = require('node:fs')
const { resolve } = require('node:path')
const { parse } = require('yaml')

const CONFIG_PATH = resolve(process.env.ANYHUB_CONFIG ?? 'anyhub.yml')

/** What adapters/aws/trigger.ts reads. A payload of any bytes gets through as base64. */
const SELECT = [
  "SELECT encode(*, 'base64') AS payload",
  'topic() AS topic',
  'timestamp() AS receivedAt',
  'clientid() AS clientId',
  'principal() AS principal',
  'sourceip() AS sourceIp',
  'traceid() AS traceId',
].join(', ')

const NATIVE = 'devices/+/#'

const config = () => parse(readFileSync(CONFIG_PATH, 'utf8')) ?? {}

/** Filters of rules and alarms that are of devices, without those that another covers. */
function topicFilters() {
  const { rules = {}, alarms = {} } = config()
  const named = [
    ...Object.values(rules).map(({ sql }) => /\bFROM\s+'([^']+)'/i.exec(sql)?.[1]),
    ...Object.values(alarms).map(({ from }) => from),
  ]
  const filters = [...new Set([NATIVE, ...named])].filter(
    (filter) => filter !== undefined && !filter.startsWith('$'),
  )
  return filters.filter(
    (filter) => !filters.some((other) => other !== filter && covers(other, filter)),
  )
}

/**
 * Filters of the networks in the config. Devices get no right to publish there: who may is the bridge's own policy. A
 * filter for everything is left out: every message would be paid twice.
 */
async function networkFilters(others) {
  const { compileProgram, parseConfig } = await import('../../core/index.ts')
  // What may stand in variables of the environment says nothing of topics.
  const named = Object.entries(config().networks ?? {}).map(([name, network]) => {
    const { secret: _, secretIn: __, codec: ___, downlink: ____, ...rest } = network
    return [name, rest]
  })
  const parsed = parseConfig({ networks: Object.fromEntries(named) })
  const compiled = 'faults' in parsed ? parsed : compileProgram(parsed.config)
  if ('faults' in compiled)
    throw new Error(`networks: ${compiled.faults.map(({ message }) => message).join('; ')}`)
  const filters = named.flatMap(([name]) => compiled.program.networks.get(name).network.filters)
  return [...new Set(filters)].filter(
    (filter) => filter !== '#' && !others.some((other) => covers(other, filter)),
  )
}

/** Whether every topic that `inner` matches is matched by `outer`. */
function covers(outer, inner) {
  const [a, b] = [outer.split('/'), inner.split('/')]
  for (let level = 0; ; level++) {
    if (a[level] === '#') return true
    if (a[level] === undefined || b[level] === undefined) return a[level] === b[level]
    if (b[level] === '#' || (a[level] !== '+' && a[level] !== b[level])) return false
  }
}

/** What carries uplinks: a queue, or a stream that keeps the order of each device. */
async function kindOf({ resolveVariable }) {
  const kind = await resolveVariable('param:ingest')
  if (kind === 'sqs' || kind === 'kinesis') return kind
  throw new Error(`param ingest: expected sqs or kinesis, found ${kind}`)
}

const RULE_ROLE = { 'Fn::GetAtt': ['TopicRuleRole', 'Arn'] }

/** Where a topic names the device, by its levels, counted from 1; elsewhere it is known by its connection. */
const KEYS = {
  devices: 'topic(2)',
  shadow: 'topic(3)',
  presence: 'topic(5)',
  plain: 'clientid()',
}

async function toQueue(given, key) {
  if ((await kindOf(given)) === 'sqs')
    return [{ Sqs: { QueueUrl: { Ref: 'UplinkQueue' }, RoleArn: RULE_ROLE, UseBase64: false } }]
  return [
    {
      Kinesis: {
        StreamName: { Ref: 'UplinkStream' },
        // In two parts, or the CLI takes it for a variable of its own.
        PartitionKey: { 'Fn::Join': ['', ['$', `{${key}}`]] },
        RoleArn: RULE_ROLE,
      },
    },
  ]
}

/** The stream, where the parameter asks for it. */
async function stream(given) {
  if ((await kindOf(given)) === 'sqs') return { Resources: {} }
  return {
    Resources: {
      UplinkStream: {
        Type: 'AWS::Kinesis::Stream',
        Properties: {
          StreamModeDetails: { StreamMode: 'ON_DEMAND' },
          StreamEncryption: { EncryptionType: 'KMS', KeyId: 'alias/aws/kinesis' },
        },
      },
    },
  }
}

const arnOf = (name) => ({ 'Fn::GetAtt': [name, 'Arn'] })

const policyOf = (...Statement) => ({ Version: '2012-10-17', Statement })

/** Part of the role itself: its function is given the source as soon as the role is there, and AWS asks it then. */
async function readUplinks(given) {
  if ((await kindOf(given)) === 'sqs')
    return policyOf({
      Effect: 'Allow',
      Action: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
      Resource: [arnOf('UplinkQueue')],
    })
  return policyOf(
    {
      Effect: 'Allow',
      Action: [
        'kinesis:DescribeStream',
        'kinesis:DescribeStreamSummary',
        'kinesis:GetRecords',
        'kinesis:GetShardIterator',
        'kinesis:ListShards',
      ],
      Resource: [arnOf('UplinkStream')],
    },
    // What a batch could not be rid of goes to the dead queue, as its place in the stream.
    { Effect: 'Allow', Action: ['sqs:SendMessage'], Resource: [arnOf('UplinkDeadQueue')] },
  )
}

/** What topic rules may write. */
async function writeUplinks(given) {
  const [Action, source] =
    (await kindOf(given)) === 'sqs'
      ? ['sqs:SendMessage', 'UplinkQueue']
      : ['kinesis:PutRecord', 'UplinkStream']
  return policyOf(
    { Effect: 'Allow', Action: [Action], Resource: [arnOf(source)] },
    { Effect: 'Allow', Action: ['sqs:SendMessage'], Resource: [arnOf('UplinkDeadQueue')] },
  )
}

const toDeadQueue = {
  Sqs: {
    QueueUrl: { Ref: 'UplinkDeadQueue' },
    RoleArn: RULE_ROLE,
    UseBase64: false,
  },
}

const topicRule = (filter, actions) => ({
  Type: 'AWS::IoT::TopicRule',
  Properties: {
    TopicRulePayload: {
      AwsIotSqlVersion: '2016-03-23',
      Sql: `${SELECT} FROM '${filter}'`,
      Actions: actions,
      ErrorAction: toDeadQueue,
    },
  },
})

const arn = (resource) => ({
  'Fn::Sub': `arn:\${AWS::Partition}:iot:\${AWS::Region}:\${AWS::AccountId}:${resource}`,
})

const THING = '${!iot:Connection.Thing.ThingName}'

/** A device connects as its thing, and speaks on its own topics; on plain topics it is known by its connection. */
function devicePolicy() {
  const own = [`devices/${THING}/*`, `$aws/things/${THING}/shadow/*`]
  const plain = topicFilters()
    .filter((filter) => filter !== NATIVE)
    .map((filter) => filter.replace(/\+|#/g, '*'))
    .filter((filter) => !/^devices\/|^\*/.test(filter))
  const allow = (Action, Resource) => ({ Effect: 'Allow', Action, Resource })
  return {
    Version: '2012-10-17',
    Statement: [
      {
        ...allow('iot:Connect', arn(`client/${THING}`)),
        Condition: { Bool: { 'iot:Connection.Thing.IsAttached': ['true'] } },
      },
      allow(
        ['iot:Publish', 'iot:RetainPublish'],
        [...own, ...plain].map((topic) => arn(`topic/${topic}`)),
      ),
      allow(
        'iot:Subscribe',
        own.map((topic) => arn(`topicfilter/${topic}`)),
      ),
      allow(
        'iot:Receive',
        own.map((topic) => arn(`topic/${topic}`)),
      ),
    ],
  }
}

const widget = (title, metrics, y) => ({
  type: 'metric',
  x: 0,
  y,
  width: 24,
  height: 6,
  properties: { title, metrics, region: '${AWS::Region}', stat: 'Sum', period: 60 },
})

function dashboard() {
  const own = (name) => ['anyhub', name, 'function', '${IngestLambdaFunction}']
  const widgets = [
    widget('Uplinks', ['uplink.accepted', 'uplink.duplicate', 'uplink.rejected'].map(own), 0),
    widget('Rules and alarms', ['rule.matched', 'rule.failed', 'alarm.raised'].map(own), 6),
    widget(
      'Waiting',
      ['UplinkQueue', 'UplinkDeadQueue', 'HighQueue', 'NormalQueue', 'NotifyDeadQueue'].map(
        (queue) => [
          'AWS/SQS',
          'ApproximateNumberOfMessagesVisible',
          'QueueName',
          `\${${queue}.QueueName}`,
        ],
      ),
      12,
    ),
  ]
  return { 'Fn::Sub': JSON.stringify({ widgets }) }
}

/** Names of the queues that actions of rules fill, wherever they stand; a name that a message fills in is made by hand. */
function queueNames(value) {
  if (typeof value !== 'object' || value === null) return []
  const name = value.queue?.name
  const own = typeof name === 'string' && !name.includes('${') ? [name] : []
  return [...own, ...Object.values(value).flatMap(queueNames)]
}

/** A queue for each, as adapters/aws/queue-sender.ts calls it. */
async function queues({ resolveVariable }) {
  const prefix = `${await resolveVariable('self:service')}-${await resolveVariable('sls:stage')}-`
  const { rules, routes, channels = {} } = config()
  const told = Object.values(channels).flatMap(({ type, queue }) =>
    type === 'queue' ? [queue] : [],
  )
  const names = [...new Set([...queueNames(rules), ...queueNames(routes), ...told])]
  return {
    Resources: Object.fromEntries(
      names.map((name, index) => [
        `RuleQueue${index}`,
        {
          Type: 'AWS::SQS::Queue',
          Properties: {
            QueueName: `${prefix}${name}.fifo`,
            FifoQueue: true,
            MessageRetentionPeriod: 1_209_600,
            SqsManagedSseEnabled: true,
          },
        },
      ]),
    ),
  }
}

/** Who is told of alarms, where the parameter names somebody: AWS asks the address once whether it wants that. */
async function operator({ resolveVariable }) {
  const Endpoint = await resolveVariable('param:operator')
  if (Endpoint === '') return { Resources: {} }
  return {
    Resources: {
      OperatorSubscription: {
        Type: 'AWS::SNS::Subscription',
        Properties: { TopicArn: { Ref: 'OperatorTopic' }, Protocol: 'email', Endpoint },
      },
    },
  }
}

/** The trigger of ingest. */
async function ingestEvents(given) {
  const functionResponseType = 'ReportBatchItemFailures'
  if ((await kindOf(given)) === 'sqs') {
    const arn = { 'Fn::GetAtt': ['UplinkQueue', 'Arn'] }
    return [{ sqs: { arn, batchSize: 100, maximumBatchingWindow: 1, functionResponseType } }]
  }
  return [
    {
      stream: {
        type: 'kinesis',
        arn: { 'Fn::GetAtt': ['UplinkStream', 'Arn'] },
        batchSize: 500,
        batchWindow: 1,
        startingPosition: 'LATEST',
        bisectBatchOnFunctionError: true,
        maximumRetryAttempts: 20,
        parallelizationFactor: 10,
        destinations: {
          onFailure: { type: 'sqs', arn: { 'Fn::GetAtt': ['UplinkDeadQueue', 'Arn'] } },
        },
        functionResponseType,
      },
    },
  ]
}

/**
 * Variables that anyhub.yml names as `${env:NAME}`: functions get them from one secret of Secrets Manager.
 * Shape: the secret `anyhub/{stage}`, a JSON object with a text for each name.
 */
async function variables({ resolveVariable }) {
  const stage = await resolveVariable('sls:stage')
  const service = await resolveVariable('self:service')
  const names = new Set(
    [...readFileSync(CONFIG_PATH, 'utf8').matchAll(/\$\{env:([A-Za-z_]\w*)\}/g)].map(
      ([, name]) => name,
    ),
  )
  return Object.fromEntries(
    [...names].map((name) => [
      name,
      `{{resolve:secretsmanager:${service}/${stage}:SecretString:${name}}}`,
    ]),
  )
}

module.exports = {
  variables,
  ingestEvents,
  readUplinks,
  writeUplinks,
  queues,
  operator,
  ofShadow: (given) => toQueue(given, KEYS.shadow),
  ofPresence: (given) => toQueue(given, KEYS.presence),
  toDeadQueue,
  devicePolicy,
  dashboard,
  shadowSql: `${SELECT} FROM '$aws/things/+/shadow/update/documents'`,
  namedShadowSql: `${SELECT} FROM '$aws/things/+/shadow/name/+/update/documents'`,
  presenceSql: `${SELECT} FROM '$aws/events/presence/+/+'`,
  stream,
  fromConfig: async (given) => {
    const filters = topicFilters()
    const rules = [...filters, ...(await networkFilters(filters))].map(async (filter, index) => {
      const key = filter.startsWith('devices/') ? KEYS.devices : KEYS.plain
      return [`UplinkRule${index}`, topicRule(filter, await toQueue(given, key))]
    })
    return { Resources: Object.fromEntries(await Promise.all(rules)) }
  },
}
