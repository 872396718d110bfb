import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createApi } from './api.ts'
import { makePackage, type Package, readPackage } from './bundle.ts'
import {
  EVENTS,
  FunctionConfig,
  jsonSchema,
  ProviderConfig,
  Resources,
  ServiceConfig,
} from './config.ts'
import type { Context } from './context.ts'
import { deploy, deployCode } from './deploy.ts'
import { type PlannedFunction, planFunctions } from './entry.ts'
import { DeployError } from './errors.ts'
import { findGroup } from './group.ts'
import { info, invoke, logs } from './look.ts'
import { createNames } from './names.ts'
import { remove } from './remove.ts'
import { planTemplate } from './template.ts'

/** What we use of the CLI. */
interface Serverless {
  readonly serviceDir: string
  readonly service: {
    readonly service: string
    readonly provider: { readonly name: string; readonly stage?: string; readonly region?: string }
    readonly functions: Readonly<Record<string, { package?: { artifact?: string } }>>
    readonly resources?: unknown
    readonly custom?: { readonly esbuild?: unknown }
    readonly package: { readonly path?: string; artifact?: string }
  }
  readonly classes: { readonly Error: new (message: string, code: string) => Error }
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

const NAME = 'azure'
const FOLDER = '.serverless'
const ZIP = 'app.zip'
const TEMPLATE = 'azure-template.json'
const PLAN = 'azure-plan.json'

const DEFAULT_REGION = 'westeurope'

/** The provider `azure` of the Serverless CLI. */
export default class AzureProvider {
  static getProviderName(): string {
    return NAME
  }

  readonly hooks: Readonly<Record<string, () => Promise<void>>>
  /** The CLI takes a plugin with a provider as one for this provider only. */
  readonly provider: AzureProvider
  readonly naming = {}
  readonly #serverless: Serverless
  readonly #options: Options
  readonly #utils: Utils
  #packed: Package | undefined

