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
