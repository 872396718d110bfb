import { CoreError, type Json, type ScriptEngine, type ScriptLimits } from '../../core/index.ts'
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
    open(source, names, limits) {
      const { timeMs, memoryBytes, outputBytes } = limits
      // A byte order mark is none of the script, and what follows it stays on its line.
      const text = source.startsWith('﻿') ? source.slice(1) : source
      const prepared = attempt('the script', limits, () =>
        sandbox().prepare(text, names, {
          timeMs: Math.max(timeMs, LEAST_READING_MS),
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
          const answer = attempt(name, limits, () =>
            sandbox().call(prepared, request, { timeMs, now }),
          )
          return readAnswer(name, answer)
        },
      }
    },
  }
}

/** What goes wrong inside, as the codec says it. */
function attempt<T>(name: string, { timeMs }: ScriptLimits, run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (error instanceof Refused) throw faultOf(name, error.answer)
    if (!(error instanceof Stopped)) throw error
    throw error.reason === 'time'
      ? new CoreError('codec.script_timeout', `expected ${name} to end within ${timeMs} ms`)
      : new CoreError('codec.script_limit', `expected ${name} to nest less deeply`)
  }
}

function readAnswer(
  name: string,
  answer: string,
): { value: Json | undefined; warnings: readonly string[] } {
  if (answer === 'u') return { value: undefined, warnings: NO_WARNINGS }
  if (!answer.startsWith('v')) throw faultOf(name, answer)
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

function faultOf(name: string, answer: string): CoreError {
  const { text, line, column = 1 }: Fault = JSON.parse(answer.slice(1))
  const where = line > 0 ? `, at line ${line}` : ''
  const position = line > 0 ? { position: { line, column } } : {}
  return answer.startsWith('l')
    ? new CoreError('codec.script_limit', `${name}: ${text}${where}`, position)
    : new CoreError('codec.script_failed', `${name}: ${text}${where}`, position)
}
