import { setTimeout as sleep } from 'node:timers/promises'
import { CoreError, isJsonObject, type Json, type JsonObject } from '../../core/index.ts'
import type { RecordedMessage } from './read-message.ts'
import { type RemoteTarget, readCounts, receivedBetween, type Sink } from './sink.ts'
import { createWindow } from './window.ts'

/** The header with the event times of the messages, in their order, in epoch ms. */
const TIME_HEADER = 'anyhub-time'

/** On the way at most, over all devices. */
const BOUNDS = { messages: 8_192, bytes: 16_777_216 }

/** Requests at once; of one device never more than one, so that its order stays. */
const REQUESTS = 16

/** What one request carries at most. */
const BATCH_MESSAGES = 256
const BATCH_BYTES = 65_536

/** A server that does not answer for longer is gone. Unit: ms. */
const GONE_AFTER_MS = 30_000
const RETRY_MS = 250

const LF = 0x0a

/** The messages of one device that wait, in order. */
interface Lane {
  readonly deviceId: string
  readonly waiting: RecordedMessage[]
}

/**
 * A cloud over HTTP: POST devices/{id}/telemetry, several messages to a request, each with its event time in a header.
 * @throws CoreError `channel.unavailable` if no server answers there.
 */
export async function openHttp({ url, token, onFault }: RemoteTarget): Promise<Sink> {
  const credentials = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const base = url.replace(/\/+$/, '')
  const window = createWindow(BOUNDS)
  const lanes = new Map<string, Lane>()
  const ready: Lane[] = []
  const counts = { stored: 0, duplicates: 0, deadLetters: 0 }
  let requests = 0
  const before = await askCounts(base, credentials)

  function pump(): void {
    while (requests < REQUESTS) {
      const lane = ready.shift()
      if (lane === undefined) return
      requests++
      void serve(lane)
    }
  }

  async function serve(lane: Lane): Promise<void> {
    const batch = takeBatch(lane.waiting)
    try {
      await post(lane.deviceId, batch)
    } catch (error) {
      window.fail(error instanceof Error ? error : new Error(String(error)))
    }
    requests--
    if (lane.waiting.length > 0) ready.push(lane)
    else lanes.delete(lane.deviceId)
    for (const { payload } of batch) window.give(payload.length)
    pump()
  }

  async function post(deviceId: string, batch: readonly RecordedMessage[]): Promise<void> {
    const response = await persist(base, () => request(base, deviceId, batch, credentials))
    const body = await readObject(response)
    // One message over the limit has the whole request refused: the others go on their own.
    if (response.status === 413 && batch.length > 1) {
      for (const message of batch) await post(deviceId, [message])
      return
    }
    if (response.status === 202) return count(body)
    if (response.status === 413 || response.status === 422) {
      if (Array.isArray(body['deadLetters'])) count(body)
      else counts.deadLetters++
      return
    }
    const reason = `the server refused the message: ${response.status} ${String(body['detail'] ?? '')}`
    if (response.status === 401 || response.status === 404)
      throw new CoreError('channel.rejected', `${base}: ${reason}`)
    for (const { line } of batch) onFault({ line, reason })
  }

  function count(body: JsonObject): void {
    const { accepted, duplicates, deadLetters } = body
    counts.stored += typeof accepted === 'number' ? accepted : 0
    counts.duplicates += typeof duplicates === 'number' ? duplicates : 0
    counts.deadLetters += Array.isArray(deadLetters) ? deadLetters.length : 0
  }

  return {
    send(message) {
      const { deviceId, payload } = message
      const lane = lanes.get(deviceId)
      if (lane === undefined) {
        const opened = { deviceId, waiting: [message] }
        lanes.set(deviceId, opened)
        ready.push(opened)
      } else lane.waiting.push(message)
      const room = window.take(payload.length)
      // While the reader goes on, more messages of the same device come together.
      if (room !== undefined || ready.length > REQUESTS) pump()
      return room
    },
    flush: pump,
    async finish() {
      pump()
      await window.idle()
      const after = before === undefined ? undefined : await askCounts(base, credentials)
      return { ...receivedBetween(before, after), ...counts }
    },
    close: async () => undefined,
  }
}

/** As many as fit one request. What cannot stand in a line goes alone. */
function takeBatch(waiting: RecordedMessage[]): RecordedMessage[] {
  let bytes = 0
  let taken = 0
  for (const { payload } of waiting) {
    bytes += payload.length
    if (taken > 0 && (taken === BATCH_MESSAGES || bytes > BATCH_BYTES || !isLine(payload))) break
    taken++
    if (!isLine(payload)) break
  }
  return waiting.splice(0, taken)
}

function isLine(payload: Uint8Array): boolean {
  return !payload.includes(LF) && payload.some((byte) => byte !== 0x20 && byte !== 0x09)
}

function request(
  base: string,
  deviceId: string,
  batch: readonly RecordedMessage[],
  credentials: Readonly<Record<string, string>>,
): Promise<Response> {
  const single = batch.length === 1 && batch[0] !== undefined && !isLine(batch[0].payload)
  return fetch(`${base}/devices/${encodeURIComponent(deviceId)}/telemetry`, {
    method: 'POST',
    redirect: 'error',
    headers: {
      ...credentials,
      'content-type': single ? 'application/octet-stream' : 'application/x-ndjson',
      [TIME_HEADER]: batch.map(({ at }) => at).join(','),
    },
    body: Buffer.concat(batch.flatMap(({ payload }) => [payload, NEWLINE]).slice(0, -1)),
  })
}

const NEWLINE = Buffer.from([LF])

/** Asks again while the server cannot, or is away, but not for ever. What it has taken before, it knows again. */
async function persist(base: string, send: () => Promise<Response>): Promise<Response> {
  const until = Date.now() + GONE_AFTER_MS
  for (;;) {
    try {
      const response = await send()
      if (response.status < 500 || Date.now() > until) return response
      await response.arrayBuffer()
    } catch (cause) {
      if (Date.now() > until)
        throw new CoreError('channel.unavailable', `nothing answers at ${base} any more`, { cause })
    }
    await sleep(RETRY_MS)
  }
}

async function askCounts(
  base: string,
  headers: Readonly<Record<string, string>>,
): Promise<ReturnType<typeof readCounts>> {
  let response: Response
  try {
    response = await fetch(`${base}/stats`, { redirect: 'error', headers })
  } catch (cause) {
    throw new CoreError('channel.unavailable', `nothing answers at ${base}`, { cause })
  }
  return readCounts(await readObject(response))
}

async function readObject(response: Response): Promise<JsonObject> {
  try {
    const value: Json = JSON.parse(await response.text())
    return isJsonObject(value) ? value : {}
  } catch {
    return {}
  }
}
