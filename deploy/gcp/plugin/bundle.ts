import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { strToU8, unzipSync, type Zippable, zipSync } from 'fflate'
import Esbuild from 'serverless-esbuild'
import { DeployError } from './errors.ts'

/**
 * serverless-esbuild bundles only for providers that it knows, and the CLI then zips the whole directory, secrets
 * included. Every function of this provider is one of Node.
 */
export class Bundler extends Esbuild {
  /** Without it the CLI gives a plugin no log, and every detail is printed. */
  static readonly _serverlessExternalPluginName = 'serverless-esbuild'

  static {
    // Private by its types, and called by name.
    Object.defineProperty(Bundler.prototype, 'isNodeFunction', { value: () => true })
  }
}

/** Zips carry a date in local time; without one of our own the same code makes another zip each day. */
const MTIME = '1980-01-01T00:00:00'

export interface Repacked {
  readonly bytes: Uint8Array
  /** SHA-256 of the zip, as long as a label may be. */
  readonly code: string
  readonly files: readonly string[]
}

/**
 * Makes of the bundler's zip what Cloud Functions takes: the bundle as `index.js`, a `package.json` that says so, and
 * the files that the yml names. The same code makes the same bytes.
 * @throws DeployError if anything else is in it.
 */
export function repack(
  path: string,
  given: { key: string; handler: string; runtime: string; extras: number },
): Repacked {
  const { key, handler, runtime, extras } = given
  const found = unzipSync(readFileSync(path))
  const bundle = ['.js', '.cjs', '.mjs']
    .map((extension) =>
      `${handler.slice(0, handler.lastIndexOf('.'))}${extension}`.replace(/^\.\//, ''),
    )
    .find((name) => found[name] !== undefined)
  const repacked =
    bundle === undefined && found['index.js'] !== undefined && found['package.json'] !== undefined
  const code = found[bundle ?? 'index.js']
  if (code === undefined || (bundle === undefined && !repacked))
    throw new DeployError(
      `function ${key}: expected the bundle of ${handler} in ${path}, found ${Object.keys(found).slice(0, 5).join(', ')}`,
    )
  const main = bundle?.endsWith('.mjs') ? 'index.mjs' : 'index.js'
  const others = Object.keys(found).filter(
    (name) =>
      name !== bundle &&
      !name.endsWith('/') &&
      !(repacked && /^(?:index\.js|package\.json)$/.test(name)),
  )
  if (others.length > 0 && extras === 0)
    throw new DeployError(
      `function ${key}: expected nothing but its bundle in ${path}, found ${others.slice(0, 5).join(', ')} (${others.length}); name what it needs in package.patterns of the function`,
    )
  const manifest = {
    name: key.toLowerCase(),
    private: true,
    main,
    engines: { node: `>=${runtime.replace('nodejs', '')}` },
  }
  const files: Record<string, Uint8Array> = { [main]: code }
  for (const name of others) files[name] = found[name] ?? new Uint8Array()
  files['package.json'] = strToU8(JSON.stringify(manifest))
  const entries = Object.keys(files).sort()
  const zippable: Zippable = {}
  for (const name of entries)
    zippable[name] = [files[name] ?? new Uint8Array(), { mtime: MTIME, level: 9 }]
  const bytes = zipSync(zippable)
  writeFileSync(path, bytes)
  return {
    bytes,
    code: createHash('sha256').update(bytes).digest('hex').slice(0, 63),
    files: entries,
  }
}
