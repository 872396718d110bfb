import type { Figure } from './statistics.ts'

/** Sets a table for a terminal or a Markdown file: the first column to the left, the others to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`
  return [line(head), rule, ...rows.map(line)].join('\n')
}

/** The figure with the ends of its range: `12,300 (11,900–12,800)`. */
export function withSpread(figure: Figure, format: (value: number) => string): string {
  return `${format(figure.median)} (${format(figure.min)}–${format(figure.max)})`
}

/** A count with thousands: 12,345. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** Three digits that count: 0.52, 3.1, 12.4, 250. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '–'
  return value >= 100 ? whole(value) : value.toFixed(value >= 10 ? 1 : 2)
}
