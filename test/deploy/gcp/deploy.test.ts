import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NUMBER, PROJECT, REGION } from './google-cloud.ts'
import { filesOf, runZip } from './run-zip.ts'
import { openStage, type Stage } from './stage.ts'

const FIXTURE = join(import.meta.dirname, 'fixture')
const AGENT = `serviceAccount:service-${NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com`
const member = (key: string) =>
  `serviceAccount:fixture-dev-${key}@${PROJECT}.iam.gserviceaccount.com`
const functionName = (key: string) =>
  `projects/${PROJECT}/locations/${REGION}/functions/fixture-dev-${key}`
const topic = (key: string) => `projects/${PROJECT}/topics/fixture-dev-${key}`
const subscription = (key: string) => `projects/${PROJECT}/subscriptions/fixture-dev-${key}`

describe('the plugin for Google Cloud, against a cloud of our own', () => {
  let stage: Stage

  beforeAll(async () => {
    stage = await openStage({ copy: FIXTURE })
    stage.cloud.put(`projects/${PROJECT}/secrets/hook`, { name: 'hook' })
    stage.cloud.serve(async (id, { body }) => {
      const name = `projects/${PROJECT}/locations/${REGION}/functions/${id}`
      const { entryPoint } = Object(stage.cloud.resources.get(name)?.['buildConfig'])
      const event = stage.cloud.resources.get(name)?.['eventTrigger'] !== undefined
      return runZip(stage.cloud.zipOf(name), entryPoint, { body, event })
    })
  })
  afterAll(() => stage.close())

  /** Changes a file of the service. */
  function edit(file: string, change: (text: string) => string): void {
    const path = join(stage.folder, file)
    const before = readFileSync(path, 'utf8')
    const after = change(before)
    expect(after).not.toBe(before)
    writeFileSync(path, after)
  }

  const changes = () =>
    stage.cloud.changes().map(({ service, method, path }) => `${method} ${service}${path}`)

  it('deploys a service into an empty project', async () => {
    const printed = await stage.sls('deploy')
    expect(printed).toContain('deployed fixture-dev to project demo-project, region europe-west1')
    expect(printed).toContain('function fixture-dev-ingest: made')
  }, 60_000)

  it('sends for each function its bundle and what names it, and nothing else', () => {
    for (const key of ['ingest', 'hello', 'rows']) {
      const files = filesOf(stage.cloud.zipOf(functionName(key)))
      expect(Object.keys(files)).toEqual(['index.js', 'package.json'])
      expect(JSON.parse(files['package.json'] ?? '')).toEqual({
        name: key,
        private: true,
        main: 'index.js',
        engines: { node: '>=24' },
      })
    }
  })

  it('asks for the function that the yml describes', () => {
    const { buildConfig, serviceConfig, eventTrigger, labels } = Object(
      stage.cloud.resources.get(functionName('ingest')),
    )
    expect(eventTrigger).toBeUndefined()
    expect(labels).toMatchObject({ service: 'fixture', stage: 'dev' })
    expect(labels.code).toMatch(/^[0-9a-f]{63}$/)
    expect(buildConfig).toMatchObject({ runtime: 'nodejs24', entryPoint: 'ingest' })
    expect(serviceConfig).toMatchObject({
      availableMemory: '512Mi',
      availableCpu: '1',
      maxInstanceRequestConcurrency: 80,
      environmentVariables: { STAGE: 'dev' },
      secretEnvironmentVariables: [{ key: 'HOOK', secret: 'hook', version: 'latest' }],
      serviceAccountEmail: `fixture-dev-ingest@${PROJECT}.iam.gserviceaccount.com`,
    })
    expect(Object(stage.cloud.resources.get(functionName('rows'))).eventTrigger).toMatchObject({
      eventType: 'google.cloud.pubsub.topic.v1.messagePublished',
      pubsubTopic: topic('rows'),
      triggerRegion: REGION,
      retryPolicy: 'RETRY_POLICY_RETRY',
    })
  })

  it('pushes with an identity, in order, with patience, and sets aside what stays refused', () => {
    const uri = `${stage.cloud.origin}/run/fixture-dev-ingest`
    expect(stage.cloud.resources.get(subscription('ingest-uplinks'))).toMatchObject({
      topic: topic('uplinks'),
      enableMessageOrdering: true,
      expirationPolicy: {},
      retryPolicy: { minimumBackoff: '5s', maximumBackoff: '300s' },
      deadLetterPolicy: { deadLetterTopic: topic('uplinks-dead'), maxDeliveryAttempts: 7 },
      pushConfig: {
        pushEndpoint: uri,
        oidcToken: {
          serviceAccountEmail: `fixture-dev-caller@${PROJECT}.iam.gserviceaccount.com`,
          audience: uri,
        },
      },
    })
    expect(stage.cloud.policyOf(subscription('ingest-uplinks'))).toEqual([
      { role: 'roles/pubsub.subscriber', members: [AGENT] },
    ])
    expect(stage.cloud.policyOf(topic('uplinks-dead'))).toEqual([
      { role: 'roles/pubsub.publisher', members: [AGENT] },
    ])
  })

  it('gives the subscription that Eventarc made patience and a dead letter topic', () => {
    const name = `projects/${PROJECT}/subscriptions/eventarc-${REGION}-fixture-dev-rows-sub`
    expect(stage.cloud.resources.get(name)).toMatchObject({
      deadLetterPolicy: { deadLetterTopic: topic('uplinks-dead'), maxDeliveryAttempts: 5 },
      retryPolicy: { minimumBackoff: '10s', maximumBackoff: '600s' },
    })
  })

  it('writes a topic into a table, and calls a function by the clock', () => {
    expect(stage.cloud.resources.get(subscription('cold'))).toMatchObject({
      bigqueryConfig: {
        table: `${PROJECT}.fixture_dev.telemetry`,
        useTableSchema: true,
        dropUnknownFields: true,
      },
    })
    const table = `projects/${PROJECT}/datasets/fixture_dev/tables/telemetry`
    expect(stage.cloud.resources.get(table)).toMatchObject({
      timePartitioning: { type: 'DAY', field: 'at', expirationMs: '34560000000' },
      clustering: { fields: ['deviceId'] },
    })
    expect(stage.cloud.policyOf(table)).toEqual([
      { role: 'roles/bigquery.dataEditor', members: [AGENT] },
    ])
    const job = `projects/${PROJECT}/locations/${REGION}/jobs/fixture-dev-ingest`
    expect(stage.cloud.resources.get(job)).toMatchObject({
      schedule: '* * * * *',
      timeZone: 'Etc/UTC',
      httpTarget: { uri: `${stage.cloud.origin}/run/fixture-dev-ingest/tick`, httpMethod: 'POST' },
    })
  })

  it('keeps functions private unless the yml says otherwise, and grants each what it names', () => {
    const run = (key: string) =>
      `projects/${PROJECT}/locations/${REGION}/services/fixture-dev-${key}`
    const caller = member('caller')
    for (const key of ['ingest', 'rows'])
      expect(stage.cloud.policyOf(run(key))).toEqual([
        { role: 'roles/run.invoker', members: [caller] },
      ])
    expect(stage.cloud.policyOf(run('hello'))).toEqual([
      { role: 'roles/run.invoker', members: [caller, 'allUsers'] },
    ])
    expect(stage.cloud.policyOf(topic('rows'))).toEqual([
      { role: 'roles/pubsub.publisher', members: [member('ingest')] },
    ])
    expect(stage.cloud.policyOf(topic('uplinks'))).toEqual([])
    expect(stage.cloud.policyOf(`b/${PROJECT}-fixture-dev-files`)).toEqual([
      { role: 'roles/storage.objectUser', members: [member('ingest')] },
    ])
    expect(stage.cloud.policyOf(`projects/${PROJECT}`)).toEqual([
      { role: 'roles/datastore.user', members: [member('ingest')] },
      { role: 'roles/eventarc.eventReceiver', members: [caller] },
    ])
  })

  it('changes nothing when the same is deployed again', async () => {
    stage.cloud.forget()
    const printed = await stage.sls('deploy')
    expect(printed).toContain('function fixture-dev-ingest: unchanged')
    expect(changes()).toEqual([])
    expect(stage.cloud.seen.length).toBeGreaterThan(20)
  }, 60_000)

  it('packages the same code to the same bytes', async () => {
    const before = ['ingest', 'hello', 'rows'].map((key) => stage.cloud.zipOf(functionName(key)))
    await stage.sls('package')
    const after = ['ingest', 'hello', 'rows'].map((key) =>
      readFileSync(join(stage.folder, '.serverless', `${key}.zip`)),
    )
    expect(after).toEqual(before)
  }, 60_000)

  it('deploys what was packaged before, somewhere else', async () => {
    await stage.sls('package', '--package', 'out')
    stage.cloud.forget()
    const printed = await stage.sls('deploy', '--package', 'out')
    expect(printed).toContain('function fixture-dev-rows: unchanged')
    expect(changes()).toEqual([])
  }, 60_000)

  it('shows what is deployed', async () => {
    const printed = await stage.sls('info')
    expect(printed).toContain('fixture-dev-ingest  ACTIVE  nodejs24')
    expect(printed).toContain(`${stage.cloud.origin}/run/fixture-dev-hello`)
    expect(printed).toContain('fixture-dev-uplinks-dead')
    expect(printed).toContain('firestore: fixture-dev')
  }, 60_000)

  it('calls a function as what calls it would', async () => {
    expect(await stage.sls('invoke', '-f', 'hello')).toContain('hello')
    expect(await stage.sls('invoke', '-f', 'ingest', '-d', 'a message')).toContain('got a message')
    expect(await stage.sls('invoke', '-f', 'rows', '-d', 'an event')).toContain('an event')
  }, 60_000)

  it('shows the log of a function', async () => {
    stage.cloud.logEntries.push(
      { timestamp: '2026-01-01T00:00:01Z', severity: 'INFO', textPayload: 'first' },
      { timestamp: '2026-01-01T00:00:02Z', severity: 'ERROR', jsonPayload: { message: 'second' } },
    )
    stage.cloud.forget()
    const printed = await stage.sls(
      'logs',
      '-f',
      'ingest',
      '--startTime',
      '1h',
      '--filter',
      'severity>=INFO',
    )
    expect(printed).toContain('2026-01-01T00:00:01Z INFO    first')
    expect(printed).toContain('2026-01-01T00:00:02Z ERROR   second')
    const [asked] = stage.cloud.seen
    expect(Object(asked?.body).filter).toContain('service_name="fixture-dev-ingest"')
    expect(Object(asked?.body).filter).toContain('(severity>=INFO)')
  }, 60_000)

  it('deploys the one function whose code changed', async () => {
    edit('src/rows.ts', (text) => text.replace('return textOf', 'return `row ` + textOf'))
    stage.cloud.forget()
    const printed = await stage.sls('deploy')
    expect(changes()).toEqual([
      `PATCH cloudfunctions/v2/${functionName('rows')}?updateMask=buildConfig,labels`,
    ])
    expect(printed).toContain('function fixture-dev-rows: changed (code')
    expect(await stage.sls('invoke', '-f', 'rows', '-d', 'x')).toContain('row x')
  }, 60_000)

  it('deploys a single function with deploy function', async () => {
    edit('src/rows.ts', (text) => text.replace('row ', 'line '))
    stage.cloud.forget()
    await stage.sls('deploy', 'function', '-f', 'rows')
    expect(changes()).toEqual([
      `PATCH cloudfunctions/v2/${functionName('rows')}?updateMask=buildConfig,labels`,
    ])
    expect(await stage.sls('invoke', '-f', 'rows', '-d', 'x')).toContain('line x')
  }, 60_000)

  it('changes a setting without building again', async () => {
    edit('serverless.yml', (text) => text.replace('NAME: world', 'NAME: all'))
    stage.cloud.forget()
    await stage.sls('deploy')
    expect(changes()).toEqual([
      `PATCH cloudfunctions/v2/${functionName('hello')}?updateMask=serviceConfig`,
    ])
    const [asked] = stage.cloud.changes()
    expect(Object(asked?.body).serviceConfig.environmentVariables).toEqual({
      STAGE: 'dev',
      NAME: 'all',
    })
    expect(Object(asked?.body).buildConfig).toBeUndefined()
  }, 60_000)

  it('puts back what somebody changed by hand, and leaves what is theirs', async () => {
    const rows = Object(stage.cloud.resources.get(subscription('cold')))
    stage.cloud.put(subscription('cold'), { ...rows, ackDeadlineSeconds: 10 })
    stage.cloud.put(`projects/${PROJECT}/topics/somebody-elses`, {
      name: `projects/${PROJECT}/topics/somebody-elses`,
    })
    stage.cloud.forget()
    await stage.sls('deploy')
    expect(changes()).toEqual([`PATCH pubsub/v1/${subscription('cold')}`])
    expect(stage.cloud.resources.get(subscription('cold'))).toEqual(rows)
  }, 60_000)

  it('removes a function that the yml no longer names, with its account, grants and subscription', async () => {
    edit('serverless.yml', (text) => text.replace(/ {2}rows:\n {4}handler[\s\S]*?\n\n/, '\n'))
    stage.cloud.forget()
    const printed = await stage.sls('deploy')
    expect(printed).toContain('function fixture-dev-rows: removed')
    expect(stage.cloud.resources.has(functionName('rows'))).toBe(false)
    expect(
      stage.cloud.resources.has(
        `projects/${PROJECT}/serviceAccounts/fixture-dev-rows@${PROJECT}.iam.gserviceaccount.com`,
      ),
    ).toBe(false)
    // Nothing is triggered any more.
    expect(stage.cloud.policyOf(`projects/${PROJECT}`)).toEqual([
      { role: 'roles/datastore.user', members: [member('ingest')] },
    ])
  }, 60_000)

  it('takes back a grant that the yml no longer names', async () => {
    edit('serverless.yml', (text) =>
      text.replace('      - { role: roles/pubsub.publisher, topic: rows }\n', ''),
    )
    await stage.sls('deploy')
    expect(stage.cloud.policyOf(topic('rows'))).toEqual([])
  }, 60_000)

  it('closes a function that is no longer public', async () => {
    edit('serverless.yml', (text) => text.replace('public: true', 'public: false'))
    await stage.sls('deploy')
    expect(
      stage.cloud.policyOf(`projects/${PROJECT}/locations/${REGION}/services/fixture-dev-hello`),
    ).toEqual([{ role: 'roles/run.invoker', members: [member('caller')] }])
  }, 60_000)

  it('keeps data that is to be kept when the service is removed', async () => {
    const { code, text } = await stage.run(['remove'], { ON_REMOVE: 'retain' })
    expect(code).toBe(0)
    expect(text).toContain(
      'Firestore database fixture-dev: kept, with all that is in it (onRemove)',
    )
    const left = [...stage.cloud.resources.keys()].sort()
    expect(left.filter((name) => !/\/databases\/|\/datasets\/|^b\//.test(name))).toEqual([
      `projects/${PROJECT}/secrets/hook`,
      `projects/${PROJECT}/topics/somebody-elses`,
    ])
    expect(left).toContain(`projects/${PROJECT}/databases/fixture-dev`)
    expect(left).toContain(`b/${PROJECT}-fixture-dev-files`)
  }, 60_000)

  it('removes all that it made, and what is in it', async () => {
    stage.cloud.put(`b/${PROJECT}-fixture-dev-files/o/a file`, { name: 'a file' })
    await stage.sls('remove')
    expect([...stage.cloud.resources.keys()].sort()).toEqual([
      `projects/${PROJECT}/secrets/hook`,
      `projects/${PROJECT}/topics/somebody-elses`,
    ])
    for (const resource of [`projects/${PROJECT}`, `projects/${PROJECT}/secrets/hook`])
      expect(stage.cloud.policyOf(resource)).toEqual([])
  }, 60_000)

  it('says nothing is there where nothing is', async () => {
    expect(await stage.sls('info')).toContain('functions: none')
    const { code, text } = await stage.run(['invoke', '-f', 'hello'])
    expect(code).toBe(1)
    expect(text).toContain('function fixture-dev-hello: not deployed')
    expect(await stage.sls('remove')).not.toContain('removed')
    const local = await stage.run(['invoke', 'local', '-f', 'hello'])
    expect(local.code).toBe(1)
    expect(local.text).toContain('invoke local: not here')
  }, 60_000)
})
