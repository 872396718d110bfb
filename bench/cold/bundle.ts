import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { type BuildOptions, build } from 'esbuild'
import { parse } from 'yaml'

const ROOT = resolve(import.meta.dirname, '../..')

/** A function of serverless.aws.yml, bundled as serverless-esbuild does. Resolves with its size in bytes. */
export async function bundleFunction(name: string, outfile: string): Promise<number> {
  const { custom } = parse(readFileSync(resolve(ROOT, 'serverless.aws.yml'), 'utf8'), {
    logLevel: 'silent',
  })
  const { plugins, exclude, ...options }: BuildOptions & { plugins: string; exclude: string[] } =
    custom.esbuild
  const require = createRequire(import.meta.url)
  await build({
    ...options,
    platform: 'node',
    external: exclude,
    plugins: require(resolve(ROOT, plugins)),
    absWorkingDir: ROOT,
    entryPoints: [`functions/aws/${name}.ts`],
    outfile,
  })
  return readFileSync(outfile).length
}
