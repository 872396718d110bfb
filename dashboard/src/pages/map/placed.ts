import type { Device } from '../../live/device.ts'
import type { Position } from './positions.ts'

/** A device that says where it is. */
export interface Placed extends Position {
  readonly device: Device
}
