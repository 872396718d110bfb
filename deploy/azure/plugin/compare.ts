import { isDeepStrictEqual } from 'node:util'

/**
 * Paths at which what stands there differs from what is wanted. Only what is wanted is looked at; what Azure makes up
 * (expressions, secrets) is not. Azure writes places and types as it likes: small letters and spaces do not count.
 */
export function differences(wanted: unknown, found: unknown, path = ''): readonly string[] {
  if (isExpression(wanted)) return []
  if (Array.isArray(wanted)) {
    if (!Array.isArray(found) || found.length !== wanted.length) return [path]
    // Many lists of Azure come back in an order of their own.
    const unlike = wanted.filter(
      (one) => !found.some((other) => differences(one, other).length === 0),
    )
    return unlike.length === 0 ? [] : [path]
  }
  if (typeof wanted === 'object' && wanted !== null) {
    const there = typeof found === 'object' && found !== null ? found : {}
    const values = new Map(Object.entries(there))
    return Object.entries(wanted).flatMap(([key, value]) =>
      HIDDEN.has(key)
        ? []
        : differences(value, values.get(key), path === '' ? key : `${path}.${key}`),
    )
  }
  if (typeof wanted === 'string' && typeof found === 'string')
    return plain(wanted) === plain(found) ? [] : [path]
  if (isDefault(wanted) && isDefault(found)) return []
  return isDeepStrictEqual(wanted, found) ? [] : [path]
}

/** What Azure takes and never shows in the same place. */
const HIDDEN = new Set(['siteConfig', 'createMode', 'options'])

const isExpression = (value: unknown) =>
  typeof value === 'string' && value.startsWith('[') && value.endsWith(']')

const isDefault = (value: unknown) =>
  value === undefined || value === null || value === false || value === ''

const plain = (text: string) => text.replaceAll(' ', '').toLowerCase()
