const WIDTH = 100
const HEIGHT = 28
const PADDING = 2

/**
 * Draws values over time into the two paths of an SVG: the line, and the area under it.
 *
 * @param {SVGElement} svg With `path.line` and `path.area`, view box 100 × 28.
 * @param {readonly number[]} points Time and value in turn, in the order of time.
 * @param {number} [floor] The value that the bottom stands for; the smallest one unless given.
 */
export function drawSparkline(svg, points, floor) {
  const line = svg.querySelector('.line')
  const area = svg.querySelector('.area')
  const first = points[0]
  const last = points[points.length - 2]
  if (line === null || area === null || first === undefined || last === undefined) return
  if (points.length < 4) {
    line.setAttribute('d', '')
    area.setAttribute('d', '')
    return
  }
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
  const duration = Math.max(last - first, 1)
  let path = ''
  for (let index = 0; index < points.length; index += 2) {
    const x = (((points[index] ?? 0) - first) / duration) * WIDTH
    const share = ((points[index + 1] ?? 0) - bottom) / span
    const y = HEIGHT - PADDING - share * (HEIGHT - 2 * PADDING)
    path += `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`
  }
  line.setAttribute('d', path)
  area.setAttribute('d', `${path}L${WIDTH} ${HEIGHT}L0 ${HEIGHT}Z`)
}
