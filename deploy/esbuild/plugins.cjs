// What serverless-esbuild bundles with: puts the checked anyhub.yml into the place of `anyhub:config`.

const { readFileSync } = require('node:fs')
const { resolve } = require('node:path')
const { parseDocument } = require('yaml')

const CONFIG_PATH = resolve(process.env.ANYHUB_CONFIG ?? 'anyhub.yml')

/** Every fault of the config at once, as `anyhub check` says them. */
async function readConfig() {
  const { compileProgram, parseConfig } = await import('../../core/index.ts')
  const document = parseDocument(readFileSync(CONFIG_PATH, 'utf8'))
  const [broken] = document.errors
  if (broken !== undefined) throw new Error(`${CONFIG_PATH}: ${broken.message}`)
  const parsed = parseConfig(document.toJS() ?? {})
  const compiled = 'faults' in parsed ? parsed : compileProgram(parsed.config)
  if (!('faults' in compiled)) return parsed.config
  const faults = compiled.faults.map(({ path, message }) => `${path.join('.')}: ${message}`)
  throw new Error(`${CONFIG_PATH}: expected a config without faults:\n${faults.join('\n')}`)
}

/** What only some functions of the rule language need, by the names that have to stand in the config. */
const ON_DEMAND = [
  { filter: /node_modules[\\/]re2js[\\/]/, named: /regexp/i, exports: ['RE2JS'] },
  {
    filter: /node_modules[\\/]@noble[\\/]hashes[\\/]/,
    named: /\b(?:md5|sha1|sha224|sha256|sha384|sha512)\b/i,
    exports: ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512', 'bytesToHex'],
  },
]

/** Stands in for a library that no rule of the config needs. */
function absent(names) {
  const lines = names.map((name) => `export const ${name} = absent`)
  return [
    "const absent = () => { throw new Error('not packaged: no rule of the config needed it') }",
    'absent.compile = absent',
    ...lines,
  ].join('\n')
}

/**
 * The config was checked when the function was packaged, and a function never reads another: what describes it is not
 * carried along. Whatever is asked of such a schema gives a schema again.
 */
function withoutSchemas() {
  const names = Object.keys(require('zod')).filter(
    (name) => /^[a-z_]\w*$/i.test(name) && name !== 'default',
  )
  return [
    'const schema = new Proxy(() => schema, { get: () => schema, apply: () => schema })',
    `export { ${names.map((name) => `schema as ${name}`).join(', ')} }`,
  ].join('\n')
}

/** Files that say what anyhub.yml may hold. */
const DESCRIBES_CONFIG = /[\\/]core[\\/](?:config\.ts|actions[\\/][\w-]+\.ts)$/

const anyhub = {
  name: 'anyhub',
  setup(build) {
    build.onResolve({ filter: /^anyhub:config$/ }, ({ path }) => ({ path, namespace: 'anyhub' }))
    build.onLoad({ filter: /^anyhub:config$/, namespace: 'anyhub' }, async () => ({
      contents: `export default ${JSON.stringify(await readConfig())}`,
      watchFiles: [CONFIG_PATH],
    }))
    build.onResolve({ filter: /^zod$/ }, ({ path, importer }) =>
      DESCRIBES_CONFIG.test(importer)
        ? { path, namespace: 'anyhub', sideEffects: false }
        : undefined,
    )
    build.onLoad({ filter: /^zod$/, namespace: 'anyhub' }, () => ({ contents: withoutSchemas() }))
    const text = readFileSync(CONFIG_PATH, 'utf8')
    for (const { filter, named, exports } of ON_DEMAND)
      if (!named.test(text)) build.onLoad({ filter }, () => ({ contents: absent(exports) }))
  },
}

module.exports = [anyhub]
