/** The box that a trend is drawn in. */
export const WIDTH = 100
export const HEIGHT = 28
const PADDING = 2

/** The line as the path of an SVG of 100 × 28; '' for fewer than two points. */
export function pathOf(points: readonly number[], floor?: number): string {
  if (points.length < 4) return ''
  let low = floor ?? Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (let index = 1; index < points.length; index += 2) {
    const value = points[index] ?? 0
    if (value < low) low = value
    if (value > high) high = value
  }
  // Noise in the last digit of a steady value shall not look like a storm.
  const span = Math.max(high - low, Math.abs(high) * 0.02, 1e-9)
  const middle = (high + low) / 2
  const bottom = floor ?? middle - span / 2
  // One step for each message: a night without any would squeeze all that is worth seeing into a corner.
  const steps = points.length / 2 - 1
  let path = ''
  for (let index = 0; index < points.length; index += 2) {
    const x = (index / 2 / steps) * WIDTH
    const share = ((points[index + 1] ?? 0) - bottom) / span
    const y = HEIGHT - PADDING - share * (HEIGHT - 2 * PADDING)
    path += `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`
  }
  return path
}
