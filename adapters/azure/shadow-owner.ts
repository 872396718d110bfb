import * as z from 'zod/mini'
import { CoreError, mergeDiff, type ShadowEffect } from '../../core/index.ts'
import { type Hub, hasAll } from './hub.ts'
import { lazily } from './lazily.ts'

/** How often a write that met another one is tried. */
const MAX_RACES = 5

/** What a change of ours was, as the body of a `documents` event tells it. */
const Documents = lazily(() =>
  z.object({
    previous: z.nullish(z.object({ state: Sections() })),
    current: z.object({ state: Sections() }),
  }),
)

function Sections() {
  return z.object({ desired: z.optional(z.record(z.string(), z.json())) })
}

/**
 * Writes what the core wants into the device twin, which owns the shadow here: what devices and other programs change there
 * comes back as an event. What is measured stays with us: only the device itself may write what a twin reports.
 *
 * Source: IoT Hub, "Understand and use device twins", back-end operations.
 */
export function createShadowOwner(hub: Hub): (message: ShadowEffect) => Promise<void> {
  return async ({ deviceId, event, body }) => {
    // The owner tells of deltas itself.
    if (event !== 'documents') return
    const documents = Documents().safeParse(body)
    // A body of another shape does not say what the change was.
    if (!documents.success) return
    const { previous, current } = documents.data
    const desired = mergeDiff(previous?.state.desired ?? {}, current.state.desired ?? {})
    if (Object.keys(desired).length === 0) return
    for (let race = 1; race <= MAX_RACES; race++) {
      const twin = await hub.twin(deviceId)
      if (twin === undefined)
        throw new CoreError(
          'input.not_found',
          `${deviceId}: expected a twin of the hub, found none`,
        )
      // Said twice it is done once: devices are not told again.
      if (hasAll(twin.desired, desired)) return
      if (await hub.patchTwin(deviceId, { properties: { desired } }, twin.etag)) return
    }
    throw new CoreError(
      'store.conflict',
      `${deviceId}: its twin was changed ${MAX_RACES} times meanwhile`,
    )
  }
}
