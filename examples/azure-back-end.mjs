// A back end of Azure IoT Hub with the SDK of the vendor: it registers a device, tags its twin and asks for it.
//
//   export SERVICE_CONNECTION_STRING="$(npx anyhub connection-string service --transport https --ca ca.pem)"
//   NODE_EXTRA_CA_CERTS=ca.pem node examples/azure-back-end.mjs

import { Agent } from 'node:https'
import { connect } from 'node:tls'
import iothub from 'azure-iothub'

const given = process.env.SERVICE_CONNECTION_STRING ?? ''
const port = Number(/^HostName=[^:;]+:(\d+)/.exec(given)?.[1] ?? 443)

/** The SDK knows port 443 alone: this leads to another one. */
class PortAgent extends Agent {
  createConnection({ host }) {
    return connect({ host, servername: host, port })
  }
}

const registry = iothub.Registry.fromConnectionString(given.replace(/:\d+;/, ';'))
registry._restApiClient.setOptions({ http: { agent: new PortAgent() } })

const deviceId = process.argv[2] ?? 'pump-1'
const { responseBody: device } = await registry.create({ deviceId })
process.stdout.write(`${device.deviceId} is ${device.status}, by ${device.authentication.type}\n`)
await registry.updateTwin(deviceId, { tags: { site: 'north' } }, '*')
const query = registry.createQuery(
  "SELECT deviceId, tags.site FROM devices WHERE tags.site = 'north'",
)
for (const row of (await query.next()).result) process.stdout.write(`${JSON.stringify(row)}\n`)
