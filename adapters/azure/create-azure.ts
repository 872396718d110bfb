import type { InvocationContext } from '@azure/functions'
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
import { createBlobs } from './blob.ts'
import { type AzureClient, createAzureClient } from './client.ts'
import { createColdStore } from './cold-store.ts'
import { createCommandPump } from './command-pump.ts'
import { createCommandStore } from './command-store.ts'
import type { AzureSettings } from './config.ts'
import { createCosmos } from './cosmos.ts'
import { createCredentials } from './credentials.ts'
import { createDeadLetters } from './dead-letters.ts'
import { createDeviceBound } from './device-bound.ts'
import { createDeviceStore } from './device-store.ts'
import { createDownlink } from './downlink.ts'
import { createTaker } from './events.ts'
import { createHotTails } from './hot-tails.ts'
import { createHub } from './hub.ts'
import { createIdentities } from './identities.ts'
import { createIssuer } from './issuer.ts'
import { createLastAttempt } from './last-attempt.ts'
import { createLookupSource } from './lookup-source.ts'
import { createMethods } from './methods.ts'
import { createMetricsExporter } from './metrics-exporter.ts'
import { createNotificationQueue } from './notification-queue.ts'
import { createObjectStore, type ObjectStore } from './object-store.ts'
import { type AzureObserver, createObserver, type LogLevel } from './observer.ts'
import { createOwnQueues } from './own-queues.ts'
import { createQueueSender } from './queue-sender.ts'
import { createRegistry } from './registry.ts'
import { createServices } from './services.ts'
import { createShadowOwner } from './shadow-owner.ts'
import { createStorageQueues } from './storage-queue.ts'
import { createTableStore } from './table-store.ts'
import { createTelemetryStore } from './telemetry-store.ts'
import {
  checkTimer,
  isLastAttempt,
  type TriggerContext,
  toArrivals,
  toKeys,
  toReply,
} from './trigger.ts'

/** What only some functions do, and what is large: a cold start reads no more than its function needs. */
export interface AzureParts {
  /** Sends notifications; without it they wait for the function that does. */
  readonly channels?: (given: PartOptions) => ChannelSender
}

export interface PartOptions {
  readonly client: AzureClient
  readonly settings: AzureSettings
  readonly config: Config
  readonly clock: Clock
}

/** An invocation, as far as we look at it. */
export type Invocation = TriggerContext &
  Partial<Pick<InvocationContext, 'log' | 'warn' | 'error' | 'traceContext'>>

/** Tails of records that a warm function remembers. */
const REMEMBERED = 2_000

/** So long one tick begins with further work: it comes every minute. */
const TICK_MS = 45_000

/** Devices that a tick looks after at a time, and deliveries that one run sends. */
const TICK_LIMIT = 500
const END_LIMIT = 100
const NOTIFY_LIMIT = 100

/** What the functions of Azure call. */
export interface Azure {
  readonly core: Core
  readonly observer: AzureObserver
  /** The container of blobs. */
  readonly objects: ObjectStore
  /** Brings what commands wait for on its way; to be awaited after steps. */
  settle(): Promise<void>
  /** A batch of Event Hubs. Throwing asks the host to bring it again. */
  ingest(messages: unknown, context: Invocation): Promise<void>
  /** A message of a Storage queue. */
  notify(message: unknown, context: Invocation): Promise<void>
  /** The timer. */
  tick(timer: unknown, context: Invocation): Promise<void>
  /** Runs something as part of an invocation: what it logs names it. */
  run<T>(context: Invocation, work: () => Promise<T>): Promise<T>
  /** Ends the connections that are kept. */
  close(): Promise<void>
}

/**
 * Wires the core to Azure, once per cold start.
 * @throws CoreError `config.invalid` if the config does not compile.
 */
