import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { connectFrame, createPacketCutter, subscribeFrame } from '../load/frames.ts'
import type { IdleSpec } from './spec.ts'

// Opens connections that then do nothing, in a process of its own. Its spec comes as an argument; "ready" goes to stdout
// once every one of them is connected and subscribed. It ends with SIGTERM.

/** Connections that are being opened at a time. */
const AT_ONCE = 100

const spec: IdleSpec = JSON.parse(process.argv[2] ?? '')
const sockets: Socket[] = []

async function open(index: number): Promise<void> {
  const id = `idle-${String(index).padStart(5, '0')}`
  const { port } = spec
  const socket = spec.tls
    ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
    : connect({ port, host: '127.0.0.1', noDelay: true })
  sockets.push(socket)
  const answered = new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.once('close', () => reject(new Error(`connection ${index} was closed`)))
    socket.on(
      'data',
      createPacketCutter((first, bytes, start) => {
        const type = first >> 4
        if (type === 2 && bytes[start + 1] !== 0)
          reject(new Error(`connection ${index} was refused with ${bytes[start + 1]}`))
        else if (type === 2) socket.write(subscribeFrame(1, [`$aws/things/${id}/shadow/update/#`]))
        else if (type === 9) resolve()
      }),
    )
  })
  await once(socket, spec.tls ? 'secureConnect' : 'connect')
  socket.write(connectFrame(id, spec.password))
  await answered
}

for (let from = 0; from < spec.connections; from += AT_ONCE) {
  const count = Math.min(AT_ONCE, spec.connections - from)
  await Promise.all(Array.from({ length: count }, (_, index) => open(from + index)))
}
process.stdout.write('ready\n')
process.once('SIGTERM', () => process.exit(0))
