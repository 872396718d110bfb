import { CoreError, type Methods } from '../../core/index.ts'
import type { Hub } from './hub.ts'

/** Source: IoT Hub, direct methods: an answer is waited for 5 to 300 s. */
const MIN_RESPONSE_MS = 5_000

/** Direct methods of IoT Hub. Who wants an answer sooner than the hub lets him is told that there was none, in his time. */
export function createMethods(hub: Hub): Methods {
  return {
    async invoke(deviceId, { name, payload, connectTimeoutMs, responseTimeoutMs }) {
      const connectTimeoutSeconds = Math.ceil(connectTimeoutMs / 1_000)
      const responseTimeoutSeconds = Math.ceil(Math.max(responseTimeoutMs, MIN_RESPONSE_MS) / 1_000)
      const asked = hub.invoke(deviceId, {
        name,
        payload,
        connectTimeoutSeconds,
        responseTimeoutSeconds,
      })
      if (responseTimeoutMs >= MIN_RESPONSE_MS) return asked
      return Promise.race([asked, silence(deviceId, connectTimeoutMs + responseTimeoutMs, asked)])
    },
  }
}

/** Rejects after a while, unless the call has ended by then. */
function silence(deviceId: string, ms: number, asked: Promise<unknown>): Promise<never> {
  return new Promise((_resolve, reject) => {
    const timer = setTimeout(() => {
      reject(
        new CoreError('method.timed_out', `${deviceId}: expected an answer in time, found none`),
      )
    }, ms)
    const stop = (): void => clearTimeout(timer)
    asked.then(stop, stop)
  })
}
