/** A queue whose both ends are cheap. */
export interface Fifo<T> {
  push(item: T): void
  peek(): T | undefined
  shift(): T | undefined
  [Symbol.iterator](): Iterator<T>
  readonly length: number
}

export function createFifo<T>(): Fifo<T> {
  let items: (T | undefined)[] = []
  let head = 0

  return {
    push(item) {
      items.push(item)
    },
    peek: () => items[head],
    shift() {
      const item = items[head]
      if (item === undefined) return undefined
      items[head] = undefined
      head += 1
      if (head === items.length) {
        items = []
        head = 0
      } else if (head >= 1_024 && head * 2 >= items.length) {
        items = items.slice(head)
        head = 0
      }
      return item
    },
    *[Symbol.iterator]() {
      for (let index = head; index < items.length; index += 1) {
        const item = items[index]
        if (item !== undefined) yield item
      }
    },
    get length() {
      return items.length - head
    },
  }
}
