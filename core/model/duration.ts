const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Reads `90s`, `2m`, `1h`, `30d` or a bare `0`. Unit of the result: ms. `undefined` if the text is no duration. */
export function readDuration(text: string): number | undefined {
  const parts = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text)
  if (text === '0') return 0
  if (parts === null) return undefined
  const unit = parts[2]
  if (unit !== 'ms' && unit !== 's' && unit !== 'm' && unit !== 'h' && unit !== 'd')
    return undefined
  return Math.round(Number(parts[1]) * UNIT_MS[unit])
}

/** Writes a duration as `readDuration` reads it, in the largest unit that leaves no rest: `90s`, `2m`; `0` for none. */
export function writeDuration(ms: number): string {
  if (ms === 0) return '0'
  for (const unit of ['d', 'h', 'm', 's'] as const)
    if (ms % UNIT_MS[unit] === 0) return `${ms / UNIT_MS[unit]}${unit}`
  return `${ms}ms`
}
