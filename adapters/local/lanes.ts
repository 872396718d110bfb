/** Runs work of one key after another; that of different keys is independent. */
export type Lanes = <T>(key: string, work: () => Promise<T>) => Promise<T>

/** Creates lanes. A key that has no work takes no memory. */
export function createLanes(): Lanes {
  const last = new Map<string, Promise<unknown>>()
  return (key, work) => {
    const run = (last.get(key) ?? Promise.resolve()).then(work, work)
    const done: Promise<unknown> = run
      .catch(() => undefined)
      .finally(() => {
        if (last.get(key) === done) last.delete(key)
      })
    last.set(key, done)
    return run
  }
}
