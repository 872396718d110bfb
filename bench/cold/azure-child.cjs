// node azure-child.cjs FOLDER [call]: starts an app as its host does; with `call`, one batch is brought to it.

const { createRequire } = require('node:module')
const { join } = require('node:path')

const [folder, call] = process.argv.slice(2)
const appRequire = createRequire(join(folder, 'x.js'))
appRequire(folder)
const { testing } = appRequire('@azure/functions-core')
if (testing.functions.size === 0) process.exit(1)
if (call === 'call') {
  const at = new Date().toISOString()
  const system = { 'iothub-connection-device-id': 'dev-1', 'iothub-enqueuedtime': at }
  testing
    .invoke(
      'ingest',
      { collectionBytes: { bytes: [Buffer.from(`{"ts":${Date.now()},"temp":21.5}`)] } },
      {
        triggerMetadata: {
          SystemPropertiesArray: [{ ...system, 'iothub-message-source': 'Telemetry' }],
          PropertiesArray: [{}],
          SequenceNumberArray: [1],
          PartitionContext: { PartitionId: '0' },
        },
      },
    )
    // Connections that are kept would keep the process.
    .then(({ result }) => process.exit(result.status === 'success' ? 0 : 1))
}
