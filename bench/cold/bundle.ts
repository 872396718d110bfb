import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { type BuildOptions, build } from 'esbuild'
import { parse } from 'yaml'

const ROOT = resolve(import.meta.dirname, '../..')

interface Bundling extends BuildOptions {
  readonly exclude: string[]
  readonly outputWorkFolder: string
}

/** A bundle: its size in bytes, and the files of which something is in it, seen from the root of the project. */
export interface Bundle {
  readonly bytes: number
  readonly files: readonly string[]
}

/** A function of serverless.aws.yml or serverless.gcp.yml, bundled as its deployment does. */
export async function bundleFunction(
  cloud: 'aws' | 'gcp',
  name: string,
  outfile: string,
): Promise<Bundle> {
  const { custom } = parse(readFileSync(resolve(ROOT, `serverless.${cloud}.yml`), 'utf8'), {
    logLevel: 'silent',
  })
  const {
    plugins,
    exclude,
    outputWorkFolder: _,
    ...options
  }: Omit<Bundling, 'plugins'> & { plugins: string } = custom.esbuild
  const require = createRequire(import.meta.url)
  const { metafile } = await build({
    ...options,
    metafile: true,
    platform: 'node',
    external: exclude,
    plugins: require(resolve(ROOT, plugins)),
    absWorkingDir: ROOT,
    entryPoints: [`functions/${cloud}/${name}.ts`],
    outfile,
  })
  const [output] = Object.values(metafile.outputs)
  const files = Object.entries(output?.inputs ?? {}).flatMap(([file, { bytesInOutput }]) =>
    bytesInOutput > 0 ? [file] : [],
  )
  return { bytes: readFileSync(outfile).length, files }
}
