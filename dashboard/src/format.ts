/** Decimals that a metric has shown so far: with as many it is shown from then on, so that numbers stand still. */
const decimalsOf = new Map<string, number>()

const MAX_DECIMALS = 3
const MAX_TEXT = 200

/** A measured value as people read it. */
export function formatValue(metric: string, value: unknown): string {
  if (typeof value === 'object' && value !== null) return JSON.stringify(value).slice(0, MAX_TEXT)
  if (typeof value !== 'number') return String(value).slice(0, MAX_TEXT)
  const size = Math.abs(value)
  if (size >= 1e9 || (size < 1e-3 && size > 0)) return minus(value.toPrecision(4))
  const exact = String(Number(value.toFixed(MAX_DECIMALS)))
  const point = exact.indexOf('.')
  const decimals = Math.max(decimalsOf.get(metric) ?? 0, point < 0 ? 0 : exact.length - point - 1)
  decimalsOf.set(metric, decimals)
  return minus(value.toFixed(decimals))
}

export function formatCount(count: number): string {
  return count.toLocaleString('en-US')
}

export function formatRate(rate: number): string {
  return rate < 100 ? rate.toFixed(1) : formatCount(Math.round(rate))
}

/** Unit: ms, as `0.8 ms`, `12 ms`, `1.4 s`. */
export function formatMs(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`
}

/** How long ago something was: `now`, `12 s ago`, `3 min ago`. Times are epoch ms. */
export function formatAge(at: number, now: number): string {
  if (at === 0) return 'never'
  const text = formatSpan(now - at)
  return text === '' ? 'now' : `${text} ago`
}

/** A span of time in its largest unit; '' for less than four seconds. Unit: ms. */
export function formatSpan(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  if (seconds < 4) return ''
  if (seconds < 100) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 100) return `${minutes} min`
  const hours = Math.round(minutes / 60)
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`
}

/** `21 Nov 2026, 04:05:06`. Epoch ms. */
export function formatTime(at: number): string {
  return new Date(at).toLocaleString('en-GB', {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  })
}

/** `04:05:06`. Epoch ms. */
export function formatClock(at: number): string {
  return new Date(at).toLocaleTimeString('en-GB')
}

function minus(text: string): string {
  return text.replace('-', '−')
}
