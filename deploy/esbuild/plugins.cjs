// What serverless-esbuild bundles with: puts the checked anyhub.yml into the place of `anyhub:config`.

const { readFileSync, statSync } = require('node:fs')
const { dirname, resolve, sep } = require('node:path')
const { brotliCompressSync } = require('node:zlib')
const { parseDocument } = require('yaml')

const CONFIG_PATH = resolve(process.env.ANYHUB_CONFIG ?? 'anyhub.yml')

const CORE = resolve(__dirname, '../../core') + sep

const PLACEHOLDER = /\$\{env:([A-Za-z_]\w*)\}/g

/** Applies a change to every text of a value; `other` is walked along, as far as it has the same shape. */
function mapTexts(value, other, change) {
  if (typeof value === 'string') return change(value, other)
  if (Array.isArray(value)) return value.map((one, index) => mapTexts(one, other?.[index], change))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, mapTexts(inner, other?.[key], change)]),
  )
}

/** With the variables of whoever deploys, to check it. */
function withVariables(raw) {
  const missing = new Set()
  const filled = mapTexts(raw, undefined, (text) =>
    text.replace(PLACEHOLDER, (_whole, name) => {
      if (process.env[name] === undefined) missing.add(name)
      return process.env[name] ?? ''
    }),
  )
  if (missing.size === 0) return filled
  const names = [...missing].join(', ')
  throw new Error(
    `${CONFIG_PATH}: expected these environment variables, found none of them: ${names}`,
  )
}

/** Examples are tried when the config is checked, and not where it runs. */
function withoutExamples(config) {
  const deviceTypes = Object.entries(config.deviceTypes).map(([name, type]) => [
    name,
    { ...type, examples: [] },
  ])
  return { ...config, deviceTypes: Object.fromEntries(deviceTypes) }
}

/** Every fault of the config at once, as `anyhub check` says them. Secrets are not packaged: a function reads its own. */
async function readConfig() {
  const { compileProgram, inlineScripts, parseConfig } = await import('../../core/index.ts')
  const { createScriptEngine } = await import('../../adapters/node/script-engine.ts')
  const document = parseDocument(readFileSync(CONFIG_PATH, 'utf8'))
  const [broken] = document.errors
  if (broken !== undefined) throw new Error(`${CONFIG_PATH}: ${broken.message}`)
  const raw = document.toJS() ?? {}
  const { data, faults: unread } = inlineScripts(withVariables(raw), readScript)
  const parsed = unread.length > 0 ? { faults: unread } : parseConfig(data)
  const compiled =
    'faults' in parsed ? parsed : compileProgram(parsed.config, { scripts: createScriptEngine() })
  if (!('faults' in compiled))
    return mapTexts(withoutExamples(parsed.config), raw, (text, written) =>
      typeof written === 'string' && written.search(PLACEHOLDER) >= 0 ? written : text,
    )
  const faults = compiled.faults.map(({ path, message }) => `${path.join('.')}: ${message}`)
  throw new Error(`${CONFIG_PATH}: expected a config without faults:\n${faults.join('\n')}`)
}

/** A script that the config names; its text is packaged with the config. */
function readScript(file) {
  const path = resolve(dirname(CONFIG_PATH), file)
  return statSync(path, { throwIfNoEntry: false })?.isFile()
    ? readFileSync(path, 'utf8')
    : undefined
}

/** The names of the codecs that the config names. */
async function usedCodecs() {
  const { deviceTypes, networks } = await readConfig()
  const all = [...Object.values(deviceTypes), ...Object.values(networks)]
  return new Set(all.flatMap(({ codec }) => codec?.type ?? []))
}

const SCRIPT_ENGINE = /[\\/]adapters[\\/]node[\\/]script-engine\.ts$/
const INTERPRETER = /[\\/]adapters[\\/]node[\\/]script[\\/]wasm\.ts$/

/** The interpreter of scripts as it is run, inside the bundle: a function finds no package on its disk. */
async function packagedInterpreter() {
  const { readInterpreter } = await import('../../adapters/node/script/wasm.ts')
  const packed = brotliCompressSync(readInterpreter()).toString('base64')
  return [
    "import { brotliDecompressSync } from 'node:zlib'",
    `export const readInterpreter = () => brotliDecompressSync(Buffer.from('${packed}', 'base64'))`,
  ].join('\n')
}

