import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../../cli/main.ts'
import type { ExitCode, Terminal } from '../../cli/terminal.ts'

/** What a command of the CLI left behind. */
export interface CliResult {
  readonly code: ExitCode
  readonly out: string
  readonly err: string
}

export interface CliOptions {
  readonly stdin?: string | AsyncIterable<Uint8Array | string>
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly interactive?: boolean
  /** When the command is asked to end; never unless given. */
  readonly stopped?: Promise<void>
}

/** Runs one command in this process, with a terminal of its own and no environment. */
export async function runCli(
  args: readonly string[],
  options: CliOptions = {},
): Promise<CliResult> {
  const { stdin = '', env = {}, cwd = tmpdir(), interactive = false } = options
  let out = ''
  let err = ''
  const terminal: Terminal = {
    env,
    cwd,
    interactive,
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
    stdin: typeof stdin === 'string' ? chunksOf(stdin) : stdin,
    untilStopped: () => options.stopped ?? new Promise(() => undefined),
  }
  const code = await run(args, terminal)
  return { code, out, err }
}

async function* chunksOf(text: string): AsyncGenerator<string> {
  if (text !== '') yield text
}

/** A folder that is gone after use; `write` puts a file there and gives its path. */
export interface Folder {
  readonly path: string
  write(name: string, content: string | Uint8Array): string
  remove(): void
}

export function temporaryFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), 'anyhub-test-'))
  return {
    path,
    write(name, content) {
      const file = join(path, name)
      writeFileSync(file, content)
      return file
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  }
}

/** Lines of JSON. */
export function jsonl(values: readonly unknown[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join('')
}
