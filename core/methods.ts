import { CoreError } from './errors.ts'
import { isDeviceId } from './model/device-id.ts'
import type { Json } from './model/json.ts'
import type { MethodAnswer, MethodCall, Ports } from './ports.ts'

/** A method that somebody wants a device to run now. Durations are in ms. */
export interface MethodRequest {
  readonly name: string
  /** `null` unless given. */
  readonly payload?: Json
  /** How long to wait for the device to be there: 0 to 5 min. 0 unless given: who is offline is told so at once. */
  readonly connectTimeoutMs?: number
  /** How long to wait for its answer: 0.1 s to 5 min. 30 s unless given. */
  readonly responseTimeoutMs?: number
}

export interface MethodCalls {
  /**
   * Asks a device that is there; the status of the answer is the device's own. Nothing is queued, and nothing is asked
   * twice.
   * @throws CoreError `method.invalid`, `method.device_offline`, `method.timed_out`.
   */
  invoke(deviceId: string, request: MethodRequest): Promise<MethodAnswer>
}

/** Source: Azure IoT Hub, direct methods: payloads and timeouts. */
const MAX_PAYLOAD_BYTES = 131_072
const MAX_TIMEOUT_MS = 300_000
const MIN_RESPONSE_MS = 100
const USUAL_RESPONSE_MS = 30_000

/** Builds the use case. */
export function createMethodCalls({ methods, observer }: Ports): MethodCalls {
  return {
    async invoke(deviceId, request) {
      try {
        const call = checkCall(deviceId, request)
        const answer = await methods.invoke(deviceId, call)
        observer.count('method.answered', 1)
        return answer
      } catch (error) {
        if (error instanceof CoreError) observer.count('method.failed', 1, { code: error.code })
        throw error
      }
    },
  }
}

/** @throws CoreError `method.invalid`, `uplink.bad_device_id`. */
function checkCall(deviceId: string, request: MethodRequest): MethodCall {
  const { name, payload = null } = request
  const { connectTimeoutMs = 0, responseTimeoutMs = USUAL_RESPONSE_MS } = request
  if (!isDeviceId(deviceId))
    throw new CoreError('uplink.bad_device_id', 'expected a device id, found none')
  if (!isMethodName(name))
    throw invalid("name: expected 1 to 100 letters, digits and any of $ - _ . : @ % ! * ' ( )")
  if (!isBetween(connectTimeoutMs, 0, MAX_TIMEOUT_MS))
    throw invalid(`connectTimeoutMs: expected 0 to ${MAX_TIMEOUT_MS}`)
  if (!isBetween(responseTimeoutMs, MIN_RESPONSE_MS, MAX_TIMEOUT_MS))
    throw invalid(`responseTimeoutMs: expected ${MIN_RESPONSE_MS} to ${MAX_TIMEOUT_MS}`)
  const bytes = new TextEncoder().encode(JSON.stringify(payload)).length
  if (bytes > MAX_PAYLOAD_BYTES)
    throw invalid(`payload: expected at most ${MAX_PAYLOAD_BYTES} bytes, found ${bytes}`)
  return { name, payload, connectTimeoutMs, responseTimeoutMs }
}

/** Names are one level of a topic. Source: Azure IoT Hub, direct methods: alphanumeric plus some punctuation. */
export function isMethodName(name: string): boolean {
  return /^[A-Za-z0-9$\-_.:@%!*'()]{1,100}$/.test(name)
}

function isBetween(value: number, from: number, to: number): boolean {
  return value >= from && value <= to
}

function invalid(message: string): CoreError {
  return new CoreError('method.invalid', message)
}
