import { spawnSync } from 'node:child_process'
import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateKeysAndCertificateCommand,
  IoTClient,
  ListCertificatesCommand,
  ListPoliciesCommand,
  ListThingsCommand,
} from '@aws-sdk/client-iot'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createAwsClient } from '../../../adapters/aws/client.ts'
import { createDynamo, text } from '../../../adapters/aws/dynamo.ts'
import { unpack } from '../../../adapters/aws/pack.ts'
import { createSqs } from '../../../adapters/aws/sqs.ts'
import { compileRule, type DeviceRecord, type Json, runRule } from '../../../core/index.ts'
import { httpEvent } from '../../adapters/aws/events.ts'
import { describeWithMoto } from '../../adapters/aws/moto.ts'
import { ADMIN_TOKEN, type Packaged, packageAws } from './packaged.ts'
import { callsWithoutRight } from './rights.ts'
import { openStage, type Stage } from './stage.ts'

describeWithMoto('AWS, deployed to a test cloud', () => {
  let stage: Stage
  let packaged: Packaged
  const credentials = { accessKeyId: 'testing', secretAccessKey: 'testing' }

  beforeAll(async () => {
    stage = await openStage()
    packaged = await packageAws()
  }, 180_000)
  afterAll(async () => {
    packaged.close()
    await stage.close()
  })

  const client = () =>
    createAwsClient({
      region: 'eu-central-1',
      endpoint: stage.endpoint,
      credentials: () => credentials,
      random: Math.random,
    })

  it('packages a template in which cfn-lint finds no error', () => {
    const { stdout } = spawnSync('cfn-lint', ['--format', 'json', packaged.templatePath], {
      encoding: 'utf8',
    })
    const errors = JSON.parse(stdout).filter(({ Level }: { Level: string }) => Level === 'Error')
    expect(errors).toEqual([])
  }, 60_000)

  let device: DeviceRecord

  /** A message as AWS IoT would bring it: the SQL of each deployed rule, evaluated by our engine. */
  async function publishAsDevice(topic: string, payload: Json, clientId: string) {
    const url = await uplinkQueue()
    let taken = 0
    for (const [, { Properties }] of packaged.ofType('AWS::IoT::TopicRule')) {
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
    const queues = createSqs(client())
    const waiting = await queues.receive(await queues.urlOf('anyhub-dev-hot.fifo'), 10, 30)
    expect(waiting.map(({ body }) => JSON.parse(body))).toEqual([
      { temp: 31.5, device: 'fridge-1' },
    ])
    expect(stage.arrived.map((body) => JSON.parse(body).text)).toEqual(['31.5 degrees'])
    expect(stage.invoked().filter(({ code }) => code !== 0)).toEqual([])
  }, 60_000)

  it('tells who subscribed, by queue and by topic, through the inbox of each', async () => {
    const queues = createSqs(client())
    const url = await queues.urlOf('anyhub-dev-told.fifo')
    const told: string[] = []
    const read = async (): Promise<readonly string[]> => {
      for (const { body } of await queues.receive(url, 10, 60)) told.push(JSON.parse(body).subject)
      return told
    }
    await expect.poll(read, { timeout: 20_000, interval: 500 }).toEqual(['hot raised on fridge-1'])
    const topics = stage.published().map(({ topic }) => topic)
    expect(topics.filter((topic) => topic.startsWith('alerts/'))).toEqual(['alerts/critical'])
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
    expect(await publishAsDevice('$aws/events/presence/connected/fridge-1', connected, '')).toBe(1)
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
    // Who asks for the health of the system hears of it.
    const alerts = () => stage.published().filter(({ topic }) => topic === 'alerts/warning')
    await expect.poll(() => alerts().length, { timeout: 20_000, interval: 500 }).toBe(1)
    expect(Buffer.from(alerts()[0]?.payload ?? '', 'base64').toString()).toContain('dead letters')
  }, 60_000)

  it('looks after devices every minute, and serves the API', async () => {
    const invoke = async (name: string, event: Json) => {
      const { status, body } = await client().send({
        service: 'lambda',
        method: 'POST',
        path: `/2015-03-31/functions/anyhub-dev-${name}/invocations`,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(event),
      })
      expect(status).toBe(200)
      return JSON.parse(body.toString('utf8'))
    }
    await invoke('tick', { source: 'aws.scheduler', 'detail-type': 'Scheduled Event' })
    const ask = async (method: string, path: string, body?: Json) =>
      invoke(
        'api',
        httpEvent(
          method,
          path,
          { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
          body === undefined ? undefined : JSON.stringify(body),
        ),
      )
    const asked = [
      await ask('POST', '/registry/devices', { deviceId: 'new-1', credential: 'certificate' }),
      await ask('GET', '/devices'),
      await ask('GET', '/devices/fridge-1/telemetry?from=0'),
      await ask('GET', '/dead-letters'),
      await ask('POST', '/devices/fridge-1/commands', { name: 'defrost', payload: {} }),
      await ask('DELETE', '/registry/devices/new-1'),
      await ask('POST', '/notifications', {
        audience: { people: ['ann'] },
        subject: 'drill',
        text: 'at noon',
      }),
    ]
    expect(asked.map(({ statusCode }) => statusCode)).toEqual([201, 200, 200, 200, 202, 204, 202])
    expect(stage.invoked().filter(({ code }) => code !== 0)).toEqual([])
  }, 60_000)

  it('lets no function do what its role does not grant', () => {
    const names = new Set(stage.calls.map(({ accessKey }) => accessKey))
    expect([...names].toSorted()).toEqual(
      ['api', 'ingest', 'notify', 'tick'].map((name) => `anyhub-dev-${name}`),
    )
    expect(callsWithoutRight(packaged, stage.calls)).toEqual([])
  })

  it('removes all that it made, and what devices hold of it', async () => {
    const iot = new IoTClient({ region: 'eu-central-1', endpoint: stage.endpoint, credentials })
    const { certificateArn: principal } = await iot.send(
      new CreateKeysAndCertificateCommand({ setAsActive: true }),
    )
    const policyName = await output('DevicePolicyName')
    await iot.send(new AttachPolicyCommand({ policyName, target: principal }))
    await iot.send(new AttachThingPrincipalCommand({ thingName: 'fridge-1', principal }))

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
    expect((await iot.send(new ListPoliciesCommand({}))).policies).toEqual([])
    expect((await iot.send(new ListCertificatesCommand({}))).certificates).toEqual([])
    expect((await iot.send(new ListThingsCommand({}))).things).toEqual([])
    iot.destroy()
  }, 120_000)
})
