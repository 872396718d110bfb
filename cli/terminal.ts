import { CoreError } from '../core/index.ts'

/** How a command ends: 0 fine, 1 a finding, 2 wrong use. */
export type ExitCode = 0 | 1 | 2

/** What a command may use of the process. Tests give their own. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** True if a person is reading: then there are colours and progress bars. */
  readonly interactive: boolean
  out(text: string): void
  err(text: string): void
  readonly stdin: AsyncIterable<Uint8Array | string>
  /** Resolves when the process is asked to end (Ctrl-C, SIGTERM). */
  untilStopped(): Promise<void>
}

/** One command of the CLI. */
export interface Command {
  readonly name: string
  /** One line for the overview. */
  readonly summary: string
  readonly usage: string
  run(args: readonly string[], terminal: Terminal): Promise<ExitCode>
}

/** A sentence for wrong use of a command. */
export function wrongUse(message: string): CoreError {
  return new CoreError('usage.wrong', message)
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  // Listened to only where a command waits for it: the others end at once, as any program does.
  let stopped: Promise<void> | undefined
  return {
    env: process.env,
    cwd: process.cwd(),
    interactive: process.stdout.isTTY === true,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    stdin: process.stdin,
    untilStopped() {
      stopped ??= new Promise((resolve) => {
        process.once('SIGINT', () => resolve())
        process.once('SIGTERM', () => resolve())
      })
      return stopped
    },
  }
}
