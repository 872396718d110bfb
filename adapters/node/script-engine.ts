import { CoreError, type Json, type ScriptEngine, type ScriptResult } from '../../core/index.ts'
import { openSandbox, Refused, type Sandbox, Stopped } from './script/sandbox.ts'
import { readInterpreter } from './script/wasm.ts'

/** A script may take longer to be read than to be called. Unit: ms. */
const LEAST_READING_MS = 1_000

/**
 * Runs scripts in QuickJS, compiled to WebAssembly: docs/adr/0032. The interpreter is loaded when the first script is
 * opened.
 */
export function createScriptEngine(): ScriptEngine {
  let opened: Sandbox | undefined
  const sandbox = (): Sandbox => {
    opened ??= openSandbox(new WebAssembly.Module(new Uint8Array(readInterpreter())))
    return opened
  }

  return {
    open(source, names, limits, called = 'the script') {
      const { timeMs, memoryBytes, outputBytes } = limits
      // A byte order mark is none of the script, and what follows it stays on its line.
      const text = source.startsWith('﻿') ? source.slice(1) : source
      const lines = text.split('\n')
      const readingMs = Math.max(timeMs, LEAST_READING_MS)
      const prepared = attempt({ name: called, lines, timeMs: readingMs }, () =>
        sandbox().prepare(text, names, {
          timeMs: readingMs,
          // Before any message there is no time.
          now: 0,
          memoryBytes,
          outputBytes,
        }),
      )
      return {
        names: prepared.names,
        call: (name, args, now) => {
          const request = JSON.stringify([name, ...args])
          const run: Run = { name, lines, timeMs }
          return readAnswer(
            run,
            attempt(run, () => sandbox().call(prepared, request, { timeMs, now })),
          )
        },
      }
    },
  }
}

/** What runs, for the words about it. */
interface Run {
  readonly name: string
  readonly lines: readonly string[]
  readonly timeMs: number
}

/** What goes wrong inside, as the codec says it. */
function attempt<T>(run: Run, inside: () => T): T {
  try {
    return inside()
  } catch (error) {
    if (error instanceof Refused) throw faultOf(run, error.answer)
    if (!(error instanceof Stopped)) throw error
    throw error.reason === 'time'
      ? new CoreError('codec.script_timeout', `expected ${run.name} to end within ${run.timeMs} ms`)
      : new CoreError('codec.script_limit', `expected ${run.name} to nest less deeply`)
  }
}

function readAnswer(run: Run, answer: string): ScriptResult {
  if (answer === 'u') return { value: undefined, warnings: NO_WARNINGS }
  if (!answer.startsWith('v')) throw faultOf(run, answer)
  const { value, odd }: { value?: Json; odd?: readonly string[] } = JSON.parse(answer.slice(1))
  return {
    value,
    warnings:
      odd === undefined
        ? NO_WARNINGS
        : odd.map((what) => `${what}: JSON has no such value, it is null`),
  }
}

const NO_WARNINGS: readonly string[] = []

/** The prelude's words for what was thrown inside. */
interface Fault {
  readonly text: string
  readonly line: number
  readonly column?: number
}

function faultOf({ name, lines }: Run, answer: string): CoreError {
  const { text, line, column = 1 }: Fault = JSON.parse(answer.slice(1))
  const code = answer.startsWith('l') ? 'codec.script_limit' : 'codec.script_failed'
  if (line < 1) return new CoreError(code, `${name}: ${text}`)
  // The interpreter keeps the place of calls; of other faults it knows the function.
  const rest = lines[line - 1]?.slice(column - 1) ?? ''
  const where = rest.startsWith('function') ? 'in the function at line' : 'at line'
  return new CoreError(code, `${name}: ${text}, ${where} ${line}`, { position: { line, column } })
}
