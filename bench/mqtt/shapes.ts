import type { BenchOptions } from '../lib/options.ts'
import type { LoadSpec } from '../load/spec.ts'

/** One way in which devices speak to a broker. */
export interface Shape {
  readonly name: string
  readonly connections: number
  readonly devices: number
  readonly window: number
  readonly rate: number
}

/** As many as the window allows: what a system can do. */
const CAPACITY: readonly Shape[] = [
  {
    name: '100 devices on 20 connections, 100 under way on each',
    connections: 20,
    devices: 100,
    window: 100,
    rate: 0,
  },
  {
    name: '1,000 devices on 20 connections, 100 under way on each',
    connections: 20,
    devices: 1_000,
    window: 100,
    rate: 0,
  },
  {
    name: '1,000 devices, each its own connection, 2 under way',
    connections: 1_000,
    devices: 1_000,
    window: 2,
    rate: 0,
  },
]

const ROUND_TRIP: readonly Shape[] = [
  {
    name: '20 devices, each its own connection, 50 under way',
    connections: 20,
    devices: 20,
    window: 50,
    rate: 0,
  },
  {
    name: '100 devices on 20 connections, 100 under way on each',
    connections: 20,
    devices: 100,
    window: 100,
    rate: 0,
  },
]

const TINY = { connections: 3, devices: 6, window: 5 }

export function ingestShapes({ smoke, shape }: BenchOptions): readonly Shape[] {
  return wantedShapes(smoke ? [{ ...TINY, name: 'tiny', rate: 0 }] : CAPACITY, shape)
}

export function roundTripShapes({ smoke, shape }: BenchOptions): readonly Shape[] {
  return wantedShapes(smoke ? [{ ...TINY, name: 'tiny', rate: 0 }] : ROUND_TRIP, shape)
}

/** Latency at fixed rates. */
export function trickles(rates: readonly number[], options: BenchOptions): readonly Shape[] {
  return wantedShapes(
    rates.map((rate) => trickle(rate, options)),
    options.shape,
  )
}

function wantedShapes(shapes: readonly Shape[], text: string): readonly Shape[] {
  return shapes.filter(({ name }) => name.includes(text))
}

/** A fixed number of messages per second, each in a packet of its own: what a message waits for. */
export function trickle(rate: number, { smoke }: BenchOptions): Shape {
  const name = `${rate.toLocaleString('en-US')} msg/s from 100 devices on 20 connections`
  if (smoke) return { ...TINY, name: 'tiny', window: 1_000, rate: Math.min(rate, 200) }
  return { name, connections: 20, devices: 100, window: 4_000, rate }
}

export function specOf(
  { connections, devices, window, rate }: Shape,
  system: { readonly mqttPort: number; readonly pids: readonly number[] },
  echo: boolean,
  { warmUpMs, measureMs }: BenchOptions,
): LoadSpec {
  const { mqttPort: port, pids } = system
  const what = 'telemetry'
  return { port, pids, connections, devices, window, rate, warmUpMs, measureMs, what, echo }
}