/** What only some functions of the rule language need, by the names that have to stand in the config. */
const ON_DEMAND = [{ filter: /node_modules[\\/]re2js[\\/]/, named: /regexp/i, exports: ['RE2JS'] }]

/** The hashes of the rule language, and the names that have to stand in the config for it to need them. */
const HASHES_NAMED = /\b(?:md5|sha1|sha224|sha256|sha384|sha512|signature)\b/i
const HASHES = [
  'md5',
  'sha1',
  'sha224',
  'sha256',
  'sha384',
  'sha512',
  'bytesToHex',
  'utf8ToBytes',
  'hmac',
]
const OF_RULES = /[\\/]core[\\/]rules[\\/]/

/** Answers kept for a key are found by a digest, also where devices alone ask. */
const OF_ACCESS = /[\\/]core[\\/]access[\\/]/

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

/** The list of codecs, of which a package holds those that its config names. */
const CODEC_LIST = /[\\/]core[\\/]codecs[\\/]list\.ts$/

/** The list with the codecs or networks of these names only. The file of each is called as it is. */
function onlyUsed(source, used) {
  const dropped = new Set()
  const kept = source.replace(
    /^import \{ (\w+) \} from '\.\/([\w-]+)\.ts'\n/gm,
    (line, name, file) => {
      if (used.has(file)) return line
      dropped.add(name)
      return ''
    },
  )
  return kept.replace(
    /([A-Z]+_KINDS[^=]*= \[)([^\]]*)\]/,
    (_whole, head, names) =>
      `${head}${names
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== '' && !dropped.has(name))
        .join(', ')}]`,
  )
}

/** The list of networks, of which a package holds those that its config names. */
const NETWORK_LIST = /[\\/]core[\\/]networks[\\/]list\.ts$/

/** What networks need, and what stands in its place where a config names none. */
const NETWORK_USES = /[\\/]core[\\/](?:networks|network-downlinks)\.ts$/
const NO_NETWORKS = resolve(CORE, 'no-networks.ts')

const ABSENT =
  "const absent = () => { throw new Error('not packaged: the config had no use for it') }"

/** Whether a device type says what its values mean. */
function saysWhatValuesMean({ schema, derived, calibration, unknownMetrics }) {
  return (
    unknownMetrics !== 'keep' ||
    [schema, derived, calibration].some((one) => Object.keys(one).length > 0)
  )
}

/** Whether rules come that the config does not hold: then any part of their language may be needed. */
function takesRules({ api }) {
  return api.rules === 'stored'
}

/** Whether a config says something anywhere in its rules, or may come to. */
function says(words) {
  return (config) => takesRules(config) || words.test(JSON.stringify(config))
}

/**
 * Parts of the core that few configs need: the file, who needs it, and what stands in its place for all others. The API
 * tries rules that no config has: a bundle of its own carries their whole language, one that also takes messages in does not.
 */
