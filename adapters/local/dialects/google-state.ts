import { type Core, isJsonObject, type Json, type JsonObject } from '../../../core/index.ts'
import { createLanes } from '../lanes.ts'

/** What a device said last that it is, as bytes. */
export interface DeviceState {
  readonly payload: Uint8Array
  /** Epoch ms. */
  readonly updatedAt: number
}

/**
 * States of devices that speak the dialect of Google. A state that is a JSON object is also reported to the classic
 * shadow: what the one before had and this one has not is gone from it, what came another way stays.
 */
export interface StateDesk {
  report(deviceId: string, payload: Uint8Array): Promise<void>
  last(deviceId: string): Promise<DeviceState | undefined>
}

/** Source: Google Cloud IoT quotas, device state. */
export const MAX_STATE_BYTES = 65_536

const TABLE = '$google-state'

export function createStateDesk(core: Core): StateDesk {
  const { clock, observer, tables } = core.ports
  const inLane = createLanes()

  async function last(deviceId: string): Promise<DeviceState | undefined> {
    const item = await tables.get(TABLE, deviceId)
    if (!isJsonObject(item)) return undefined
    const { base64, updatedAt } = item
    if (typeof base64 !== 'string' || typeof updatedAt !== 'number') return undefined
    return { payload: Buffer.from(base64, 'base64'), updatedAt }
  }

  async function report(deviceId: string, state: JsonObject, before: JsonObject): Promise<void> {
    const reported = withRemovals(state, before)
    const body = JSON.stringify({ state: { reported } })
    const [result] = await core.gate.run(deviceId, [
      { kind: 'shadow', operation: 'update', name: '', body, at: clock.now() },
    ])
    if (result?.status === 'answered' && result.accepted) return
    observer.count('google.state_not_reported', 1)
    observer.log('warn', 'state kept, but not as reported state', {
      deviceId,
      reason: result?.status === 'answered' ? JSON.stringify(result.body) : 'refused',
    })
  }

  return {
    last,
    report: (deviceId, payload) =>
      inLane(deviceId, async () => {
        const state = readObject(payload)
        if (state !== undefined) {
          const before = await last(deviceId)
          await report(deviceId, state, (before && readObject(before.payload)) ?? {})
        }
        await tables.put(TABLE, deviceId, {
          base64: Buffer.from(payload).toString('base64'),
          updatedAt: clock.now(),
        })
      }),
  }
}

/** The state, with a null for each value that the one before had and this one has not. */
function withRemovals(state: JsonObject, before: JsonObject): JsonObject {
  const patch: Record<string, Json> = { ...state }
  for (const [key, old] of Object.entries(before)) {
    const now = Object.hasOwn(state, key) ? state[key] : undefined
    if (now === undefined) patch[key] = null
    else if (isJsonObject(now) && isJsonObject(old)) patch[key] = withRemovals(now, old)
  }
  return patch
}

function readObject(payload: Uint8Array): JsonObject | undefined {
  try {
    const value: Json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
