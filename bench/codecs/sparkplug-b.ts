import sparkplug from 'sparkplug-payload'
import type { UPayload } from 'sparkplug-payload/lib/sparkplugbpayload.js'
import { isJsonObject, type Json, type JsonObject } from '../../core/index.ts'
import { type CodecEntry, type CodecShape, POOL } from './entry.ts'
import { ourSide } from './telemetry.ts'

const AT = 1_700_000_000_000

/** What a device behind an edge node reports when something changes. */
function data(n: number): Json {
  return {
    timestamp: AT + n,
    metrics: [
      metric('Inputs/Temperature', 12, n, 'Double', -18.5 - n / 100),
      metric('Inputs/Pressure', 13, n, 'Float', 1_013.25 + n / 4),
      metric('Inputs/Count', 14, n, 'Int32', 1_000 * n),
      metric('Outputs/Fan', 15, n, 'Boolean', n % 2 === 0),
      metric('State', 16, n, 'String', n % 3 === 0 ? 'running' : 'stopped'),
    ],
    seq: n % 256,
  }
}

/** A birth: all metrics of a device. */
function birth(n: number): Json {
  const metrics = Array.from({ length: 60 }, (_, index) =>
    index % 3 === 0
      ? metric(`Line ${index}/Temperature`, index, n, 'Double', index + n / 8)
      : index % 3 === 1
        ? metric(`Line ${index}/Speed`, index, n, 'Int32', index * n)
        : metric(`Line ${index}/Is Running`, index, n, 'Boolean', index % 2 === 0),
  )
  return { timestamp: AT + n, metrics, seq: 0 }
}

function metric(name: string, alias: number, n: number, dataType: string, value: Json): Json {
  return { name, alias, timestamp: AT + n, dataType, value }
}

const SHAPES: readonly CodecShape[] = [
  { name: 'data', values: Array.from({ length: POOL }, (_, n) => data(n)), messages: undefined },
  { name: 'birth', values: Array.from({ length: POOL }, (_, n) => birth(n)), messages: undefined },
]

/** Sparkplug B beside the library of Eclipse Tahu, which calls types `type` and gives 64 bits as Long. */
export const sparkplugEntry: CodecEntry = {
  codec: 'sparkplug-b',
  shapes: SHAPES,
  sides: [
    ourSide({ type: 'sparkplug-b' }),
    {
      name: 'sparkplug-payload',
      load() {
        const theirs = sparkplug.get('spBv1.0')
        if (theirs === null) throw new Error('expected the library to know spBv1.0')
        // Their form is made before it is measured.
        const forms = new Map(
          SHAPES.flatMap(({ values }) => values.map((one) => [one, toTheirs(one)])),
        )
        return Promise.resolve({
          decode: (bytes) => theirs.decodePayload(bytes),
          encode: (value) => theirs.encodePayload(forms.get(value) ?? {}),
          isRight,
        })
      },
    },
  ],
}

function metricsOf(value: Json): readonly JsonObject[] {
  const metrics = isJsonObject(value) ? value['metrics'] : undefined
  return Array.isArray(metrics) ? metrics.filter(isJsonObject) : []
}

function toTheirs(value: Json): UPayload {
  const metrics = metricsOf(value).map(({ dataType, ...rest }) => ({ ...rest, type: dataType }))
  return JSON.parse(JSON.stringify({ ...(isJsonObject(value) ? value : {}), metrics }))
}

function isRight(decoded: unknown, value: Json): boolean {
  const theirs = metricsOf(JSON.parse(JSON.stringify(decoded)))
  const ours = metricsOf(value)
  return (
    theirs.length === ours.length &&
    ours.every(
      (one, index) =>
        one['name'] === theirs[index]?.['name'] && one['value'] === theirs[index]?.['value'],
    )
  )
}
