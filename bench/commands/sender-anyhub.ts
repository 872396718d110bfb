import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startLocalCloud } from '../../adapters/local/index.ts'
import { CoreError, compileProgram, parseConfig } from '../../core/index.ts'
import { count, payload } from './sending.ts'

// A process of its own: node sender-anyhub.ts DURABILITY DEVICES WINDOW WARMUP_MS MEASURE_MS. Prints its MQTT port, and
// once every device is connected sends commands through the queue and counts those that end as Completed.

const [durability, ...numbers] = process.argv.slice(2)
const [devices = 0, window = 0, warmUpMs = 0, measureMs = 0] = numbers.map(Number)
const folder = mkdtempSync(join(tmpdir(), 'anyhub-bench-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const parsed = parseConfig({})
const compiled = 'config' in parsed ? compileProgram(parsed.config) : parsed
if (!('program' in compiled)) throw new Error('expected a config without faults')
const cloud = await startLocalCloud({
  program: compiled.program,
  settings: {
    host: '127.0.0.1',
    httpPort: undefined,
    httpsPort: undefined,
    mqttPort: 0,
    mqttsPort: undefined,
    amqpsPort: undefined,
    keepEvents: false,
    data: folder,
    durability: durability === 'full' ? 'full' : 'normal',
    requireAuth: false,
  },
  log: () => undefined,
})
for (let index = 0; index < devices; index++)
  await cloud.core.gate.run(`dev-${index}`, [
    { kind: 'presence', connected: false, at: Date.now() },
  ])
console.log(cloud.mqttPort)
while (((await cloud.stats())['mqtt.connections'] ?? 0) < devices) await pause(50)
await pause(500)

let stopped = false
async function sendTo(deviceId: string): Promise<void> {
  while (!stopped) {
    try {
      await cloud.core.commands.send(deviceId, { name: 'go', payload })
    } catch (error) {
      if (!(error instanceof CoreError) || error.code !== 'command.queue_full') throw error
      await pause(5)
    }
  }
}
for (let index = 0; index < devices; index++)
  for (let one = 0; one < window; one++) void sendTo(`dev-${index}`)
await count(async () => (await cloud.stats())['command.ended'] ?? 0, warmUpMs, measureMs)
stopped = true
await cloud.close()
process.exit(0)

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
