import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createApi } from './api.ts'
import { Bundler, type Repacked, repack } from './bundle.ts'
import {
  EVENTS,
  FunctionConfig,
  jsonSchema,
  ProviderConfig,
  Resources,
  ServiceConfig,
} from './config.ts'
import type { Context } from './context.ts'
import { deploy, deployFunction, remove } from './deploy.ts'
import { DeployError } from './errors.ts'
import { type Invocation, info, invoke, logs } from './look.ts'
import { createNames } from './names.ts'
import { type PlannedFunction, planFunctions } from './plan.ts'

/** What we use of the CLI. */
interface Serverless {
  readonly serviceDir: string
  readonly service: {
    readonly service: string
    readonly provider: { readonly name: string; readonly stage?: string; readonly region?: string }
    readonly functions: Readonly<Record<string, unknown>>
    readonly resources?: unknown
    readonly package: { readonly path?: string }
  }
  readonly classes: { readonly Error: new (message: string, code: string) => Error }
  readonly pluginManager: {
    addPlugin(plugin: unknown): void
    spawn(command: string): Promise<void>
  }
  readonly configSchemaHandler: {
    defineProvider(name: string, schema: Readonly<Record<string, unknown>>): void
  }
  setProvider(name: string, provider: unknown): void
}

type Options = Readonly<Record<string, string | boolean | undefined>>

interface Utils {
  readonly log: { notice(text: string): void }
  writeText(text: string | readonly string[]): void
}

const NAME = 'gcp'
const FOLDER = '.serverless'

/** Functions are in each region; there is no region that fits all. */
const DEFAULT_REGION = 'europe-west1'

/** The provider `gcp` of the Serverless CLI. */
export default class GcpProvider {
  static getProviderName(): string {
    return NAME
  }

  readonly hooks: Readonly<Record<string, () => Promise<void>>>
  /** The CLI takes a plugin with a provider as one for this provider only. */
  readonly provider: GcpProvider
  readonly naming = {}
  readonly #serverless: Serverless
  readonly #options: Options
  readonly #utils: Utils
  readonly #packed = new Map<string, Repacked>()

