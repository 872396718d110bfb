import { CoreError } from '../core/index.ts'
import { check } from './commands/check.ts'
import { command } from './commands/command.ts'
import { connectionString } from './commands/connection-string.ts'
import { deadLetters } from './commands/dead-letters.ts'
import { demo } from './commands/demo.ts'
import { device } from './commands/device.ts'
import { evaluate } from './commands/eval.ts'
import { explain } from './commands/explain.ts'
import { method } from './commands/method.ts'
import { notification } from './commands/notification.ts'
import { page } from './commands/page.ts'
import { replay } from './commands/replay.ts'
import { signIn } from './commands/sign-in.ts'
import { start } from './commands/start.ts'
import { type Command, type ExitCode, processTerminal, type Terminal } from './terminal.ts'

/** Every command, in the order of the overview. */
const COMMANDS: readonly Command[] = [
  start,
  signIn,
  demo,
  check,
  evaluate,
  explain,
  notification,
  replay,
  deadLetters,
  device,
  connectionString,
  command,
  method,
  page,
]

/** Runs the CLI of this process and sets its exit code. */
export async function main(args: readonly string[]): Promise<void> {
  const terminal = processTerminal()
  // A reader that has seen enough (`| head`) is no fault.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
  process.exitCode = await run(args, terminal)
}

/** Runs one command. Errors of the core become one sentence and an exit code; others are bugs and are thrown. */
export async function run(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const [name, ...rest] = args
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    terminal.out(overview())
    return 0
  }
  const command = COMMANDS.find((candidate) => candidate.name === name)
  if (command === undefined) {
    terminal.err(`expected a command, found ${JSON.stringify(name)}\n\n${overview()}`)
    return 2
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    terminal.out(`${command.summary}\n\n${command.usage}\n`)
    return 0
  }
  try {
    return await command.run(rest, terminal)
  } catch (error) {
    if (!(error instanceof CoreError)) throw error
    terminal.err(`${error.message}\n`)
    if (error.code === 'usage.wrong') terminal.err(`\nusage: ${command.usage}\n`)
    return error.code === 'usage.wrong' || error.code === 'config.not_found' ? 2 : 1
  }
}

function overview(): string {
  const lines = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(19)}${summary}`)
  return `anyhub: one IoT backend, any cloud\n\n${lines.join('\n')}\n\nanyhub COMMAND --help tells more.\n`
}
