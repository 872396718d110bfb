import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ownerKeyOf } from '../../adapters/local/identity.ts'
import { startLocalCloud } from '../../adapters/local/index.ts'
import { createSasToken } from '../../adapters/local/sas.ts'
import { compileProgram, parseConfig } from '../../core/index.ts'
import type { Meeting } from './amqp-meeting.ts'
import { count, payload } from './sending.ts'

// A process of its own: node amqp-sender-anyhub.ts DURABILITY DEVICES WINDOW WARMUP_MS MEASURE_MS. Prints where its meeting
// stands, and once every device is there sends commands through the queue and counts those that end as Completed.

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
    mqttPort: undefined,
    mqttsPort: undefined,
    amqpsPort: 0,
    keepEvents: false,
    data: folder,
    durability: durability === 'full' ? 'full' : 'normal',
    requireAuth: false,
  },
  log: () => undefined,
})
for (let index = 0; index < devices; index++)
  await cloud.core.ports.registry.create({
    deviceId: `dev-${index}`,
    tags: {},
    enabled: true,
    createdAt: Date.now(),
    version: 1,
    credentials: [],
  })
const { authority: ca } = await cloud.core.ports.issuer.certificate('nobody')
const meeting: Meeting = {
  port: cloud.amqpsPort ?? 0,
  ca,
  token: createSasToken({
    resource: 'localhost',
    key: ownerKeyOf(cloud.adminToken),
    expiresAt: Date.now() + 86_400_000,
    policy: 'iothubowner',
  }),
}
const file = join(folder, 'meeting.json')
writeFileSync(file, JSON.stringify(meeting))
console.log(file)
while (((await cloud.stats())['amqp.connections'] ?? 0) < devices) await pause(50)
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
