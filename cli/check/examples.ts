import {
  type ConfigFault,
  CoreError,
  decodePack,
  type ExampleConfig,
  type Json,
  type Program,
  type SourcePosition,
  type Uplink,
} from '../../core/index.ts'
import { type Difference, diff } from './compare.ts'
import type { CaseReport, RuleTestReport } from './rule-tests.ts'

/** Tries the examples that stand beside the device types of a config; `undefined` if there are none. */
export function runExamples(
  file: string,
  program: Program,
  locate: (fault: ConfigFault) => SourcePosition,
): RuleTestReport | undefined {
  const place = (path: readonly (string | number)[]) => locate({ path, message: '' })
  const cases = Object.entries(program.config.deviceTypes).flatMap(
    ([type, { devices, examples }]): CaseReport[] =>
      examples.map((example, index) => {
        const path = ['deviceTypes', type, 'examples', index]
        const device = example.device ?? devices.replaceAll('*', 'example')
        const differences = judge(example, tryExample(example, type, device, program))
        return {
          name: `${type}: ${example.about ?? `example ${index + 1}`}`,
          ...place(path),
          differences: differences.map((one) => ({
            ...one,
            path: ['examples', index, 'expect', ...one.path],
            ...place([...path, ...one.path]),
          })),
        }
      }),
  )
  return cases.length === 0 ? undefined : { file, faults: [], cases, called: 'example' }
}

type Found =
  | { readonly metrics: Json; readonly decoded: Json }
  | { readonly error: string; readonly reason: string }

function tryExample(
  example: ExampleConfig,
  type: string,
  deviceId: string,
  program: Program,
): Found {
  const plan = program.deviceType(deviceId, type)?.decode
  if (plan === undefined)
    throw new CoreError('codec.failed', 'expected the type to be there: this is a bug here')
  const receivedAt = example.receivedAt === undefined ? Date.now() : Date.parse(example.receivedAt)
  const uplink: Uplink = {
    deviceId,
    topic: `devices/${deviceId}/telemetry`,
    payload: bytesOf(example),
    contentType: '',
    receivedAt,
    source: 'example',
    ...(example.fPort === undefined ? {} : { fPort: example.fPort }),
  }
  try {
    const [first] = decodePack(uplink, plan, 'example')
    return {
      metrics: { ...first?.metrics },
      decoded: plan.codec.decode(uplink.payload, uplink).value,
    }
  } catch (error) {
    if (!(error instanceof CoreError)) throw error
    return { error: error.code, reason: error.message }
  }
}

function bytesOf({ payload, text, hex, base64 }: ExampleConfig): Uint8Array {
  if (hex !== undefined) return Buffer.from(hex.replaceAll(/[\s:]/g, ''), 'hex')
  if (base64 !== undefined) return Buffer.from(base64, 'base64')
  return Buffer.from(text ?? JSON.stringify(payload))
}

function judge({ metrics, decoded, error }: ExampleConfig, found: Found): Difference[] {
  if ('error' in found)
    return error === found.error
      ? []
      : [{ path: ['error'], expected: error, found: `${found.error}: ${found.reason}` }]
  if (error !== undefined) return [{ path: ['error'], expected: error, found: undefined }]
  return [
    ...(metrics === undefined ? [] : below('metrics', diff(metrics, found.metrics))),
    ...(decoded === undefined ? [] : below('decoded', diff(decoded, found.decoded))),
  ]
}

function below(key: string, differences: readonly Difference[]): Difference[] {
  return differences.map((one) => ({ ...one, path: [key, ...one.path] }))
}
