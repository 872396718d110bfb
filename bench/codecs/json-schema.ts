import { compileProgram, type MetricValue, parseConfig } from '../../core/index.ts'
import { type CodecEntry, OURS } from './entry.ts'
import { TELEMETRY_SHAPES } from './telemetry.ts'

/** What the schema of a device type says of the smaller messages. */
const SCHEMA = {
  n: { type: 'integer' },
  temp: { unit: 'Cel', min: -40, max: 85 },
  ambient: { unit: 'Cel', min: -40, max: 85 },
  setpoint: { unit: 'Cel', min: -40, max: 10 },
  door: { type: 'text', values: ['open', 'closed'] },
  battery: { unit: '%', min: 0, max: 100 },
  compressor: { type: 'text', values: ['on', 'off'] },
  site: { type: 'text' },
  rssi: { type: 'integer', min: -150, max: 0 },
  alarm: { type: 'boolean' },
  firmware: { type: 'text' },
} as const

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** JSON read and held to a schema, beside parsing the same bytes and nothing else. */
export const jsonSchemaEntry: CodecEntry = {
  codec: 'json with a schema of 11 metrics',
  atMost: 1.3,
  shapes: TELEMETRY_SHAPES.slice(0, 1),
  sides: [
    {
      name: OURS,
      load() {
        const parsed = parseConfig({ deviceTypes: { any: { schema: SCHEMA } } })
        if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
        const compiled = compileProgram(parsed.config)
        if ('faults' in compiled) throw new Error(JSON.stringify(compiled.faults))
        const plan = compiled.program.deviceType('dev-1')?.decode
        const { codec, meaning } = plan ?? {}
        if (codec === undefined || meaning === undefined) throw new Error('expected a schema')
        return Promise.resolve({
          decode(bytes) {
            const { value } = codec.decode(bytes, { receivedAt: 0 })
            // These messages are flat: they are their own metrics.
            const wrong = isFlat(value)
              ? meaning.read({
                  deviceId: 'dev-1',
                  topic: '',
                  receivedAt: 0,
                  bytes,
                  metrics: value,
                  bodyOf: () => value,
                })
              : value
            if (wrong !== undefined) throw new Error('expected a message that is right')
            return value
          },
          encode: (value) => new TextEncoder().encode(JSON.stringify(value)),
          isRight: undefined,
        })
      },
    },
    {
      name: 'JSON.parse',
      load: () =>
        Promise.resolve({
          decode: (bytes) => JSON.parse(utf8.decode(bytes)),
          encode: undefined,
          isRight: undefined,
        }),
    },
  ],
}

function isFlat(value: unknown): value is Readonly<Record<string, MetricValue>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
