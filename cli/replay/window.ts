/** What is on its way and not yet acknowledged, held to a bound. There is one sender. */
export interface Window {
  /** Takes a place; while there is none the sender has to wait. Rejects once the way is broken. */
  take(bytes: number): Promise<void> | undefined
  give(bytes: number): void
  /** Resolves when nothing is on its way. Rejects once the way is broken. */
  idle(): Promise<void>
  /** The way is broken: whoever waits is told. */
  fail(error: Error): void
  /** How many messages are on their way. */
  readonly size: number
}

export interface WindowBounds {
  readonly messages: number
  readonly bytes: number
}

/** Builds a window. */
export function createWindow(bounds: WindowBounds): Window {
  let messages = 0
  let bytes = 0
  let broken: Error | undefined
  let waiters: { ready: () => boolean; resolve: () => void; reject: (error: Error) => void }[] = []

  const hasRoom = (): boolean => messages < bounds.messages && bytes < bounds.bytes
  const isIdle = (): boolean => messages === 0

  function wait(ready: () => boolean): Promise<void> {
    if (broken !== undefined) return Promise.reject(broken)
    if (ready()) return Promise.resolve()
    return new Promise((resolve, reject) => waiters.push({ ready, resolve, reject }))
  }

  return {
    take(size) {
      messages++
      bytes += size
      return broken === undefined && hasRoom() ? undefined : wait(hasRoom)
    },
    give(size) {
      messages--
      bytes -= size
      if (waiters.length === 0) return
      const served = waiters.filter(({ ready }) => ready())
      waiters = waiters.filter((waiter) => !served.includes(waiter))
      for (const { resolve } of served) resolve()
    },
    idle: () => wait(isIdle),
    fail(error) {
      broken ??= error
      for (const { reject } of waiters) reject(error)
      waiters = []
    },
    get size() {
      return messages
    },
  }
}
