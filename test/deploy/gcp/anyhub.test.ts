import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  describeWithEmulators,
  type Emulator,
  startFirestore,
  startPubSub,
} from '../../adapters/gcp/emulators.ts'
import { type RunningFunction, runFunction } from '../../adapters/gcp/functions.ts'
import { PROJECT, REGION } from './google-cloud.ts'
import { filesOf } from './run-zip.ts'
import { openStage, type Stage } from './stage.ts'

const ADMIN_TOKEN = 'a-token-for-tests-only-0123456789'
const FUNCTIONS = ['ingest', 'notify', 'tick', 'api', 'ingest-http']

const functionName = (key: string) =>
  `projects/${PROJECT}/locations/${REGION}/functions/anyhub-dev-${key}`
const account = (key: string) =>
  `serviceAccount:anyhub-dev-${key}@${PROJECT}.iam.gserviceaccount.com`

/** A cloud to which serverless.gcp.yml was deployed. */
async function deployed(): Promise<Stage> {
  const stage = await openStage(
    { parts: ['adapters', 'core', 'deploy', 'functions', 'serverless.gcp.yml'] },
    {
      ANYHUB_CONFIG: join(import.meta.dirname, 'anyhub.yml'),
      ANYHUB_TEST_SINK: 'http://127.0.0.1:9/a-secret-hook',
      ANYHUB_ADMIN_TOKEN_SHA256: createHash('sha256').update(ADMIN_TOKEN).digest('hex'),
      GOOGLE_CLOUD_PROJECT: PROJECT,
    },
  )
  stage.cloud.put(`projects/${PROJECT}/secrets/anyhub-dev-ANYHUB_TEST_SINK`, { name: 'sink' })
  await stage.sls('deploy', '--config', 'serverless.gcp.yml')
  return stage
}

