import { live, useFleetVersion } from '../../live/live.ts'
import { positionOf } from './positions.ts'

/** So often devices are looked through at most. Unit: ms. */
const EVERY_MS = 2_000

/** Whether some device says where it is. */
export function useHasPositions(): boolean {
  useFleetVersion(EVERY_MS)
  for (const device of live.devices.values()) if (positionOf(device) !== undefined) return true
  return false
}
