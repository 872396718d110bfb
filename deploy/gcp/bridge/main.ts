import { createServer } from 'node:http'
import { readBridgeConfig } from '../../../adapters/gcp/bridge-config.ts'
import { startBrokerBridge } from '../../../adapters/gcp/broker-bridge.ts'

// The process between an MQTT broker and Pub/Sub: docs/gcp.md, "Devices on MQTT: a broker and the bridge".

const bridge = startBrokerBridge({
  settings: readBridgeConfig(process.env),
  log: (severity, message, details) =>
    process.stdout.write(`${JSON.stringify({ severity, message, ...details })}\n`),
})

// Source: Cloud Run, container runtime contract: a service listens on PORT.
const health = createServer((_request, response) => {
  const ready = bridge.ready()
  response.writeHead(ready ? 200 : 503, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ ready }))
})
health.listen(Number(process.env['PORT'] ?? 8080))

process.once('SIGTERM', () => {
  void bridge.stop().finally(() => process.exit(0))
})
