/** Source: AWS thing name, Azure device id, Google device id: the common part. */
const DEVICE_ID = /^[a-zA-Z0-9:._-]{1,128}$/

/** Whether a device may be called so: its id is a name in topics, paths and keys of every cloud. */
export function isDeviceId(id: string): boolean {
  return DEVICE_ID.test(id)
}

/** Lies before every id that a device may have, and behind those of records that are no devices: fleet-wide groups. */
export const BEFORE_DEVICES = '$~'
