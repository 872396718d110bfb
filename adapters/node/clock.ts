import type { Clock } from '../../core/index.ts'

/** The clock of the machine. */
export const systemClock: Clock = { now: () => Date.now() }