  constructor(serverless: Serverless, options: Options, utils: Utils) {
    this.#serverless = serverless
    this.#options = options
    this.#utils = utils
    this.provider = this
    serverless.setProvider(NAME, this)
    serverless.configSchemaHandler.defineProvider(NAME, {
      provider: { properties: jsonSchema(ProviderConfig)['properties'] },
      function: { properties: jsonSchema(FunctionConfig)['properties'] },
      resources: jsonSchema(Resources),
      functionEvents: Object.fromEntries(
        Object.entries(EVENTS).map(([event, schema]) => [event, jsonSchema(schema)]),
      ),
    })
    const told = (work: () => Promise<void>) => () => this.#told(work)
    this.hooks = {
      'package:cleanup': told(() => this.#clean()),
      // Before the CLI zips the whole directory, secrets included.
      'before:package:createDeploymentArtifacts': told(() => this.#pack()),
      'package:finalize': told(() => this.#writePlan()),
      'deploy:deploy': told(() => this.#deploy()),
      'deploy:function:packageFunction': told(() => this.#pack()),
      'deploy:function:deploy': told(() => this.#deployFunction()),
      'info:info': told(async () => this.#utils.writeText(await info(this.#context()))),
      'remove:remove': told(() => remove(this.#context())),
      'logs:logs': told(() => this.#logs()),
      'invoke:invoke': told(() => this.#invoke()),
      'before:invoke:local:loadEnvVars': told(async () => {
        throw new DeployError(
          'invoke local: not here\n  do: func start (Azure Functions Core Tools) in the folder of an unpacked zip',
        )
      }),
    }
  }

  /** The CLI prints errors of its own kind as a message, others with their stack. */
  async #told(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (error instanceof DeployError)
        throw new this.#serverless.classes.Error(error.message, 'AZURE_FAILED')
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
      bundling: service.custom?.esbuild,
      resources: service.resources,
    })
    if (parsed.success) return parsed.data
    const faults = parsed.error.issues.map(({ path, message }) => `  ${path.join('.')}: ${message}`)
    throw new DeployError(`expected a yml without faults:\n${faults.join('\n')}`)
  }

  #context(): Context {
    const config = this.#config()
    const { subscriptionId, resourceGroup, region, tags, operations } = config.provider
    const names = createNames({
      service: config.service,
      stage: config.stage,
      subscriptionId,
      region: region ?? DEFAULT_REGION,
      resourceGroup,
      tags,
    })
    const api = createApi({
      firstPollMs: operations?.firstPollMs ?? 1_000,
      maxPollMs: operations?.maxPollMs ?? 10_000,
      timeoutMs: operations?.timeoutMs ?? 1_800_000,
      env: process.env,
    })
    return { api, names, config, say: (text) => this.#utils.log.notice(text) }
  }

  /** The function that was asked for: by the yml's name, or by Azure's. */
  #one(context: Context): PlannedFunction {
    const key = this.#text('function')
    const planned = planFunctions(context.config)
    const found = planned.find((one) => one.name === key) ?? planned.find((one) => one.key === key)
    if (found !== undefined) return found
    throw new DeployError(
      `function ${key}: expected one of ${planned.map(({ name }) => name).join(', ')}`,
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
      if (
        /\.zip$|-plan\.json$|-template\.json$|^cloudformation-|^serverless-state\.json$/.test(name)
      )
        rmSync(join(folder, name), { recursive: true })
  }

  async #pack(): Promise<void> {
    const { config, names } = this.#context()
    const functions = planFunctions(config)
    planTemplate(config, names, functions)
    this.#packed = await makePackage(this.#path(), config, functions)
    mkdirSync(this.#path(FOLDER), { recursive: true })
    const artifact = join(FOLDER, ZIP)
    writeFileSync(this.#path(artifact), this.#packed.bytes)
    this.#serverless.service.package.artifact = artifact
    // For a yml that says `individually`.
    for (const one of Object.values(this.#serverless.service.functions))
      one.package = { ...one.package, artifact }
  }

  /** What would be deployed, for whoever looks; values of secrets are no part of it. */
  async #writePlan(): Promise<void> {
    const { config, names } = this.#context()
    const functions = planFunctions(config)
    const { template } = planTemplate(config, names, functions)
    const { bytes, code, files } = this.#code()
    const plan = {
      subscriptionId: names.subscriptionId,
      resourceGroup: names.group,
      region: names.region,
      app: names.app,
      code,
      bytes: bytes.length,
      files,
      functions: functions.map(({ name, kind, options }) => ({ name, kind, options })),
    }
    const folder = this.#text('package') ?? this.#serverless.service.package.path ?? FOLDER
    mkdirSync(this.#path(folder), { recursive: true })
    writeFileSync(this.#path(folder, ZIP), bytes)
    writeFileSync(this.#path(folder, TEMPLATE), `${JSON.stringify(template, null, 2)}\n`)
    writeFileSync(this.#path(folder, PLAN), `${JSON.stringify(plan, null, 2)}\n`)
  }

  #code(): Package {
    if (this.#packed === undefined) throw new DeployError('app: not packaged; run sls package')
    return this.#packed
  }

  async #deploy(): Promise<void> {
    const context = this.#context()
    const functions = planFunctions(context.config)
    const from = this.#text('package') ?? this.#serverless.service.package.path
    if (from !== undefined) {
      const path = this.#path(from, ZIP)
      if (!existsSync(path))
        throw new DeployError(`expected the zip at ${join(from, ZIP)}; run sls package`)
      this.#packed = readPackage(readFileSync(path), join(from, ZIP))
    }
    await deploy(context, {
      functions,
      planned: planTemplate(context.config, context.names, functions),
      code: this.#code(),
      force: this.#options['force'] === true,
    })
    const { prefix, group, region } = context.names
    this.#utils.log.notice(`deployed ${prefix} to resource group ${group}, region ${region}`)
  }

  /** All functions are in one zip: the code of all is published, what stands around them stays as it is. */
  async #deployFunction(): Promise<void> {
    const context = this.#context()
    this.#one(context)
    const functions = planFunctions(context.config)
    await deployCode(
      context,
      { functions, code: this.#code(), force: this.#options['force'] === true },
      await findGroup(context),
    )
  }

  async #logs(): Promise<void> {
    const context = this.#context()
    const planned = this.#one(context)
    const everyMs = Number(this.#text('interval') ?? 5_000)
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
    this.#utils.writeText(await invoke(context, this.#one(context), data))
  }
}
