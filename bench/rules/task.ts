/** One thing that is measured. */
export interface Task {
  readonly name: string
  /** Messages of one call. */
  readonly messages: number
  /** Every call checks what it found. @throws Error if that is wrong. */
  readonly run: () => void | Promise<void>
}

/** Fails where a count is not the one that was found without an engine. */
export function expectCount(name: string, found: number, expected: number): void {
  if (found !== expected) throw new Error(`${name}: expected ${expected} matches, found ${found}`)
}
