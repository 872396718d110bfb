/** Keeps the first of many that come in any order: a heap whose top is the last of those kept. */
export interface Best<T> {
  add(item: T): void
  /** Those kept, first to last. */
  end(): T[]
}

/** Shape: a binary heap in an array. Memory: `most` items. */
export function createBest<T>(most: number, compare: (a: T, b: T) => number): Best<T> {
  const heap: T[] = []

  function swap(a: number, b: number): void {
    const one = heap[a]
    const other = heap[b]
    if (one === undefined || other === undefined) return
    heap[a] = other
    heap[b] = one
  }

  /** Whether the item at `a` comes after the one at `b`. */
  function isAfter(a: number, b: number): boolean {
    const one = heap[a]
    const other = heap[b]
    return one !== undefined && other !== undefined && compare(one, other) > 0
  }

  function rise(from: number): void {
    let at = from
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isAfter(at, parent)) return
      swap(at, parent)
      at = parent
    }
  }

  function sink(): void {
    let at = 0
    for (;;) {
      const left = at * 2 + 1
      const right = left + 1
      let last = at
      if (isAfter(left, last)) last = left
      if (isAfter(right, last)) last = right
      if (last === at) return
      swap(at, last)
      at = last
    }
  }

  return {
    add(item) {
      if (most === 0) return
      if (heap.length < most) {
        heap.push(item)
        rise(heap.length - 1)
        return
      }
      const top = heap[0]
      if (top === undefined || compare(item, top) >= 0) return
      heap[0] = item
      sink()
    },
    end: () => heap.toSorted(compare),
  }
}
