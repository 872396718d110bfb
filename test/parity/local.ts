import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt, { type MqttClient } from 'mqtt'
import { describe } from 'vitest'
import { startLocalCloud } from '../../adapters/local/index.ts'
import { compileProgram, type Json } from '../../core/index.ts'
import { type ApiAnswer, type CloudEntry, type Published, readBody } from './cloud.ts'

/** The laptop: MQTT and HTTP in, MQTT out. */
export const LOCAL: CloudEntry = {
  name: 'laptop',
  suite: describe,
  source: 'mqtt',
  async open({ config }) {
    const compiled = compileProgram(config)
    if ('faults' in compiled) throw new Error(JSON.stringify(compiled.faults))
    const data = mkdtempSync(join(tmpdir(), 'anyhub-parity-'))
    const cloud = await startLocalCloud({
      program: compiled.program,
      settings: {
        host: '127.0.0.1',
        httpPort: 0,
        httpsPort: undefined,
        mqttPort: 0,
        mqttsPort: undefined,
        amqpsPort: undefined,
        keepEvents: false,
        data,
        durability: 'normal',
        requireAuth: false,
      },
      log: () => undefined,
    })
    const published: Published[] = []
    const clients = new Map<string, MqttClient>()
    async function connect(clientId: string, filter: string): Promise<MqttClient> {
      const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${cloud.mqttPort}`, {
        clientId,
        keepalive: 0,
      })
      client.on('message', (topic, payload) => published.push({ topic, payload: String(payload) }))
      await client.subscribeAsync(filter, { qos: 1 })
      clients.set(clientId, client)
      return client
    }
    await connect('watcher', 'fleet/#')

    /** What is under way has an end: steps, then deliveries. */
    async function settle(): Promise<void> {
      await cloud.core.gate.idle()
      while (((await cloud.stats())['notifications.waiting'] ?? 0) > 0)
        await new Promise((resolve) => setTimeout(resolve, 10))
      await cloud.core.gate.idle()
    }

    return {
      async connect(deviceId) {
        await connect(deviceId, `devices/${deviceId}/executions/+/defrost`)
        await settle()
      },
      async ingest(messages) {
        await Promise.all(
          messages.map(({ deviceId, topic, payload }) =>
            clients.get(deviceId)?.publishAsync(topic, payload, { qos: 1 }),
          ),
        )
        await settle()
      },
      async api({ method, path, body }) {
        const response = await fetch(`http://127.0.0.1:${cloud.httpPort}${path}`, {
          method,
          headers: {
            authorization: `Bearer ${cloud.adminToken}`,
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        })
        const answer: ApiAnswer = {
          status: response.status,
          body: readBody(await response.text()),
        }
        if (method !== 'PUT') await settle()
        return answer
      },
      async tick() {
        await cloud.core.tick(500)
        await settle()
      },
      async desired(deviceId) {
        return (await cloud.core.ports.devices.load(deviceId))?.shadows['']?.desired ?? {}
      },
      downlinks: () => published,
      async take(queue) {
        const bodies: Json[] = []
        for (;;) {
          const entries = await cloud.core.ports.queues.claim(queue, 100, 60_000)
          if (entries.length === 0) return bodies
          for (const { id, body } of entries) {
            bodies.push(body)
            await cloud.core.ports.queues.remove(queue, id)
          }
        }
      },
      counters: () => cloud.counts().counters,
      async close() {
        await Promise.all([...clients.values()].map((client) => client.endAsync()))
        await cloud.close()
        rmSync(data, { recursive: true })
      },
    }
  },
}
