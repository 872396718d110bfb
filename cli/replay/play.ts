import { setTimeout as sleep } from 'node:timers/promises'
import type { Terminal } from '../terminal.ts'
import { createPace, type Speed } from './pace.ts'
import { startProgress } from './progress.ts'
import type { Recording } from './recording.ts'
import type { FaultLog, ReplayResult } from './report.ts'
import type { OnFault, Sink } from './sink.ts'

/** A timer holds no longer wait. Unit: ms. */
const LONGEST_SLEEP_MS = 60_000

export interface PlayOptions {
  readonly recording: Recording
  readonly openSink: (onFault: OnFault) => Promise<Sink>
  readonly speed: Speed
  readonly faults: FaultLog
  readonly terminal: Terminal
}

/**
 * Plays a recording into a cloud, until it ends or somebody stops it.
 * @throws CoreError of the sink, if the cloud cannot be reached or went away.
 */
export async function play({
  recording,
  openSink,
  speed,
  faults,
  terminal,
}: PlayOptions): Promise<{ readonly result: ReplayResult; readonly stopped: boolean }> {
  let messages = 0
  const sink = await openSink((fault) => {
    messages--
    faults.add(fault)
  })
  const stop = new AbortController()
  void terminal.untilStopped().then(() => stop.abort())
  const pace = createPace(speed, performance.now.bind(performance))
  const progress = startProgress(terminal, {
    messages: () => messages,
    share: () => (recording.size === 0 ? 0 : recording.bytesRead() / recording.size),
  })
  const started = performance.now()
  try {
    for await (const message of recording.messages) {
      if (stop.signal.aborted) break
      if ('reason' in message) {
        faults.add(message)
        continue
      }
      for (let wait = pace.waitFor(message.at); wait > 0; wait = pace.waitFor(message.at)) {
        sink.flush()
        await sleep(Math.min(wait, LONGEST_SLEEP_MS), undefined, { signal: stop.signal }).catch(
          () => undefined,
        )
        if (stop.signal.aborted) break
      }
      if (stop.signal.aborted) break
      messages++
      const room = sink.send(message)
      if (room !== undefined) await room
    }
    const received = await sink.finish()
    const seconds = Math.round(performance.now() - started) / 1_000
    const result = { messages, ...received, seconds, faulty: faults.count, faults: faults.first }
    return { result, stopped: stop.signal.aborted }
  } finally {
    progress.stop()
    await sink.close()
  }
}
