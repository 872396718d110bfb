import type {
  Clock,
  DeadLetters,
  DeviceStore,
  NotificationQueue,
  Observer,
  Ports,
} from './ports.ts'

/** Wraps the ports that go over a wire or to a disk: each call is timed and its failures are counted. */
export function observePorts(ports: Ports): Ports {
  const { observer, clock } = ports
  const devices: DeviceStore = {
    load: timed(observer, clock, 'store.load', ports.devices.load),
    commit: timed(observer, clock, 'store.commit', ports.devices.commit),
    due: timed(observer, clock, 'store.due', ports.devices.due),
    list: timed(observer, clock, 'store.list', ports.devices.list),
  }
  const notifications: NotificationQueue = {
    enqueue: timed(observer, clock, 'queue.enqueue', ports.notifications.enqueue),
    claim: timed(observer, clock, 'queue.claim', ports.notifications.claim),
    settle: timed(observer, clock, 'queue.settle', ports.notifications.settle),
    retry: timed(observer, clock, 'queue.retry', ports.notifications.retry),
  }
  const deadLetters: DeadLetters = {
    ...ports.deadLetters,
    put: timed(observer, clock, 'dead_letter.put', ports.deadLetters.put),
  }
  const channels = { send: timed(observer, clock, 'channel.send', ports.channels.send) }
  return { ...ports, devices, notifications, deadLetters, channels }
}

function timed<A extends readonly unknown[], R>(
  observer: Observer,
  clock: Clock,
  name: string,
  call: (...args: A) => Promise<R>,
): (...args: A) => Promise<R> {
  return async (...args) => {
    const started = clock.now()
    try {
      return await call(...args)
    } catch (error) {
      observer.count(`${name}.failed`, 1)
      throw error
    } finally {
      observer.time(name, clock.now() - started)
    }
  }
}
