import type {
  ChannelSender,
  Clock,
  DeadLetters,
  DeviceStore,
  Downlink,
  NotificationQueue,
  Observer,
  Ports,
  Registry,
  TelemetryStore,
} from './ports.ts'

/** Wraps the ports that go over a wire or to a disk: each call is timed and its failures are counted. */
export function observePorts(ports: Ports): Ports {
  const timed = createTimed(ports.observer, ports.clock)
  const { devices, telemetry, downlink, notifications, deadLetters, channels, registry } = ports
  return {
    ...ports,
    devices: {
      load: timed('store.load', (deviceId) => devices.load(deviceId)),
      commit: timed('store.commit', (commit) => devices.commit(commit)),
      due: timed('store.due', (now, limit) => devices.due(now, limit)),
      list: timed('store.list', (afterId, limit) => devices.list(afterId, limit)),
    } satisfies DeviceStore,
    telemetry: {
      known: timed('telemetry.known', (deviceId, rows) => telemetry.known(deviceId, rows)),
      range: timed('telemetry.range', (deviceId, query) => telemetry.range(deviceId, query)),
      series: timed('telemetry.series', (query) => telemetry.series(query)),
      count: timed('telemetry.count', (deviceId) => telemetry.count(deviceId)),
    } satisfies TelemetryStore,
    downlink: {
      publish: timed('downlink.publish', (message, key) => downlink.publish(message, key)),
      command: timed('downlink.command', (deviceId) => downlink.command(deviceId)),
      shadow: timed('downlink.shadow', (message, key) => downlink.shadow(message, key)),
    } satisfies Downlink,
    notifications: {
      enqueue: timed('queue.enqueue', (deliveries) => notifications.enqueue(deliveries)),
      claim: timed('queue.claim', (now, limit, lease) => notifications.claim(now, limit, lease)),
      settle: timed('queue.settle', (key) => notifications.settle(key)),
      retry: timed('queue.retry', (key, dueAt) => notifications.retry(key, dueAt)),
      hold: timed('queue.hold', (key, dueAt) => notifications.hold(key, dueAt)),
    } satisfies NotificationQueue,
    deadLetters: {
      put: timed('dead_letter.put', (letter) => deadLetters.put(letter)),
      get: timed('dead_letter.get', (id) => deadLetters.get(id)),
      list: timed('dead_letter.list', (beforeId, limit) => deadLetters.list(beforeId, limit)),
      remove: timed('dead_letter.remove', (id) => deadLetters.remove(id)),
      count: timed('dead_letter.count', () => deadLetters.count()),
    } satisfies DeadLetters,
    registry: {
      create: timed('registry.create', (device) => registry.create(device)),
      get: timed('registry.get', (deviceId) => registry.get(deviceId)),
      list: timed('registry.list', (afterId, limit) => registry.list(afterId, limit)),
      update: timed('registry.update', (device) => registry.update(device)),
      remove: timed('registry.remove', (deviceId) => registry.remove(deviceId)),
    } satisfies Registry,
    channels: {
      send: timed('channel.send', (delivery, sending) => channels.send(delivery, sending)),
    } satisfies ChannelSender,
  }
}

type Timed = <A extends readonly unknown[], R>(
  name: string,
  call: (...args: A) => Promise<R>,
) => (...args: A) => Promise<R>

/** What is called gives its own promise: nobody waits for the clock. */
function createTimed(observer: Observer, clock: Clock): Timed {
  return (name, call) =>
    (...args) => {
      const started = clock.now()
      const called = callOrReject(call, args)
      called.then(
        () => observer.time(name, clock.now() - started),
        () => {
          observer.count(`${name}.failed`, 1)
          observer.time(name, clock.now() - started)
        },
      )
      return called
    }
}

/** A port that throws at once rejects as every other does. */
function callOrReject<A extends readonly unknown[], R>(
  call: (...args: A) => Promise<R>,
  args: A,
): Promise<R> {
  try {
    return call(...args)
  } catch (error) {
    return Promise.reject(error)
  }
}
