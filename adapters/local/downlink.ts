import type { Downlink } from '../../core/index.ts'
import { DIALECTS } from './dialects/list.ts'

/** Hands one message to the broker of this process. */
export type Publish = (
  topic: string,
  payload: string | Uint8Array,
  options: { readonly qos: 0 | 1; readonly retain: boolean },
) => void | Promise<void> | undefined

/** The way to whoever is connected to this process; `wake` tells whoever takes the commands of a device. */
export function createDownlink(
  publish: Publish,
  wake: (deviceId: string) => void,
  hasSubscribers: (topic: string) => boolean = () => true,
): Downlink {
  return {
    async publish({ topic, payload, encoding, qos, retain }) {
      await publish(topic, encoding === 'base64' ? Buffer.from(payload, 'base64') : payload, {
        qos,
        retain,
      })
    },
    async command(deviceId) {
      wake(deviceId)
    },
    async shadow(message) {
      let body: string | undefined
      for (const dialect of DIALECTS) {
        const topic = dialect.pushTopic(message)
        if (!hasSubscribers(topic)) continue
        body ??= JSON.stringify(message.body)
        await publish(topic, body, { qos: 1, retain: false })
      }
    },
  }
}
