import type { TwinTags } from '../../core/api/index.ts'
import { type Core, CoreError, isAlive } from '../../core/index.ts'
import type { TwinDesk } from './twin-desk.ts'

/** The tags of twins for the registry: whoever sets them, and in whatever words, there is one truth. */
export function createTwinTags(core: Core, twins: TwinDesk): TwinTags {
  return {
    async read(deviceId) {
      const document = (await core.ports.devices.load(deviceId))?.shadows['']
      return isAlive(document) ? document.tags : undefined
    },
    async replace(deviceId, tags) {
      const done = await twins.write(deviceId, { tags, replace: true })
      if ('fault' in done) throw new CoreError('input.malformed', `tags: ${done.fault.message}`)
    },
  }
}
