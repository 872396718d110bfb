import {
  type ChannelSender,
  type Clock,
  type Config,
  type Core,
  CoreError,
  compileProgram,
  createAccessSweep,
  createCore,
  type Ports,
} from '../../core/index.ts'
import { systemClock } from '../node/clock.ts'
import { fillConfig } from '../node/fill-config.ts'
import { createIds } from '../node/ids.ts'
import { createLazyNetworkCall } from '../node/network-call.ts'
import { createScriptEngine } from '../node/script-engine.ts'
import { createGcpClient, type Service } from './client.ts'
import { createColdStore } from './cold-store.ts'
import { createCommandPump } from './command-pump.ts'
import { createCommandStore } from './command-store.ts'
import type { GcpSettings } from './config.ts'
import { createCredentials, EMULATOR_CREDENTIALS } from './credentials.ts'
import { createDeadLetters } from './dead-letters.ts'
import { createDeviceStore, recordPath } from './device-store.ts'
import { createDownlink } from './downlink.ts'
import { createTaker } from './events.ts'
import { createFirestore } from './firestore.ts'
import { gather } from './gather.ts'
import { createHotTails } from './hot-tails.ts'
import { bodyOf, type HttpFunction, traceOf } from './http.ts'
import { createIssuer } from './issuer.ts'
import { createLookupSource } from './lookup-source.ts'
import { createMethods } from './methods.ts'
import { createNotificationQueue } from './notification-queue.ts'
import type { createObjectStore, ObjectStore } from './object-store.ts'
import { createObserver, type GcpObserver } from './observer.ts'
import { createOwnQueues } from './own-queues.ts'
import { createPubSub, type PubSub } from './pubsub.ts'
import { createPushIdentity } from './push-identity.ts'
import { createQueueSender } from './queue-sender.ts'
import { createRegistry } from './registry.ts'
import { createTableStore } from './table-store.ts'
import { createTelemetryStore } from './telemetry-store.ts'
import { toArrival, toKeys, toReply, toUplinks } from './trigger.ts'

/** What only some functions do, and what is large: a cold start reads no more than its function needs. */
export interface GcpParts {
  /** Sends notifications; without it they wait for the function that does. */
  readonly channels?: (given: PartOptions) => ChannelSender
}

export interface PartOptions {
  readonly config: Config
  readonly clock: Clock
}

/** Tails of records that a warm function remembers. */
const REMEMBERED = 2_000

/** Devices that one tick looks after, and deliveries that one run sends. */
const TICK_LIMIT = 500
const NOTIFY_LIMIT = 100

/** What the functions of Google call. */
export interface Gcp {
  readonly core: Core
  readonly pubsub: PubSub
  readonly observer: GcpObserver
  /** The bucket; made when it is asked for, since few functions do. */
  readonly openBucket: (open: typeof createObjectStore) => ObjectStore
  /** Brings what commands wait for to devices that are connected, before the host may freeze. */
  settle(): Promise<void>
  /** A message of Pub/Sub, as a CloudEvent: returning acknowledges it, throwing asks for redelivery. */
  ingest(event: unknown): Promise<void>
  notify(event: unknown): Promise<void>
  tick(): Promise<void>
  /**
   * The same over HTTP, for whoever shows that it is the service account that may: 204 when it is done, 401 or 403 for
   * anybody else, 400 for what is no message, 503 where it has to come again.
   */
  push(handle: (event: unknown) => Promise<void>): HttpFunction
  /** Runs something as part of a trace: what it logs names it. */
  trace<T>(traceId: string | undefined, run: () => Promise<T>): Promise<T>
}

/**
 * Wires the core to Google, once per cold start.
 * @throws CoreError `config.invalid` if the config does not compile.
 */
