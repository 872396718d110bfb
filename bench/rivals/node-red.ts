import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startNode } from '../lib/child.ts'
import {
  connectFrame,
  createPacketCutter,
  createPublishFrame,
  subscribeFrame,
} from '../load/frames.ts'
import { FIRST_NUMBER } from '../load/message.ts'
import { startAedes } from './aedes.ts'
import { nodeRedFlow } from './node-red-flow.ts'
import type { System } from './system.ts'

/** Starts aedes and, beside it, Node-RED with the flow: two processes, as people run them. */
export async function startNodeRed(): Promise<System> {
  const broker = await startAedes()
  const folder = mkdtempSync(join(tmpdir(), 'node-red-bench-'))
  writeFileSync(join(folder, 'flows.json'), JSON.stringify(nodeRedFlow(broker.mqttPort)))
  writeFileSync(join(folder, 'settings.cjs'), `module.exports = ${JSON.stringify(SETTINGS)}\n`)
  const program = createRequire(import.meta.url).resolve('node-red/red.js')
  const child = startNode(
    [program, '--userDir', folder, '--settings', join(folder, 'settings.cjs')],
    {},
  )
  for (;;) {
    const line = await child.nextLine()
    if (line.includes('Connected to broker')) break
    if (line.includes('[error]')) throw new Error(`Node-RED: ${line}`)
  }
  await probe(broker.mqttPort)
  return {
    mqttPort: broker.mqttPort,
    pids: [child.pid, ...broker.pids],
    async stop() {
      await child.stop()
      await broker.stop(undefined)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** No editor, no HTTP, no look-up on the net, and a log that says when the flow is connected. */
const SETTINGS = {
  flowFile: 'flows.json',
  flowFilePretty: false,
  credentialSecret: false,
  disableEditor: true,
  httpAdminRoot: false,
  httpNodeRoot: false,
  telemetry: { enabled: false },
  externalModules: { autoInstall: false, palette: { allowInstall: false } },
  logging: { console: { level: 'info', metrics: false, audit: false } },
}

/** The flow is connected, but has it subscribed? Sends a message until it comes back. */
async function probe(port: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' })
  const frame = createPublishFrame('devices/probe/telemetry')
  const publish = Buffer.alloc(frame.length)
  frame.write(publish, 0, 1, FIRST_NUMBER, Date.now())
  socket.write(
    Buffer.concat([connectFrame('probe'), subscribeFrame(1, ['alerts/probe/telemetry'])]),
  )
  const timer = setInterval(() => socket.write(publish), 50)
  const giveUp = AbortSignal.timeout(10_000)
  try {
    await new Promise<void>((resolve, reject) => {
      giveUp.onabort = () => reject(new Error('Node-RED: the flow does not answer'))
      socket.on('error', reject)
      socket.on(
        'data',
        createPacketCutter((first) => {
          if (first >> 4 === 3) resolve()
        }),
      )
    })
  } finally {
    clearInterval(timer)
    socket.destroy()
  }
}
