import { readFileSync } from 'node:fs'
import rhea from 'rhea'
import type { Meeting } from './amqp-meeting.ts'

// A process of its own: node amqp-receivers.ts FILE DEVICES. Devices that receive over AMQP and accept what comes. Prints
// how many are there; ends by SIGTERM.

const [file = '', count = '0'] = process.argv.slice(2)
const devices = Number(count)
const { port, ca, token }: Meeting = JSON.parse(readFileSync(file, 'utf8'))

for (let index = 0; index < devices; index++) await receive(`dev-${index}`)
console.log(devices)
process.once('SIGTERM', () => process.exit(0))

function receive(deviceId: string): Promise<void> {
  const container = rhea.create_container()
  container.on('disconnected', () => undefined)
  const connection = container.connect({
    port,
    host: 'localhost',
    transport: 'tls',
    ca,
    reconnect: false,
    username: 'anonymous',
  })
  return new Promise((resolve, reject) => {
    container.on('error', reject)
    const begin = (): void => {
      const receiver = connection.open_receiver({
        source: `/devices/${deviceId}/messages/devicebound`,
        credit_window: 100,
      })
      receiver.on('receiver_open', () => resolve())
      receiver.on('message', () => undefined)
    }
    if (token === '') {
      begin()
      return
    }
    const answers = connection.open_receiver({ source: '$cbs', name: 'cbs' })
    answers.on('message', begin)
    const questions = connection.open_sender('$cbs')
    questions.once('sendable', () =>
      questions.send({
        message_id: 'one',
        reply_to: 'cbs',
        application_properties: {
          operation: 'put-token',
          type: 'servicebus.windows.net:sastoken',
          name: `localhost/devices/${deviceId}`,
        },
        body: token,
      }),
    )
  })
}
