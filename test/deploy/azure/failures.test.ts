import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { zipSync } from 'fflate'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { FailingResource, Fault } from './azure-cloud.ts'
import { openStage, type Stage } from './stage.ts'

// What a deployment says when a step fails: which resource, what Azure answered, what to do.

describe('the plugin for Azure, when something is wrong', () => {
  let stage: Stage
  let yml: string

  beforeAll(async () => {
    stage = await openStage({ copy: join(import.meta.dirname, 'fixture') })
    yml = readFileSync(join(stage.folder, 'serverless.yml'), 'utf8')
  })
  afterAll(() => stage.close())

  /** Deploys with a changed yml, to a stage. */
  async function deployed(change: (text: string) => string = (text) => text, name = 'dev') {
    writeFileSync(join(stage.folder, 'serverless.yml'), change(yml))
    const result = await stage.run(['deploy', '--stage', name])
    writeFileSync(join(stage.folder, 'serverless.yml'), yml)
    return result
  }

  const answered = (status: number, code: string, message: string, more: object = {}) => ({
    status,
    body: { error: { code, message, ...more } },
  })

  const TOLD: readonly (readonly [string, Fault, readonly string[]])[] = [
    [
      'a right that is missing',
      {
        match: /PUT .*resourceGroups\/fixture-right/,
        ...answered(
          403,
          'AuthorizationFailed',
          "The client 'me' does not have authorization to perform action 'Microsoft.Resources/subscriptions/resourcegroups/write'.",
        ),
      },
      [
        'resource group fixture-right: PUT: HTTP 403',
        "Azure: AuthorizationFailed: The client 'me' does not have authorization",
        'do: ask an owner of the subscription for Contributor and Role Based Access Control Administrator',
      ],
    ],
    [
      'a policy',
      {
        match: /PUT .*\/deployments\/fixture-policy/,
        ...answered(
          400,
          'InvalidTemplateDeployment',
          'The template deployment failed because of policy violation. Please see details for more information.',
          {
            details: [
              {
                code: 'RequestDisallowedByPolicy',
                target: 'fixture-policy',
                message: "Resource 'fixture-policy' was disallowed by policy.",
                additionalInfo: [
                  {
                    type: 'PolicyViolation',
                    info: { policyDefinitionDisplayName: 'Allowed locations' },
                  },
                ],
              },
            ],
          },
        ),
      },
      [
        'deployment fixture-policy: PUT: HTTP 400',
        "Azure: RequestDisallowedByPolicy: Resource 'fixture-policy' was disallowed by policy. (policy: Allowed locations) (fixture-policy)",
        'do: a policy of your organisation forbids it',
      ],
    ],
    [
      'another deployment on its way',
      {
        match: /PUT .*\/deployments\/fixture-busy/,
        ...answered(
          409,
          'DeploymentActive',
          'Unable to edit or replace deployment: previous deployment is still active.',
        ),
      },
      ['Azure: DeploymentActive:', 'do: another deployment is on its way: wait for its end'],
    ],
    [
      'an interface that has trouble for good',
      {
        match: /GET .*providers\/Microsoft\.Web\?/,
        ...answered(503, 'ServerBusy', 'The server is busy.'),
        headers: { 'retry-after': '0' },
        times: 5,
      },
      [
        'resource provider Microsoft.Web: GET: HTTP 503',
        'Azure: ServerBusy: The server is busy.',
        'do: deploy again: what is done is skipped',
      ],
    ],
    [
      'an answer that is no JSON',
      {
        match: /PUT .*resourceGroups\/fixture-html/,
        status: 400,
        body: '<html>Bad gateway</html>',
      },
      [
        'resource group fixture-html: PUT: HTTP 400',
        '<html>Bad gateway</html>',
        'do: correct this value in the yml',
      ],
    ],
  ]

  it.each(TOLD)(
    'tells of %s, with the correlation id, and stops',
    async (_what, fault, lines) => {
      const [, name = 'dev'] = /fixture-(\w+)/.exec(String(fault.match)) ?? []
      stage.cloud.fail({ ...fault })
      const { code, text } = await deployed(undefined, name)
      expect(code).toBe(1)
      for (const line of lines) expect(text).toContain(line)
      expect(text).toMatch(/correlation id [0-9a-f-]{36}/)
      expect(text).not.toContain('deployed fixture-')
      expect(text).not.toMatch(/\n\s+at /)
    },
    60_000,
  )

  const FAILED: readonly (readonly [string, FailingResource, readonly string[]])[] = [
    [
      'quota',
      {
        match: /^Microsoft\.Web\/serverfarms /,
        statusCode: 'Unauthorized',
        statusMessage: {
          error: {
            code: 'SubscriptionIsOverQuotaForSku',
            message: 'This region has quota of 0 instances for your subscription.',
          },
        },
      },
      [
        'Azure: SubscriptionIsOverQuotaForSku: This region has quota of 0 instances for your subscription. (serverfarms fixture-quota)',
        'do: a quota is used up: ask for more (portal, Quotas), or choose another region',
      ],
    ],
    [
      'taken',
      {
        match: /^Microsoft\.Storage\/storageAccounts /,
        statusCode: 'Conflict',
        statusMessage: JSON.stringify({
          error: {
            code: 'StorageAccountAlreadyTaken',
            message: 'The storage account named x is already taken.',
          },
        }),
      },
      [
        'Azure: StorageAccountAlreadyTaken: The storage account named x is already taken. (storageAccounts fixture',
        'do: somebody has this name: choose another stage',
      ],
    ],
    [
      'wrapped',
      {
        match: /^Microsoft\.DocumentDB\/databaseAccounts /,
        statusCode: 'BadRequest',
        statusMessage: {
          status: 'Failed',
          error: {
            code: 'ResourceDeploymentFailure',
            message:
              "The resource write operation failed to complete successfully, because it reached terminal provisioning state 'Failed'.",
            details: [
              {
                code: 'DeploymentFailed',
                message:
                  '{"Code":"ServiceUnavailable","Message":"Sorry, we are currently experiencing high demand in West Europe."}',
              },
            ],
          },
        },
      },
      [
        'Azure: ServiceUnavailable: Sorry, we are currently experiencing high demand in West Europe. (databaseAccounts docs-wrapped)',
        'do: choose another region: --param region=',
      ],
    ],
  ]

  it.each(FAILED)(
    'unfolds what a provider said of a resource: %s',
    async (name, fault, lines) => {
      stage.cloud.failResource(fault)
      const { code, text } = await deployed(undefined, name)
      expect(code).toBe(1)
      expect(text).toContain(`deployment fixture-${name}: failed`)
      for (const line of lines) expect(text).toContain(line)
      expect(text).toMatch(/correlation id [0-9a-f-]{36}/)
      const again = await deployed(undefined, name)
      expect(again.text).toContain('resources: deployed')
      expect((await stage.run(['remove', '--stage', name])).code).toBe(0)
    },
    60_000,
  )

  it('waits as long as Retry-After says, and goes on', async () => {
    stage.cloud.fail({
      match: /PUT .*\/deployments\//,
      ...answered(429, 'TooManyRequests', 'slow down'),
      headers: { 'retry-after': '1' },
    })
    const before = performance.now()
    expect((await deployed()).code).toBe(0)
    expect(performance.now() - before).toBeGreaterThan(1_000)
  }, 60_000)

  it('waits until a role that was just granted is effective', async () => {
    stage.cloud.delayRoles(3)
    const { code, text } = await deployed(
      (given) => given.replace('memory: 512', 'memory: 2048'),
      'slow',
    )
    expect(code).toBe(0)
    expect(text).toMatch(
      /code of fixture-slow-\w{8}: not taken so far; waiting for the app and its roles/,
    )
    expect(text).toMatch(/code of fixture-slow-\w{8}: published/)
    await stage.run(['remove', '--stage', 'slow'])
  }, 60_000)

  it('waits until a new app has an address and answers', async () => {
    stage.cloud.fail({ match: /POST \/scm\/api\/publish/, status: 404, times: 2 })
    stage.cloud.fail({ match: /GET .*\/functions\?/, status: 502, body: 'no host', times: 6 })
    const { code, text } = await deployed(undefined, 'new')
    expect(code).toBe(0)
    expect(text).toMatch(
      /code of fixture-new-\w{8}: not taken so far[^\n]*\n[^\n]*code of fixture-new-\w{8}: published/,
    )
    expect(text).not.toContain('does not list')
    await stage.run(['remove', '--stage', 'new'])
  }, 60_000)

  it('tells when a role never becomes effective', async () => {
    stage.cloud.delayRoles(10_000)
    const { code, text } = await deployed(
      (given) => given.replace('roleTimeoutMs: 2000', 'roleTimeoutMs: 50'),
      'never',
    )
    stage.cloud.delayRoles(0)
    expect(code).toBe(1)
    expect(text).toMatch(/code of fixture-never-\w{8}: publishing failed/)
    expect(text).toContain('AuthorizationPermissionMismatch')
    // The code was not noted as deployed: it comes the next time.
    const again = await deployed(undefined, 'never')
    expect(again.text).toMatch(/code of fixture-never-\w{8}: published/)
    await stage.run(['remove', '--stage', 'never'])
  }, 60_000)

  it('tells why publishing failed, with the end of its log', async () => {
    const path = join(stage.folder, 'src/http.ts')
    const source = readFileSync(path, 'utf8')
    writeFileSync(path, source.replace('hello ${', 'hi ${'))
    stage.cloud.failPublish({
      status: 3,
      text: 'Deployment failed.',
      log: ['Validating', 'Package is corrupt'],
    })
    const { code, text } = await deployed()
    expect(code).toBe(1)
    expect(text).toMatch(/code of fixture-dev-\w{8}: publishing failed\n/)
    expect(text).toContain('Azure: Deployment failed.')
    expect(text).toContain('Azure: Package is corrupt')
    stage.cloud.failPublish({ status: 5, text: 'Another deployment is in progress.' })
    expect((await deployed()).text).toMatch(
      /publishing conflict\n {2}Azure: Another deployment is in progress/,
    )
    expect((await deployed()).text).toMatch(/published/)
    writeFileSync(path, source)
  }, 60_000)

  it('gives up waiting after the time that the yml says, and says how to go on', async () => {
    const slow = {
      match: /GET .*\/deployments\/fixture-dev\?/,
      ...{ status: 200, body: { properties: { provisioningState: 'Running' } } },
    }
    stage.cloud.fail({ ...slow, times: 1_000 })
    const { code, text } = await deployed((given) =>
      given
        .replace('timeoutMs: 20000', 'timeoutMs: 300')
        .replace('maxInstances: 10', 'maxInstances: 11'),
    )
    expect(code).toBe(1)
    expect(text).toContain('deployment fixture-dev: not done after 0 s\n')
    expect(text).toContain('do: deploy again: what is done is skipped')
    // The rest of the patience.
    stage.cloud.clearFaults()
    expect((await deployed()).code).toBe(0)
  }, 60_000)

  it('tells which functions Azure does not list', async () => {
    const path = join(stage.folder, 'src/http.ts')
    const source = readFileSync(path, 'utf8')
    writeFileSync(path, source.replace('hello ${', 'hey ${'))
    for (const name of ['ingest', 'feed']) stage.cloud.hidden.add(name)
    const { code, text } = await deployed((given) =>
      given.replace('timeoutMs: 20000', 'timeoutMs: 400'),
    )
    expect(code).toBe(0)
    expect(text).toContain('functions: Azure does not list ingest, feed yet')
    stage.cloud.hidden.clear()
    writeFileSync(path, source)
  }, 60_000)

  it('leaves alone a group that is somebody else’s', async () => {
    stage.cloud.groups.set('theirs', { name: 'theirs', location: 'westeurope' })
    const theirs = (given: string) =>
      given.replace('  runtime: nodejs24', '  resourceGroup: theirs\n  runtime: nodejs24')
    const { code, text } = await deployed(theirs)
    expect(code).toBe(1)
    expect(text).toContain(
      'resource group theirs: exists, and does not belong to service fixture, stage dev (tags)',
    )
    writeFileSync(join(stage.folder, 'serverless.yml'), theirs(yml))
    const removed = await stage.run(['remove'])
    writeFileSync(join(stage.folder, 'serverless.yml'), yml)
    expect(removed.code).toBe(1)
    expect(stage.cloud.groups.has('theirs')).toBe(true)
  }, 60_000)

  it('says what is left where it may not purge a vault', async () => {
    await deployed(undefined, 'left')
    stage.cloud.fail({ match: /POST .*\/purge/, ...answered(403, 'AuthorizationFailed', 'no') })
    const { code, text } = await stage.run(['remove', '--stage', 'left'])
    expect(code).toBe(0)
    expect(text).toMatch(/vault fixture-left-\w{8}: deleted, but its name is kept for 7 days/)
    const again = await deployed(undefined, 'left')
    expect(again.code).toBe(1)
    expect(again.text).toContain(
      'Azure: ConflictError: A vault with the same name already exists in deleted state.',
    )
    expect(again.text).toContain('do: it was deleted, and is kept for a while: az keyvault recover')
  }, 60_000)

  const WRONG: readonly (readonly [string, (text: string) => string, string])[] = [
    [
      'an event that is none',
      (text) => text.replace('[{ http: {', '[{ htp: {'),
      'functions.hello.events.0',
    ],
    [
      'a memory that there is not',
      (text) => text.replace('memory: 512', 'memory: 1024'),
      'provider.memory',
    ],
    [
      'a runtime that is gone',
      (text) => text.replace('runtime: nodejs24', 'runtime: nodejs18'),
      'provider.runtime',
    ],
    [
      'two functions of one name',
      (text) => text.replace('name: normal', 'name: high'),
      'functions.jobs: expected names of their own, found jobs-high twice',
    ],
    [
      'several events without names',
      (text) => text.replace('name: high, ', ''),
      'functions.jobs.events.0.storageQueue.name: expected a name, for jobs has 2 events',
    ],
    [
      'a connection that is not set',
      (text) => text.replace('connection: HUB', 'connection: HOB'),
      'functions.ingest.events.0.eventHub.connection: expected HOB or HOB__… among provider.environment',
    ],
    [
      'a setting that is not set',
      (text) => text.replace("'%HUB_NAME%'", "'%HUB_NOME%'"),
      'functions.ingest.events.0.eventHub.eventHubName: expected the setting HUB_NOME among provider.environment, found none',
    ],
    [
      'a schedule of five fields',
      (text) => text.replace("'0 * * * * *'", "'* * * * *'"),
      'functions.clock.events.0.timer.schedule: expected six fields (seconds first) or hh:mm:ss, found * * * * *',
    ],
    [
      'a role that nobody knows',
      (text) =>
        text.replace('role: Azure Service Bus Data Receiver', 'role: Azure Service Bus Reader'),
      'no role that is known: Azure Service Bus Reader',
    ],
    [
      'a function without an event',
      (text) =>
        text.replace("    events: [{ timer: { schedule: '0 * * * * *' } }]\n", '    events: []\n'),
      'functions.clock.events: expected an event, found none',
    ],
    [
      'instances that wait for nothing',
      (text) => text.replace('ingest: 1 }', 'injest: 1 }'),
      'provider.alwaysReady.injest: expected http or a function, found neither',
    ],
    [
      'a subscription that is none',
      (text) =>
        text.replace(
          'subscriptionId: 00000000-0000-4000-8000-000000000001',
          'subscriptionId: mine',
        ),
      'provider.subscriptionId: expected the id of a subscription (az account show --query id), found mine',
    ],
    [
      'a file that is not there',
      (text) => text.replace('src/http.hello', 'src/htp.hello'),
      'functions.hello.handler: expected the file src/htp.ts (or .js), found none',
    ],
    [
      'an export that is not there',
      (text) => text.replace('src/http.hello', 'src/http.hallo'),
      'functions.hello.handler: expected the export hallo of src/http, found close, hello',
    ],
    [
      'a resource without a type',
      (text) => text.replace('{ type: Microsoft.ServiceBus/namespaces,', '{ type: ServiceBus,'),
      "'resources.resources.0.type': must match pattern",
    ],
    [
      'several faults',
      (text) =>
        text.replace('connection: HUB', 'connection: HOB').replace("'0 * * * * *'", "'* * * * *'"),
      'functions.ingest.events.0.eventHub.connection',
    ],
  ]

  it.each(WRONG)(
    'refuses a yml with %s, before it sends anything',
    async (_what, change, line) => {
      expect(change(yml)).not.toBe(yml)
      stage.cloud.forget()
      const { code, text } = await deployed(change)
      expect(text).toContain(line)
      expect(code).toBe(1)
      expect(stage.cloud.seen).toEqual([])
    },
    60_000,
  )

  it('tells where code is broken', async () => {
    const path = join(stage.folder, 'src/http.ts')
    const source = readFileSync(path, 'utf8')
    writeFileSync(path, source.replace("'./loaded.ts'", "'./laded.ts'"))
    stage.cloud.forget()
    const { code, text } = await deployed()
    writeFileSync(path, source)
    expect(code).toBe(1)
    expect(text).toMatch(
      /bundle: 1 errors\n {2}src\/http\.ts:\d+:\d+: Could not resolve "\.\/laded\.ts"/,
    )
    expect(stage.cloud.seen).toEqual([])
  }, 60_000)

  it('deploys no package that holds anything else', async () => {
    await stage.sls('package', '--package', 'out')
    const file = join(stage.folder, 'out/app.zip')
    writeFileSync(file, zipSync({ 'index.js': new Uint8Array([1]), '.env': new Uint8Array([2]) }))
    const { code, text } = await stage.run(['deploy', '--package', 'out'])
    expect(code).toBe(1)
    expect(text).toContain(
      'expected host.json, index.js, package.json and nothing else, found .env, index.js',
    )
  }, 60_000)

  it('names the function that is not there', async () => {
    const { code, text } = await stage.run(['logs', '-f', 'nobody'])
    expect(code).toBe(1)
    expect(text).toContain('nobody')
    const when = await stage.run(['logs', '-f', 'hello', '--startTime', 'yesterday'])
    expect(when.text).toContain(
      'startTime: expected 10m, 2h, 1d or an RFC 3339 time, found yesterday',
    )
  }, 60_000)

  it('says how to log in where nobody is', async () => {
    const { code, text } = await stage.run(['info'], { IDENTITY_HEADER: 'somebody else' })
    expect(code).toBe(1)
    expect(text).toContain('resource group fixture-dev: no credentials')
    expect(text).toContain(
      'do: log in: az login, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET',
    )
  }, 60_000)

  it('refuses what another token opened', async () => {
    stage.cloud.fail({
      match: /GET .*resourceGroups\/fixture-dev\?/,
      ...answered(
        401,
        'ExpiredAuthenticationToken',
        'The access token expiry UTC time is earlier than current UTC time.',
      ),
    })
    const { code, text } = await stage.run(['info'])
    expect(code).toBe(1)
    expect(text).toContain('do: log in: az login')
  }, 60_000)
})
