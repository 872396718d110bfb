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

/** A function of serverless.aws.yml or serverless.gcp.yml, bundled as its deployment does. Resolves with its size in bytes. */
export async function bundleFunction(
  cloud: 'aws' | 'gcp',
  name: string,
  outfile: string,
): Promise<number> {
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
  await build({
    ...options,
    platform: 'node',
    external: exclude,
    plugins: require(resolve(ROOT, plugins)),
    absWorkingDir: ROOT,
    entryPoints: [`functions/${cloud}/${name}.ts`],
    outfile,
  })
  return readFileSync(outfile).length
}
