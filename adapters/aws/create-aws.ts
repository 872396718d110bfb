import {
  type ChannelSender,
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
import { type AwsClient, createAwsClient } from './client.ts'
import { createColdStore } from './cold-store.ts'
import { createCommandPump } from './command-pump.ts'
import { createCommandStore } from './command-store.ts'
import type { AwsSettings } from './config.ts'
import { createDeadLetters } from './dead-letters.ts'
import { createDeviceStore } from './device-store.ts'
import { createDownlink } from './downlink.ts'
import { createDynamo } from './dynamo.ts'
import { createTaker } from './events.ts'
import { createHotTails } from './hot-tails.ts'
import { createIssuer } from './issuer.ts'
import { createLookupSource } from './lookup-source.ts'
import { createMethods } from './methods.ts'
import { type AwsNotificationQueue, createNotificationQueue } from './notification-queue.ts'
import { createObjectStore, type ObjectStore } from './object-store.ts'
import { type AwsObserver, createObserver } from './observer.ts'
import { createQueueSender } from './queue-sender.ts'
import { createRegistry } from './registry.ts'
import { createShadowOwner } from './shadow-owner.ts'
import { createSqs } from './sqs.ts'
import { createTableStore } from './table-store.ts'
import { createTelemetryStore } from './telemetry-store.ts'
import type { Things } from './things.ts'
import { tickThrough } from './tick-through.ts'
import { toArrivals, toKeys, toReply } from './trigger.ts'

/** What only some functions do, and what is large: a cold start reads no more than its function needs. */
export interface AwsParts {
  /** Sends notifications; without it they wait for the function that does. */
  readonly channels?: (given: PartOptions) => ChannelSender
  /** Keeps what AWS IoT knows of devices; without it the registry can only be read. */
  readonly things?: (given: PartOptions) => Things
}

export interface PartOptions {
  readonly client: AwsClient
  readonly settings: AwsSettings
  readonly config: Config
}

/** Tails of records that a warm function remembers. */
const REMEMBERED = 2_000

/** So long one tick begins with further devices: it comes every minute. */
const TICK_MS = 45_000

/** Devices that a tick looks after at a time, and deliveries that one run sends. */
const TICK_LIMIT = 500
const END_LIMIT = 100
const NOTIFY_LIMIT = 100

/** Functions that publish to devices, as serverless.aws.yml names them. */
const PUBLISHERS = ['ingest', 'tick', 'api'] as const

/** What the functions of AWS call: an event in, the answer of its trigger out. */
export interface Aws {
  readonly core: Core
  readonly observer: AwsObserver
  /** The bucket. */
  readonly objects: ObjectStore
  /** Brings what waits on its way; to be awaited after steps, before the host may freeze. */
  settle(): Promise<void>
  ingest(event: unknown): Promise<unknown>
  notify(event: unknown): Promise<unknown>
  tick(): Promise<void>
}

/**
 * Wires the core to AWS, once per cold start.
 * @throws CoreError `config.invalid` if the config does not compile.
 */
export function createAws(settings: AwsSettings, packaged: Config, parts: AwsParts = {}): Aws {
  const config = fillConfig(packaged, process.env)
  const compiled = compileProgram(config, { scripts: createScriptEngine() })
  if ('faults' in compiled) {
    throw new CoreError(
      'config.invalid',
      `expected a config that was checked, found ${compiled.faults.map(({ message }) => message).join('; ')}`,
    )
  }
  const { program } = compiled
  const { region, endpoint, devicesTable: table, telemetryTable, itemsTable } = settings
  const clock = systemClock
  const ids = createIds()
  const observer = createObserver({
    write: (line) => void process.stdout.write(`${line}\n`),
    now: clock.now,
    namespace: 'anyhub',
    functionName: settings.functionName,
    // Lambda sets it anew for each invocation.
    traceId: () => process.env['_X_AMZN_TRACE_ID'],
  })
  const client = createAwsClient({
    region,
    endpoint,
    credentials: () => ({
      accessKeyId: process.env['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: process.env['AWS_SECRET_ACCESS_KEY'] ?? '',
      ...(process.env['AWS_SESSION_TOKEN'] === undefined
        ? {}
        : { sessionToken: process.env['AWS_SESSION_TOKEN'] }),
    }),
    random: ids.random,
  })
  const dynamo = createDynamo(client)
  const sqs = createSqs(client)
  const tails = createHotTails(REMEMBERED)
  const objects = createObjectStore({
    client,
    bucket: settings.bucket,
    region,
    pathStyle: endpoint !== undefined,
  })
  const cold = createColdStore({
    client,
    stream: settings.coldStream,
    objects,
    prefixOf: (day) => `cold/day=${day}/`,
    now: clock.now,
    random: ids.random,
  })
  const contents = createCommandStore({ dynamo, table: itemsTable, now: clock.now })
  const given: PartOptions = { client, settings, config }
  const things = parts.things?.(given) ?? NO_THINGS
  const registry = createRegistry({ dynamo, table: itemsTable, things })
  const notifications: AwsNotificationQueue = createNotificationQueue({
    dynamo,
    table: settings.notificationsTable,
    now: clock.now,
    wake: (keys, priority) =>
      sqs.send(priority === 'high' ? settings.highQueueUrl : settings.normalQueueUrl, [
        { body: JSON.stringify({ keys }) },
      ]),
  })
  const pump = createCommandPump(client, () => core)
  const ports: Ports = {
    devices: createDeviceStore({
      dynamo,
      table,
      telemetryTable,
      tails,
      archive: cold.archive,
      contents,
      now: clock.now,
      retentionMs: config.retention.telemetry,
      newId: () => ids.next(clock.now()),
    }),
    telemetry: createTelemetryStore({ dynamo, table, telemetryTable, tails }),
    cold,
    downlink: createDownlink({
      client,
      deliverCommands: async (deviceId) => pump.ask(deviceId),
      writeShadow: createShadowOwner(client),
    }),
    notifications,
    tables: createTableStore(dynamo, itemsTable),
    queues: createQueueSender(sqs, settings.queuePrefix),
    commands: contents,
    methods: createMethods(),
    lookups: createLookupSource(client, registry),
    channels: parts.channels?.(given) ?? NO_CHANNELS,
    deadLetters: createDeadLetters({
      dynamo,
      table: itemsTable,
      now: clock.now,
      retentionMs: config.retention.deadLetters,
    }),
    registry,
    issuer: createIssuer(things, clock),
    clock,
    ids,
    observer,
    longLived: false,
  }
  const core: Core = createCore(ports, program, {
    callNetwork: createLazyNetworkCall(clock),
    knowsNetworkTopics: true,
  })
  const sweepAccess = createAccessSweep(core.ports, config.retention)
  const take = createTaker({
    core,
    pump,
    publishers: new Set(PUBLISHERS.map((name) => `${settings.queuePrefix}${name}`)),
  })

  return {
    core,
    observer,
    objects,
    // What goes through a network is on its way beside the steps.
    async settle() {
      await core.gate.idle()
      await pump.drain()
    },

    async ingest(event) {
      const arrivals = toArrivals(event, clock.now())
      const outcomes = await take(arrivals.map(({ uplink }) => uplink))
      await pump.drain()
      observer.flush()
      return toReply(arrivals, outcomes)
    },

    async notify(event) {
      const keys = toKeys(event)
      await core.notifyFrom(notifications.only(keys))(keys.length)
      observer.flush()
      return { batchItemFailures: [] }
    },

    async tick() {
      const until = clock.now() + TICK_MS
      await tickThrough({ tick: core.tick, limit: TICK_LIMIT, until, now: clock.now })
      await pump.drain()
      await core.notify(NOTIFY_LIMIT)
      await sweepAccess()
      if (parts.things !== undefined) await registry.end(clock.now(), END_LIMIT)
      observer.flush()
    },
  }
}

const NO_CHANNELS: ChannelSender = {
  async send() {
    throw new CoreError('channel.unavailable', 'expected the function that sends notifications')
  },
}

const NO_THINGS: Things = {
  sync: refuseThings,
  remove: refuseThings,
  issueCertificate: refuseThings,
}

async function refuseThings(): Promise<never> {
  throw new CoreError('store.unavailable', 'expected the function that changes the registry')
}