describe('what notify may do on Google follows from its channels', () => {
  const webhook = "{ type: webhook, url: 'https://example.org/hook' }"

  /** The topics to which notify may publish, and the roles that it has besides. */
  function grantsOfNotify(channels: string, rules = '{}') {
    const folder = mkdtempSync(join(tmpdir(), 'anyhub-grants-'))
    try {
      const path = join(folder, 'anyhub.yml')
      writeFileSync(path, `channels: ${channels}\nrules: ${rules}\n`)
      const { stdout } = spawnSync(
        process.execPath,
        ['-p', "JSON.stringify(require('./deploy/gcp/stack.cjs').grantsOfNotify())"],
        { encoding: 'utf8', env: { ...process.env, ANYHUB_CONFIG: path } },
      )
      const grants: { role: string; topic?: string }[] = JSON.parse(stdout)
      return {
        topics: grants.flatMap(({ topic }) => topic ?? []),
        others: grants.flatMap(({ role, topic }) => (topic === undefined ? role : [])),
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  it('is its own queues, and the records, where channels go out by HTTP', () => {
    expect(grantsOfNotify(`{ ops: ${webhook} }`)).toEqual({
      topics: ['high', 'normal'],
      others: ['roles/datastore.user'],
    })
  })

  it('is the topic of what goes down, where a channel is of type mqtt', () => {
    const channels = `{ ops: ${webhook}, wall: { type: mqtt, topic: alerts }, more: { type: mqtt, topic: x } }`
    expect(grantsOfNotify(channels).topics).toEqual(['high', 'normal', 'commands'])
  })

  it('is the topic of its queue, where a channel is of type queue', () => {
    const channels = '{ line: { type: queue, queue: told }, desk: { type: queue, queue: desk } }'
    expect(grantsOfNotify(channels).topics).toEqual(['high', 'normal', 'queue-told', 'queue-desk'])
  })

  it('is no queue that only rules fill', () => {
    const rules = "{ a: { sql: 'SELECT 1', actions: [{ queue: { name: warm } }] } }"
    expect(grantsOfNotify(`{ ops: ${webhook} }`, rules).topics).toEqual(['high', 'normal'])
  })
})

describe('serverless.gcp.yml, deployed to a cloud of our own', () => {
  let stage: Stage

  beforeAll(async () => {
    stage = await deployed()
  }, 180_000)
  afterAll(() => stage.close())

  const policy = (resource: string) =>
    new Map(stage.cloud.policyOf(resource).map(({ role, members }) => [role, [...members].sort()]))

  it('makes five functions, each of its bundle and nothing else', () => {
    const made = [...stage.cloud.resources.keys()].filter((name) => name.includes('/functions/'))
    expect(made.sort()).toEqual(FUNCTIONS.map(functionName).sort())
    for (const key of FUNCTIONS)
      expect(Object.keys(filesOf(stage.cloud.zipOf(functionName(key))))).toEqual([
        'index.js',
        'package.json',
      ])
  })

  it('needs nothing to run besides the services of the cloud: no machine, no cluster, no broker of ours', () => {
    const kinds = new Set(
      [...stage.cloud.resources.keys()].map(
        (name) =>
          name
            .replace(/\/[^/]+$/, '')
            .split('/')
            .at(-1) ?? '',
      ),
    )
    // `b`: buckets; `services`: the APIs that are switched on, and what runs a function.
    expect([...kinds].toSorted()).toEqual([
      'b',
      'databases',
      'datasets',
      'fields',
      'functions',
      'jobs',
      'secrets',
      'serviceAccounts',
      'services',
      'subscriptions',
      'tables',
      'topics',
    ])
  })

  it('puts no secret into a bundle or into a setting', () => {
    for (const key of FUNCTIONS) {
      expect(filesOf(stage.cloud.zipOf(functionName(key)))['index.js']).not.toContain(
        'a-secret-hook',
      )
      expect(JSON.stringify(stage.cloud.resources.get(functionName(key)))).not.toContain(
        'a-secret-hook',
      )
      const { serviceConfig } = Object(stage.cloud.resources.get(functionName(key)))
      expect(serviceConfig.secretEnvironmentVariables).toEqual([
        { key: 'ANYHUB_TEST_SINK', secret: 'anyhub-dev-ANYHUB_TEST_SINK', version: 'latest' },
      ])
    }
  })

  it('opens to the public only what devices reach', () => {
    const open = FUNCTIONS.filter((key) =>
      policy(`projects/${PROJECT}/locations/${REGION}/services/anyhub-dev-${key}`)
        .get('roles/run.invoker')
        ?.includes('allUsers'),
    )
    expect(open).toEqual(['ingest-http'])
  })

  it('gives each function an account of its own, which may do what it does and no more', () => {
    const accounts = FUNCTIONS.map(
      (key) =>
        Object(stage.cloud.resources.get(functionName(key))).serviceConfig.serviceAccountEmail,
    )
    expect(new Set(accounts).size).toBe(FUNCTIONS.length)
    const project = stage.cloud.policyOf(`projects/${PROJECT}`)
    expect(project.map(({ role }) => role).sort()).toEqual([
      'roles/bigquery.jobUser',
      'roles/datastore.user',
    ])
    expect(policy(`projects/${PROJECT}`).get('roles/bigquery.jobUser')).toEqual([account('api')])
    const telemetry = policy(`projects/${PROJECT}/topics/anyhub-dev-telemetry`)
    expect(telemetry.get('roles/pubsub.publisher')).toEqual([account('ingest-http')])
    const commands = policy(`projects/${PROJECT}/topics/anyhub-dev-commands`)
    expect(commands.get('roles/pubsub.publisher')).toEqual(
      ['api', 'ingest', 'ingest-http', 'tick'].map(account).sort(),
    )
  })

  it('makes a topic and a subscription for each queue that a rule fills', () => {
    expect(stage.cloud.resources.has(`projects/${PROJECT}/topics/anyhub-dev-queue-warm`)).toBe(true)
    expect(
      stage.cloud.resources.has(`projects/${PROJECT}/subscriptions/anyhub-dev-queue-warm`),
    ).toBe(true)
  })

  it('names in the environment what it made', () => {
    const { environmentVariables: env } = Object(
      stage.cloud.resources.get(functionName('ingest')),
    ).serviceConfig
    for (const name of ['TELEMETRY', 'COMMANDS', 'HIGH', 'NORMAL', 'COLD'])
      expect(
        stage.cloud.resources.has(`projects/${PROJECT}/topics/${env[`ANYHUB_${name}_TOPIC`]}`),
      ).toBe(true)
    expect(stage.cloud.resources.has(`projects/${PROJECT}/databases/${env.ANYHUB_DATABASE}`)).toBe(
      true,
    )
    expect(stage.cloud.resources.has(`b/${env.ANYHUB_BUCKET}`)).toBe(true)
    const [dataset, table] = env.ANYHUB_COLD_TABLE.split('.')
    expect(
      stage.cloud.resources.has(`projects/${PROJECT}/datasets/${dataset}/tables/${table}`),
    ).toBe(true)
    expect(
      stage.cloud.resources.has(`projects/${PROJECT}/serviceAccounts/${env.ANYHUB_PUSH_ACCOUNT}`),
    ).toBe(true)
    const push = Object(
      stage.cloud.resources.get(`projects/${PROJECT}/subscriptions/anyhub-dev-ingest-telemetry`),
    )
    expect(push.pushConfig.oidcToken.serviceAccountEmail).toBe(env.ANYHUB_PUSH_ACCOUNT)
  })

  it('changes nothing when it is deployed again', async () => {
    stage.cloud.forget()
    await stage.sls('deploy', '--config', 'serverless.gcp.yml')
    expect(stage.cloud.changes()).toEqual([])
  }, 120_000)

  it.each(['Prod', 'a-stage-of-many-letters'])(
    'refuses the stage %s, whose account could not be called so',
    async (name) => {
      const { code, text } = await stage.run([
        'package',
        '--config',
        'serverless.gcp.yml',
        '--stage',
        name,
      ])
      expect(code).toBe(1)
      expect(text).toContain('stage: expected small letters, digits and hyphens, at most 16')
    },
    60_000,
  )

  it('removes all that it made', async () => {
    await stage.sls('remove', '--config', 'serverless.gcp.yml')
    expect([...stage.cloud.resources.keys()]).toEqual([
      `projects/${PROJECT}/secrets/anyhub-dev-ANYHUB_TEST_SINK`,
    ])
  }, 120_000)
})

describeWithEmulators(
  'the zips that serverless.gcp.yml brought, run by functions-framework',
  () => {
    let stage: Stage
    let firestore: Emulator
    let pubsub: Emulator
    const running = new Map<string, RunningFunction>()

    /** Runs what was deployed, with the environment that was deployed. */
    async function run(key: string): Promise<void> {
      const { buildConfig, serviceConfig } = Object(stage.cloud.resources.get(functionName(key)))
      const folder = join(stage.folder, 'arrived', key)
      mkdirSync(folder, { recursive: true })
      for (const [name, text] of Object.entries(filesOf(stage.cloud.zipOf(functionName(key)))))
        writeFileSync(join(folder, name), text)
      const env = {
        ...serviceConfig.environmentVariables,
        ANYHUB_TEST_SINK: 'http://127.0.0.1:9/a-secret-hook',
        FIRESTORE_EMULATOR_HOST: firestore.host,
        PUBSUB_EMULATOR_HOST: pubsub.host,
      }
      running.set(
        key,
        await runFunction({ folder, target: buildConfig.entryPoint, signature: 'http', env }),
      )
    }

    const ask = (key: string, path: string, init: RequestInit = {}) =>
      fetch(`${running.get(key)?.url}${path}`, init)

    beforeAll(async () => {
      stage = await deployed()
      ;[firestore, pubsub] = await Promise.all([startFirestore(), startPubSub()])
      const { environmentVariables: env } = Object(
        stage.cloud.resources.get(functionName('api')),
      ).serviceConfig
      for (const topic of ['COMMANDS', 'HIGH', 'NORMAL', 'COLD'])
        await fetch(
          `http://${pubsub.host}/v1/projects/${PROJECT}/topics/${env[`ANYHUB_${topic}_TOPIC`]}`,
          {
            method: 'PUT',
            headers: { 'content-type': 'application/json' },
            body: '{}',
          },
        )
      await fetch(`http://${pubsub.host}/v1/projects/${PROJECT}/topics/anyhub-dev-queue-warm`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: '{}',
      })
      for (const key of FUNCTIONS) await run(key)
    }, 180_000)
    afterAll(async () => {
      await Promise.all([...running.values()].map((one) => one.stop()))
      await Promise.all([firestore.stop(), pubsub.stop(), stage.close()])
    }, 30_000)

    it('take a message from the API to a record that the API shows', async () => {
      const admin = { authorization: `Bearer ${ADMIN_TOKEN}` }
      const at = Date.now()
      const sent = await ask('api', '/devices/fridge-1/telemetry', {
        method: 'POST',
        headers: { ...admin, 'content-type': 'application/json' },
        body: JSON.stringify({ ts: at, temp: 31.5 }),
      })
      expect([sent.status, await sent.text()]).toEqual([
        202,
        expect.stringContaining('"accepted":1'),
      ])
      const shown = await ask('api', '/devices/fridge-1', { headers: admin })
      expect(await shown.json()).toMatchObject({ last: { temp: { value: 31.5, at } } })
    }, 60_000)

    it('refuse who shows no token', async () => {
      const push = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }
      for (const key of ['ingest', 'notify', 'tick'])
        expect((await ask(key, '/', push)).status).toBe(401)
      expect((await ask('api', '/devices')).status).toBe(401)
      expect((await ask('ingest-http', '/devices/fridge-1/telemetry', push)).status).toBe(401)
    }, 60_000)
  },
)
