import { fromBase64 } from '../model/base64.ts'
import { isDeviceId } from '../model/device-id.ts'
import { toHex } from './fields.ts'

/** Room for the mark behind an id that had to be changed. Source: core/model/device-id.ts. */
const MAX_KEPT = 119

/**
 * A device id of the name that a network has for a device.
 *
 * A name that is a device id stays as it is. In any other, characters that ids do not have become `_`, and a mark made of
 * the whole name stands behind a dot, so that two names never become one id: `Living room` is `Living_room.5f3a1c09`.
 */
export function safeDeviceId(name: string): string {
  if (isDeviceId(name)) return name
  const kept = name.replace(/[^a-zA-Z0-9:._-]/gu, '_').slice(0, MAX_KEPT)
  return `${kept}.${mark(name)}`
}

/** Source: core/codecs/decode-uplink.ts. */
const MAX_MESSAGE_ID = 256

/** A message id of the name that a network has for a message; one that is too long ends in a mark of all of it. */
export function safeMessageId(name: string): string {
  return name.length <= MAX_MESSAGE_ID ? name : `${name.slice(0, MAX_MESSAGE_ID - 9)}.${mark(name)}`
}

/** An EUI in small letters of hex; it comes as hex in either case, with separators or without, or as base64 of its 8 bytes. */
export function readEui(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const digits = text.replace(/[:-]/g, '').toLowerCase()
  if (/^[\da-f]{16}$/.test(digits)) return digits
  const bytes = text.length === 12 ? fromBase64(text) : undefined
  return bytes?.length === 8 ? toHex(bytes) : undefined
}

/** Whether a name that an uplink brought may stand in a topic or an URL as one level of it, and mean nothing else there. */
export function isPathName(name: string): boolean {
  return /^[A-Za-z0-9][\w.-]{0,127}$/.test(name)
}

/** 32 bits of a text. Source: FNV-1a. */
function mark(text: string): string {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return (hash >>> 0).toString(16).padStart(8, '0')
}
