import { api, type Json, type JsonObject } from '../../../api.ts'
import { ApiFault } from '../../../http.ts'
import { patchOf, sameJson } from './leaves.ts'

/** Somebody else has changed what is desired since the person began. */
export class DesiredChanged extends Error {
  override readonly name = 'DesiredChanged'
}

const MOST_TRIES = 5

interface Wish {
  readonly deviceId: string
  readonly name: string
  readonly changes: ReadonlyMap<string, Json>
  /** What was desired when the person began. */
  readonly base: JsonObject
}

/**
 * Changes what is desired, but only if nobody else has done so meanwhile. A device that reports makes a new version each
 * time: that alone is no conflict, so the version is asked for again.
 * @throws DesiredChanged if what is desired is not what the person saw.
 * @throws ApiFault whatever else the cloud refuses.
 */
export async function applyChanges({ deviceId, name, changes, base }: Wish): Promise<void> {
  for (let tries = 1; ; tries++) {
    const shadow = await api.shadow(deviceId, name)
    if (!sameJson(shadow?.state.desired ?? {}, base))
      throw new DesiredChanged(
        'Somebody else changed what is desired while you did. Your changes are kept: look at what is new, then apply them again.',
      )
    try {
      await api.patchShadow(deviceId, {
        name,
        desired: patchOf(changes),
        version: shadow?.version,
      })
      return
    } catch (error) {
      const stale = error instanceof ApiFault && (error.status === 409 || error.status === 412)
      if (!stale || tries >= MOST_TRIES) throw error
    }
  }
}
