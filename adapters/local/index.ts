import { createServer, isIP, type Server, type Socket } from 'node:net'
import { hostname, networkInterfaces } from 'node:os'
import type { Duplex } from 'node:stream'
import { createServer as createTlsServer, TLSSocket } from 'node:tls'
import {
  createApi,
  createOpenCheck,
  deviceSummary,
  type RequestFacts,
  registryEndpoints,
  shownBy,
} from '../../core/api/index.ts'
import {
  ADMIN,
  BEFORE_DEVICES,
  type ChannelSender,
  type Core,
  createAccess,
  createCore,
  isDeviceId,
  type Json,
  type JsonObject,
  losesAccess,
  type Program,
} from '../../core/index.ts'
import { systemClock } from '../node/clock.ts'
import { createGuardedSender } from '../node/guarded-sender.ts'
import { createIds } from '../node/ids.ts'
import { createNetworkCaller } from '../node/network-caller.ts'
import { createOidc } from '../node/oidc.ts'
import { nodeSecrets } from '../node/secrets.ts'
import { carriesToken, ensureAdminToken } from './admin-token.ts'
import type { AmqpLogEvent, AmqpServer } from './amqp/index.ts'
import { type Authority, openAuthority } from './authority.ts'
import { createChannelSender } from './channel-sender.ts'
import { createColdStore } from './cold-store.ts'
import { createCommandDesk } from './command-desk.ts'
import { createCommandStore } from './command-store.ts'
import { LOCAL_SETTINGS, type LocalSettings } from './config.ts'
import { connectionStringsEndpoint, createConnectionStrings } from './connection-strings.ts'
import { ensureDataFolder } from './data-folder.ts'
import { createDeadLetters } from './dead-letters.ts'
import { deviceConfigEndpoints } from './device-config-api.ts'
import { createDeviceStore } from './device-store.ts'
import { createAwsHttp } from './dialects/aws-http.ts'
import { createAzureHttp } from './dialects/azure-http.ts'
import { createAzureServiceHttp } from './dialects/azure-service-http.ts'
import { createClientDialects } from './dialects/client-dialects.ts'
import { createConfigDesk } from './dialects/google-config.ts'
import { createGoogleHttp, isGoogleHttpPath } from './dialects/google-http.ts'
import { createStateDesk } from './dialects/google-state.ts'
import { DIALECTS } from './dialects/list.ts'
import { createDownlink } from './downlink.ts'
import { createHttpAccess } from './http-access.ts'
import { createIdentities } from './identity.ts'
import { createIssuer } from './issuer.ts'
import { createLatency } from './latency.ts'
import { createHttpListener, type HttpListener } from './listeners/http.ts'
import { listen } from './listeners/listen.ts'
import { createMqttListener, type MqttListener, type MqttLogEvent } from './listeners/mqtt/index.ts'
import { listPageFiles } from './listeners/page-files.ts'
import { mqttTlsOptions, peerCertificate, tlsOptions } from './listeners/tls.ts'
import { createLiveFeed } from './live-feed.ts'
import { createLookupSource } from './lookup-source.ts'
import { createMailbox } from './mailbox.ts'
import { mailboxEndpoint } from './mailbox-endpoint.ts'
import { createMethodDesk } from './method-desk.ts'
import { createMqttAdmission } from './mqtt-admission.ts'
import { createMqttCommands } from './mqtt-commands.ts'
import { createMqttFront } from './mqtt-front.ts'
import { createNotificationQueue } from './notification-queue.ts'
import { createObserver } from './observer.ts'
import { createDeviceConnections, resetPresence } from './presence.ts'
import { createQueues } from './queue-sender.ts'
import { createRecentMessages } from './recent-messages.ts'
import { openRegistry } from './registry.ts'
import { openRetainedStore } from './retained-store.ts'
import { startSchedule } from './schedule.ts'
import { openSessionStore } from './session-store.ts'
import { createShadowDesk } from './shadow-desk.ts'
import { openDatabase } from './sqlite/database.ts'
import { createStoredKeys } from './stored-keys.ts'
import { createTableStore } from './table-store.ts'
import { createTelemetryStore } from './telemetry-store.ts'
import { createTwinDesk } from './twin-desk.ts'
import { createTwinTags } from './twin-tags.ts'
import { createUplinkBatcher } from './uplink-batcher.ts'
import { watchIngest } from './watch-ingest.ts'

