import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Fault, PROJECT, REGION } from './google-cloud.ts'
import { openStage, type Stage } from './stage.ts'

// What a deployment says when a step fails: which resource, what Google answered, what to do.

const FUNCTION = `projects/${PROJECT}/locations/${REGION}/functions/fixture-dev-hello`

describe('the plugin for Google Cloud, when something is wrong', () => {
  let stage: Stage
  let yml: string

  beforeAll(async () => {
    stage = await openStage({ copy: join(import.meta.dirname, 'fixture') })
    stage.cloud.put(`projects/${PROJECT}/secrets/hook`, { name: 'hook' })
    yml = readFileSync(join(stage.folder, 'serverless.yml'), 'utf8')
  })
  afterAll(() => stage.close())

  /** Deploys with a changed yml, to a stage. */
  async function deployed(change: (text: string) => string = (text) => text, name = 'dev') {
    const changed = change(yml)
    writeFileSync(join(stage.folder, 'serverless.yml'), changed)
    const result = await stage.run(['deploy', '--stage', name])
    writeFileSync(join(stage.folder, 'serverless.yml'), yml)
    return result
  }

  const answered = (status: number, name: string, message: string, details: unknown[] = []) => ({
    status,
    body: { error: { code: status, status: name, message, details } },
  })

  const denied = answered(
    403,
    'PERMISSION_DENIED',
    "Permission 'pubsub.topics.create' denied on resource.",
  )
  const disabled = answered(
    403,
    'PERMISSION_DENIED',
    'Cloud Firestore API has not been used in project.',
    [
      {
        '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
        reason: 'SERVICE_DISABLED',
        metadata: { service: 'firestore.googleapis.com' },
      },
    ],
  )
  const broke = answered(
    403,
    'PERMISSION_DENIED',
    'This API method requires billing to be enabled.',
  )
  const quota = answered(
    429,
    'RESOURCE_EXHAUSTED',
    'Quota exceeded for quota metric Write requests.',
  )

  /** A stage in which nothing is deployed yet. */
  const stageOf = (what: string) => what.split(' ')[1] ?? ''

  const TOLD: readonly (readonly [string, Fault, readonly string[]])[] = [
    [
      'a permission that is missing',
      { match: /PUT pubsub.*\/topics\/fixture-permission-uplinks$/, ...denied },
      [
        'topic fixture-permission-uplinks: PUT: HTTP 403 PERMISSION_DENIED',
        "Google: Permission 'pubsub.topics.create' denied on resource.",
        'do: ask an owner of demo-project for the permission pubsub.topics.create',
      ],
    ],
    [
      'an interface that is off',
      { match: /POST firestore/, ...disabled },
      [
        'Firestore database fixture-interface: POST: HTTP 403',
        'do: gcloud services enable firestore.googleapis.com --project demo-project',
      ],
    ],
    [
      'a project without billing',
      { match: /batchGet/, ...broke },
      [
        'do: link a billing account: https://console.cloud.google.com/billing/linkedaccount?project=demo-project',
      ],
    ],
    [
      'a name that is taken',
      {
        match: /POST storage.*\/b$/,
        ...answered(409, 'CONFLICT', 'The requested bucket name is not available.'),
      },
      [
        'bucket demo-project-fixture-name-files: POST: HTTP 409 CONFLICT',
        'Google: The requested bucket name is not available.',
        'choose another name',
      ],
    ],
    [
      'a quota that is used up for good',
      { match: /GET cloudscheduler/, ...quota, headers: { 'retry-after': '0' }, times: 5 },
      [
        'HTTP 429 RESOURCE_EXHAUSTED',
        'Google: Quota exceeded for quota metric Write requests.',
        'do: a quota is used up: wait, or ask for more at https://console.cloud.google.com/iam-admin/quotas?project=demo-project',
      ],
    ],
  ]

  it.each(TOLD)(
    'tells of %s, and stops',
    async (what, fault, lines) => {
      stage.cloud.fail({ ...fault })
      const { code, text } = await deployed(undefined, stageOf(what))
      expect(code).toBe(1)
      for (const line of lines) expect(text).toContain(line)
      expect(text).not.toContain('deployed fixture-')
      expect(text).not.toMatch(/\n\s+at /)
    },
    60_000,
  )

  it('waits as long as Retry-After says, and goes on', async () => {
    stage.cloud.fail({
      match: /GET cloudfunctions.*functions\/fixture-dev-hello$/,
      ...quota,
      headers: { 'retry-after': '1' },
    })
    stage.cloud.forget()
    const before = performance.now()
    const { code } = await deployed()
    expect(code).toBe(0)
    expect(performance.now() - before).toBeGreaterThan(1_000)
  }, 60_000)

  it('tells of an operation that ends in an error, and builds again the next time', async () => {
    const path = join(stage.folder, 'src/ingest.ts')
    const source = readFileSync(path, 'utf8')
    writeFileSync(path, source.replace("send('hello')", "send('hi')"))
    stage.cloud.failOperation(/functions\/fixture-dev-hello$/, {
      code: 3,
      message: 'Build failed: missing main (Error ID: 5c04ec9c)',
    })
    const { code, text } = await deployed()
    expect(code).toBe(1)
    expect(text).toContain('function fixture-dev-hello: operation failed, code 3')
    expect(text).toContain('Google: Build failed: missing main (Error ID: 5c04ec9c)')
    // The other function of that file was deployed all the same.
    expect(text).toContain('function fixture-dev-ingest: changed (code')
    stage.cloud.forget()
    const again = await deployed()
    expect(again.code).toBe(0)
    expect(again.text).toContain('function fixture-dev-hello: changed (code')
    expect(again.text).toContain('function fixture-dev-ingest: unchanged')
    writeFileSync(path, source)
  }, 60_000)

  it('tells the failures of all functions together', async () => {
    const path = join(stage.folder, 'src/ingest.ts')
    for (const key of ['hello', 'ingest'])
      stage.cloud.failOperation(new RegExp(`functions/fixture-dev-${key}$`), {
        code: 13,
        message: `no luck with ${key}`,
      })
    const { code, text } = await deployed()
    expect(code).toBe(1)
    expect(text).toContain('Google: no luck with hello')
    expect(text).toContain('Google: no luck with ingest')
    expect(readFileSync(path, 'utf8')).toContain("send('hello')")
    expect((await deployed()).code).toBe(0)
  }, 60_000)

  it('reads a policy again when somebody else wrote it meanwhile', async () => {
    stage.cloud.fail({
      match: /POST run.*fixture-dev-hello:setIamPolicy$/,
      ...answered(409, 'ABORTED', 'There were concurrent policy changes.'),
      times: 2,
    })
    const { code } = await deployed((text) => text.replace('public: true', 'public: false'))
    expect(code).toBe(0)
    expect((await deployed()).code).toBe(0)
    expect(
      stage.cloud.policyOf(`projects/${PROJECT}/locations/${REGION}/services/fixture-dev-hello`)[0]
        ?.members,
    ).toContain('allUsers')
  }, 60_000)

  it('leaves alone what is somebody else’s', async () => {
    const mine = Object(stage.cloud.resources.get(FUNCTION))
    stage.cloud.put(FUNCTION, { ...mine, labels: { service: 'another' } })
    const { code, text } = await deployed()
    expect(code).toBe(1)
    expect(text).toContain(
      'function fixture-dev-hello: exists, and does not belong to service fixture, stage dev',
    )
    const topic = `projects/${PROJECT}/topics/fixture-dev-cold`
    const before = Object(stage.cloud.resources.get(topic))
    stage.cloud.put(FUNCTION, mine)
    stage.cloud.put(topic, { name: topic })
    expect((await deployed()).text).toContain(
      'topic fixture-dev-cold: exists, and does not belong to',
    )
    stage.cloud.put(topic, before)
  }, 60_000)

  it('tells what can never be changed, before it changes anything of it', async () => {
    const ordering = await deployed((text) => text.replace('ordering: true', 'ordering: false'))
    expect(ordering.text).toContain(
      'subscription fixture-dev-ingest-uplinks: Pub/Sub cannot change enableMessageOrdering of a subscription',
    )
    const trigger = await deployed((text) =>
      text.replace(/- pubsub: \{[^}]+\}/, '- http: { public: false }'),
    )
    expect(trigger.text).toContain(
      'function fixture-dev-rows: Google cannot turn a function with a trigger into one without',
    )
    const place = await deployed((text) =>
      text.replace('  firestore:\n', '  firestore:\n    location: us-east1\n'),
    )
    expect(place.text).toContain(
      'Firestore database fixture-dev: Firestore cannot change locationId of a database',
    )
    for (const { code } of [ordering, trigger, place]) expect(code).toBe(1)
  }, 60_000)

  const WRONG: readonly (readonly [string, (text: string) => string, string])[] = [
    [
      'an event that is none',
      (text) => text.replace('- http: { public: true }', '- htp: { public: true }'),
      'unsupported function event',
    ],
    [
      'a number where none belongs',
      (text) => text.replace('concurrency: 80', 'concurrency: many'),
      'concurrency',
    ],
    [
      'a runtime that is gone',
      (text) => text.replace('runtime: nodejs24', 'runtime: nodejs18'),
      'expected runtime nodejs22 or nodejs24, found nodejs18',
    ],
    [
      'a trigger among other events',
      (text) =>
        text.replace(
          '      - http: { public: true }',
          '      - http: { public: true }\n      - pubsub: { topic: rows }',
        ),
      'function hello: expected pubsub or firestore as its only event, found 2 events',
    ],
    [
      'a grant on nothing',
      (text) =>
        text.replace(
          ', topic: rows }\n      - { role: roles/datastore',
          ' }\n      - { role: roles/datastore',
        ),
      'expected one of topic, bucket, database, table, secret, self, project; found 0',
    ],
    [
      'a function without an event',
      (text) => text.replace('    events:\n      - http: { public: true }\n', ''),
      'function hello: expected an event, found none',
    ],
  ]

  it.each(WRONG)(
    'refuses a yml with %s',
    async (_what, change, line) => {
      stage.cloud.forget()
      const { code, text } = await deployed(change)
      expect(`${code} ${text}`).toContain(line)
      expect(code === 1 || /Invalid configuration encountered/.test(text)).toBe(true)
    },
    60_000,
  )

  it('packages nothing that no function asked for', async () => {
    writeFileSync(join(stage.folder, 'src/secret.txt'), 'a secret')
    const { code, text } = await deployed((given) =>
      given.replace("patterns: ['!**']", "patterns: ['src/secret.txt']"),
    )
    expect(code).toBe(1)
    expect(text).toContain('expected nothing but its bundle')
    expect(text).toContain('src/secret.txt')
  }, 60_000)

  it('says how to log in where nobody is', async () => {
    const { code, text } = await stage.run(['info'], {
      GOOGLE_APPLICATION_CREDENTIALS: join(stage.folder, 'nobody.json'),
    })
    expect(code).toBe(1)
    expect(text).toContain('do: log in: gcloud auth application-default login')
  }, 60_000)
})