  constructor(serverless: Serverless, options: Options, utils: Utils) {
    this.#serverless = serverless
    this.#options = options
    this.#utils = utils
    this.provider = this
    serverless.setProvider(NAME, this)
    serverless.configSchemaHandler.defineProvider(NAME, {
      provider: withProperties(ProviderConfig),
      function: withProperties(FunctionConfig),
      resources: jsonSchema(Resources),
      functionEvents: Object.fromEntries(
        Object.entries(EVENTS).map(([event, schema]) => [event, jsonSchema(schema)]),
      ),
    })
    if (serverless.service.provider.name === NAME) serverless.pluginManager.addPlugin(Bundler)
    const told = (work: () => Promise<void>) => () => this.#told(work)
    this.hooks = {
      'package:cleanup': told(() => this.#clean()),
      'package:compileFunctions': told(() => this.#pack(this.#plan())),
      'package:finalize': told(() => this.#writePlan()),
      'deploy:deploy': told(() => this.#deploy()),
      'deploy:function:packageFunction': told(async () => {}),
      'deploy:function:deploy': told(() => this.#deployFunction()),
      'info:info': told(() => this.#info()),
      'remove:remove': told(() => remove(this.#context())),
      'logs:logs': told(() => this.#logs()),
      'invoke:invoke': told(() => this.#invoke()),
      'before:invoke:local:loadEnvVars': told(async () => {
        throw new DeployError(
          'invoke local: not here\n  do: npx functions-framework --source (folder of an unpacked zip) --target (export)',
        )
      }),
    }
  }

  /** The CLI prints errors of its own kind as a message, others with their stack. */
  async #told(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      const cause = error instanceof Error ? (error.cause ?? error) : error
      if (error instanceof Error && cause instanceof DeployError)
        throw new this.#serverless.classes.Error(error.message, 'GCP_FAILED')
      throw error
    }
  }

  #config(): ServiceConfig {
    const { service } = this.#serverless
    const parsed = ServiceConfig.safeParse({
      service: service.service,
      stage: this.#text('stage') ?? service.provider.stage ?? 'dev',
      provider: service.provider,
      functions: service.functions,
      resources: service.resources,
    })
    if (parsed.success) return parsed.data
    const faults = parsed.error.issues.map(({ path, message }) => `  ${path.join('.')}: ${message}`)
    throw new DeployError(`expected a yml without faults:\n${faults.join('\n')}`)
  }

  #context(): Context {
    const config = this.#config()
    const { project, region, labels, operations } = config.provider
    const { bigquery, firestore, buckets = {} } = config.resources
    const names = createNames({
      service: config.service,
      stage: config.stage,
      project,
      region: region ?? DEFAULT_REGION,
      labels,
      dataset: bigquery?.dataset,
      database: firestore?.database,
      buckets: Object.fromEntries(
        Object.entries(buckets).map(([key, given]) => [key, given?.name]),
      ),
    })
    const api = createApi({
      project,
      firstPollMs: operations?.firstPollMs ?? 1_000,
      maxPollMs: operations?.maxPollMs ?? 10_000,
      timeoutMs: operations?.timeoutMs ?? 900_000,
      env: process.env,
    })
    return { api, names, config, say: (text) => this.#utils.log.notice(text) }
  }

  #plan(context: Context = this.#context()): readonly PlannedFunction[] {
    return planFunctions(context.config, context.names)
  }

  #one(context: Context): PlannedFunction {
    const key = this.#text('function')
    const found = this.#plan(context).find((planned) => planned.key === key)
    if (found !== undefined) return found
    throw new DeployError(
      `function ${key}: expected one of ${Object.keys(context.config.functions).join(', ')}`,
    )
  }

  #text(option: string): string | undefined {
    const value = this.#options[option]
    return typeof value === 'string' ? value : undefined
  }

  #path(...parts: readonly string[]): string {
    return resolve(this.#serverless.serviceDir, ...parts)
  }

  /** What an earlier package of another provider left would be taken for ours. */
  async #clean(): Promise<void> {
    const folder = this.#path(FOLDER)
    if (!existsSync(folder)) return
    for (const name of readdirSync(folder))
      if (/\.zip$|-plan\.json$|^cloudformation-|^serverless-state\.json$/.test(name))
        rmSync(join(folder, name), { recursive: true })
  }

  /** Makes of each zip of the bundler one that Cloud Functions takes. */
  async #pack(functions: readonly PlannedFunction[], from?: string): Promise<void> {
    const { functions: given } = this.#config()
    for (const { key, body } of functions) {
      const config = given[key]
      const artifact =
        from === undefined
          ? (config?.package.artifact ?? join(FOLDER, `${key}.zip`))
          : join(from, `${key}.zip`)
      const path = this.#path(artifact)
      if (!existsSync(path))
        throw new DeployError(`function ${key}: expected its zip at ${artifact}; run sls package`)
      const { runtime } = FunctionConfig.pick({ runtime: true }).parse(body['buildConfig'])
      const packed = repack(path, {
        key,
        handler: config?.handler ?? '',
        runtime: runtime ?? '',
        extras: config?.package.patterns?.filter((pattern) => !pattern.startsWith('!')).length ?? 0,
      })
      this.#packed.set(key, packed)
    }
  }

  async #writePlan(): Promise<void> {
    const { names, config } = this.#context()
    const functions = this.#plan().map(({ key, name, events, body }) => {
      const { code, files, bytes } = this.#codeOf(key)
      return { key, name, code, bytes: bytes.length, files, events, body }
    })
    const plan = {
      project: names.project,
      region: names.region,
      functions,
      resources: config.resources,
    }
    const folder = this.#text('package') ?? this.#serverless.service.package.path ?? FOLDER
    mkdirSync(this.#path(folder), { recursive: true })
    for (const { key } of functions)
      writeFileSync(this.#path(folder, `${key}.zip`), this.#codeOf(key).bytes)
    writeFileSync(this.#path(folder, 'gcp-plan.json'), `${JSON.stringify(plan, null, 2)}\n`)
  }

  readonly #codeOf = (key: string): Repacked => {
    const found = this.#packed.get(key)
    if (found === undefined) throw new DeployError(`function ${key}: not packaged; run sls package`)
    return found
  }

  async #deploy(): Promise<void> {
    const context = this.#context()
    const functions = this.#plan(context)
    const from = this.#text('package') ?? this.#serverless.service.package.path
    if (from !== undefined) await this.#pack(functions, from)
    await deploy(context, {
      functions,
      codeOf: this.#codeOf,
      force: this.#options['force'] === true,
    })
    const { prefix, project, region } = context.names
    this.#utils.log.notice(`deployed ${prefix} to project ${project}, region ${region}`)
  }

  async #deployFunction(): Promise<void> {
    const context = this.#context()
    const planned = this.#one(context)
    await this.#pack([planned])
    await deployFunction(
      context,
      planned,
      this.#codeOf(planned.key),
      this.#options['force'] === true,
    )
  }

  async #info(): Promise<void> {
    this.#utils.writeText(await info(this.#context()))
  }

  async #logs(): Promise<void> {
    const context = this.#context()
    const planned = this.#one(context)
    const everyMs = Number(this.#text('interval') ?? 1_000)
    let startTime = this.#text('startTime')
    for (;;) {
      const { lines, last } = await logs(context, planned, {
        startTime,
        filter: this.#text('filter'),
        nowMs: Date.now(),
      })
      if (lines.length > 0) this.#utils.writeText(lines)
      if (this.#options['tail'] !== true) return
      startTime = last ?? startTime ?? new Date().toISOString()
      await new Promise((done) => setTimeout(done, everyMs))
    }
  }

  async #invoke(): Promise<void> {
    const context = this.#context()
    const file = this.#text('path')
    const data =
      file === undefined ? (this.#text('data') ?? '') : readFileSync(this.#path(file), 'utf8')
    const invocation: Invocation = { data, nowMs: Date.now(), id: randomUUID() }
    this.#utils.writeText(await invoke(context, this.#one(context), invocation))
  }
}

function withProperties(
  schema: typeof ProviderConfig | typeof FunctionConfig,
): Record<string, unknown> {
  const { properties } = jsonSchema(schema)
  return { properties }
}
