/** So many failures in a row, and an endpoint is left alone. */
const FAILURES = 5

/** The first rest; each probe that fails doubles it. Unit: ms. */
const FIRST_REST_MS = 5_000
const LONGEST_REST_MS = 300_000

/** A probe that nobody heard of again counts as none after so long. Unit: ms. */
const PROBE_MS = 60_000

/** What is known of an endpoint: how it answered lately. Pure: every event makes the next one. */
export interface Circuit {
  /** Failures in a row. */
  readonly failures: number
  /** Until when it is left alone, epoch ms; 0 while it is used. */
  readonly restsUntil: number
  /** How long the rest is. Unit: ms. */
  readonly restMs: number
  /** Until when one delivery finds out whether it is back, epoch ms; 0: none does. */
  readonly probeUntil: number
}

/** An endpoint that nothing bad is known of. */
export const CLOSED: Circuit = { failures: 0, restsUntil: 0, restMs: 0, probeUntil: 0 }

/** Whether a delivery may be sent now; if not, when it may be asked again. */
export type Passage =
  | { readonly passes: true; readonly circuit: Circuit }
  | { readonly passes: false; readonly until: number }

/** Asks for the way. After a rest one goes as a probe, and the others wait for what becomes of it. */
export function askPassage(circuit: Circuit, now: number): Passage {
  if (circuit.restsUntil === 0) return { passes: true, circuit }
  if (now < circuit.restsUntil) return { passes: false, until: circuit.restsUntil }
  if (now < circuit.probeUntil)
    return { passes: false, until: Math.min(circuit.probeUntil, now + FIRST_REST_MS) }
  return { passes: true, circuit: { ...circuit, probeUntil: now + PROBE_MS } }
}

/** It answered, be it that it refuses: it is there. */
export function afterAnswer(): Circuit {
  return CLOSED
}

/**
 * It failed once more.
 *
 * Range: rests of 5 s doubling to 5 min, half to all of it by `random` (0 <= random < 1); what the endpoint asked for is a
 *        lower bound. Failures of what was under way before the rest began do not lengthen it.
 */
export function afterFailure(
  circuit: Circuit,
  now: number,
  { random, askedForMs = 0 }: { readonly random: number; readonly askedForMs?: number },
): Circuit {
  const failures = circuit.failures + 1
  if (circuit.restsUntil > now) return { ...circuit, failures }
  const probed = circuit.restsUntil !== 0
  if (!probed && failures < FAILURES) return { ...circuit, failures }
  const restMs = probed ? Math.min(LONGEST_REST_MS, circuit.restMs * 2) : FIRST_REST_MS
  const rest = Math.round(Math.max(askedForMs, restMs * (0.5 + random / 2)))
  return { failures, restsUntil: now + rest, restMs, probeUntil: 0 }
}

/** Whether an endpoint is left alone. */
export function isOpen({ restsUntil }: Circuit): boolean {
  return restsUntil !== 0
}
