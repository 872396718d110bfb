// The typed client at work: registers a device, waits for its first message, reads it back and asks the device for something.
//
//   npx anyhub start
//   TOKEN=$(cat data/admin-token) node examples/api-client.ts fridge-1
//   curl -d '{"temp": 31}' http://127.0.0.1:8080/devices/fridge-1/telemetry
//
// Outside of this repository the client comes from 'anyhub/client'.
import { AnyhubProblem, createAnyhubClient, dataOf, pages } from '../client/index.ts'

const [deviceId = 'fridge-1'] = process.argv.slice(2)
const { ANYHUB_URL: baseUrl = 'http://127.0.0.1:8080', TOKEN: token } = process.env
const anyhub = createAnyhubClient({ baseUrl, ...(token === undefined ? {} : { token }) })
const say = (text: string): void => void process.stdout.write(`${text}\n`)

try {
  await dataOf(anyhub.POST('/registry/devices', { body: { deviceId, type: 'fridge' } }))
  say(`registered ${deviceId}`)
} catch (error) {
  if (!(error instanceof AnyhubProblem) || error.status !== 409) throw error
  say(`${deviceId} is registered already`)
}

say('waiting for its first message …')
for await (const { event } of anyhub.live({ device: deviceId })) if (event === 'messages') break

const path = { deviceId }
const { rows } = await dataOf(
  anyhub.GET('/devices/{deviceId}/telemetry', { params: { path, query: { limit: 1 } } }),
)
say(`it said ${JSON.stringify(rows[0]?.metrics)}`)

await dataOf(
  anyhub.PATCH('/devices/{deviceId}/shadow', {
    params: { path },
    body: { state: { desired: { setpoint: 4 } } },
  }),
)
const { delta } = await dataOf(anyhub.GET('/devices/{deviceId}/shadow/delta', { params: { path } }))
say(`it shall be ${JSON.stringify(delta)}`)

let fridges = 0
const found = pages((after) =>
  anyhub.GET('/devices', {
    params: { query: { query: 'type:fridge', ...(after === undefined ? {} : { after }) } },
  }),
)
for await (const { devices } of found) fridges += devices.length
say(`fridges: ${fridges}`)
