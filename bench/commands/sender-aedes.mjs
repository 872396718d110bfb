import { createServer } from 'node:net'
import { Aedes } from 'aedes'
import { count, payload } from './sending.ts'

// A process of its own: node sender-aedes.mjs DEVICES WINDOW WARMUP_MS MEASURE_MS. A bare broker that keeps nothing; once
// every device has subscribed it sends to each as much as may be under way, and the next one for every PUBACK.

const [devices, window, warmUpMs, measureMs] = process.argv.slice(2).map(Number)
const broker = await Aedes.createBroker({ concurrency: 0 })
const server = createServer({ noDelay: true }, broker.handle)
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`))
let subscribed = 0
await new Promise((resolve) => {
  broker.on('subscribe', () => {
    if (++subscribed === devices) resolve()
  })
})
const send = (deviceId) =>
  broker.publish(
    { cmd: 'publish', topic: `devices/${deviceId}/commands/go`, payload, qos: 1, retain: false },
    () => undefined,
  )
let acknowledged = 0
broker.on('ack', (_packet, client) => {
  acknowledged++
  send(client.id)
})
for (let index = 0; index < devices; index++)
  for (let one = 0; one < window; one++) send(`dev-${index}`)
await count(() => acknowledged, warmUpMs, measureMs)
process.exit(0)
