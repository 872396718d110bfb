import type { Downlink } from '../../core/index.ts'
import { DIALECTS } from './dialects/list.ts'

/** Hands one message to the broker of this process. */
export type Publish = (
  topic: string,
  payload: string | Uint8Array,
  options: { readonly qos: 0 | 1; readonly retain: boolean },
) => void | Promise<void> | undefined

/** The way to whoever is connected to this process; `wake` tells whoever takes the commands of a device. */
export function createDownlink(publish: Publish, wake: (deviceId: string) => void): Downlink {
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
      const body = JSON.stringify(message.body)
      for (const dialect of DIALECTS)
        await publish(dialect.pushTopic(message), body, { qos: 1, retain: false })
    },
  }
}
