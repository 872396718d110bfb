import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { cpuSeconds } from '../lib/machine.ts'
import { quantile } from '../lib/statistics.ts'
import {
  connectFrame,
  createPacketCutter,
  createPublishFrame,
  DISCONNECT,
  type PublishFrame,
  subscribeFrame,
} from './frames.ts'
import { FIRST_NUMBER, temperatureOf } from './message.ts'
import {
  acceptedTopic,
  alertTopic,
  deviceId,
  type LoadResult,
  type LoadSpec,
  shadowTopic,
  telemetryTopic,
} from './spec.ts'

/** Messages under way of one connection at most: packet ids run from 1 to this number less one. */
const PACKET_IDS = 4_096
/** Messages under way in all at most. */
const SLOTS = 2 ** 20
/** How long after the last message its answers may take. Unit: ms. */
const DRAIN_MS = 20_000
/** Every so many messages that come back are read as a whole; of the others only what tells them apart. */
const READ_EVERY = 64

const ACKED = 1
const CAME_BACK = 2

/** One connection and the devices that speak over it. */
interface Line {
  readonly socket: Socket
  readonly frames: readonly PublishFrame[]
  readonly devices: readonly number[]
  readonly lastTs: number[]
  /** Message number, from 0, of each packet id under way; -1: none. */
  readonly numberOf: Int32Array
  turn: number
  nextPacketId: number
  underWay: number
}

