import { serve } from '@hono/node-server'
import { Hono } from 'hono'

// The floor: a bare handler of the same packages that answers with the same JSON. It comes as an argument.

const answer: object = JSON.parse(process.argv[2] ?? '{}')
const app = new Hono()
app.get('/devices/:deviceId', (context) => context.json(answer))
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => console.log(port))
