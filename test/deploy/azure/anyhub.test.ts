import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { COSMOS_CONTAINERS, readConfig } from '../../../adapters/azure/config.ts'
import { PUBLISHED_QUEUE } from '../../../adapters/azure/downlink.ts'
import { readPackage } from '../../../deploy/azure/plugin/bundle.ts'
import { createStack } from '../../../deploy/azure/stack.ts'
import { SUBSCRIPTION } from './azure-cloud.ts'
import { filesOf, startApp } from './functions-host.ts'
import { openAnyhub, variables } from './packaged.ts'
import { grantsOf, missing, NEEDS, needless, SERVICES } from './rights.ts'
import { ROOT, type Stage } from './stage.ts'

const HOOK = 'http://127.0.0.1:9/a-secret-hook'
const YML = ['--config', 'serverless.azure.yml']
const ALL = ['dps=true', 'mail=true', 'push=true', 'smsFrom=+18005550123'].flatMap((one) => [
  '--param',
  one,
])

/**
 * V8 reads the whole of a file before the first call: about 9 ms for each 300 KB. The API may be larger, for it alone has
 * schemas of all that people may ask (zod, OpenAPI) and the whole rule language, to try rules that no config has.
 */
const MOST_BYTES = {
  'index.js': 90_000,
  'functions/ingest.js': 340_000,
  'functions/notify.js': 640_000,
  'functions/tick.js': 640_000,
  'functions/api.js': 1_150_000,
}

