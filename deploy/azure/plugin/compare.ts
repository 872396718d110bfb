import { isDeepStrictEqual } from 'node:util'

/**
 * Paths at which what stands there differs from what is wanted. Only what is wanted is looked at; what Azure makes up
 * (expressions, secrets) is not. Azure writes ids, places and durations as it likes: small letters and spaces do not
 * count, and `PT48H` is `P2D`.
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
    const values = new Map(Object.entries(there).map(([key, value]) => [key.toLowerCase(), value]))
    return Object.entries(wanted).flatMap(([key, value]) =>
      HIDDEN.has(key) || (path === 'properties' && key === 'name')
        ? []
        : differences(value, values.get(key.toLowerCase()), path === '' ? key : `${path}.${key}`),
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

const plain = (text: string): string => {
  const seconds = secondsOf(text)
  return seconds === undefined ? text.replaceAll(' ', '').toLowerCase() : `${seconds} s`
}

const DURATION = /^P(?=\d|T\d)(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/

/** Of an ISO 8601 duration; `undefined` if it is none. */
function secondsOf(text: string): number | undefined {
  const match = DURATION.exec(text)
  if (match === null) return undefined
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match
    .slice(1)
    .map((one) => Number(one ?? 0))
  return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
}
