import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { type BuildFailure, build, type Plugin } from 'esbuild'
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

/** All that a zip for this provider holds. */
const FILES: readonly string[] = ['host.json', 'index.js', 'package.json']

/**
 * One bundle of all functions with an entry that registers them, and what names it. The same code makes the same bytes.
 * CommonJS in one file: modules that a handler asks for are evaluated when it is first called, and nothing is looked
 * up on disk but the packages that the yml keeps apart.
 * @throws DeployError with what esbuild says, or if a handler is not there.
 */
export async function makePackage(
  folder: string,
  config: ServiceConfig,
  functions: readonly PlannedFunction[],
): Promise<Package> {
  const { runtime, host } = config.provider
  const { target, minify = true, plugins, external = [], apart = [] } = config.bundling
  const node = runtime.replace('nodejs', '')
  const files = new Map(functions.map((planned) => [planned, fileOf(folder, planned)]))
  await checkExports(functions, files)
  const bundled = async (contents: string, more: readonly Plugin[]): Promise<Uint8Array> => {
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: folder, sourcefile: 'functions.js' },
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
    const [bundle] = outputFiles
    if (bundle === undefined) throw new DeployError('bundle: esbuild made nothing')
    return bundle.contents
  }
  const kept = keepApart(apart)
  const entry = entrySource(functions, (planned) => files.get(planned) ?? '')
  const index = await bundled(entry, apart.length === 0 ? [] : [kept.plugin])
  const others: Record<string, Uint8Array> = {}
  for (const [file, source] of kept.sources()) others[file] = await bundled(source, [])
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

/** A zip that was packaged before. @throws DeployError if it holds anything else than ours do. */
export function readPackage(bytes: Uint8Array, path: string): Package {
  const files = Object.keys(unzipSync(bytes)).sort()
  if (files.filter((name) => !isApart(name)).join() !== FILES.join())
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