export { createScriptEngine } from '../node/script-engine.ts'
export { adminTokenPath } from './admin-token.ts'
export { LOCAL_SETTINGS, LOCAL_SWITCHES, type LocalSettings, readLocalSettings } from './config.ts'
export { readAnyTopic } from './dialects/list.ts'
export { readTopic, STATS_ANSWER_TOPIC, STATS_TOPIC, telemetryTopic } from './dialects/native.ts'
export { MESSAGE_ID_PROPERTY, TIME_PROPERTY } from './mqtt-front.ts'

/** Records kept in memory: the busy ones of a fleet. */
const CACHED_RECORDS = 20_000

/** Keys of stored rows kept in memory, to know what is sent again: some 100 bytes each. */
const KNOWN_KEYS = 400_000

/** Deliveries that are on their way to one channel at a time. */
const SENT_AT_ONCE = 8

/** Requests that are being answered when the cloud closes have so long. */
const HTTP_GRACE_MS = 1_000

/** The embedded cloud, running. */
export interface LocalCloud {
  readonly core: Core
  /** Ports that are open, `undefined` where one was left out. */
  readonly httpPort: number | undefined
  readonly httpsPort: number | undefined
  readonly mqttPort: number | undefined
  readonly mqttsPort: number | undefined
  readonly amqpsPort: number | undefined
  readonly adminToken: string
  /** A code that signs a browser in as the admin, once, within ten minutes. */
  createSignInCode(): Promise<string>
  /** Counters since the start, and what waits. */
  stats(): Promise<Readonly<Record<string, number>>>
  /** Counters since the start; those of rules also by rule. */
  counts(): LocalCounts
  /** Stops taking messages, finishes those under way, sends what is due once more and closes the files. */
  close(): Promise<void>
}

/** What this process did with messages since it started. */
export interface LocalCounts {
  /** By the names of the observer, such as `uplink.accepted`. */
  readonly counters: Readonly<Record<string, number>>
  /** How often each rule of the config matched; also those that never did. */
  readonly matched: Readonly<Record<string, number>>
  /** How often each route of the config took a message; absent where there are none. */
  readonly routed?: Readonly<Record<string, number>>
}

export interface LocalCloudOptions {
  readonly program: Program
  readonly settings: LocalSettings
  /** Takes log lines, one JSON object each. */
  readonly log: (line: string) => void
  /** Sends notifications in place of the channels of the config. */
  readonly channels?: ChannelSender
}

/**
 * Starts the embedded cloud. With every port off it serves only its caller.
 * @throws CoreError `port.in_use` or `store.locked`: nothing is left running.
 */
