import { isDeviceId } from '../../../core/index.ts'

/** A device as Google Cloud IoT Core names it. All registries of all projects are one registry here. */
export interface GooglePath {
  readonly project: string
  readonly location: string
  readonly registry: string
  readonly deviceId: string
}

const PATH = /^projects\/([^/]+)\/locations\/([^/]+)\/registries\/([^/]+)\/devices\/([^/:]+)$/

/** Whether a text begins as the name of a device of this dialect does: what then is wrong with it is a fault. */
export function isGooglePath(text: string): boolean {
  return /^projects\/[^/]*\/locations\//.test(text)
}

/**
 * Reads `projects/{project}/locations/{location}/registries/{registry}/devices/{id}`; `undefined` if it is none.
 *
 * Source: Google Cloud IoT, "Using the MQTT bridge"; the id has to be one that devices of every dialect may have.
 */
export function readGooglePath(text: string): GooglePath | undefined {
  const parts = PATH.exec(text)
  const [, project, location, registry, deviceId] = parts ?? []
  if (
    project === undefined ||
    location === undefined ||
    registry === undefined ||
    deviceId === undefined ||
    !isDeviceId(deviceId)
  )
    return undefined
  return { project, location, registry, deviceId }
}
