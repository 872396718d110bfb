import { createServer } from 'node:net'
import { Aedes } from 'aedes'

// aedes as it comes: no hook, no persistence but memory, so that a message without a subscriber is dropped.
// "concurrency: 0" keeps version 1.2 from recursing itself to death under overload.

const broker = await Aedes.createBroker({ concurrency: 0 })
const server = createServer({ noDelay: true }, broker.handle)
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`))
process.once('SIGTERM', () => process.exit(0))
