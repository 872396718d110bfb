import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startLocalCloud } from '../../adapters/local/index.ts'
import { compileProgram, parseConfig } from '../../core/index.ts'
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
let ended = 0
/** Who waits for one of the commands of a device to end. */
const waiting = new Map<string, (() => void)[]>()
const { settle } = cloud.core.commands
Object.assign(cloud.core.commands, {
  async settle(...args: Parameters<typeof settle>) {
    const command = await settle(...args)
    if (command.state === 'Completed') ended++
    waiting.get(command.deviceId)?.shift()?.()
    return command
  },
})

async function sendTo(deviceId: string): Promise<void> {
  const waiters = waiting.get(deviceId) ?? []
  waiting.set(deviceId, waiters)
  while (!stopped) {
    const over = new Promise<void>((resolve) => waiters.push(resolve))
    await cloud.core.commands.send(deviceId, { name: 'go', payload })
    await over
  }
}
for (let index = 0; index < devices; index++)
  for (let one = 0; one < window; one++) void sendTo(`dev-${index}`)
await count(() => ended, warmUpMs, measureMs)
stopped = true
await cloud.close()
process.exit(0)

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