export async function startLocalCloud({
  program,
  settings,
  log,
  channels: givenChannels,
}: LocalCloudOptions): Promise<LocalCloud> {
  const channels = createChannelSender(program.config, systemClock, (channel, delivery) =>
    mailbox.keep(channel, delivery),
  )
  const networkCaller = createNetworkCaller(systemClock)
  const path = ensureDataFolder(settings.data)
  const adminToken = ensureAdminToken(settings.data)
  const database = await openDatabase({ path, durability: settings.durability })
  const mailbox = createMailbox(database)
  const observer = createObserver(log, systemClock.now)
  const feed = createLiveFeed()
  const recent = createRecentMessages()
  const elapsed = (): number => performance.now()
  const latency = createLatency(elapsed)
  let mqtt: MqttListener | undefined
  let amqp: AmqpServer | undefined
  let wakeNotify = (): void => undefined
  const registry = await openRegistry(database, (deviceId, before, after) => {
    if (before !== undefined && losesAccess(before, after, systemClock.now())) {
      mqtt?.disconnect(deviceId, 'not_authorized')
      amqp?.cutOff(deviceId)
    }
    // Another device of this name must not get them.
    if (after === undefined) void purge(deviceId)
    if (before === undefined || after === undefined)
      tellLifecycle(deviceId, after === undefined ? 'removed' : 'registered')
  }).catch(async (error) => {
    channels.close()
    await database.close()
    throw error
  })
  /** Told at most once: the registry has no outbox. */
  function tellLifecycle(deviceId: string, event: 'registered' | 'removed'): void {
    if (!core.program.routes.has('lifecycle')) return
    core.gate
      .run(deviceId, [{ kind: 'lifecycle', event, at: systemClock.now() }])
      .catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error)
        observer.log('warn', 'routes not told of a device', { deviceId, event, reason })
      })
  }

  async function purge(deviceId: string): Promise<void> {
    try {
      await core.commands.purge(deviceId)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      observer.log('warn', 'commands of a removed device not purged', { deviceId, reason })
    }
  }
  let authority: Authority | undefined
  /** Made when something needs it first. */
  async function needAuthority(): Promise<Authority> {
    authority ??= await openAuthority({
      folder: settings.data,
      hosts: hostsOf(settings.host),
      now: systemClock.now(),
    })
    return authority
  }

  const storedKeys = createStoredKeys(KNOWN_KEYS)
  const twins = createTwinDesk(() => core)
  const commandDesk = createCommandDesk(() => core)
  const methodDesk = createMethodDesk()
  const devices = createDeviceStore({
    database,
    clock: systemClock,
    cacheSize: CACHED_RECORDS,
    onCommit(commit) {
      storedKeys.add(commit)
      twins.committed(commit.record)
      if (isDeviceId(commit.record.deviceId)) {
        feed.stored(commit)
        feed.changed(commit.record)
      }
    },
  })
  const core: Core = createCore(
    {
      devices,
      telemetry: createTelemetryStore(database, storedKeys),
      cold: createColdStore(database),
      downlink: createDownlink(
        (topic, payload, options) => mqtt?.publish({ topic, payload, ...options }),
        commandDesk.wake,
        (topic) => mqtt?.hasSubscribers(topic) ?? false,
      ),
      notifications: createNotificationQueue({
        database,
        clock: systemClock,
        onEnqueue: () => wakeNotify(),
        perChannel: { limit: SENT_AT_ONCE, onRoom: () => wakeNotify() },
      }),
      channels: givenChannels ?? channels,
      deadLetters: createDeadLetters(database),
      registry,
      issuer: createIssuer(needAuthority, systemClock),
      tables: createTableStore(database),
      queues: createQueues(database, systemClock),
      commands: createCommandStore(database),
      methods: methodDesk,
      lookups: createLookupSource(process.env),
      clock: systemClock,
      ids: createIds(),
      observer,
      longLived: true,
    },
    program,
    {
      typeOf: (deviceId) => registry.peek(deviceId)?.type,
      takesIn: () => watched,
      callNetwork: networkCaller.call,
      recordAtHand: devices.atHand,
      hearsShadow: (deviceId, name, event) =>
        DIALECTS.some(
          (dialect) => mqtt?.hasSubscribers(dialect.pushTopic({ deviceId, name, event })) === true,
        ),
    },
  )
  const { eventHub } = program.config
  // Loaded only where it is served: who does without it pays nothing for the library.
  const amqpParts = settings.amqpsPort === undefined ? undefined : await import('./amqp/index.ts')
  const events =
    amqpParts === undefined || !eventHub.enabled
      ? undefined
      : await amqpParts.openEventLog({
          database,
          clock: systemClock,
          partitions: eventHub.partitions,
          maxEvents: eventHub.events,
          retentionMs: eventHub.retention,
          keeps: settings.keepEvents,
        })
  const ingest =
    amqpParts === undefined || events === undefined
      ? core.ingest
      : amqpParts.tapIngest(core.ingest, events, observer)
  const watched = watchIngest(ingest, { feed, recent, latency, now: elapsed })
  const batcher = createUplinkBatcher(watched)

  async function gauges(): Promise<Readonly<Record<string, number>>> {
    const [waiting] = await database.read('notificationWaiting')
    return {
      'dead_letters.kept': await core.ports.deadLetters.count(),
      'notifications.waiting': Number(waiting?.['count'] ?? 0),
      'mqtt.connections': mqtt?.connections ?? 0,
      'amqp.connections': amqp?.connections ?? 0,
    }
  }

  const stats = async (): Promise<Readonly<Record<string, number>>> => ({
    ...observer.totals(),
    ...(await gauges()),
  })

  function counts(): LocalCounts {
    const matched: Record<string, number> = {}
    for (const [ruleId, { enabled }] of Object.entries(core.program.config.rules))
      if (enabled) matched[ruleId] = 0
    return {
      counters: observer.totals(),
      matched: { ...matched, ...observer.totalsBy('rule.matched', 'ruleId') },
      ...(program.routes.size === 0 ? {} : { routed: routed() }),
    }
  }

  function routed(): Record<string, number> {
    const names = [...program.routesById.values()].map(({ routeId }) => [routeId, 0] as const)
    return { ...Object.fromEntries(names), ...observer.totalsBy('route.matched', 'routeId') }
  }

  const countsAsJson = (): Json => {
    const found = latency.read()
    return { ...counts(), ...(found === undefined ? {} : { latency: { ...found } }) }
  }

  /** How long messages took is from when they were taken in until they were durable. */
  const liveStats = async (): Promise<JsonObject> => {
    const found = latency.read()
    return { ...(await stats()), ...(found === undefined ? {} : { latency: { ...found } }) }
  }

  async function snapshot(): Promise<Json> {
    const devices = await core.ports.devices.list(BEFORE_DEVICES, 1_000)
    return { devices: devices.map(deviceSummary), stats: await liveStats() }
  }

  const { requireAuth } = settings
  const identities = createIdentities({
    peek: registry.peek,
    authority: () => authority,
    adminToken,
    clock: systemClock,
  })
  const logEvent = (event: MqttLogEvent | AmqpLogEvent): void =>
    log(
      JSON.stringify({
        at: new Date().toISOString(),
        level: 'warn',
        message: event.event,
        ...event,
      }),
    )
  const notKept = (error: unknown): void =>
    observer.log('error', 'MQTT sessions not written', {
      reason: error instanceof Error ? error.message : String(error),
    })
  const tell = (topic: string, payload: string): void =>
    void mqtt?.publish({ topic, payload, qos: 1 })
  const desk = createShadowDesk(core, tell)
  const configs = createConfigDesk(core, twins)
  const connections = createDeviceConnections(core)
  const states = createStateDesk(core)
  const sessions = await openSessionStore(database, notKept)
  const retained = await openRetainedStore(database, notKept)
  const broker = createMqttListener({
    sessions,
    retained,
    hooks: createMqttFront({
      core,
      batcher,
      publish: tell,
      stats: countsAsJson,
      desk,
      connections,
      commands: createMqttCommands({
        core,
        desk: commandDesk,
        methods: methodDesk,
        listener: () => broker,
        publish: tell,
      }),
      admission: createMqttAdmission({
        core,
        identities,
        requireAuth,
        dialects: createClientDialects({
          core,
          identities,
          requireAuth,
          add: batcher.add,
          listener: () => broker,
          twins,
          peek: registry.peek,
          configs,
          states,
          connections,
          commands: commandDesk,
          methods: methodDesk,
          log: logEvent,
        }),
        log: logEvent,
      }),
      log: logEvent,
    }),
  })
  mqtt = broker
  const isAdmin = (authorization: string | undefined): boolean =>
    carriesToken(authorization, adminToken)
  const connectionStrings = createConnectionStrings({
    peek: registry.peek,
    adminToken,
    clock: systemClock,
    ports: () => ({ mqtts: mqttsPort, amqps: amqpsPort, https: httpsPort }),
    authority: () => authority?.certificate,
  })
  const oidcSender = createGuardedSender()
  const access = createAccess({
    ports: core.ports,
    config: program.config,
    secrets: nodeSecrets,
    adminTokenDigest: nodeSecrets.digest(adminToken),
    verifyToken: createOidc({
      issuers: program.config.access.oidc,
      sender: oidcSender,
      clock: systemClock,
    }),
  })
  const facts = new WeakMap<Request, RequestFacts>()
  const api = createApi({
    core,
    add: batcher.add,
    isAdmin,
    recent: recent.of,
    matched: () => counts().matched,
    live: { follow: feed.follow, stats: liveStats },
    who: { access, factsOf: (request) => facts.get(request) ?? {} },
    trustsNetworks: !requireAuth,
    more: [
      ...registryEndpoints({ ports: core.ports, twinTags: createTwinTags(core, twins) }),
      connectionStringsEndpoint(connectionStrings),
      mailboxEndpoint(mailbox),
      ...deviceConfigEndpoints({ configs, states }),
    ],
  })
  const aws = createAwsHttp({
    core,
    desk,
    add: batcher.add,
    publish: (message) => broker.publish(message),
    identities,
  })
  const openPaths = new Set(['/mqtt', ...listPageFiles().map(({ path }) => path)])
  const attach = (stream: Duplex, socket: Socket, websocket: boolean): void =>
    broker.attach(stream, {
      secure: socket instanceof TLSSocket,
      websocket,
      remoteAddress: socket.remoteAddress,
      peerCertificate: peerCertificate(socket),
    })
  const isOpen = createOpenCheck(api.endpoints)
  const httpOptions = {
    api,
    origins: program.config.api.cors.origins,
    aws,
    dialects: [
      createAzureHttp({ core, add: batcher.add }),
      createAzureServiceHttp({
        core,
        twins,
        isBackEnd: (authorization) =>
          isAdmin(authorization) || identities.ofServiceSas(authorization ?? '').kind === 'admin',
      }),
      createGoogleHttp({ core, identities, requireAuth, configs, states, add: batcher.add }),
    ],
    feed,
    snapshot,
    metrics: async () => observer.metrics(await gauges()),
    stats: countsAsJson,
    access: createHttpAccess(
      identities,
      requireAuth,
      // Networks show a secret of their own, and receivers of notifications the token of a delivery.
      (method, path) =>
        openPaths.has(path) ||
        isGoogleHttpPath(path) ||
        /^\/networks\/[^/]+$|^\/notifications\/deliveries\/[^/]+\/ack$/.test(path) ||
        isOpen(method, path),
    ),
    people: async (request: Request, known: RequestFacts) =>
      (await access.prove(shownBy(request, known)))?.caller,
    note: (request: Request, known: RequestFacts) => void facts.set(request, known),
    ownMachineOnly: !requireAuth,
    onMqtt: (stream: Duplex, socket: Socket) => attach(stream, socket, true),
    connectTo: program.config.access.oidc.map(({ issuer }) => new URL(issuer).origin),
  }
  const http = createHttpListener(httpOptions)
  const tcp = createServer({ noDelay: true }, (socket) => attach(socket, socket, false))
  let https: HttpListener | undefined
  let tls: Server | undefined
  const open: Server[] = []
  const bind = async (
    server: Server,
    port: number | undefined,
    flag: string,
  ): Promise<number | undefined> => {
    if (port === undefined) return undefined
    const bound = await listen(server, settings.host, port, flag)
    open.push(server)
    server.on('error', (error) =>
      observer.log('error', 'listener failed', { flag, reason: error.message }),
    )
    return bound
  }

  let httpPort: number | undefined
  let httpsPort: number | undefined
  let mqttPort: number | undefined
  let mqttsPort: number | undefined
  let amqpsPort: number | undefined
  try {
    await devices.recover()
    await core.programs.reload()
    await resetPresence(core, database)
    httpPort = await bind(http.server, settings.httpPort, LOCAL_SETTINGS.httpPort.flag)
    mqttPort = await bind(tcp, settings.mqttPort, LOCAL_SETTINGS.mqttPort.flag)
    if (settings.httpsPort !== undefined) {
      https = createHttpListener({ ...httpOptions, tls: tlsOptions(await needAuthority()) })
      httpsPort = await bind(https.server, settings.httpsPort, LOCAL_SETTINGS.httpsPort.flag)
    }
    if (settings.mqttsPort !== undefined) {
      tls = createTlsServer(mqttTlsOptions(await needAuthority()), (socket) =>
        attach(socket, socket, false),
      )
      mqttsPort = await bind(tls, settings.mqttsPort, LOCAL_SETTINGS.mqttsPort.flag)
    }
    if (amqpParts !== undefined) {
      const services = {
        core,
        identities,
        adminToken,
        add: batcher.add,
        twins,
        commands: commandDesk,
        methods: methodDesk,
        connections,
        events,
        log: logEvent,
      }
      amqp = amqpParts.createAmqpServer(services, tlsOptions(await needAuthority()))
      amqpsPort = await bind(amqp.server, settings.amqpsPort, LOCAL_SETTINGS.amqpsPort.flag)
    }
  } catch (error) {
    for (const server of open) server.close()
    await Promise.all([broker.close(), amqp?.close()])
    channels.close()
    oidcSender.close()
    await database.close()
    throw error
  }
  const schedule = startSchedule({
    core,
    database,
    feed,
    stats: liveStats,
    retention: program.config.retention,
  })
  wakeNotify = schedule.wakeNotify

  /** Networks whose devices wait for a word of ours. */
  async function announce(online: boolean): Promise<void> {
    for (const { network } of program.networks.all) {
      const message = network.announce?.(online, systemClock.now())
      if (message !== undefined) await broker.publish({ ...message, qos: 1, retain: true })
    }
  }
  await announce(true)

  let closing: Promise<void> | undefined
  return {
    core,
    httpPort,
    httpsPort,
    mqttPort,
    mqttsPort,
    amqpsPort,
    adminToken,
    async createSignInCode() {
      const source = { kind: 'admin', mark: access.adminMark } as const
      return (await access.sessions.createCode({ caller: ADMIN, source })).code
    },
    stats,
    counts,
    close() {
      closing ??= (async () => {
        tcp.close()
        tls?.close()
        feed.close()
        await announce(false)
        await Promise.all([
          broker.close(),
          amqp?.close(),
          http.close(HTTP_GRACE_MS),
          https?.close(HTTP_GRACE_MS),
        ])
        await Promise.all([sessions.flush(), retained.flush()])
        await core.tasks.stop()
        await core.gate.idle()
        await schedule.stop(channels.close)
        channels.close()
        networkCaller.close()
        oidcSender.close()
        await devices.close()
        await database.close()
      })()
      return closing
    },
  }
}

/** Names and addresses that the certificate of the listeners is for. */
function hostsOf(host: string): string[] {
  const hosts = new Set(['localhost', '127.0.0.1', '::1'])
  if (host === '0.0.0.0' || host === '::') {
    hosts.add(hostname())
    for (const addresses of Object.values(networkInterfaces()))
      for (const { address, scopeid } of addresses ?? []) if (!scopeid) hosts.add(address)
  } else if (isIP(host) === 0 || !host.includes('%')) hosts.add(host)
  return [...hosts]
}
