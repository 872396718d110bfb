import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { unzipSync } from 'fflate'

/** The value of a trigger as the protocol between host and worker has it. */
export interface TypedData {
  readonly json?: string
  readonly string?: string
  readonly bytes?: Uint8Array
  readonly collectionBytes?: { readonly bytes: readonly Uint8Array[] }
  readonly collectionString?: { readonly string: readonly string[] }
  readonly http?: {
    readonly method: string
    readonly url: string
    readonly headers?: Readonly<Record<string, string>>
    readonly params?: Readonly<Record<string, string>>
    readonly query?: Readonly<Record<string, string>>
    readonly body?: TypedData
    readonly rawBody?: TypedData
  }
}

export interface InvokeOptions {
  readonly triggerMetadata?: Readonly<Record<string, unknown>>
  readonly retryContext?: { readonly retryCount: number; readonly maxRetryCount: number }
}

/** What became of one call. */
export interface Invoked {
  readonly result: { readonly status: 'success' | 'failure' }
  readonly error?: Error
  readonly returnValue?: {
    readonly http?: {
      readonly statusCode?: string
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: TypedData
    }
  }
}

/** A function as it registered itself. */
export interface Registered {
  readonly name: string
  readonly trigger: Readonly<Record<string, unknown>> & { readonly type: string }
  readonly retryOptions: unknown
}

/** An app that was unpacked and started, with a stand-in for the host. */
export interface RunningApp {
  readonly folder: string
  readonly functions: readonly Registered[]
  invoke(name: string, data: TypedData, options?: InvokeOptions): Promise<Invoked>
  /** What functions logged so far. */
  logs(): readonly { readonly message: string }[]
  /** Ends it as the host does, which waits for what it does then. */
  terminate(): Promise<unknown>
  stop(): void
}

interface Core {
  readonly testing: {
    readonly functions: ReadonlyMap<
      string,
      {
        readonly metadata: {
          readonly bindings: Readonly<Record<string, Registered['trigger']>>
          readonly retryOptions?: unknown
        }
      }
    >
    readonly logs: readonly { readonly message: string }[]
    invoke(name: string, data: TypedData, options?: InvokeOptions): Promise<Invoked>
    terminate(): Promise<unknown>
  }
}

/** Files of a zip, by their names. */
export function filesOf(zip: Uint8Array): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(unzipSync(zip)).map(([name, bytes]) => [name, Buffer.from(bytes).toString()]),
  )
}

/** Unpacks a published zip into a folder of its own, beside a stand-in for what the host of Azure brings. */
export function unpack(zip: Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), 'anyhub-azure-app-'))
  for (const [name, text] of Object.entries(filesOf(zip))) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  const core = join(folder, 'node_modules/@azure/functions-core')
  mkdirSync(core, { recursive: true })
  cpSync(join(import.meta.dirname, 'functions-core.cjs'), join(core, 'index.js'))
  return folder
}

/** Starts the app of a zip in this process, with these settings as its environment while it loads. */
export function startApp(zip: Uint8Array, env: Readonly<Record<string, string>> = {}): RunningApp {
  const folder = unpack(zip)
  const require = createRequire(join(folder, 'x.js'))
  Object.assign(process.env, env)
  require(folder)
  const { testing }: Core = require('@azure/functions-core')
  return {
    folder,
    functions: [...testing.functions].map(([name, { metadata }]) => {
      const trigger = Object.values(metadata.bindings).find(({ type }) => /trigger$/i.test(type))
      if (trigger === undefined) throw new Error(`expected a trigger of ${name}, found none`)
      return { name, trigger, retryOptions: metadata.retryOptions }
    }),
    invoke: testing.invoke,
    terminate: testing.terminate,
    logs: () => testing.logs,
    stop() {
      for (const name of Object.keys(env)) delete process.env[name]
      rmSync(folder, { recursive: true })
    },
  }
}
