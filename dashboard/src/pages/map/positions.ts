/** Where something is, in degrees of WGS 84. */
export interface Position {
  readonly lat: number
  readonly lon: number
}

const LATITUDES: ReadonlySet<string> = new Set(['lat', 'latitude'])
const LONGITUDES: ReadonlySet<string> = new Set(['lon', 'lng', 'long', 'longitude'])

/** What of a device says where it is. */
interface Named {
  readonly last: Readonly<Record<string, { readonly value: unknown }>>
  readonly tags?: Readonly<Record<string, unknown>>
}

/**
 * Where a device is: the newest of its metrics named lat or latitude beside lon, lng, long or longitude, also inside of an
 * object (`position.lat`), else tags of those names. `undefined` for whatever is no place on earth; 0, 0 is what receivers
 * say that know nothing.
 */
export function positionOf({ last, tags = {} }: Named): Position | undefined {
  return (
    pairIn(Object.keys(last), (name) => last[name]?.value) ??
    pairIn(Object.keys(tags), (name) => tags[name])
  )
}

function pairIn(names: readonly string[], read: (name: string) => unknown): Position | undefined {
  for (const name of names) {
    const { prefix, end } = split(name)
    if (!LATITUDES.has(end)) continue
    const other = names.find((one) => {
      const parts = split(one)
      return parts.prefix === prefix && LONGITUDES.has(parts.end)
    })
    const lat = degrees(read(name), 90)
    const lon = other === undefined ? undefined : degrees(read(other), 180)
    if (lat !== undefined && lon !== undefined && (lat !== 0 || lon !== 0)) return { lat, lon }
  }
  return undefined
}

function split(name: string): { readonly prefix: string; readonly end: string } {
  const dot = name.lastIndexOf('.')
  return { prefix: name.slice(0, dot + 1), end: name.slice(dot + 1).toLowerCase() }
}

function degrees(value: unknown, most: number): number | undefined {
  const number =
    typeof value === 'number'
      ? value
      : typeof value === 'string' && value !== ''
        ? Number(value)
        : Number.NaN
  return Number.isFinite(number) && Math.abs(number) <= most ? number : undefined
}
