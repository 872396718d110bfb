import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startLocalCloud } from '../../adapters/local/index.ts'
import type { Program, Uplink } from '../../core/index.ts'
import { NO_COUNTS, receivedBetween, type Sink } from './sink.ts'
import { createWindow } from './window.ts'

/** How many messages are handed to the core together, and how many at most are with it. */
const BATCH = 256
const BOUNDS = { messages: 2_048, bytes: 33_554_432 }

export interface InProcessOptions {
  readonly program: Program
  /** The data folder; `undefined`: a temporary one, gone afterwards. */
  readonly data: string | undefined
  readonly log: (line: string) => void
}

/**
 * The embedded cloud in this process, without ports. Notifications are counted, and none is sent.
 * @throws CoreError `store.locked` if a running cloud has the data folder open.
 */
export async function openInProcess({ program, data, log }: InProcessOptions): Promise<Sink> {
  const folder = data ?? mkdtempSync(join(tmpdir(), 'anyhub-replay-'))
  const dropFolder = (): void => {
    if (data === undefined) rmSync(folder, { recursive: true, force: true })
  }
  const cloud = await startLocalCloud({
    program,
    settings: {
      host: '127.0.0.1',
      httpPort: undefined,
      httpsPort: undefined,
      mqttPort: undefined,
      mqttsPort: undefined,
      amqpsPort: undefined,
      keepEvents: false,
      data: folder,
      requireAuth: false,
      durability: data === undefined ? 'normal' : 'full',
    },
    log,
    channels: { send: async () => undefined },
  }).catch((error) => {
    dropFolder()
    throw error
  })
  const window = createWindow(BOUNDS)
  let gathered: Uplink[] = []

  function flush(): void {
    const batch = gathered
    gathered = []
    if (batch.length > 0) void ingest(batch)
  }

  async function ingest(batch: readonly Uplink[]): Promise<void> {
    try {
      for (const outcome of await cloud.core.ingest(batch))
        if (outcome.status === 'retry') throw outcome.error
    } catch (error) {
      window.fail(error instanceof Error ? error : new Error(String(error)))
    }
    for (const { payload } of batch) window.give(payload.length)
  }

  return {
    send({ deviceId, topic, payload, at }) {
      gathered.push({
        deviceId,
        topic,
        payload,
        contentType: '',
        receivedAt: cloud.core.ports.clock.now(),
        source: 'replay',
        sentAt: at,
      })
      const room = window.take(payload.length)
      if (gathered.length >= BATCH || room !== undefined) flush()
      return room
    },
    flush,
    async finish() {
      flush()
      await window.idle()
      await cloud.core.gate.idle()
      return receivedBetween(NO_COUNTS, cloud.counts())
    },
    async close() {
      await cloud.close()
      dropFolder()
    },
  }
}
