import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { unzipSync } from 'fflate'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Packaged, packageAws } from './packaged.ts'

/** What has no ARN to name. */
const WITHOUT_ARN = new Set([
  'xray:PutTraceSegments',
  'xray:PutTelemetryRecords',
  'iot:CreateKeysAndCertificate',
])

/** The function that every message pays for stays small. */
const MAX_INGEST_BYTES = 300 * 1_024

interface Statement {
  readonly Action: string | readonly string[]
  readonly Resource: unknown
}

describe('serverless.aws.yml, packaged', () => {
  let packaged: Packaged
  beforeAll(async () => {
    packaged = await packageAws()
  }, 120_000)
  afterAll(() => packaged.close())

  const zipsOf = () => readdirSync(packaged.path).filter((name) => name.endsWith('.zip'))

  it('has one file in the zip of each function, and it is the function', () => {
    const files = Object.fromEntries(
      zipsOf().map((zip) => [zip, Object.keys(unzipSync(readFileSync(join(packaged.path, zip))))]),
    )
    expect(files).toEqual({
      'api.zip': ['functions/aws/api.js'],
      'ingest.zip': ['functions/aws/ingest.js'],
      'notify.zip': ['functions/aws/notify.js'],
      'tick.zip': ['functions/aws/tick.js'],
    })
  })

  it('needs nothing to run besides the services of the cloud: no machine, no container, no broker of ours', () => {
    const { Resources } = packaged.template
    const services = new Set(Object.values(Resources).map(({ Type }) => Type.split('::')[1]))
    expect([...services].toSorted()).toEqual([
      'ApiGatewayV2',
      'CloudWatch',
      'DynamoDB',
      'IAM',
      'IoT',
      'KinesisFirehose',
      'Lambda',
      'Logs',
      'S3',
      'SNS',
      'SQS',
      'Scheduler',
    ])
  })

  it('keeps the bundle of ingest under 300 KB, without the SDK of AWS IoT', () => {
    const zip = unzipSync(readFileSync(join(packaged.path, 'ingest.zip')))
    const bundle = Buffer.from(zip['functions/aws/ingest.js'] ?? [])
    expect(bundle.length).toBeGreaterThan(50_000)
    expect(bundle.length).toBeLessThan(MAX_INGEST_BYTES)
    expect(bundle.toString('utf8')).not.toContain('CreateKeysAndCertificate')
  })

  it('puts no secret of anyhub.yml into a bundle or into the template', () => {
    const template = readFileSync(packaged.templatePath, 'utf8')
    expect(template).not.toContain('hooks.example.com')
    expect(template).toContain('resolve:secretsmanager:anyhub/dev:SecretString:ANYHUB_TEST_SINK')
    for (const zip of zipsOf())
      for (const bytes of Object.values(unzipSync(readFileSync(join(packaged.path, zip)))))
        expect(Buffer.from(bytes).includes('hooks.example.com')).toBe(false)
  })

  it('gives each function a role of its own, and grants nothing on everything that has a name', () => {
    const functions = packaged.ofType('AWS::Lambda::Function')
    const roles = functions.map(([, { Properties }]) => JSON.stringify(Properties['Role']))
    expect(roles).toHaveLength(4)
    expect(new Set(roles).size).toBe(4)
    const wide = packaged.ofType('AWS::IAM::Role').flatMap(([name, { Properties }]) => {
      const policies = Properties['Policies'] as {
        PolicyDocument: { Statement: readonly Statement[] }
      }[]
      return policies
        .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
        .flatMap(({ Action, Resource }) => {
          const actions = typeof Action === 'string' ? [Action] : Action
          const everything = [Resource].flat().includes('*')
          return actions
            .filter((action) => action.includes('*') || (everything && !WITHOUT_ARN.has(action)))
            .map((action) => `${name}: ${action}`)
        })
    })
    expect(wide).toEqual([])
  })

  it('encrypts what it keeps, forgets what is old, and shows the public nothing', () => {
    const tables = packaged.ofType('AWS::DynamoDB::Table')
    expect(tables).toHaveLength(4)
    for (const [, { Properties }] of tables) {
      // The key of AWS's own, which costs nothing.
      expect(Properties['SSESpecification']).toBeUndefined()
      expect(Properties['BillingMode']).toBe('PAY_PER_REQUEST')
    }
    for (const [, { Properties }] of packaged.ofType('AWS::SQS::Queue'))
      expect(Properties['SqsManagedSseEnabled']).toBe(true)
    const bucket = packaged.template.Resources['Bucket']
    const access = bucket?.Properties['PublicAccessBlockConfiguration'] ?? {}
    expect(Object.values(access)).toEqual([true, true, true, true])
  })

  it('lets a device speak as itself only', () => {
    const [[, policy] = []] = packaged.ofType('AWS::IoT::Policy')
    const text = JSON.stringify(policy?.Properties['PolicyDocument'])
    expect(text).toContain(':client/${!iot:Connection.Thing.ThingName}')
    expect(text).toContain(':topic/devices/${!iot:Connection.Thing.ThingName}/*')
    // The one plain topic of the config.
    expect(text).toContain(':topic/plant/*/power')
    expect(text).not.toMatch(/:topic\/\*|:topic\/devices\/\*|"Resource":"\*"/)
  })

  it('has one topic rule for each filter that no other covers', () => {
    const filters = packaged
      .ofType('AWS::IoT::TopicRule')
      .map(([, { Properties }]) => JSON.stringify(Properties['TopicRulePayload']))
      .map((payload) => /FROM '([^']+)'/.exec(payload)?.[1])
    expect(filters.toSorted()).toEqual([
      '$aws/events/presence/+/+',
      '$aws/things/+/shadow/name/+/update/documents',
      '$aws/things/+/shadow/update/documents',
      'devices/+/#',
      'plant/+/power',
    ])
  })

  it('has a stream in place of the queue where the parameter asks for it', async () => {
    const other = await packageAws('--param', 'ingest=kinesis')
    expect(other.ofType('AWS::Kinesis::Stream')).toHaveLength(1)
    expect(packaged.ofType('AWS::Kinesis::Stream')).toEqual([])
    expect(JSON.stringify(other.ofType('AWS::Lambda::EventSourceMapping'))).toContain(
      'UplinkStream',
    )
    const keys = other
      .ofType('AWS::IoT::TopicRule')
      .map(([, { Properties }]) => JSON.stringify(Properties['TopicRulePayload']))
      .map((payload) => [
        /FROM '([^']+)'/.exec(payload)?.[1],
        /"PartitionKey":\{"Fn::Join":\["",\["\$","\{([^}]+)\}"\]\]\}/.exec(payload)?.[1],
      ])
    expect(Object.fromEntries(keys)).toEqual({
      '$aws/events/presence/+/+': 'topic(5)',
      '$aws/things/+/shadow/name/+/update/documents': 'topic(3)',
      '$aws/things/+/shadow/update/documents': 'topic(3)',
      'devices/+/#': 'topic(2)',
      'plant/+/power': 'clientid()',
    })
    // The source asks for its rights when it is made: they stand in the role, not beside it.
    expect(other.ofType('AWS::IAM::Policy')).toEqual([])
    const roles = JSON.stringify(other.ofType('AWS::IAM::Role'))
    expect(roles).toContain('"kinesis:GetRecords"')
    expect(roles).toContain('"kinesis:PutRecord"')
    expect(roles).not.toContain('"UplinkQueue"')
    other.close()
  }, 60_000)

  it('tells the operator of what is wrong, where there is one', async () => {
    expect(packaged.ofType('AWS::SNS::Subscription')).toEqual([])
    const alarms = packaged.ofType('AWS::CloudWatch::Alarm')
    expect(alarms.map(([name]) => name).toSorted()).toEqual([
      'ApiErrorAlarm',
      'IngestErrorAlarm',
      'NotifyDeadAlarm',
      'NotifyErrorAlarm',
      'TickErrorAlarm',
      'UplinkDeadAlarm',
    ])
    for (const [, { Properties }] of alarms)
      expect(Properties['AlarmActions']).toEqual([{ Ref: 'OperatorTopic' }])
    const other = await packageAws('--param', 'operator=ops@example.com')
    const [[, subscription] = []] = other.ofType('AWS::SNS::Subscription')
    expect(subscription?.Properties).toEqual({
      TopicArn: { Ref: 'OperatorTopic' },
      Protocol: 'email',
      Endpoint: 'ops@example.com',
    })
    other.close()
  }, 60_000)

  it('says which ways in there are', async () => {
    await expect(packageAws('--param', 'ingest=carrier-pigeon')).rejects.toThrow(
      'param ingest: expected sqs or kinesis, found carrier-pigeon',
    )
  }, 60_000)
})