const PARTS = [
  {
    file: /[\\/]core[\\/]routing[\\/]condition\.ts$/,
    needed: ({ routes }) => Object.keys(routes).length > 0,
    instead: 'export const compileCondition = absent, toVerdict = absent',
  },
  {
    file: /[\\/]core[\\/]routing[\\/]enrichment\.ts$/,
    needed: ({ routes }) => Object.keys(routes).length > 0,
    instead: "export const HUB_NAME = 'anyhub', compileEnrichment = absent",
  },
  {
    file: /[\\/]core[\\/]rules[\\/]functions[\\/]java-time\.ts$/,
    needed: says(/time_to_epoch/i),
    ofRules: true,
    instead: 'export const compileJavaTime = absent',
  },
  {
    file: /[\\/]core[\\/]rules[\\/]functions[\\/]joda-format\.ts$/,
    needed: says(/parse_time/i),
    ofRules: true,
    instead: 'export const compileJodaFormat = absent',
  },
  {
    file: /[\\/]core[\\/]rules[\\/]functions[\\/]java-regexp\.ts$/,
    needed: says(/regexp/i),
    ofRules: true,
    instead: 'export const compileJavaPattern = absent, readJavaReplacement = absent',
  },
  {
    file: /[\\/]adapters[\\/]node[\\/]network-caller\.ts$/,
    needed: ({ networks }) => Object.keys(networks).length > 0,
    instead: 'export const createNetworkCaller = absent',
  },
  {
    file: /[\\/]core[\\/]rules[\\/]windowed\.ts$/,
    needed: (config) =>
      takesRules(config) || Object.values(config.rules).some(({ sql }) => /\bgroup\b/i.test(sql)),
    ofRules: true,
    instead: 'export const isWindowed = () => false, compileWindowedRule = absent',
  },
  {
    file: /[\\/]core[\\/]rule-programs\.ts$/,
    needed: takesRules,
    ofApi: true,
    instead:
      'export const configOf = absent, requireStores = absent, createRulePrograms = (_ports, base) => ({ base, current: base, stores: false, stored: new Map(), faults: new Map(), refresh: () => undefined, renew: async () => undefined, reload: async () => undefined })',
  },
  {
    file: /[\\/]core[\\/]meaning[\\/]compile-meaning\.ts$/,
    needed: ({ deviceTypes }) => Object.values(deviceTypes).some(saysWhatValuesMean),
    instead: 'export const compileMeaning = () => undefined',
  },
  {
    file: /[\\/]core[\\/]meaning[\\/]metric-plan\.ts$/,
    needed: ({ deviceTypes }) => Object.values(deviceTypes).some(saysWhatValuesMean),
    instead: 'export const compileMetric = absent',
  },
]

/** What a function that only takes messages in never does, and the factory of each. */
const NOT_FOR_INGEST = {
  'access-sweep.ts': 'createAccessSweep',
  'addresses.ts': 'createAddresses',
  'audience.ts': 'createAudienceStore',
  'broadcasts.ts': 'createBroadcasts',
  'dead-letters.ts': 'createRedrive',
  'fan-out.ts': 'createFanOut',
  'methods.ts': 'createMethodCalls',
  'notify.ts': 'createNotify',
  'receipts.ts': 'createAcknowledgeDelivery',
  'tasks.ts': 'createTasks',
  'rule-overlay.ts': 'createRules',
  'rule-trial.ts': 'createRuleTrial',
}

/** Whether all that is bundled are functions of some names: `functions/aws/ingest.ts`. */
function areAll({ entryPoints }, name) {
  const files = Array.isArray(entryPoints) ? entryPoints : Object.values(entryPoints ?? {})
  return files.length > 0 && files.every((file) => name.test(String(file.in ?? file)))
}

/** Functions that take messages in: `functions/aws/ingest.ts`, `…/ingest-http.ts`. */
const TAKES_IN = /[\\/]ingest(?:-http)?(?:\.ts)?$/

/** Functions that serve the API, and do nothing else. */
const IS_API = /[\\/]api(?:\.ts)?$/

/** Functions that serve no API. */
const SERVES_NO_API = /[\\/](?:ingest(?:-http)?|notify|tick)(?:\.ts)?$/

/** Files that say what anyhub.yml may hold, and nothing else. */
const DESCRIBES_CONFIG =
  /[\\/]core[\\/](?:config\.ts|(?:access|codecs|networks|meaning|notifications[\\/]channels)[\\/][\w-]+\.ts)$/

/** Files that say what a rule may be, whether it stands in anyhub.yml or is put through the API. */
const DESCRIBES_RULES =
  /[\\/]core[\\/](?:(?:rule-config|duration-schema)\.ts|actions[\\/][\w-]+\.ts)$/

/** Files that also read what people store: a function that takes messages in does not. */
const DESCRIBES_STORED = /[\\/]core[\\/]notifications[\\/][\w-]+\.ts$/

