import type { Json } from '../../api.ts'

const MOST_CHARS = 300

/** A value in one line; a long one is cut. */
export function formatJson(value: Json): string {
  const text = JSON.stringify(value)
  return text.length > MOST_CHARS ? `${text.slice(0, MOST_CHARS)} …` : text
}
