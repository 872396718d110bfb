import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SUBSCRIPTION } from './azure-cloud.ts'
import { filesOf, type RunningApp, startApp } from './functions-host.ts'
import { openStage, type Stage } from './stage.ts'

const FIXTURE = join(import.meta.dirname, 'fixture')
const GROUP = `/subscriptions/${SUBSCRIPTION}/resourceGroups/fixture-dev`

describe('the plugin for Azure, against a cloud of our own', () => {
  let stage: Stage

  beforeAll(async () => {
    stage = await openStage({ copy: FIXTURE })
    stage.cloud.unregistered.add('Microsoft.Web')
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

  const site = () => stage.cloud.find('Microsoft.Web/sites')
  const zip = (): Buffer => stage.cloud.published.get(site().name) ?? Buffer.alloc(0)
  const deployment = `PUT ${GROUP}/providers/Microsoft.Resources/deployments/fixture-dev`
  const publication = 'POST /scm/api/publish'
  const refresh = () => `POST ${site().id}/config/configreferences/appsettings/refresh`

  it('deploys a service into an empty subscription', async () => {
    const printed = await stage.sls('deploy')
    expect(printed).toContain(
      'deployed fixture-dev to resource group fixture-dev, region westeurope',
    )
    expect(printed).toContain('resource provider Microsoft.Web: registered')
    expect(printed).toMatch(/code of fixture-dev-\w{8}: published, \d+ bytes/)
    expect(printed).not.toContain('does not list')
  }, 60_000)

  it('sends the bundle and what names it, and nothing else', () => {
    const files = filesOf(zip())
    expect(Object.keys(files)).toEqual(['host.json', 'index.js', 'package.json'])
    expect(JSON.parse(files['host.json'] ?? '')).toEqual({
      version: '2.0',
      extensionBundle: {
        id: 'Microsoft.Azure.Functions.ExtensionBundle',
        version: '[4.*, 5.0.0)',
      },
      extensions: { http: { routePrefix: '' } },
    })
    expect(JSON.parse(files['package.json'] ?? '')).toEqual({
      name: 'fixture-dev',
      private: true,
      main: 'index.js',
      engines: { node: '>=24' },
    })
    expect(files['index.js']?.length).toBeLessThan(90_000)
  })

  it('asks for the app that the yml describes, on Flex Consumption', () => {
    const plan = stage.cloud.find('Microsoft.Web/serverfarms')
    expect(plan).toMatchObject({
      sku: { tier: 'FlexConsumption', name: 'FC1' },
      properties: { reserved: true },
    })
    const identity = stage.cloud.find('Microsoft.ManagedIdentity/userAssignedIdentities').id
    expect(site()).toMatchObject({
      kind: 'functionapp,linux',
      tags: { team: 'cold', service: 'fixture', stage: 'dev' },
      identity: { type: 'UserAssigned', userAssignedIdentities: { [identity]: {} } },
      properties: {
        serverFarmId: plan.id,
        httpsOnly: true,
        keyVaultReferenceIdentity: identity,
        functionAppConfig: {
          runtime: { name: 'node', version: '24' },
          scaleAndConcurrency: {
            maximumInstanceCount: 10,
            instanceMemoryMB: 512,
            alwaysReady: [
              { name: 'http', instanceCount: 1 },
              { name: 'function:ingest', instanceCount: 1 },
            ],
          },
          deployment: {
            storage: {
              type: 'blobContainer',
              authentication: {
                type: 'UserAssignedIdentity',
                userAssignedIdentityResourceId: identity,
              },
            },
          },
        },
      },
    })
    const { value } = Object(Object(site()['properties']).functionAppConfig.deployment).storage
    expect(value).toMatch(/^https:\/\/fixturedevhost\w{8}\.blob\.core\.windows\.net\/packages$/)
    expect(stage.cloud.find('Microsoft.Storage/storageAccounts')['properties']).toMatchObject({
      allowSharedKeyAccess: false,
      allowBlobPublicAccess: false,
      minimumTlsVersion: 'TLS1_2',
    })
  })

  it('puts no secret into a setting, a template or a plan: the app gets references', () => {
    const { name, properties } = stage.cloud.find('Microsoft.KeyVault/vaults')
    const settings = stage.cloud.settings.get(site().name) ?? {}
    expect(settings['HOOK_URL']).toBe(`@Microsoft.KeyVault(VaultName=${name};SecretName=HOOK-URL)`)
    expect(settings['BUS']).toBe(`@Microsoft.KeyVault(VaultName=${name};SecretName=BUS)`)
    expect(Object.fromEntries(stage.cloud.secrets)).toEqual({
      [`${name}/HOOK-URL`]: 'https://a-secret-hook',
      [`${name}/BUS`]: 'Endpoint=sb://key of bus-dev',
    })
    expect(Object(properties).enableRbacAuthorization).toBe(true)
    expect(JSON.stringify(settings)).not.toContain('a-secret-hook')
    for (const file of ['azure-template.json', 'azure-plan.json'])
      expect(readFileSync(join(stage.folder, '.serverless', file), 'utf8')).not.toContain(
        'a-secret-hook',
      )
    expect(filesOf(zip())['index.js']).not.toContain('a-secret-hook')
    const sent = stage.cloud.seen.find(
      ({ method, path }) => method === 'PUT' && path.includes('/deployments/'),
    )
    const { template, parameters } = Object(sent?.body).properties
    expect(template.parameters).toEqual({ secret_HOOK_URL: { type: 'secureString' } })
    expect(JSON.stringify(template)).not.toContain('a-secret-hook')
    expect(parameters).toEqual({ secret_HOOK_URL: { value: 'https://a-secret-hook' } })
  })

  it('connects by identity', () => {
    const { properties } = stage.cloud.find('Microsoft.ManagedIdentity/userAssignedIdentities')
    const { clientId } = Object(properties)
    expect(stage.cloud.settings.get(site().name)).toMatchObject({
      AzureWebJobsStorage__accountName: stage.cloud.find('Microsoft.Storage/storageAccounts').name,
      AzureWebJobsStorage__credential: 'managedidentity',
      AzureWebJobsStorage__clientId: clientId,
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: `ClientId=${clientId};Authorization=AAD`,
      AZURE_CLIENT_ID: clientId,
      PLACE: 'here',
    })
    expect(
      Object(stage.cloud.find('Microsoft.Insights/components')['properties']).DisableLocalAuth,
    ).toBe(true)
    for (const name of ['scm', 'ftp'])
      expect(
        stage.cloud.find(
          'Microsoft.Web/sites/basicPublishingCredentialsPolicies',
          new RegExp(name),
        )['properties'],
      ).toMatchObject({ allow: false })
  })

  /** `role on resource` of everything that the app may do. */
  const granted = () =>
    [...stage.cloud.resources.values()]
      .filter(({ type }) => type.endsWith('RoleAssignments') || type.endsWith('roleAssignments'))
      .map(({ type, scope, properties }) => {
        const { roleDefinitionId, scope: inner } = Object(properties)
        const place = String(type.startsWith('Microsoft.DocumentDB') ? inner : scope)
        return `${roleDefinitionId.split('/').pop()} ${place.split('/').slice(-2).join('/')}`
      })
      .sort()

  it('grants what the host needs and what the yml names, and nothing more', () => {
    const storage = `storageAccounts/${stage.cloud.find('Microsoft.Storage/storageAccounts').name}`
    const vault = `vaults/${stage.cloud.find('Microsoft.KeyVault/vaults').name}`
    expect(granted()).toEqual(
      [
        `b7e6dc6d-f1e8-4753-8033-0f276bb0955b ${storage}`,
        `974c5e8b-45b9-4653-ba55-5f855dd0fb88 ${storage}`,
        `0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3 ${storage}`,
        '3913510d-42f4-4e42-8a64-420c390055eb components/fixture-dev',
        `4633458b-17de-408a-b874-0445c86b69e6 ${vault}`,
        '4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0 namespaces/bus-dev',
        '00000000-0000-0000-0000-000000000002 dbs/one',
      ].sort(),
    )
  })

  it('changes nothing when the same is deployed again', async () => {
    stage.cloud.forget()
    const printed = await stage.sls('deploy')
    expect(printed).toContain('resources: unchanged')
    expect(printed).toMatch(/code of fixture-dev-\w{8}: unchanged/)
    expect(stage.cloud.changes()).toEqual([])
    expect(stage.cloud.seen.length).toBeGreaterThan(20)
  }, 60_000)

  it('packages the same code to the same bytes', async () => {
    await stage.sls('package')
    expect(readFileSync(join(stage.folder, '.serverless/app.zip')).equals(zip())).toBe(true)
    const plan = JSON.parse(readFileSync(join(stage.folder, '.serverless/azure-plan.json'), 'utf8'))
    expect(plan).toMatchObject({
      resourceGroup: 'fixture-dev',
      bytes: zip().length,
      files: ['host.json', 'index.js', 'package.json'],
    })
    expect(plan.functions.map(({ name }: { name: string }) => name)).toEqual([
      'hello',
      'ingest',
      'jobs-high',
      'jobs-normal',
      'bus',
      'clock',
      'grid',
      'feed',
    ])
  }, 60_000)

  it('deploys what was packaged before, somewhere else', async () => {
    await stage.sls('package', '--package', 'out')
    stage.cloud.forget()
    expect(await stage.sls('deploy', '--package', 'out')).toContain('resources: unchanged')
    expect(stage.cloud.changes()).toEqual([])
  }, 60_000)

  it('shows what is deployed', async () => {
    const printed = await stage.sls('info')
    expect(printed).toContain('deployment: Succeeded')
    expect(printed).toMatch(/app: fixture-dev-\w{8} {2}Running/)
    expect(printed).toContain('  jobs-high\n  jobs-normal\n')
    expect(printed).toContain('Microsoft.KeyVault/vaults  fixture-dev-')
    expect(printed).toContain('documents: https://docs-dev.documents.azure.com:443/')
  }, 60_000)

  it('calls a function as what calls it would', async () => {
    stage.cloud.serve(({ method, path, headers, body }) =>
      path.startsWith('/admin/') && headers['x-functions-key'] !== 'the-master-key'
        ? { status: 401, text: '' }
        : { status: 200, text: `${method} ${path} ${JSON.stringify(body)}` },
    )
    expect(await stage.sls('invoke', '-f', 'hello')).toContain('GET /hello ""')
    expect(await stage.sls('invoke', '-f', 'jobs-high', '-d', 'one')).toContain(
      'POST /admin/functions/jobs-high {"input":"one"}',
    )
    stage.cloud.serve(() => ({ status: 202, text: '' }))
    expect(await stage.sls('invoke', '-f', 'clock')).toContain('202: taken; sls logs -f clock')
    stage.cloud.serve(() => ({ status: 500, text: 'out of order' }))
    const { code, text } = await stage.run(['invoke', '-f', 'hello'])
    expect(code).toBe(1)
    expect(text).toContain('function hello: HTTP 500\n  out of order')
  }, 60_000)

  it('shows the log of a function', async () => {
    stage.cloud.logRows.push(
      ['2026-01-01T00:00:01Z', 'trace', 1, 'first'],
      ['2026-01-01T00:00:02Z', 'exception', 3, 'Error: second'],
      ['2026-01-01T00:00:03Z', 'request', null, 'ingest 0 12 ms'],
    )
    stage.cloud.forget()
    const printed = await stage.sls(
      'logs',
      '-f',
      'ingest',
      '--startTime',
      '1h',
      '--filter',
      'severityLevel >= 1',
    )
    expect(printed).toContain('2026-01-01T00:00:01Z INFO     first')
    expect(printed).toContain('2026-01-01T00:00:02Z ERROR    Error: second')
    const asked = stage.cloud.seen.find(({ path }) => path.endsWith('/query'))
    expect(Object(asked?.body).query).toContain('operation_Name =~ "ingest"')
    expect(Object(asked?.body).query).toContain('| where severityLevel >= 1 |')
  }, 60_000)

  it('publishes code that changed, and sends no template', async () => {
    edit('src/http.ts', (text) => text.replace('hello ${', 'hi ${'))
    stage.cloud.forget()
    const printed = await stage.sls('deploy')
    expect(stage.cloud.changes()).toEqual([publication, `PATCH ${GROUP}`])
    expect(printed).toContain('resources: unchanged')
    expect(filesOf(zip())['index.js']).toContain('hi ${')
  }, 60_000)

  it('publishes code alone with deploy function', async () => {
    edit('src/http.ts', (text) => text.replace('hi ${', 'hey ${'))
    stage.cloud.forget()
    await stage.sls('deploy', 'function', '-f', 'hello')
    expect(stage.cloud.changes()).toEqual([publication, `PATCH ${GROUP}`])
    expect(filesOf(zip())['index.js']).toContain('hey ${')
  }, 60_000)

  it('changes a setting without publishing', async () => {
    stage.cloud.forget()
    const { text } = await stage.run(['deploy'], { PLACE: 'there' })
    expect(text).toContain('resources: deployed')
    expect(stage.cloud.changes()).toEqual([
      `PATCH ${GROUP}`,
      deployment,
      refresh(),
      `PATCH ${GROUP}`,
    ])
    expect(stage.cloud.settings.get(site().name)?.['PLACE']).toBe('there')
    await stage.sls('deploy')
    expect(stage.cloud.settings.get(site().name)?.['PLACE']).toBe('here')
  }, 60_000)

  it('notices a secret that changed', async () => {
    const { name } = stage.cloud.find('Microsoft.KeyVault/vaults')
    await stage.run(['deploy'], { HOOK_URL: 'https://another-hook' })
    expect(stage.cloud.secrets.get(`${name}/HOOK-URL`)).toBe('https://another-hook')
    // `[[` is a text that begins with a bracket: a secret like all others, and no part of the template.
    stage.cloud.forget()
    await stage.run(['deploy'], { HOOK_URL: '[["a-secret-list"]' })
    expect(stage.cloud.secrets.get(`${name}/HOOK-URL`)).toBe('["a-secret-list"]')
    const sent = stage.cloud.seen.find(({ path }) => path.includes('/deployments/'))
    const { template, parameters } = Object(sent?.body).properties
    expect(JSON.stringify(template)).not.toContain('a-secret-list')
    expect(parameters).toEqual({ secret_HOOK_URL: { value: '["a-secret-list"]' } })
    await stage.sls('deploy')
    expect(stage.cloud.secrets.get(`${name}/HOOK-URL`)).toBe('https://a-secret-hook')
  }, 60_000)

  it('puts back what somebody changed by hand', async () => {
    const { name } = site()
    const app = stage.cloud.settings.get(name) ?? {}
    stage.cloud.settings.set(name, { ...app, PLACE: 'elsewhere', EXTRA: 'x' })
    const storage = stage.cloud.find('Microsoft.Storage/storageAccounts')
    stage.cloud.resources.set(storage.id.toLowerCase(), {
      ...storage,
      properties: { ...Object(storage['properties']), allowSharedKeyAccess: true },
    })
    const database = stage.cloud.find('Microsoft.DocumentDB/databaseAccounts/sqlDatabases')
    stage.cloud.resources.delete(database.id.toLowerCase())
    const printed = await stage.sls('deploy')
    expect(printed).toMatch(
      /sites fixture-dev-\w+ \(setting PLACE, setting EXTRA\): differs|\(setting EXTRA, setting PLACE\): differs/,
    )
    expect(printed).toMatch(
      /storageAccounts fixture\w+ \(properties\.allowSharedKeyAccess\): differs/,
    )
    expect(printed).toContain('sqlDatabases docs-dev/one: missing, is made again')
    expect(stage.cloud.settings.get(name)).toEqual(app)
    expect(stage.cloud.resources.get(storage.id.toLowerCase())).toEqual(storage)
  }, 60_000)

  it('publishes again where somebody deleted the app', async () => {
    const { id, name } = site()
    for (const one of [...stage.cloud.resources.keys()])
      if (one.startsWith(id.toLowerCase())) stage.cloud.resources.delete(one)
    stage.cloud.published.delete(name)
    const printed = await stage.sls('deploy')
    expect(printed).toMatch(/sites fixture-dev-\w+: missing, is made again/)
    expect(printed).toMatch(/code of fixture-dev-\w+: published/)
  }, 60_000)

  it('sends everything again where that is asked for', async () => {
    stage.cloud.forget()
    await stage.sls('deploy', '--force')
    expect(stage.cloud.changes()).toEqual([
      `PATCH ${GROUP}`,
      deployment,
      publication,
      refresh(),
      `PATCH ${GROUP}`,
    ])
  }, 60_000)

  it('takes back a grant that the yml no longer names, and none above the group', async () => {
    const { properties } = stage.cloud.find('Microsoft.ManagedIdentity/userAssignedIdentities')
    const above = {
      id: `/subscriptions/${SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments/by-hand`,
      name: 'by-hand',
      type: 'Microsoft.Authorization/roleAssignments',
      scope: `/subscriptions/${SUBSCRIPTION}`,
      properties: { principalId: Object(properties).principalId, roleDefinitionId: 'reader' },
    }
    stage.cloud.resources.set(above.id.toLowerCase(), above)
    edit('serverless.yml', (text) =>
      text
        .replace(/ {4}- \{ (?:role: Azure Service Bus|cosmos:)[^\n]*\n/g, '')
        .replace('  grants:\n', ''),
    )
    const printed = await stage.sls('deploy')
    expect(printed).toContain('grant Azure Service Bus Data Receiver on bus-dev: taken back')
    expect(granted().filter((one) => /bus-dev|dbs/.test(one))).toEqual([])
    expect(stage.cloud.resources.delete(above.id.toLowerCase())).toBe(true)
  }, 60_000)

  it('publishes without a function that the yml no longer names', async () => {
    edit('serverless.yml', (text) =>
      text.replace(/ {2}grid:\n {4}handler[^\n]*\n {4}events[^\n]*\n/, ''),
    )
    await stage.sls('deploy')
    expect(await stage.sls('info')).not.toContain('  grid\n')
  }, 60_000)

  it('keeps what is to be kept, and what is somebody else’s, when the service is removed', async () => {
    const documents = stage.cloud.find('Microsoft.DocumentDB/databaseAccounts').id
    const mine = {
      id: `${GROUP}/providers/Microsoft.Storage/storageAccounts/mine`,
      name: 'mine',
      type: 'Microsoft.Storage/storageAccounts',
    }
    stage.cloud.resources.set(mine.id.toLowerCase(), mine)
    const yml = readFileSync(join(stage.folder, 'serverless.yml'), 'utf8')
    edit('serverless.yml', (text) => `${text}  retain: ['${documents}']\n`)
    const printed = await stage.sls('remove')
    expect(printed).toContain(
      'Microsoft.DocumentDB/databaseAccounts docs-dev: kept, with all that is in it',
    )
    expect(printed).toContain("Microsoft.Storage/storageAccounts mine: kept, it is somebody else's")
    expect(printed).toContain('resource group fixture-dev: kept')
    const left = [...stage.cloud.resources.values()].map(({ name }) => name).sort()
    expect(left).toEqual(['docs-dev', 'mine', 'one'])
    stage.cloud.resources.delete(mine.id.toLowerCase())
    writeFileSync(join(stage.folder, 'serverless.yml'), yml)
  }, 60_000)

  it('deploys again beside what was kept, with a new identity', async () => {
    await stage.sls('deploy')
    expect(stage.cloud.published.has(site().name)).toBe(true)
  }, 60_000)

  it('removes all that it made, and gives its names free', async () => {
    const printed = await stage.sls('remove')
    expect(printed).toMatch(/resource group fixture-dev: removed, with \d+ resources/)
    expect(printed).toMatch(/vault fixture-dev-\w+: purged/)
    expect([...stage.cloud.resources.keys()]).toEqual([])
    expect(stage.cloud.groups.size).toBe(0)
    expect(stage.cloud.deletedVaults.size).toBe(0)
  }, 60_000)

  it('says nothing is there where nothing is', async () => {
    expect(await stage.sls('info')).toContain('resources: none')
    expect(await stage.sls('remove')).toContain('resource group fixture-dev: not there')
    const { code, text } = await stage.run(['invoke', '-f', 'hello'])
    expect(code).toBe(1)
    expect(text).toMatch(/app fixture-dev-\w{8}: not deployed\n\s+do: sls deploy/)
    const alone = await stage.run(['deploy', 'function', '-f', 'hello'])
    expect(alone.text).toContain('resource group fixture-dev: not there')
    const local = await stage.run(['invoke', 'local', '-f', 'hello'])
    expect(local.text).toContain('invoke local: not here')
  }, 60_000)
})

describe('the app that was packaged, run by the real @azure/functions', () => {
  let stage: Stage
  let app: RunningApp

  beforeAll(async () => {
    stage = await openStage({ copy: FIXTURE })
    await stage.sls('package')
    for (const list of ['fixtureLoaded', 'fixtureEnded']) Reflect.deleteProperty(globalThis, list)
    app = startApp(readFileSync(join(stage.folder, '.serverless/app.zip')), { PLACE: 'test' })
  }, 60_000)
  afterAll(async () => {
    app.stop()
    await stage.close()
  })

  const loaded = () => Reflect.get(globalThis, 'fixtureLoaded')
  const logged = () => JSON.parse(app.logs().at(-1)?.message ?? '')

  it('registers every function of the yml, as the yml says, and loads none', () => {
    expect(loaded()).toBeUndefined()
    expect(app.functions.map(({ name, trigger }) => [name, trigger.type])).toEqual([
      ['hello', 'httpTrigger'],
      ['ingest', 'eventHubTrigger'],
      ['jobs-high', 'queueTrigger'],
      ['jobs-normal', 'queueTrigger'],
      ['bus', 'serviceBusTrigger'],
      ['clock', 'timerTrigger'],
      ['grid', 'eventGridTrigger'],
      ['feed', 'cosmosDBTrigger'],
    ])
    const [hello, ingest, high] = app.functions
    expect(hello?.trigger).toMatchObject({
      route: 'hello/{name?}',
      methods: ['GET'],
      authLevel: 'anonymous',
    })
    expect(ingest?.trigger).toMatchObject({
      eventHubName: '%HUB_NAME%',
      connection: 'HUB',
      consumerGroup: 'app',
      cardinality: 'many',
    })
    expect(ingest?.retryOptions).toMatchObject({
      maxRetryCount: 3,
      retryStrategy: 'exponentialBackoff',
    })
    expect(high?.trigger).toMatchObject({ queueName: 'jobs-high', connection: 'QUEUES' })
  })

  it('loads a handler when it is first called, and no other', async () => {
    const reply = await app.invoke('hello', {
      http: {
        method: 'GET',
        url: 'https://x/hello/you',
        headers: {},
        params: { name: 'you' },
        query: {},
      },
    })
    expect(reply.returnValue?.http?.statusCode).toBe('200')
    expect(Buffer.from(reply.returnValue?.http?.body?.bytes ?? []).toString()).toBe(
      'hello you from test',
    )
    expect(loaded()).toEqual(['http'])
  })

  it('brings a batch of an event hub with what the host says of it', async () => {
    const { result } = await app.invoke(
      'ingest',
      { json: JSON.stringify([{ temp: 21 }, 'text']) },
      {
        triggerMetadata: {
          SystemPropertiesArray: [{ 'iothub-connection-device-id': 'fridge-1' }, {}],
        },
        retryContext: { retryCount: 2, maxRetryCount: 3 },
      },
    )
    expect(result.status).toBe('success')
    expect(logged()).toEqual({
      messages: [{ temp: 21 }, 'text'],
      systemPropertiesArray: [{ 'iothub-connection-device-id': 'fridge-1' }, {}],
      retry: { retryCount: 2, maxRetryCount: 3 },
    })
    expect(loaded()).toEqual(['http', 'events'])
  })

  it('brings messages of queues, timers and feeds, each to its handler', async () => {
    await app.invoke('jobs-normal', { string: '{"a":1}' })
    expect(logged()).toEqual({ name: 'jobs-normal', input: { a: 1 } })
    await app.invoke('bus', { string: 'plain' })
    expect(logged()).toEqual({ name: 'bus', input: 'plain' })
    await app.invoke('clock', {
      json: JSON.stringify({ IsPastDue: true, ScheduleStatus: { Last: 'x' } }),
    })
    expect(logged()).toEqual({
      name: 'clock',
      input: { isPastDue: true, scheduleStatus: { last: 'x' } },
    })
    await app.invoke('grid', { json: JSON.stringify({ id: '1', eventType: 'made' }) })
    expect(logged()).toEqual({ name: 'grid', input: { id: '1', eventType: 'made' } })
    const { result, error } = await app.invoke('feed', { json: '[{"id":"row"}]' })
    expect(result.status).toBe('failure')
    expect(error?.message).toBe('refused [{"id":"row"}]')
  })

  it('tells each module that was loaded, once, that the process ends', async () => {
    expect(Reflect.get(globalThis, 'fixtureEnded')).toBeUndefined()
    await app.terminate()
    expect(Reflect.get(globalThis, 'fixtureEnded')).toEqual(['http', 'events'])
  })
})
