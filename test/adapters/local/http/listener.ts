import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { Hono } from 'hono'
import { onTestFinished } from 'vitest'
import {
  createHttpListener,
  type HttpListenerOptions,
} from '../../../../adapters/local/listeners/http.ts'
import { createLiveFeed } from '../../../../adapters/local/live-feed.ts'

/** The HTTP server alone, without a cloud behind it. */
export async function openListener(options: Partial<HttpListenerOptions> = {}) {
  const streams: Duplex[] = []
  const feed = createLiveFeed()
  const api = new Hono()
  api.onError((_error, context) => context.text('failed', 500))
  api.get('/slow', async (context) => {
    await new Promise((resolve) => setTimeout(resolve, 300))
    return context.text('done')
  })
  api.post('/body', async (context) => context.text(String((await context.req.text()).length)))
  const listener = createHttpListener({
    api,
    feed,
    snapshot: async () => ({ devices: [] }),
    metrics: async () => '',
    stats: () => ({}),
    onMqtt: (stream) => void streams.push(stream.on('error', () => undefined)),
    ...options,
  })
  await new Promise<void>((resolve) => listener.server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    feed.close()
    return listener.close(0)
  })
  const { port } = listener.server.address() as AddressInfo
  return { ...listener, feed, port, streams, url: `http://127.0.0.1:${port}` }
}
