import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/** A process that a bench started. */
export interface Child {
  readonly pid: number
  /** The next line on its stdout. */
  nextLine(): Promise<string>
  /** The end of what it wrote to stderr. */
  said(): string
  /** Asks it to end, and ends it if it does not. Gives its exit code. */
  stop(): Promise<number | null>
}

/** How long a process may take to say something or to end. Unit: ms. */
const PATIENCE_MS = 60_000

/** Every process that still runs: whatever goes wrong, none is left behind. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

/** Starts a process of this Node. */
export function startNode(args: readonly string[], env: Readonly<Record<string, string>>): Child {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  const { pid } = child
  if (pid === undefined) throw new Error(`could not start ${args.join(' ')}`)
  running.add(child)
  const lines: string[] = []
  const readers: { resolve: (line: string) => void; reject: (error: Error) => void }[] = []
  let said = ''
  let ended = false
  const exited = new Promise<number | null>((resolve) => {
    child.once('close', (code) => {
      running.delete(child)
      ended = true
      for (const reader of readers.splice(0)) reader.reject(failure())
      resolve(code)
    })
  })
  const failure = (): Error =>
    new Error(`${args.join(' ')} ended with ${child.exitCode ?? child.signalCode}\n${said}`)
  child.stderr.on('data', (bytes: Buffer) => {
    said = (said + bytes.toString()).slice(-4_000)
  })
  createInterface({ input: child.stdout }).on('line', (line) => {
    const reader = readers.shift()
    if (reader === undefined) lines.push(line)
    else reader.resolve(line)
  })

  return {
    pid,
    nextLine() {
      const line = lines.shift()
      if (line !== undefined) return Promise.resolve(line)
      if (ended) return Promise.reject(failure())
      return new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`${args.join(' ')} said nothing in ${PATIENCE_MS} ms\n${said}`)),
          PATIENCE_MS,
        )
        const done = (): void => clearTimeout(timer)
        readers.push({
          resolve: (text) => {
            done()
            resolve(text)
          },
          reject: (error) => {
            done()
            reject(error)
          },
        })
      })
    },
    said: () => said,
    async stop() {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
      const code = await exited
      clearTimeout(timer)
      return code
    },
  }
}
