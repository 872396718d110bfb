import { CoreError, type Methods } from '../../core/index.ts'

/**
 * Methods need somebody who waits on the device's connection; a function is asked and gone, and a topic has no such
 * question. Commands are the way: they wait for the device.
 */
export function createMethods(): Methods {
  return {
    async invoke(deviceId) {
      throw new CoreError(
        'method.unsupported',
        `${deviceId}: here are no direct methods: send a command, and read its feedback`,
      )
    },
  }
}
