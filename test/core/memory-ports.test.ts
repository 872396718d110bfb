import { coldStoreContract } from '../contract/cold-store.ts'
import { commandStoreContract } from '../contract/command-store.ts'
import { deadLettersContract } from '../contract/dead-letters.ts'
import { deviceStoreContract } from '../contract/device-store.ts'
import { downlinkContract } from '../contract/downlink.ts'
import { notificationQueueContract } from '../contract/notification-queue.ts'
import { observerContract } from '../contract/observer.ts'
import { queueReaderContract } from '../contract/queue-reader.ts'
import { queueSenderContract } from '../contract/queue-sender.ts'
import { registryContract } from '../contract/registry.ts'
import { tableStoreContract } from '../contract/table-store.ts'
import { telemetryStoreContract } from '../contract/telemetry-store.ts'
import { createMemoryPorts, createWorld, type Part } from '../fakes/memory-ports.ts'

// The ports that the tests of the core stand on keep the same contracts as those of the clouds.

function open(...parts: Part[]) {
  const world = createWorld()
  return {
    world,
    ...createMemoryPorts(world),
    async takeAway() {
      for (const part of parts) world.away.add(part)
    },
    close: async () => undefined,
  }
}

deviceStoreContract('memory', async () => open('devices', 'telemetry'))
telemetryStoreContract('memory', async () => open('devices', 'telemetry'))
coldStoreContract('memory', async () => open('cold'))
deadLettersContract('memory', async () => open('deadLetters'))
tableStoreContract('memory', async () => open('tables'))
registryContract('memory', async () => open('registry'))
commandStoreContract('memory', async () => open('devices', 'commands'))

queueReaderContract('memory', async () => {
  const { world, ...subject } = open('queues')
  return {
    ...subject,
    async pass(ms) {
      world.now += ms
    },
  }
})

queueSenderContract('memory', async () => {
  const { world, ...subject } = open('queues')
  return {
    ...subject,
    entries: async (queue) => [...(world.queues.get(queue)?.values() ?? [])],
  }
})

notificationQueueContract('memory', async () => {
  const { world, ...subject } = open('notifications')
  return {
    ...subject,
    clock: {
      get time() {
        return world.now
      },
      set time(now) {
        world.now = now
      },
    },
  }
})

observerContract('memory', () => {
  const { world, observer } = open()
  return {
    observer,
    count: (name) => world.counts[name] ?? 0,
    lines: () => world.logs.map((entry) => JSON.stringify(entry)),
  }
})

downlinkContract('memory', async () => {
  const { world, downlink, close } = open()
  return {
    downlink,
    close,
    received: () => [
      ...world.published.map(({ message: { topic, payload, encoding } }) => ({
        topic,
        payload: Buffer.from(payload, encoding),
      })),
      ...world.pushes.map(({ message }) => ({
        topic: `${message.name}/${message.event}`,
        payload: Buffer.from(JSON.stringify(message.body)),
      })),
    ],
    woken: () => world.woken,
    shadowTopics: ({ name, event }) => [`${name}/${event}`],
  }
})
