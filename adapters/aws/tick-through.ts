import type { Tick } from '../../core/index.ts'

export interface TickThroughOptions {
  readonly tick: Tick
  /** Devices that are looked after at a time. */
  readonly limit: number
  /** No further ones are begun from then on. Epoch ms. */
  readonly until: number
  /** Epoch ms. */
  readonly now: () => number
}

/** Looks after all devices whose time has come, as far as time allows: a whole fleet may be due in one minute. */
export async function tickThrough({ tick, limit, until, now }: TickThroughOptions): Promise<void> {
  for (;;) {
    const found = await tick(limit)
    if (found < limit || now() >= until) return
  }
}
