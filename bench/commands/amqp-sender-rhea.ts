import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import rhea from 'rhea'
import { openAuthority } from '../../adapters/local/authority.ts'
import type { Meeting } from './amqp-meeting.ts'
import { count, payload } from './sending.ts'

// A process of its own: node amqp-sender-rhea.ts DEVICES WINDOW WARMUP_MS MEASURE_MS. The bare library, which keeps nothing;
// once every device is there it sends to each as much as may be under way, and the next one for each that was accepted.

const [devices = 0, window = 0, warmUpMs = 0, measureMs = 0] = process.argv.slice(2).map(Number)
const folder = mkdtempSync(join(tmpdir(), 'anyhub-bench-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const authority = await openAuthority({ folder, hosts: ['localhost'], now: Date.now() })

const container = rhea.create_container()
const senders: rhea.Sender[] = []
let accepted = 0
const send = (sender: rhea.Sender): void => {
  sender.send({
    message_id: `${accepted}`,
    body: rhea.message.data_section(Buffer.from(payload)),
  })
}
let allThere = (): void => undefined
const there = new Promise<void>((resolve) => {
  allThere = resolve
})
container.on('sender_open', ({ sender }: rhea.EventContext) => {
  if (sender === undefined) return
  senders.push(sender)
  if (senders.length === devices) allThere()
})
container.on('accepted', ({ sender }: rhea.EventContext) => {
  accepted++
  if (sender !== undefined) send(sender)
})
container.on('disconnected', () => undefined)
const server = createServer({ ...authority.server, noDelay: true }, (socket) => {
  container.create_connection({ port: 0 })['accept'](socket)
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const meeting: Meeting = { port, ca: authority.certificate, token: '' }
  const file = join(folder, 'meeting.json')
  writeFileSync(file, JSON.stringify(meeting))
  console.log(file)
})
await there
await new Promise((resolve) => setTimeout(resolve, 500))
for (const sender of senders) for (let one = 0; one < window; one++) send(sender)
await count(() => accepted, warmUpMs, measureMs)
process.exit(0)
