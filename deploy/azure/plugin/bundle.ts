import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { type BuildFailure, type BuildOptions, build, type Plugin } from 'esbuild'
import { strToU8, unzipSync, type Zippable, zipSync } from 'fflate'
import { isApart, keepApart } from './apart.ts'
import type { ServiceConfig } from './config.ts'
import { entrySource, type PlannedFunction } from './entry.ts'
import { DeployError } from './errors.ts'

/** Zips carry a date in local time; without one of our own the same code makes another zip each day. */
const MTIME = '1980-01-01T00:00:00'

const ENDINGS = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs'] as const

/** Triggers of other languages than .NET. Source: Azure Functions, "Extension bundles". */
const EXTENSIONS = { id: 'Microsoft.Azure.Functions.ExtensionBundle', version: '[4.*, 5.0.0)' }

/** What is published: the files of the app, and nothing else. */
export interface Package {
  readonly bytes: Uint8Array
  /** SHA-256 of the zip. */
  readonly code: string
  readonly files: readonly string[]
}

/** What every zip for this provider holds. */
const FILES: readonly string[] = ['host.json', 'index.js', 'package.json']

/**
 * An entry that registers all functions, and the functions: in it, or with `split` each file of handlers as a
 * bundle of its own, which is read when one of its functions is first called. The same code makes the same bytes.
 * CommonJS: modules that a handler asks for are evaluated when it is first called, and nothing is looked up on disk but
 * these files and the packages that the yml keeps apart.
 * @throws DeployError with what esbuild says, or if a handler is not there.
 */
export async function makePackage(
  folder: string,
  config: ServiceConfig,
  functions: readonly PlannedFunction[],
): Promise<Package> {
  const { runtime, host } = config.provider
  const {
    target,
    minify = true,
    plugins,
    external = [],
    apart = [],
    split = false,
  } = config.bundling
  const node = runtime.replace('nodejs', '')
  const files = new Map(functions.map((planned) => [planned, fileOf(folder, planned)]))
  await checkExports(functions, files)
  const bundled = async (
    from: Pick<BuildOptions, 'stdin' | 'entryPoints'>,
    more: readonly Plugin[],
  ): Promise<Uint8Array> => {
    const { outputFiles } = await build({
      ...from,
      bundle: true,
      write: false,
      outfile: 'index.js',
      platform: 'node',
      format: 'cjs',
      target: target ?? `node${node}`,
      minify,
      legalComments: 'none',
      mainFields: ['module', 'main'],
      // The host of Azure gives it to whoever requires it; there is no such package.
      external: ['@azure/functions-core', ...external],
      plugins: [...more, ...loadPlugins(folder, plugins)],
      logLevel: 'silent',
    }).catch(throwTold)
    const [bundle] = outputFiles ?? []
    if (bundle === undefined) throw new DeployError('bundle: esbuild made nothing')
    return bundle.contents
  }
  const written = (contents: string) => ({
    stdin: { contents, resolveDir: folder, sourcefile: 'functions.js' },
  })
  const kept = keepApart(apart)
  const apartFrom = (root: string) => (apart.length === 0 ? [] : [kept.pluginAt(root)])
  const own = split ? ownBundles(files) : new Map<string, string>()
  const entry = entrySource(functions, (planned) => {
    const file = files.get(planned) ?? ''
    const bundle = own.get(file)
    return bundle === undefined
      ? `import(${JSON.stringify(file)})`
      : `Promise.resolve().then(() => require("./${bundle}"))`
  })
  const others: Record<string, Uint8Array> = {}
  // One after the other: what is kept apart is numbered in the order in which it is asked for.
  for (const [file, bundle] of own)
    others[bundle] = await bundled({ entryPoints: [file] }, apartFrom('../'))
  const index = await bundled(written(entry), [...apartFrom('./'), leaveOut(own)])
  for (const [file, source] of kept.sources()) others[file] = await bundled(written(source), [])
  return pack({
    'host.json': json({ version: '2.0', extensionBundle: EXTENSIONS, ...host }),
    'index.js': index,
    ...others,
    'package.json': json({
      name: `${config.service}-${config.stage}`,
      private: true,
      main: 'index.js',
      engines: { node: `>=${node}` },
    }),
  })
}