export function createGcp(settings: GcpSettings, packaged: Config, parts: GcpParts = {}): Gcp {
  const config = fillConfig(packaged, process.env)
  const compiled = compileProgram(config, { scripts: createScriptEngine() })
  if ('faults' in compiled) {
    throw new CoreError(
      'config.invalid',
      `expected a config that was checked, found ${compiled.faults.map(({ message }) => message).join('; ')}`,
    )
  }
  const { program } = compiled
  const { project, commandsTopic } = settings
  const clock = systemClock
  const ids = createIds()
  const { AsyncLocalStorage } = process.getBuiltinModule('node:async_hooks')
  const traces = new AsyncLocalStorage<string | undefined>()
  const observer = createObserver({
    write: (line) => void process.stdout.write(`${line}\n`),
    now: clock.now,
    project,
    functionName: settings.functionName,
    traceId: () => traces.getStore(),
  })
  const emulated = settings.firestoreEmulator !== undefined
  const credentials = emulated
    ? EMULATOR_CREDENTIALS
    : createCredentials({ file: settings.credentialsFile, now: clock.now })
  const client = createGcpClient({
    endpoints: endpointsOf(settings),
    token: credentials.token,
    random: ids.random,
  })
  const firestore = createFirestore({
    client,
    project,
    database: settings.database,
    random: ids.random,
  })
  const pubsub = createPubSub(client, project)
  const tails = createHotTails(REMEMBERED)
  const cold = createColdStore({
    client,
    pubsub,
    project,
    topic: settings.coldTopic,
    table: settings.coldTable,
    now: clock.now,
    random: ids.random,
  })
  const registry = createRegistry(firestore)
  const notifications = createNotificationQueue({
    firestore,
    now: clock.now,
    wake: async (keys, priority) => {
      const topic = priority === 'high' ? settings.highTopic : settings.normalTopic
      await pubsub.publish(topic, [{ data: JSON.stringify({ keys }) }])
    },
  })
  const pump = createCommandPump(pubsub, commandsTopic, () => core)
  const ports: Ports = {
    devices: createDeviceStore({
      firestore,
      tails,
      archive: cold.archive,
      now: clock.now,
      retentionMs: config.retention.telemetry,
      newId: () => ids.next(clock.now()),
    }),
    telemetry: createTelemetryStore({ firestore, tails }),
    cold,
    downlink: createDownlink({
      pubsub,
      topic: commandsTopic,
      deliverCommands: async (deviceId) => pump.ask(deviceId),
    }),
    notifications,
    tables: createTableStore(firestore),
    queues: createQueueSender({
      pubsub,
      firestore,
      prefix: settings.queuePrefix,
      now: clock.now,
      own: createOwnQueues(firestore, clock.now),
    }),
    commands: createCommandStore(firestore, recordPath),
    methods: createMethods(),
    lookups: createLookupSource({ client, project, registry }),
    channels: parts.channels?.({ config, clock }) ?? NO_CHANNELS,
    deadLetters: createDeadLetters({
      firestore,
      now: clock.now,
      retentionMs: config.retention.deadLetters,
    }),
    registry,
    issuer: createIssuer(clock),
    clock,
    ids,
    observer,
    longLived: false,
  }
  // Nobody can subscribe to whole documents here, and telling them would be a message for each one that is measured.
  const core: Core = createCore(ports, program, {
    hearsShadow: (_deviceId, _name, event) => event !== 'documents',
    callNetwork: createLazyNetworkCall(clock),
    knowsNetworkTopics: true,
  })
  const sweepAccess = createAccessSweep(core.ports, program.config.retention)
  const take = createTaker({ core, pump, pubsub, topic: commandsTopic })
  const takeTogether = gather(async (uplinks) => {
    const outcomes = await take(uplinks)
    await pump.drain()
    observer.flush()
    return outcomes
  })
  const trace: Gcp['trace'] = (traceId, run) => traces.run(traceId, run)
  const { pushAccount: email, pushAudience: audience, keysUrl } = settings
  const judge =
    email === undefined
      ? async () => 'expected ANYHUB_PUSH_ACCOUNT, the account that may push here'
      : createPushIdentity({
          audience,
          email,
          signatureRemoved: settings.pushSignatureRemoved,
          now: clock.now,
          ...(keysUrl === undefined ? {} : { keysUrl }),
        })

  return {
    core,
    pubsub,
    observer,
    openBucket: (open) => open({ client, credentials, bucket: settings.bucket, now: clock.now }),
    // What goes through a network is on its way beside the steps.
    async settle() {
      await core.gate.idle()
      await pump.drain()
    },
    trace,

    ingest: (event) =>
      trace(traceOfEvent(event), async () => {
        toReply(await takeTogether(toUplinks(toArrival(event), clock.now())))
      }),

    notify: (event) =>
      trace(traceOfEvent(event), async () => {
        const keys = toKeys(toArrival(event))
        await core.notifyFrom(notifications.only(keys))(keys.length)
        observer.flush()
      }),

    async tick() {
      await core.tick(TICK_LIMIT)
      await pump.drain()
      await core.notify(NOTIFY_LIMIT)
      await sweepAccess()
      observer.flush()
    },

    push: (handle) => async (incoming, outgoing) => {
      const { headers } = incoming
      const traceId = traceOf(headers['traceparent'], headers['x-cloud-trace-context'])
      const status = await trace(traceId, async () => {
        try {
          const wrong = await judge(headers.authorization, headers.host)
          if (wrong !== undefined) {
            observer.log('warn', 'push refused', { reason: wrong })
            return headers.authorization === undefined ? 401 : 403
          }
          await handle(bodyOf(incoming))
          return 204
        } catch (error) {
          const reason = error instanceof Error ? error.message : String(error)
          observer.log('error', 'push not done', { reason })
          return error instanceof CoreError && !error.retryable ? 400 : 503
        }
      })
      outgoing.writeHead(status).end()
    },
  }
}

function endpointsOf(settings: GcpSettings): Partial<Record<Service, string>> {
  const { firestoreEmulator, pubsubEmulator, endpoint } = settings
  return {
    ...(endpoint === undefined
      ? {}
      : {
          bigquery: endpoint,
          storage: endpoint,
          secretmanager: endpoint,
          iamcredentials: endpoint,
        }),
    ...(firestoreEmulator === undefined ? {} : { firestore: `http://${firestoreEmulator}` }),
    ...(pubsubEmulator === undefined ? {} : { pubsub: `http://${pubsubEmulator}` }),
  }
}

/** Source: CloudEvents, distributed tracing extension. */
function traceOfEvent(event: unknown): string | undefined {
  return typeof event === 'object' && event !== null && 'traceparent' in event
    ? traceOf(event.traceparent)
    : undefined
}

const NO_CHANNELS: ChannelSender = {
  async send() {
    throw new CoreError('channel.unavailable', 'expected the function that sends notifications')
  },
}
