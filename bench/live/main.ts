import { get } from 'node:http'
import { connectAsync } from 'mqtt'
import type { LiveSpec } from './spec.ts'

// Sends messages at a steady rate and listens to the live stream, in a process of its own. Its spec comes as an argument;
// "ready" goes to stdout once all listen and messages flow, and what was heard once it is to end.

const spec: LiveSpec = JSON.parse(process.argv[2] ?? '')

/** Messages are sent in bundles. Unit: ms. */
const BUNDLE_MS = 20

/** How often each listener was told of a device. */
const told: number[] = []

function listen(index: number): Promise<void> {
  told[index] = 0
  return new Promise((resolve, reject) => {
    const request = get(`http://127.0.0.1:${spec.httpPort}/live`, (answer) => {
      let rest = ''
      answer.setEncoding('utf8')
      answer.on('data', (text: string) => {
        const blocks = (rest + text).split('\n\n')
        rest = blocks.pop() ?? ''
        for (const block of blocks) {
          if (block.startsWith('event: snapshot')) resolve()
          if (!block.startsWith('event: devices')) continue
          const devices: unknown[] = JSON.parse(block.slice(block.indexOf('data: ') + 6))
          told[index] = (told[index] ?? 0) + devices.length
        }
      })
    })
    request.on('error', reject)
  })
}

const client = await connectAsync(`mqtt://127.0.0.1:${spec.mqttPort}`, { clientId: 'bench-live' })
for (let index = 0; index < spec.listeners; index++) await listen(index)
let sent = 0
const began = performance.now()
const timer = setInterval(() => {
  const due = Math.floor(((performance.now() - began) / 1_000) * spec.perSecond)
  for (; sent < due; sent++) {
    const topic = `devices/live-${sent % spec.devices}/telemetry`
    client.publish(topic, JSON.stringify({ temp: 20 + (sent % 7), hum: 50, n: sent }))
  }
}, BUNDLE_MS)
process.stdout.write('ready\n')
process.once('SIGTERM', () => {
  clearInterval(timer)
  // What was sent last is told a little later.
  setTimeout(() => {
    process.stdout.write(`${JSON.stringify({ sent, told })}\n`, () => process.exit(0))
  }, 600)
})
