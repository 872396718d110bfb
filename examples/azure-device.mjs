// A device that was built for Azure IoT Hub. Nothing in it knows of anyhub:
//
//   npx anyhub device add dev-1 --key
//   export DEVICE_CONNECTION_STRING="$(npx anyhub connection-string device dev-1 --ca ca.pem)"
//   NODE_EXTRA_CA_CERTS=ca.pem node examples/azure-device.mjs

import azure from 'azure-iot-device'
import { Mqtt } from 'azure-iot-device-mqtt'

const { Client, Message } = azure

const say = (text) => process.stdout.write(`${text}\n`)

const client = Client.fromConnectionString(process.env.DEVICE_CONNECTION_STRING ?? '', Mqtt)
await client.open()
say('connected')

client.on('message', (message) => {
  say(`message ${message.messageId}: ${message.getData()}`)
  void client.complete(message)
})
client.onDeviceMethod('stop', (request, response) => {
  say(`method ${request.methodName}: ${JSON.stringify(request.payload)}`)
  response.send(200, { stopped: true }, () => client.close(() => process.exit()))
})

const twin = await client.getTwin()
let interval = 1
twin.on('properties.desired', (delta) => {
  interval = delta.interval ?? interval
  say(`desired: ${JSON.stringify(delta)}`)
})
twin.properties.reported.update({ firmware: '1.2.0' }, (error) =>
  say(error ? `not reported: ${error.message}` : 'reported'),
)

let count = 0
async function measure() {
  count += 1
  const message = new Message(JSON.stringify({ temp: 20 + (count % 5), count }))
  message.contentType = 'application/json'
  message.contentEncoding = 'utf-8'
  message.properties.add('floor', '3')
  await client.sendEvent(message)
  say(`sent ${count}`)
  setTimeout(measure, interval * 1_000)
}
await measure()
