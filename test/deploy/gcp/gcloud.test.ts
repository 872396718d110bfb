import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { checkByGcloud, describeWithGcloud, gcloudDeploy } from './gcloud.ts'
import { PROJECT, REGION, type Seen } from './google-cloud.ts'
import { openStage, type Stage } from './stage.ts'

const account = (key: string) => `fixture-dev-${key}@${PROJECT}.iam.gserviceaccount.com`

describeWithGcloud('the plugin for Google Cloud, beside gcloud', (sdkRoot) => {
  let ours: Stage
  let theirs: Stage

  beforeAll(async () => {
    ours = await openStage({ copy: join(import.meta.dirname, 'fixture') })
    theirs = await openStage({ copy: join(import.meta.dirname, 'fixture') })
    for (const { cloud } of [ours, theirs])
      cloud.put(`projects/${PROJECT}/secrets/hook`, { name: 'hook' })
    for (const key of ['ingest', 'rows', 'caller'])
      theirs.cloud.put(`projects/${PROJECT}/serviceAccounts/${account(key)}`, {
        email: account(key),
      })
    const topic = `projects/${PROJECT}/topics/fixture-dev-rows`
    theirs.cloud.put(topic, { name: topic })
    mkdirSync(join(theirs.folder, 'code'))
    writeFileSync(join(theirs.folder, 'code/index.js'), 'exports.ingest = exports.rows = () => {}')
    writeFileSync(join(theirs.folder, 'code/package.json'), '{"main": "index.js"}')
    await ours.sls('deploy')
  }, 60_000)
  afterAll(async () => {
    await ours.close()
    await theirs.close()
  })

  /** What was sent to make a function, without what differs from upload to upload or tool to tool. */
  function made(seen: readonly Seen[], key: string) {
    const found = seen.find(
      ({ service, method, path }) =>
        service === 'cloudfunctions' &&
        method === 'POST' &&
        path.includes(`functionId=fixture-dev-${key}`),
    )
    const { labels, buildConfig, serviceConfig, eventTrigger } = Object(found?.body)
    const { 'deployment-tool': _tool, code: _code, ...ownLabels } = labels
    const { source, environmentVariables: _empty, ...build } = buildConfig
    const {
      allTrafficOnLatestRevision: _default,
      secretEnvironmentVariables = [],
      ...service
    } = serviceConfig
    return {
      labels: ownLabels,
      build,
      bucket: source.storageSource.bucket,
      service,
      secrets: secretEnvironmentVariables.map(
        ({ projectId: _project, ...one }: Record<string, unknown>) => one,
      ),
      eventTrigger,
    }
  }

  const common = (key: string) => [
    '--runtime=nodejs24',
    `--source=${join(theirs.folder, 'code')}`,
    `--entry-point=${key}`,
    '--timeout=60s',
    '--min-instances=0',
    '--max-instances=10',
    '--set-env-vars=STAGE=dev',
    `--service-account=${account(key)}`,
    '--ingress-settings=all',
    '--update-labels=service=fixture,stage=dev',
    '--no-allow-unauthenticated',
  ]

  it('makes a function of HTTP as gcloud does', async () => {
    const { seen, text } = await gcloudDeploy(theirs, 'fixture-dev-ingest', [
      ...common('ingest'),
      '--trigger-http',
      '--memory=512Mi',
      '--cpu=1',
      '--concurrency=80',
      '--set-secrets=HOOK=hook:latest',
    ])
    expect(text).not.toContain('ERROR')
    expect(made(ours.cloud.seen, 'ingest')).toEqual(made(seen, 'ingest'))
  }, 60_000)

  it('makes a function with a trigger as gcloud does', async () => {
    const { seen, text } = await gcloudDeploy(theirs, 'fixture-dev-rows', [
      ...common('rows'),
      '--trigger-topic=fixture-dev-rows',
      `--trigger-service-account=${account('caller')}`,
      `--trigger-location=${REGION}`,
      '--retry',
      '--memory=256Mi',
    ])
    expect(text).not.toContain('ERROR')
    expect(made(ours.cloud.seen, 'rows')).toEqual(made(seen, 'rows'))
  }, 60_000)

  it('sends nothing that the message classes of gcloud do not know', () => {
    const { faults, checked, unchecked } = checkByGcloud(sdkRoot, ours.cloud.seen)
    expect(faults).toEqual([])
    expect(unchecked).toEqual([])
    expect(Object.keys(checked).length).toBeGreaterThan(20)
  })

  it('would notice a field that is none', () => {
    const wrong = {
      service: 'pubsub',
      method: 'PUT',
      path: '/v1/projects/p/topics/t',
      body: { label: {} },
    }
    expect(checkByGcloud(sdkRoot, [wrong]).faults).toEqual([
      'PUT pubsub/v1/projects/p/topics/t: Topic.label: no field of Topic',
    ])
  })
})
