import { connectAsync } from 'mqtt'

// A process of its own: node receivers.ts PORT DEVICES. Devices that subscribe to their commands and acknowledge them.
// Prints how many are there; ends by SIGTERM.

const [port = 0, devices = 0] = process.argv.slice(2).map(Number)
let received = 0
for (let index = 0; index < devices; index++) {
  const clientId = `dev-${index}`
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { clientId, reconnectPeriod: 0 })
  client.on('error', () => undefined)
  client.on('message', () => {
    received++
  })
  await client.subscribeAsync(`devices/${clientId}/commands/#`, { qos: 1 })
}
console.log(devices)
process.once('SIGTERM', () => {
  console.log(received)
  process.exit(0)
})
