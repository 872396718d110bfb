import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAwsClient } from '../../../adapters/aws/client.ts'
import { createDynamo, text } from '../../../adapters/aws/dynamo.ts'
import { unpack } from '../../../adapters/aws/pack.ts'
import { createSqs } from '../../../adapters/aws/sqs.ts'
import { compileRule, type DeviceRecord, type Json, runRule } from '../../../core/index.ts'
import { describeWithMoto } from '../../adapters/aws/moto.ts'
import { openStage, type Stage } from './stage.ts'

const TEMPLATE = resolve(
  import.meta.dirname,
  '../../../.serverless/cloudformation-template-update-stack.json',
)

/** What has no ARN to name. */
const WITHOUT_ARN = new Set([
  'xray:PutTraceSegments',
  'xray:PutTelemetryRecords',
  'iot:CreateKeysAndCertificate',
])

interface Statement {
  readonly Effect: string
  readonly Action: string | readonly string[]
  readonly Resource: unknown
}

interface Template {
  readonly Resources: Readonly<
    Record<
      string,
      { readonly Type: string; readonly Properties: Readonly<Record<string, unknown>> }
    >
  >
}

describeWithMoto('AWS, deployed to a test cloud', () => {
  let stage: Stage
  let template: Template
  const credentials = { accessKeyId: 'testing', secretAccessKey: 'testing' }

  beforeAll(async () => {
    stage = await openStage()
    await stage.sls('package')
    template = JSON.parse(readFileSync(TEMPLATE, 'utf8'))
  }, 180_000)
  afterAll(() => stage.close())

  const client = () =>
    createAwsClient({
      region: 'eu-central-1',
      endpoint: stage.endpoint,
      credentials: () => credentials,
      random: Math.random,
    })

  /** The template with another way in; the one of the suite is packaged again. */
  async function openPackage(ingest: string): Promise<Template> {
    try {
      await stage.sls('package', '--param', `ingest=${ingest}`)
      return JSON.parse(readFileSync(TEMPLATE, 'utf8'))
    } finally {
      await stage.sls('package')
    }
  }

  const ofType = (type: string) =>
    Object.entries(template.Resources).filter(([, { Type }]) => Type === type)

  it('packages a template in which cfn-lint finds no error', () => {
    const { stdout } = spawnSync('cfn-lint', ['--format', 'json', TEMPLATE], { encoding: 'utf8' })
    const errors = JSON.parse(stdout).filter(({ Level }: { Level: string }) => Level === 'Error')
    expect(errors).toEqual([])
  })

  it('gives each function a role of its own, and grants nothing on everything that has a name', () => {
    const functions = ofType('AWS::Lambda::Function')
    const roles = functions.map(([, { Properties }]) => JSON.stringify(Properties['Role']))
    expect(new Set(roles).size).toBe(functions.length)
    const wide = ofType('AWS::IAM::Role').flatMap(([name, { Properties }]) => {
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

  it('keeps every resource tagged, encrypted and closed to the public', () => {
    for (const [, { Properties }] of ofType('AWS::DynamoDB::Table'))
      expect(Properties['SSESpecification']).toEqual({ SSEEnabled: true })
    for (const [, { Properties }] of ofType('AWS::SQS::Queue'))
      expect(Properties['SqsManagedSseEnabled']).toBe(true)
    const bucket = template.Resources['Bucket']
    expect(Object.values(bucket?.Properties['PublicAccessBlockConfiguration'] ?? {})).toEqual([
      true,
      true,
      true,
      true,
    ])
  })

  it('puts no secret of anyhub.yml into a bundle or into the template', () => {
    expect(readFileSync(TEMPLATE, 'utf8')).not.toContain('/hook')
    expect(readFileSync(TEMPLATE, 'utf8')).toContain('resolve:secretsmanager:anyhub/dev')
  })

  it('has a stream in place of the queue where the parameter asks for it', async () => {
    const other = await openPackage('kinesis')
    const types = Object.values(other.Resources).map(({ Type }) => Type)
    expect(types).toContain('AWS::Kinesis::Stream')
    expect(ofType('AWS::Kinesis::Stream')).toEqual([])
    const mappings = Object.values(other.Resources).filter(
      ({ Type }) => Type === 'AWS::Lambda::EventSourceMapping',
    )
    expect(JSON.stringify(mappings)).toContain('UplinkStream')
    const rule = other.Resources['UplinkRule0']?.Properties['TopicRulePayload']
    expect(JSON.stringify(rule)).toContain('"Kinesis"')
  }, 60_000)

  it('says which ways in there are', async () => {
    await expect(openPackage('carrier-pigeon')).rejects.toThrow(
      'param ingest: expected sqs or kinesis, found carrier-pigeon',
    )
  }, 60_000)

  describe('deployed', () => {
    let device: DeviceRecord

    /** A message as AWS IoT would bring it: the SQL of each deployed rule, evaluated by our engine. */
    async function publishAsDevice(topic: string, payload: Json, clientId: string) {
      const url = await uplinkQueue()
      let taken = 0
      for (const [, { Properties }] of ofType('AWS::IoT::TopicRule')) {
        const { Sql } = Properties['TopicRulePayload'] as { Sql: string }
        const rule = compileRule(Sql)
        const result = runRule(rule, {
          body: payload,
          bytes: Buffer.from(JSON.stringify(payload)),
          facts: {
            topic,
            nowMs: Date.now(),
            clientId,
            principal: 'abc',
            sourceIp: '192.0.2.1',
            traceId: `trace-${topic}-${JSON.stringify(payload)}`,
            newId: () => 'id',
            random: Math.random,
          },
        })
        if (result.status !== 'output') continue
        taken++
        await createSqs(client()).send(url, [{ body: JSON.stringify(result.value) }])
      }
      return taken
    }

    /** What the stack tells, by its name. */
    async function output(key: string): Promise<string> {
      const { body } = await client().send({
        service: 'cloudformation',
        method: 'POST',
        path: '/',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: 'Action=DescribeStacks&Version=2010-05-15&StackName=anyhub-dev',
      })
      const members = body.toString('utf8').split('<member>')
      const member = members.find((one) => one.includes(`<OutputKey>${key}</OutputKey>`))
      const value = /<OutputValue>([^<]+)</.exec(member ?? '')?.[1]
      if (value === undefined) throw new Error(`no output ${key} in ${body.toString('utf8')}`)
      return value
    }

    const uplinkQueue = () => output('UplinkQueueUrl')

    async function recordOf(deviceId: string): Promise<DeviceRecord> {
      const table = await output('DevicesTable')
      const item = await createDynamo(client()).get(table, { deviceId: { S: deviceId } })
      if (item === undefined) throw new Error(`no record of ${deviceId}`)
      return JSON.parse(unpack(item, 'record'))
    }

    beforeAll(async () => {
      const made = await client().send({
        service: 'secretsmanager',
        method: 'POST',
        path: '/',
        headers: {
          'content-type': 'application/x-amz-json-1.1',
          'x-amz-target': 'secretsmanager.CreateSecret',
        },
        body: JSON.stringify({
          Name: 'anyhub/dev',
          ClientRequestToken: '0d6d5a2c-6f0e-4b1e-9a53-1f6b9f6f1c11',
          SecretString: JSON.stringify({ ANYHUB_TEST_SINK: stage.hook }),
        }),
      })
      expect(made.status).toBe(200)
      const printed = await stage.sls('deploy')
      expect(printed).toContain('Service deployed to stack anyhub-dev')
    }, 240_000)

    it('takes a device’s message from the topic rule to table, shadow, topic and webhook', async () => {
      const { status } = await client().send({
        service: 'iot',
        method: 'POST',
        path: '/things/fridge-1',
        headers: { 'content-type': 'application/json' },
        body: '{}',
      })
      expect(status).toBe(200)
      const at = Date.now()
      expect(
        await publishAsDevice('devices/fridge-1/telemetry', { ts: at, temp: 31.5 }, 'fridge-1'),
      ).toBe(1)

      device = await recordOf('fridge-1')
      expect(device.last).toEqual({ temp: { value: 31.5, at } })
      expect(device.alarms['hot']?.status).toBe('active')

      const shadow = await client().send({
        service: 'iotdata',
        method: 'GET',
        path: '/things/fridge-1/shadow',
      })
      expect(JSON.parse(shadow.body.toString('utf8')).state.desired).toEqual({ setpoint: 4 })

      const published = stage
        .published()
        .map(({ topic, payload }) => ({ topic, body: Buffer.from(payload, 'base64').toString() }))
      expect(published).toContainEqual({
        topic: 'fleet/hot',
        body: JSON.stringify({ temp: 31.5, device: 'fridge-1' }),
      })
      expect(stage.arrived.map((body) => JSON.parse(body).text)).toEqual(['31.5 degrees'])
      expect(stage.invoked().filter(({ code }) => code !== 0)).toEqual([])
    }, 60_000)

    it('drops the same message when it comes again', async () => {
      const { temp } = device.last
      await publishAsDevice(
        'devices/fridge-1/telemetry',
        { ts: temp?.at ?? 0, temp: temp?.value ?? 0 },
        'fridge-1',
      )
      const again = await recordOf('fridge-1')
      expect(again.accepted).toBe(1)
      expect(stage.arrived).toHaveLength(1)
    }, 60_000)

    it('knows who publishes on a topic that names no device', async () => {
      expect(await publishAsDevice('plant/7/power', { watts: 5 }, 'meter-1')).toBe(1)
      expect((await recordOf('meter-1')).last['watts']?.value).toBe(5)
      expect(stage.published().map(({ topic }) => topic)).toContain('fleet/power/meter-1')
    }, 60_000)

    it('follows the shadow and the connection of a device', async () => {
      const documents = {
        previous: { state: {} },
        current: { state: { desired: { setpoint: 7 }, reported: { mode: 'eco' } }, version: 12 },
        timestamp: 1_750_000_000,
      }
      expect(
        await publishAsDevice('$aws/things/fridge-1/shadow/update/documents', documents, ''),
      ).toBe(1)
      const connected = { clientId: 'fridge-1', timestamp: Date.now(), eventType: 'connected' }
      expect(await publishAsDevice('$aws/events/presence/connected/fridge-1', connected, '')).toBe(
        1,
      )
      const { shadows, presence } = await recordOf('fridge-1')
      expect(shadows['']?.desired).toEqual({ setpoint: 7 })
      expect(shadows['']?.reported).toEqual({ temp: 31.5, mode: 'eco' })
      expect(presence.connected).toBe(true)
    }, 60_000)

    it('sets a broken message aside with its bytes, and goes on', async () => {
      await createSqs(client()).send(await uplinkQueue(), [{ body: 'no envelope' }])
      const items = await createDynamo(client()).query({
        table: await output('ItemsTable'),
        key: { text: 'tbl = :tbl', values: { ':tbl': { S: '$dead-letters' } } },
      })
      expect(items.map((item) => JSON.parse(text(item, 'letter') ?? '').code)).toEqual([
        'uplink.no_device',
      ])
    }, 60_000)

    it('removes all that it made', async () => {
      const printed = await stage.sls('remove')
      expect(printed).toContain('successfully removed')
      const tables = await client().send({
        service: 'dynamodb',
        method: 'POST',
        path: '/',
        headers: {
          'content-type': 'application/x-amz-json-1.0',
          'x-amz-target': 'DynamoDB_20120810.ListTables',
        },
        body: '{}',
      })
      expect(JSON.parse(tables.body.toString('utf8')).TableNames).toEqual([])
    }, 120_000)
  })
})