describe('serverless.azure.yml, deployed to a cloud of our own', () => {
  let stage: Stage

  beforeAll(async () => {
    stage = await openAnyhub(variables(HOOK))
    await stage.sls('deploy', ...YML)
  }, 180_000)
  afterAll(() => stage.close())

  const app = () => stage.cloud.find('Microsoft.Web/sites').name
  const zip = () => stage.cloud.published.get(app()) ?? Buffer.alloc(0)
  const settings = () => stage.cloud.settings.get(app()) ?? {}
  const typesOf = () =>
    [...new Set([...stage.cloud.resources.values()].map(({ type }) => type))].sort()

  it('publishes an entry, a bundle of each function and what is kept apart from them', () => {
    const files = filesOf(zip())
    expect(Object.keys(files)).toEqual([
      'apart/azure-iothub.js',
      'apart/nodemailer.js',
      'apart/web-push.js',
      'functions/api.js',
      'functions/ingest.js',
      'functions/notify.js',
      'functions/tick.js',
      'host.json',
      'index.js',
      'package.json',
    ])
    // What every instance reads when it starts, and what one reads besides that serves this function.
    for (const [file, most] of Object.entries(MOST_BYTES))
      expect(files[file]?.length, file).toBeLessThan(most)
    expect(zip().length).toBeLessThan(1_200_000)
    expect(readPackage(zip(), 'app.zip').files).toEqual(Object.keys(files))
    // Messages to devices and mail servers, which no start needs.
    for (const [file, word] of Object.entries({
      'apart/azure-iothub.js': 'lodash',
      'apart/nodemailer.js': 'X-Mailer',
      'apart/web-push.js': 'setVapidDetails',
    })) {
      expect(files[file]).toContain(word)
      for (const other of Object.keys(MOST_BYTES)) expect(files[other]).not.toContain(word)
    }
    expect(JSON.parse(files['host.json'] ?? '')).toMatchObject({
      version: '2.0',
      extensionBundle: { id: 'Microsoft.Azure.Functions.ExtensionBundle' },
      extensions: { http: { routePrefix: '' }, queues: { maxDequeueCount: 5 } },
    })
  })

  it('needs nothing to run besides the services of the cloud: no machine, no cluster, no broker of ours', () => {
    const providers = new Set(typesOf().map((type) => type.split('/')[0]))
    expect([...providers].toSorted()).toEqual([
      'Microsoft.Authorization',
      'Microsoft.Devices',
      'Microsoft.DocumentDB',
      'Microsoft.Insights',
      'Microsoft.KeyVault',
      'Microsoft.ManagedIdentity',
      'Microsoft.OperationalInsights',
      'Microsoft.Storage',
      'Microsoft.Web',
    ])
  })

  it('registers its functions with their triggers, each connected to what the yml makes', () => {
    const running = startApp(zip())
    running.stop()
    const triggers = new Map(running.functions.map(({ name, trigger }) => [name, trigger]))
    expect([...triggers.keys()].sort()).toEqual([
      'api',
      'ingest',
      'notify-high',
      'notify-normal',
      'tick',
    ])
    expect(triggers.get('ingest')).toMatchObject({
      type: 'eventHubTrigger',
      eventHubName: '%ANYHUB_EVENT_HUB%',
      connection: 'ANYHUB_EVENTS',
      consumerGroup: 'anyhub',
      cardinality: 'many',
    })
    expect(running.functions.find(({ name }) => name === 'ingest')?.retryOptions).toMatchObject({
      maxRetryCount: 5,
    })
    expect(triggers.get('notify-high')).toMatchObject({
      type: 'queueTrigger',
      queueName: '%ANYHUB_HIGH_QUEUE%',
    })
    expect(triggers.get('tick')).toMatchObject({ type: 'timerTrigger', schedule: '0 * * * * *' })
    expect(triggers.get('api')).toMatchObject({
      type: 'httpTrigger',
      route: '{*path}',
      authLevel: 'anonymous',
    })
    for (const { connection } of [...triggers.values()].map((one) => Object(one)))
      if (connection !== undefined)
        expect(
          Object.keys(settings()).filter(
            (name) => name === connection || name.startsWith(`${connection}__`),
          ),
        ).not.toEqual([])
    expect(
      stage.cloud.find('Microsoft.Devices/IotHubs/eventHubEndpoints/ConsumerGroups').name,
    ).toBe('anyhub')
  })

  it('reads the bundle of a function with its first call, and no other', async () => {
    const running = startApp(zip(), settings())
    const read = () =>
      Object.keys(createRequire(import.meta.url).cache)
        .filter((path) => path.startsWith(join(running.folder, 'functions')))
        .map((path) => basename(path))
    try {
      expect(read()).toEqual([])
      // No batch: a fault of whoever wired it, which the function itself says.
      const { result } = await running.invoke('ingest', { json: '{}' })
      expect(result.status).toBe('failure')
      expect(read()).toEqual(['ingest.js'])
      const { returnValue } = await running.invoke('api', {
        http: { method: 'GET', url: 'https://app.invalid/devices' },
      })
      expect(returnValue?.http?.statusCode).toBe('401')
      expect(read()).toEqual(['ingest.js', 'api.js'])
    } finally {
      await running.terminate()
      running.stop()
    }
  })

  it('sets what the functions read, and each of it is what was made', () => {
    const config = readConfig(settings())
    const storage = stage.cloud.find('Microsoft.Storage/storageAccounts', /data/)
    expect(config).toMatchObject({
      storageAccount: storage.name,
      blobEndpoint: `https://${storage.name}.blob.core.windows.net/`,
      queueEndpoint: `https://${storage.name}.queue.core.windows.net/`,
      cosmosEndpoint: `https://${stage.cloud.find('Microsoft.DocumentDB/databaseAccounts').name}.documents.azure.com:443/`,
      iotHubHost: `${stage.cloud.find('Microsoft.Devices/IotHubs').name}.azure-devices.net`,
      insightsByIdentity: true,
      vaultEndpoint: `https://${stage.cloud.find('Microsoft.KeyVault/vaults').name}.vault.azure.net/`,
      communicationEndpoint: undefined,
      notificationHub: undefined,
      cosmosKey: undefined,
      storageKey: undefined,
      iotHubConnection: undefined,
    })
    const queue = (name: string) =>
      stage.cloud.find(
        'Microsoft.Storage/storageAccounts/queueServices/queues',
        new RegExp(`^${name}$`),
      )
    for (const name of [config.highQueue, config.normalQueue])
      expect([queue(name).name, queue(`${name}-poison`).name]).toEqual([name, `${name}-poison`])
    expect(
      stage.cloud.find(
        'Microsoft.Storage/storageAccounts/blobServices/containers',
        new RegExp(`^${config.blobContainer}$`),
      ).id,
    ).toContain(storage.name)
    expect(stage.cloud.find('Microsoft.DocumentDB/databaseAccounts/sqlDatabases').name).toBe(
      config.cosmosDatabase,
    )
    // Of the queue that a rule fills: by the name that the adapter sends to.
    expect(queue(`${config.queuePrefix}warm-ones`).name).toBe('rule-warm-ones')
  })

  it.each(Object.entries(COSMOS_CONTAINERS))(
    'makes the container %s as the stores want it',
    (name, shape) => {
      const { resource } = Object(
        stage.cloud.find(
          'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers',
          new RegExp(`^${name}$`),
        )['properties'],
      )
      expect(resource).toMatchObject({
        id: name,
        partitionKey: { paths: [shape.partitionKey], kind: 'Hash' },
        defaultTtl: -1,
      })
      expect(resource.indexingPolicy.includedPaths).toEqual(shape.indexed.map((path) => ({ path })))
    },
  )

  it('routes telemetry, twins, registrations and connections to the endpoint of events', () => {
    const { routing, eventHubEndpoints } = Object(
      stage.cloud.find('Microsoft.Devices/IotHubs')['properties'],
    )
    expect(
      routing.routes.map(({ source, endpointNames, isEnabled }: Record<string, unknown>) => [
        source,
        endpointNames,
        isEnabled,
      ]),
    ).toEqual(
      [
        'DeviceMessages',
        'TwinChangeEvents',
        'DeviceLifecycleEvents',
        'DeviceConnectionStateEvents',
      ].map((source) => [source, ['events'], true]),
    )
    expect(routing.fallbackRoute.isEnabled).toBe(false)
    expect(eventHubEndpoints.events).toMatchObject({ partitionCount: 4, retentionTimeInDays: 1 })
    expect(stage.cloud.find('Microsoft.Devices/IotHubs')['sku']).toEqual({
      name: 'S1',
      capacity: 1,
    })
    const vault = stage.cloud.find('Microsoft.KeyVault/vaults').name
    expect(stage.cloud.secrets.get(`${vault}/ANYHUB-EVENTS`)).toBe(
      'Endpoint=sb://iothub-ns-anyhub-dev-1.servicebus.windows.net/;SharedAccessKeyName=service;SharedAccessKey=key of service;EntityPath=iothub-ehub-anyhub-dev-1',
    )
    expect(settings()['ANYHUB_EVENT_HUB']).toBe('iothub-ehub-anyhub-dev-1')
  })

  it('keeps keys shut wherever Azure knows identities', () => {
    expect(stage.cloud.find('Microsoft.DocumentDB/databaseAccounts')['properties']).toMatchObject({
      disableLocalAuth: true,
      capabilities: [{ name: 'EnableServerless' }],
    })
    for (const key of [/data/, /host/])
      expect(
        stage.cloud.find('Microsoft.Storage/storageAccounts', key)['properties'],
      ).toMatchObject({
        allowSharedKeyAccess: false,
        allowBlobPublicAccess: false,
      })
    const text = JSON.stringify(settings())
    expect(text).not.toContain('a-secret-hook')
    expect(text).not.toContain('SharedAccessKey')
    expect(settings()['ANYHUB_TEST_SINK']).toMatch(/^@Microsoft\.KeyVault\(/)
    for (const file of Object.values(filesOf(zip()))) expect(file).not.toContain('a-secret-hook')
  })

  const places = () => {
    const storage = stage.cloud.find('Microsoft.Storage/storageAccounts', /data/).id
    const communication = [...stage.cloud.resources.values()].find(
      ({ type }) => type === 'Microsoft.Communication/communicationServices',
    )
    return {
      cosmos: `${stage.cloud.find('Microsoft.DocumentDB/databaseAccounts').id}/dbs/anyhub`,
      iothub: stage.cloud.find('Microsoft.Devices/IotHubs').id,
      files: `${storage}/blobServices/default/containers/files`,
      storage,
      communication: communication?.id ?? '/nowhere',
      vault: stage.cloud.find('Microsoft.KeyVault/vaults').id,
      insights: stage.cloud.find('Microsoft.Insights/components').id,
    }
  }

  it('allows every call of the adapters, and nothing that none needs', () => {
    const needs = NEEDS.filter(({ on }) => on !== 'communication')
    const granted = grantsOf(stage.cloud.resources.values())
    expect(missing(needs, granted, places())).toEqual([])
    expect(needless(needs, granted, places())).toEqual([])
    expect(granted.length).toBe(12)
  })

  it('knows every service that an adapter asks', () => {
    const folder = join(ROOT, 'adapters/azure')
    const asked = readdirSync(folder).flatMap((file) =>
      [...readFileSync(join(folder, file), 'utf8').matchAll(/service: '(\w+)'/g)].map(
        ([, name]) => name,
      ),
    )
    // Notification Hubs know no identity, and whoever takes OTLP is none of Azure.
    expect(
      [...new Set(asked)].filter((name) => name !== 'notificationhubs' && name !== 'otlp').sort(),
    ).toEqual([...SERVICES].sort())
  })

  it('makes nothing that is not asked for', () => {
    expect(
      typesOf().filter((type) => /Communication|NotificationHubs|provisioning/.test(type)),
    ).toEqual([])
  })

  it('says a wrong parameter once, and nothing else', async () => {
    const { code, text } = await stage.run([
      'package',
      ...YML,
      '--param',
      'hub=B1',
      '--param',
      'data=keep',
    ])
    expect(code).toBe(1)
    expect(text.split('param hub: expected F1').length).toBe(2)
    expect(text).toContain('param data: expected delete or retain, found keep')
    expect(text).not.toMatch(/\n\s+at /)
  }, 60_000)

  it('changes nothing when it is deployed again', async () => {
    stage.cloud.forget()
    await stage.sls('deploy', ...YML)
    expect(stage.cloud.changes()).toEqual([])
  }, 120_000)

  it('adds provisioning, mails, text messages and pushes where they are asked for', async () => {
    await stage.sls('deploy', ...YML, ...ALL)
    const config = readConfig(settings())
    const service = stage.cloud.find('Microsoft.Communication/communicationServices')
    expect(config).toMatchObject({
      communicationEndpoint: `https://${service.name}.europe.communication.azure.com`,
      mailFrom: 'DoNotReply@f00.azurecomm.net',
      smsFrom: '+18005550123',
      notificationHub: 'devices',
    })
    expect(Object(service['properties']).linkedDomains).toEqual([
      stage.cloud.find('Microsoft.Communication/emailServices/domains').id,
    ])
    const vault = stage.cloud.find('Microsoft.KeyVault/vaults').name
    expect(stage.cloud.secrets.get(`${vault}/ANYHUB-NOTIFICATION-HUB-CONNECTION`)).toContain(
      'key of send',
    )
    expect(
      Object(
        stage.cloud.find(
          'Microsoft.NotificationHubs/namespaces/notificationHubs/authorizationRules',
        )['properties'],
      ).rights,
    ).toEqual(['Send'])
    const [linked] = Object(
      stage.cloud.find('Microsoft.Devices/provisioningServices')['properties'],
    ).iotHubs
    expect(linked.connectionString).toMatch(
      /^HostName=anyhub-dev-hub-\w{8}\.azure-devices\.net;SharedAccessKeyName=iothubowner;SharedAccessKey=key of iothubowner$/,
    )
    const granted = grantsOf(stage.cloud.resources.values())
    expect(missing(NEEDS, granted, places())).toEqual([])
    expect(needless(NEEDS, granted, places())).toEqual([])
    expect(await stage.sls('info', ...YML)).toContain('idScope: 0ne00ABCDEF')
  }, 120_000)

  it('keeps database, files and hub where the data is to be retained', async () => {
    const printed = await stage.sls('remove', ...YML, '--param', 'data=retain')
    for (const type of [
      'DocumentDB/databaseAccounts',
      'Storage/storageAccounts',
      'Devices/IotHubs',
    ])
      expect(printed).toMatch(new RegExp(`Microsoft\\.${type} anyhub[\\w-]+: kept`))
    expect(
      typesOf().filter((type) =>
        /Web|Communication|Push|KeyVault|Authorization|sqlRole/.test(type),
      ),
    ).toEqual([])
  }, 120_000)

  it('removes all that it made', async () => {
    await stage.sls('deploy', ...YML)
    await stage.sls('remove', ...YML)
    expect([...stage.cloud.resources.keys()]).toEqual([])
    expect(stage.cloud.groups.size).toBe(0)
  }, 120_000)
})

describe('what serverless.azure.yml is asked', () => {
  const given = {
    subscriptionId: SUBSCRIPTION,
    region: 'westeurope',
    hub: 'S1',
    hubUnits: 1,
    dps: false,
    mail: false,
    smsFrom: '',
    push: false,
    adminTokenSha256: 'a'.repeat(64),
    data: 'delete',
    dataLocation: 'Europe',
  }
  const stack = (parameters: object, configText = '', config: unknown = {}, stage = 'dev') =>
    createStack({
      service: 'anyhub',
      stage,
      parameters: { ...given, ...parameters },
      config,
      configText,
      env: { SLACK: 'https://hook', BRACKET: '[1]' },
    })

  it.each([
    [
      { subscriptionId: '' },
      'param subscriptionId: expected the id of a subscription (az account show --query id -o tsv), found nothing',
    ],
    [
      { region: 'West Europe' },
      'param region: expected a region as az writes it, such as westeurope, found West Europe',
    ],
    [
      { hub: 'B1' },
      'param hub: expected F1 (free, one for each subscription), S1, S2 or S3; B1 to B3 cannot send to devices, found B1',
    ],
    [{ hubUnits: 'two' }, 'param hubUnits: expected a whole number, 1 to 200, found two'],
    [{ hubUnits: 0 }, 'param hubUnits: expected a whole number, 1 to 200, found 0'],
    [{ hub: 'F1', hubUnits: '2' }, 'param hubUnits: expected 1 with hub F1, found 2'],
    [{ dps: 'yes' }, 'param dps: expected true or false, found yes'],
    [
      { smsFrom: '0049' },
      'param smsFrom: expected a number as +18005550123, or nothing, found 0049',
    ],
    [
      { adminTokenSha256: 'secret' },
      'param adminTokenSha256: expected the SHA-256 of a token in hex (printf %s "$TOKEN" | sha256sum), found secret',
    ],
    [{ data: 'keep' }, 'param data: expected delete or retain, found keep'],
  ])('refuses %j in a sentence', (parameters, sentence) => {
    expect(() => stack(parameters)).toThrow(sentence)
  })

  it('names every wrong parameter at once', () => {
    expect(() => stack({ hub: 'X', data: 'keep' })).toThrow(/param hub: .*\n.*param data: /)
  })

  it('takes flags and numbers as the command line writes them', () => {
    expect(
      stack({ dps: 'true', hubUnits: '3' }).resources.resources.map(({ type }) => type),
    ).toContain('Microsoft.Devices/provisioningServices')
  })

  it('gives a free hub what a free hub may have', () => {
    const [hub] = stack({ hub: 'F1' }).resources.resources
    expect(hub).toMatchObject({
      sku: { name: 'F1', capacity: 1 },
      properties: { eventHubEndpoints: { events: { partitionCount: 2 } } },
    })
  })

  it('takes secrets of anyhub.yml from the environment, and misses none quietly', () => {
    expect(stack({}, 'url: ${env:SLACK}').secrets['SLACK']).toBe('https://hook')
    // `[[` is how a template says a text that begins with a bracket.
    expect(stack({}, 'url: ${env:BRACKET}').secrets['BRACKET']).toBe('[[1]')
    expect(() => stack({}, '${env:NONE} ${env:SLACK} ${env:NEITHER}')).toThrow(
      'anyhub.yml: expected these environment variables, found none of them: NONE, NEITHER',
    )
  })

  it('makes a queue for each that a rule names, as the sender calls it', () => {
    const rules = {
      a: { sql: '', actions: [{ queue: { name: 'Warm_ones' } }, { queue: { name: '${device}' } }] },
      b: { sql: '', actions: [], errorAction: { queue: { name: 'faults' } } },
    }
    const names = (config: unknown) =>
      stack({}, '', config)
        .resources.resources.filter(({ type }) => type.endsWith('/queues'))
        .map(({ name }) => name.split('/').pop())
    expect(names({ rules })).toEqual([
      'notify-high',
      'notify-high-poison',
      'notify-normal',
      'notify-normal-poison',
      `rule-${PUBLISHED_QUEUE}`,
      'rule-warm-ones',
      'rule-faults',
    ])
    expect(() =>
      names({ rules: { a: { actions: [{ queue: { name: 'q'.repeat(70) } }] } } }),
    ).toThrow('anyhub.yml, queue qqq')
  })

  it('makes names that fit, however long the stage', () => {
    const long = stack({ dps: true, mail: true, push: true }, '', {}, 'a-stage-of-twenty-fiv')
    for (const { type, name } of long.resources.resources) {
      const own = name.split('/')[0] ?? ''
      const most = /storageAccounts/.test(type) ? 24 : /databaseAccounts/.test(type) ? 44 : 50
      expect(own.length).toBeLessThanOrEqual(most)
    }
    expect(() => stack({}, '', {}, 'a-stage-of-very-many-letters')).toThrow(
      'service and stage: expected small letters',
    )
    expect(() => stack({}, '', {}, 'Prod')).toThrow('service and stage: expected small letters')
  })

  it('is read by the CLI as it stands', async () => {
    const parts = createRequire(join(ROOT, 'x.js'))('./deploy/azure/stack.cjs')
    expect(Object.keys(parts).sort()).toEqual(['environment', 'grants', 'resources', 'secrets'])
  })
})