export function createAzure(
  settings: AzureSettings,
  packaged: Config,
  parts: AzureParts = {},
): Azure {
  const config = fillConfig(packaged, process.env)
  const compiled = compileProgram(config, { scripts: createScriptEngine() })
  if ('faults' in compiled) {
    throw new CoreError(
      'config.invalid',
      `expected a config that was checked, found ${compiled.faults.map(({ message }) => message).join('; ')}`,
    )
  }
  const { program } = compiled
  const clock = systemClock
  const { now } = clock
  const ids = createIds()
  const { AsyncLocalStorage } = process.getBuiltinModule('node:async_hooks')
  const invocations = new AsyncLocalStorage<Invocation>()
  const credentials = createCredentials({ settings, now })
  const services = createServices({ settings, credentials, now })
  const client = createAzureClient({ services, random: ids.random })
  const observer = createObserver({
    write: (level, line) => write(invocations.getStore(), level, line),
    send: createMetricsExporter({ client, settings }),
    now,
    traceId: () => traceOf(invocations.getStore()),
  })
  const cosmos = createCosmos({ client, database: settings.cosmosDatabase })
  const blobs = createBlobs(client, settings.blobContainer)
  const objects = createObjectStore({
    blobs,
    endpoint: settings.blobEndpoint,
    account: settings.storageAccount,
    container: settings.blobContainer,
    key: settings.storageKey,
    now,
  })
  const storageQueues = createStorageQueues(client)
  const tails = createHotTails(REMEMBERED)
  const cold = createColdStore({ blobs, writer: ids.next(now()), now, random: ids.random })
  const contents = createCommandStore(cosmos)
  const hub = createHub(client)
  const deviceBound = createDeviceBound({
    host: settings.iotHubHost,
    connection: settings.iotHubConnection,
    token: () => credentials.token('https://iothubs.azure.net'),
    now,
  })
  const identities = createIdentities(hub, clock)
  const registry = createRegistry({ cosmos, identities, now })
  const queues = createQueueSender({
    queues: storageQueues,
    cosmos,
    objects,
    prefix: settings.queuePrefix,
    now,
    own: createOwnQueues(cosmos, now),
  })
  const notifications = createNotificationQueue({
    cosmos,
    now,
    wake: (keys, priority) =>
      storageQueues.send(
        priority === 'high' ? settings.highQueue : settings.normalQueue,
        JSON.stringify({ keys }),
      ),
  })
  const pump = createCommandPump(deviceBound, hub, () => core)
  const ports: Ports = {
    devices: createDeviceStore({
      cosmos,
      tails,
      archive: cold.archive,
      contents,
      retentionMs: config.retention.telemetry,
      newId: () => ids.next(now()),
    }),
    telemetry: createTelemetryStore({ cosmos, tails }),
    cold,
    downlink: createDownlink({
      deviceBound,
      queues,
      deliverCommands: async (deviceId) => pump.ask(deviceId),
      writeShadow: createShadowOwner(hub),
    }),
    notifications,
    tables: createTableStore(cosmos),
    queues,
    commands: contents,
    methods: createMethods(hub),
    lookups: createLookupSource({ client, vault: settings.vaultEndpoint !== undefined, registry }),
    channels: parts.channels?.({ client, settings, config, clock }) ?? NO_CHANNELS,
    deadLetters: createDeadLetters({
      cosmos,
      objects,
      retentionMs: config.retention.deadLetters,
    }),
    registry,
    issuer: createIssuer(clock),
    clock,
    ids,
    observer,
    longLived: false,
  }
  // The twin tells its device of wishes itself; what is left is the owner, who has the one shadow without a name.
  const made = createCore(ports, program, {
    hearsShadow: (_deviceId, name, event) => name === '' && event === 'documents',
    callNetwork: createLazyNetworkCall(clock),
  })
  const core: Core = {
    ...made,
    commands: {
      ...made.commands,
      async purge(deviceId) {
        // First what waits at the hub: else a device may get what has ended.
        await hub.purge(deviceId)
        return made.commands.purge(deviceId)
      },
    },
  }
  const sweepAccess = createAccessSweep(core.ports, program.config.retention)
  const take = createTaker({ core, hub, pump, registry })
  const keepLast = createLastAttempt({ ports: core.ports, spare: objects })
  const run: Azure['run'] = (context, work) => invocations.run(context, work)

  /** Work of the tick that others do not wait for. */
  async function orLog(what: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      observer.log('error', `${what} not done`, { reason })
    }
  }

  return {
    core,
    observer,
    objects,
    // What goes through a network is on its way beside the steps.
    async settle() {
      await core.gate.idle()
      await pump.drain()
    },
    run,

    ingest: (messages, context) =>
      run(context, async () => {
        const arrivals = toArrivals(messages, context, now())
        const outcomes = await take(arrivals)
        await pump.drain()
        const uplinks = arrivals.map(({ uplink }) => uplink)
        const ends = isLastAttempt(context) ? await keepLast(uplinks, outcomes) : outcomes
        observer.flush()
        toReply(ends)
      }),

    notify: (message, context) =>
      run(context, async () => {
        const keys = toKeys(message)
        await core.notifyFrom(notifications.only(keys))(keys.length)
        observer.flush()
      }),

    tick: (timer, context) =>
      run(context, async () => {
        checkTimer(timer)
        const until = now() + TICK_MS
        await orLog('feedback', () => pump.hear(until))
        for (;;) {
          const found = await core.tick(TICK_LIMIT)
          if (found < TICK_LIMIT || now() >= until) break
        }
        await pump.drain()
        await core.notify(NOTIFY_LIMIT)
        await orLog('access', sweepAccess)
        await orLog('registry', () => registry.end(now(), END_LIMIT))
        observer.flush()
      }),

    async close() {
      await observer.close()
      await deviceBound.close()
      client.close()
      credentials.close()
    },
  }
}

/** To the log of the invocation; outside of one to that of the host. */
function write(invocation: Invocation | undefined, level: LogLevel, line: string): void {
  const log = { info: invocation?.log, warn: invocation?.warn, error: invocation?.error }[level]
  if (log === undefined) process.stdout.write(`${line}\n`)
  else log.call(invocation, line)
}

/** Source: W3C Trace Context, `traceparent`. */
function traceOf(invocation: Invocation | undefined): string | undefined {
  const given = invocation?.traceContext?.traceParent ?? ''
  return /^[\da-f]{2}-([\da-f]{32})-/.exec(given)?.[1]
}

const NO_CHANNELS: ChannelSender = {
  async send() {
    throw new CoreError('channel.unavailable', 'expected the function that sends notifications')
  },
}