/** Sends messages and waits for their answers, as the spec says. */
export async function runLoad(spec: LoadSpec): Promise<LoadResult> {
  const backTopic = spec.what === 'shadow' ? acceptedTopic : alertTopic
  const done = spec.echo ? ACKED | CAME_BACK : ACKED
  const state = new Uint8Array(SLOTS)
  const dueAt = new Float64Array(SLOTS)
  const deviceOf = new Uint16Array(SLOTS)
  const latencies: number[] = []
  const counts = { sent: 0, acked: 0, received: 0, repeated: 0, wrong: 0, finished: 0 }
  let running = false
  let measuring = false
  let sending = true
  let overrun = false
  let onDone = (): void => undefined

  function finish(line: Line, number: number, bit: number): void {
    const slot = number % SLOTS
    const before = state[slot] ?? 0
    state[slot] = before | bit
    if ((before | bit) !== done) return
    line.underWay--
    counts.finished++
    if (measuring) latencies.push(performance.now() - (dueAt[slot] ?? 0))
    if (!sending && counts.finished === counts.sent) onDone()
  }

  function onPuback(line: Line, packetId: number): void {
    const number = line.numberOf[packetId] ?? -1
    if (number < 0) {
      counts.wrong++
      return
    }
    line.numberOf[packetId] = -1
    counts.acked++
    finish(line, number, ACKED)
  }

  /** A message came back: which one, and is it what the rule was to make of it? */
  function onAlert(line: Line, topic: string, payload: Buffer): void {
    const at = payload.indexOf('"n":')
    const number = Number(payload.toString('latin1', at + 4, at + 13)) - FIRST_NUMBER
    const slot = number % SLOTS
    if (at < 0 || !(number >= 0 && number < counts.sent)) {
      counts.wrong++
      return
    }
    if (((state[slot] ?? 0) & CAME_BACK) !== 0) {
      counts.repeated++
      return
    }
    counts.received++
    if (topic !== backTopic(deviceOf[slot] ?? -1)) counts.wrong++
    else if (
      spec.what === 'telemetry' &&
      number % READ_EVERY === 0 &&
      !isExpected(payload, number + FIRST_NUMBER)
    )
      counts.wrong++
    finish(line, number, CAME_BACK)
  }

  function send(line: Line, count: number, due: number): void {
    const length = line.frames[0]?.length ?? 0
    const out = Buffer.allocUnsafe(length * count)
    const now = Date.now()
    for (let index = 0; index < count; index++) {
      const turn = line.turn
      line.turn = turn + 1 === line.devices.length ? 0 : turn + 1
      const ts = Math.max(now, (line.lastTs[turn] ?? 0) + 1)
      line.lastTs[turn] = ts
      const packetId = line.nextPacketId
      line.nextPacketId = packetId + 1 === PACKET_IDS ? 1 : packetId + 1
      const number = counts.sent++
      const slot = number % SLOTS
      state[slot] = 0
      dueAt[slot] = due
      deviceOf[slot] = line.devices[turn] ?? 0
      line.numberOf[packetId] = number
      line.frames[turn]?.write(out, index * length, packetId, FIRST_NUMBER + number, ts)
    }
    line.underWay += count
    line.socket.write(out)
  }

  function fill(line: Line): void {
    const room = spec.window - line.underWay
    if (sending && room > 0) send(line, room, performance.now())
  }

  async function open(index: number): Promise<Line> {
    const socket = connect({ port: spec.port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    const devices: number[] = []
    for (let device = index; device < spec.devices; device += spec.connections) devices.push(device)
    const line: Line = {
      socket,
      devices,
      frames: devices.map((device) =>
        spec.what === 'shadow'
          ? createPublishFrame(shadowTopic(device), toUpdate)
          : createPublishFrame(telemetryTopic(device)),
      ),
      lastTs: devices.map(() => 0),
      numberOf: new Int32Array(PACKET_IDS).fill(-1),
      turn: 0,
      nextPacketId: 1,
      underWay: 0,
    }
    let answered = (): void => undefined
    let acks: number[] = []
    const cut = createPacketCutter((first, bytes, start, end) => {
      const type = first >> 4
      if (type === 4) onPuback(line, ((bytes[start] ?? 0) << 8) | (bytes[start + 1] ?? 0))
      else if (type === 3) {
        const topicEnd = start + 2 + (((bytes[start] ?? 0) << 8) | (bytes[start + 1] ?? 0))
        const withId = (first & 6) !== 0
        if (withId) acks.push(((bytes[topicEnd] ?? 0) << 8) | (bytes[topicEnd + 1] ?? 0))
        const topic = bytes.toString('latin1', start + 2, topicEnd)
        onAlert(line, topic, bytes.subarray(withId ? topicEnd + 2 : topicEnd, end))
      } else if (type === 2 && bytes[start + 1] !== 0)
        socket.destroy(new Error(`connection refused: ${bytes[start + 1]}`))
      else answered()
    })
    socket.on('data', (chunk: Buffer) => {
      cut(chunk)
      if (acks.length > 0) {
        socket.write(pubacks(acks))
        acks = []
      }
      if (running && spec.rate === 0) fill(line)
    })
    const next = (): Promise<void> =>
      new Promise((resolve) => {
        answered = resolve
      })
    // The device of a connection of its own is its client; a gateway has a name of its own.
    const [only] = devices
    const clientId =
      devices.length === 1 && only !== undefined ? deviceId(only) : `gateway-${index}`
    let answer = next()
    socket.write(connectFrame(clientId))
    await answer
    if (spec.echo) {
      answer = next()
      socket.write(subscribeFrame(1, devices.map(backTopic)))
      await answer
    }
    return line
  }

  const lines: Line[] = []
  for (let index = 0; index < spec.connections; index++) lines.push(await open(index))
  const broken = new Promise<never>((_, reject) => {
    for (const { socket } of lines) {
      socket.on('error', reject)
      socket.on('close', () => {
        if (running) reject(new Error('the broker closed a connection'))
      })
    }
  })
  broken.catch(() => undefined)
  running = true
  if (spec.rate === 0) for (const line of lines) fill(line)
  else startClock(lines)

  /** Open loop: message k is due at start + k / rate, whatever became of those before it. */
  function startClock(all: readonly Line[]): void {
    const startedAt = performance.now()
    let next = 0
    const tick = (): void => {
      if (!sending) return
      const due = ((performance.now() - startedAt) / 1_000) * spec.rate
      for (; next < due; next++) {
        const line = all[next % all.length]
        if (line === undefined || line.underWay >= Math.min(spec.window, PACKET_IDS - 1)) {
          overrun = true
          break
        }
        send(line, 1, startedAt + (next / spec.rate) * 1_000)
      }
      setTimeout(tick, 1)
    }
    tick()
  }

  await Promise.race([broken, sleep(spec.warmUpMs)])
  const before = { finished: counts.finished, at: performance.now(), cpu: cpuOf(spec.pids) }
  measuring = true
  await Promise.race([broken, sleep(spec.measureMs)])
  measuring = false
  const seconds = (performance.now() - before.at) / 1_000
  const measured = counts.finished - before.finished
  const cpu = cpuOf(spec.pids) - before.cpu
  sending = false
  await Promise.race([
    broken,
    sleep(DRAIN_MS, undefined, { ref: false }),
    new Promise<void>((resolve) => {
      onDone = resolve
      if (counts.finished === counts.sent) resolve()
    }),
  ])
  running = false
  for (const { socket } of lines) socket.end(DISCONNECT)
  const sorted = Float64Array.from(latencies).sort()
  const { sent, acked, received, repeated, wrong } = counts
  return {
    sent,
    acked,
    received,
    repeated,
    wrong,
    measured,
    seconds,
    cpu,
    overrun,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    max: sorted.at(-1) ?? Number.NaN,
  }
}

/** The body of a shadow update with the values of a message. */
function toUpdate(message: string): string {
  return `{"state":{"reported":${message}}}`
}

function isExpected(payload: Buffer, n: number): boolean {
  const found: unknown = JSON.parse(payload.toString())
  if (typeof found !== 'object' || found === null) return false
  const entries = new Map(Object.entries(found))
  return (
    entries.size === 10 &&
    entries.get('n') === n &&
    entries.get('temp') === temperatureOf(n) &&
    entries.get('hot') === true &&
    entries.get('site') === 'hall-7-north'
  )
}

function pubacks(packetIds: readonly number[]): Buffer {
  const out = Buffer.allocUnsafe(packetIds.length * 4)
  for (const [index, packetId] of packetIds.entries()) {
    out[index * 4] = 0x40
    out[index * 4 + 1] = 2
    out[index * 4 + 2] = packetId >> 8
    out[index * 4 + 3] = packetId & 255
  }
  return out
}

function cpuOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0)
}
