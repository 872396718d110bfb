import type { Delivery } from '../model/notification.ts'

const utf8 = new TextEncoder()

/**
 * The id by which receivers know a delivery: the same at every try, another for every other delivery.
 *
 * Shape: the key, with whatever could end a header or a signed part (a full stop does, in Standard Webhooks) as `%` and
 * hex. Keys are partly made by devices.
 */
export function deliveryId({ id, key }: Delivery): string {
  return percentEncode(id ?? key, /[^a-zA-Z0-9/:>+_~-]+/g)
}

/**
 * The same as an Internet message id.
 * Source: RFC 5322, 3.6.4: a dot-atom on both sides of the `@`.
 */
export function mailMessageId({ id, key }: Delivery): string {
  return `<${percentEncode(id ?? key, /[^a-zA-Z0-9/+_~-]+/g)}@anyhub>`
}

/** `%` is among the unsafe ones, so that two keys never become the same id. */
function percentEncode(key: string, unsafe: RegExp): string {
  return key.replace(unsafe, (text) => {
    let hex = ''
    for (const byte of utf8.encode(text)) hex += `%${byte.toString(16).padStart(2, '0')}`
    return hex
  })
}
