/** Remembers what was read or written lately of so many devices; those that were touched longest ago go first. */
export interface TailMemory<Tail> {
  /** The tail of the newest version that this process has seen; a commit finds out if it is old. */
  get(deviceId: string): Tail | undefined
  keep(deviceId: string, tail: Tail): void
}

export function createTailMemory<Tail>(most: number): TailMemory<Tail> {
  const kept = new Map<string, Tail>()
  return {
    get: (deviceId) => kept.get(deviceId),
    keep(deviceId, tail) {
      kept.delete(deviceId)
      kept.set(deviceId, tail)
      if (kept.size <= most) return
      for (const oldest of kept.keys()) {
        kept.delete(oldest)
        return
      }
    },
  }
}