/** For each file of handlers its bundle in the zip, named after the first function that is in it. */
function ownBundles(files: ReadonlyMap<PlannedFunction, string>): ReadonlyMap<string, string> {
  const bundles = new Map<string, string>()
  for (const [{ key }, file] of files)
    if (!bundles.has(file)) bundles.set(file, `functions/${key}.js`)
  return bundles
}

/** Leaves bundles of the zip to whoever requires them there. */
function leaveOut(bundles: ReadonlyMap<string, string>): Plugin {
  const paths = new Set([...bundles.values()].map((bundle) => `./${bundle}`))
  return {
    name: 'bundles',
    setup(building) {
      building.onResolve({ filter: /^\.\/functions\// }, ({ path }) =>
        paths.has(path) ? { path, external: true } : undefined,
      )
    },
  }
}

/** Whether a file of a zip is the bundle of functions that is read when one of them is called. */
const isOwnBundle = (name: string): boolean => /^functions\/[A-Za-z][\w-]*\.js$/.test(name)

/** A zip that was packaged before. @throws DeployError if it holds anything else than ours do. */
export function readPackage(bytes: Uint8Array, path: string): Package {
  const files = Object.keys(unzipSync(bytes)).sort()
  if (files.filter((name) => !isApart(name) && !isOwnBundle(name)).join() !== FILES.join())
    throw new DeployError(
      `${path}: expected ${FILES.join(', ')} and nothing else, found ${files.slice(0, 8).join(', ')}`,
    )
  return { bytes, code: codeOf(bytes), files }
}

function pack(files: Readonly<Record<string, Uint8Array>>): Package {
  const zippable: Zippable = {}
  for (const name of Object.keys(files).sort())
    zippable[name] = [files[name] ?? new Uint8Array(), { mtime: MTIME, level: 9 }]
  const bytes = zipSync(zippable)
  return { bytes, code: codeOf(bytes), files: Object.keys(zippable) }
}

const codeOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

const json = (value: unknown) => strToU8(`${JSON.stringify(value, null, 2)}\n`)

function fileOf(folder: string, { key, file }: PlannedFunction): string {
  const found = ENDINGS.map((ending) => resolve(folder, `${file}${ending}`)).find(existsSync)
  if (found !== undefined) return found
  throw new DeployError(
    `functions.${key}.handler: expected the file ${file}.ts (or .js), found none`,
  )
}

/** An export that is not there would first be missed by Azure. */
async function checkExports(
  functions: readonly PlannedFunction[],
  files: ReadonlyMap<PlannedFunction, string>,
): Promise<void> {
  const paths = [...new Set(files.values())]
  const { metafile } = await build({
    entryPoints: paths,
    bundle: false,
    write: false,
    metafile: true,
    format: 'esm',
    outdir: '.',
    absWorkingDir: '/',
    logLevel: 'silent',
  }).catch(throwTold)
  const exportsOf = new Map(
    Object.values(metafile.outputs).map(({ entryPoint = '', exports }) => [
      join('/', entryPoint),
      exports,
    ]),
  )
  for (const planned of functions) {
    const { key, exported } = planned
    const there = exportsOf.get(files.get(planned) ?? '')
    // One that exports by `module.exports` or `export *` does not say what.
    if (there === undefined || there.length === 0 || there.includes(exported)) continue
    throw new DeployError(
      `functions.${key}.handler: expected the export ${exported} of ${planned.file}, found ${there.join(', ')}`,
    )
  }
}

function loadPlugins(folder: string, path: string | undefined): Plugin[] {
  if (path === undefined) return []
  const loaded: unknown = createRequire(join(folder, 'x.js'))(resolve(folder, path))
  if (Array.isArray(loaded)) return loaded
  throw new DeployError(`custom.esbuild.plugins: expected a list of plugins in ${path}`)
}

function throwTold(error: unknown): never {
  if (!isBuildFailure(error)) throw error
  const lines = error.errors.slice(0, 10).map(({ text, location }) => {
    const at = location === null ? '' : `${location.file}:${location.line}:${location.column}: `
    return `  ${at}${text}`
  })
  throw new DeployError(`bundle: ${error.errors.length} errors\n${lines.join('\n')}`)
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && 'errors' in error && Array.isArray(error.errors)
}
