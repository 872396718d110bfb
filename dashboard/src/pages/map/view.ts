import { type GeoProjection, geoMercator } from 'd3-geo'
import type { Position } from './positions.ts'

/** What part of the earth is seen: its middle, and how large a radian is. */
export interface View {
  readonly lat: number
  readonly lon: number
  /** Unit: px per radian. */
  readonly scale: number
}

export interface Size {
  readonly width: number
  readonly height: number
}

const MOST_SCALE = 2_000_000
/** Mercator has no poles. */
const MOST_LAT = 84

/** The earth in one go. */
export function wholeEarth({ width }: Size): View {
  return { lat: 25, lon: 0, scale: Math.max(60, width / (2 * Math.PI)) }
}

/** All positions with some space around them; one alone with the country around it. */
export function fitting(positions: readonly Position[], size: Size): View {
  if (positions.length === 0) return wholeEarth(size)
  const lats = positions.map(({ lat }) => lat)
  const lons = positions.map(({ lon }) => lon)
  const [south, north] = [Math.min(...lats), Math.max(...lats)]
  const [west, east] = [Math.min(...lons), Math.max(...lons)]
  const wide = ((east - west) * Math.PI) / 180
  const high = mercator(north) - mercator(south)
  const scale = Math.min(
    (size.width * 0.8) / Math.max(wide, 0.02),
    (size.height * 0.7) / Math.max(high, 0.02),
  )
  return bounded({ lat: (south + north) / 2, lon: (west + east) / 2, scale }, size)
}

export function projectionOf({ lat, lon, scale }: View, { width, height }: Size): GeoProjection {
  return geoMercator()
    .scale(scale)
    .center([lon, lat])
    .translate([width / 2, height / 2])
}

/** The same picture after so many pixels. */
export function panned(view: View, size: Size, dx: number, dy: number): View {
  const at = projectionOf(view, size).invert?.([size.width / 2 - dx, size.height / 2 - dy])
  return at === undefined || at === null ? view : bounded({ ...view, lon: at[0], lat: at[1] }, size)
}

/** Nearer or further; what is at the point stays there. */
export function zoomed(
  view: View,
  size: Size,
  factor: number,
  [x, y]: readonly [number, number] = [size.width / 2, size.height / 2],
): View {
  const before = projectionOf(view, size).invert?.([x, y])
  const next = bounded({ ...view, scale: view.scale * factor }, size)
  const after = before && projectionOf(next, size)(before)
  return after === undefined || after === null
    ? next
    : panned(next, size, x - after[0], y - after[1])
}

function bounded({ lat, lon, scale }: View, size: Size): View {
  return {
    lat: Math.min(MOST_LAT, Math.max(-MOST_LAT, lat)),
    lon: ((((lon + 180) % 360) + 360) % 360) - 180,
    scale: Math.min(MOST_SCALE, Math.max(wholeEarth(size).scale * 0.9, scale)),
  }
}

function mercator(lat: number): number {
  const bound = Math.min(MOST_LAT, Math.max(-MOST_LAT, lat))
  return Math.log(Math.tan(Math.PI / 4 + (bound * Math.PI) / 360))
}

/** Things so near to each other that they are drawn as one. */
export interface Cluster<T> {
  readonly x: number
  readonly y: number
  readonly of: readonly T[]
}

/** Puts what falls into one cell of a grid together. Unit: px. */
export function clustered<T extends { readonly x: number; readonly y: number }>(
  points: readonly T[],
  cell: number,
): readonly Cluster<T>[] {
  const cells = new Map<string, T[]>()
  for (const point of points) {
    const key = `${Math.floor(point.x / cell)} ${Math.floor(point.y / cell)}`
    const there = cells.get(key)
    if (there === undefined) cells.set(key, [point])
    else there.push(point)
  }
  return [...cells.values()].map((of) => ({
    x: of.reduce((sum, { x }) => sum + x, 0) / of.length,
    y: of.reduce((sum, { y }) => sum + y, 0) / of.length,
    of,
  }))
}