const anyhub = {
  name: 'anyhub',
  setup(build) {
    build.onResolve({ filter: /^anyhub:config$/ }, ({ path }) => ({ path, namespace: 'anyhub' }))
    build.onLoad({ filter: /^anyhub:config$/, namespace: 'anyhub' }, async () => ({
      contents: `export default ${JSON.stringify(await readConfig())}`,
      watchFiles: [CONFIG_PATH],
    }))
    const ingests = areAll(build.initialOptions, TAKES_IN)
    // Faults are told in English: what other languages have takes half of the room of zod.
    build.onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js'",
      resolveDir: dirname(require.resolve('zod/v4/locales')),
    }))
    const servesNoApi = areAll(build.initialOptions, SERVES_NO_API)
    const isApi = areAll(build.initialOptions, IS_API)
    build.onResolve({ filter: /^zod$/ }, ({ path, importer }) =>
      DESCRIBES_CONFIG.test(importer) ||
      (servesNoApi && DESCRIBES_RULES.test(importer)) ||
      (ingests && DESCRIBES_STORED.test(importer))
        ? { path, namespace: 'anyhub', sideEffects: false }
        : undefined,
    )
    build.onLoad({ filter: /^zod$/, namespace: 'anyhub' }, () => ({ contents: withoutSchemas() }))
    // Modules of the core only declare: one of which nothing is used is left out.
    build.onResolve({ filter: /^\.{1,2}\/.*\.ts$/ }, ({ path, resolveDir }) => {
      const file = resolve(resolveDir, path)
      return file.startsWith(CORE) ? { path: file, sideEffects: false } : undefined
    })
    build.onLoad({ filter: CODEC_LIST }, async ({ path }) => {
      return { contents: onlyUsed(readFileSync(path, 'utf8'), await usedCodecs()), loader: 'ts' }
    })
    build.onLoad({ filter: SCRIPT_ENGINE }, async () =>
      (await usedCodecs()).has('script')
        ? undefined
        : { contents: 'export const createScriptEngine = () => undefined' },
    )
    build.onLoad({ filter: INTERPRETER }, async () => ({ contents: await packagedInterpreter() }))
    build.onLoad({ filter: NETWORK_LIST }, async ({ path }) => {
      const { networks } = await readConfig()
      const used = new Set(Object.values(networks).map(({ type }) => type))
      return { contents: onlyUsed(readFileSync(path, 'utf8'), used), loader: 'ts' }
    })
    build.onLoad({ filter: NETWORK_USES }, async ({ path }) => {
      const { networks } = await readConfig()
      const file = Object.keys(networks).length === 0 ? NO_NETWORKS : path
      return { contents: readFileSync(file, 'utf8'), loader: 'ts' }
    })
    if (ingests)
      build.onLoad({ filter: /[\\/]core[\\/]notifications[\\/]template\.ts$/ }, async () => {
        const { channels } = await readConfig()
        if (Object.values(channels).some(({ words }) => words !== undefined)) return undefined
        return {
          contents: `${ABSENT}\nexport const compileNotificationTemplate = absent, reworded = absent, renderTopic = absent, SAMPLE = absent`,
        }
      })
    // Inboxes have records of their own, which no device's message touches.
    if (ingests)
      build.onLoad({ filter: /[\\/]core[\\/]steps[\\/]inbox\.ts$/ }, () => ({
        contents: `${ABSENT}\nexport const applyInbox = absent, passInboxTime = () => undefined`,
      }))
    if (ingests)
      for (const [file, factory] of Object.entries(NOT_FOR_INGEST))
        build.onLoad(
          { filter: new RegExp(`[\\\\/]core[\\\\/]${file.replace('.', '\\.')}$`) },
          () => ({ contents: `${ABSENT}\nexport const ${factory} = () => absent` }),
        )
    for (const { file, needed, instead, ofRules = false, ofApi = false } of PARTS)
      build.onLoad({ filter: file }, async () =>
        (ofRules && isApi) || (ofApi && !servesNoApi) || needed(await readConfig())
          ? undefined
          : { contents: `${ABSENT}\n${instead}` },
      )
    const text = readFileSync(CONFIG_PATH, 'utf8')
    // Functions of the rule language need them only where a rule names one; the rest of the core as it is.
    if (!HASHES_NAMED.test(text))
      build.onResolve({ filter: /^@noble\/hashes\// }, ({ path, importer }) =>
        (ingests && !OF_ACCESS.test(importer)) || OF_RULES.test(importer)
          ? { path, namespace: 'anyhub' }
          : undefined,
      )
    build.onLoad({ filter: /^@noble\/hashes\//, namespace: 'anyhub' }, () => ({
      contents: absent(HASHES),
    }))
    for (const { filter, named, exports } of ON_DEMAND)
      if (!named.test(text))
        build.onLoad({ filter }, async () =>
          isApi || takesRules(await readConfig()) ? undefined : { contents: absent(exports) },
        )
  },
}

module.exports = [anyhub]
