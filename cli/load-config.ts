import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  type Document,
  isMap,
  isScalar,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
} from 'yaml'
import { createScriptEngine } from '../adapters/node/script-engine.ts'
import {
  type CodecEngines,
  type ConfigFault,
  CoreError,
  compileProgram,
  inlineScripts,
  type Program,
  parseConfig,
  type SourcePosition,
} from '../core/index.ts'
import { salvageConfig } from './salvage-config.ts'

/** The config that comes with the package: the cold chain of the demo. */
const BUILT_IN = join(
  import.meta.dirname,
  import.meta.url.endsWith('.ts') ? '..' : '../..',
  'anyhub.yml',
)

/** One fault of a config file, for people: where and what. Line and column are 1-based. */
export interface LocatedFault {
  readonly line: number
  readonly column: number
  readonly path: string
  readonly message: string
}

/** A config that is ready to run, or every fault that it has. */
export type LoadedConfig =
  | {
      readonly file: string
      readonly builtIn: boolean
      readonly program: Program
      /** Where in the file a path of the config stands. */
      readonly locate: (fault: ConfigFault) => SourcePosition
    }
  | { readonly file: string; readonly builtIn: boolean; readonly faults: readonly LocatedFault[] }

/** What a file holds: the data, and how to find the place of a path in it. */
export interface Source {
  readonly data: unknown
  readonly locate: (fault: ConfigFault) => SourcePosition
  readonly faults: readonly LocatedFault[]
}

/**
 * Loads `--config`, else `anyhub.yml` or `anyhub.config.ts` of the folder, else the built-in config.
 *
 * `${env:NAME}` in a text is replaced by that environment variable: secrets stay out of the file.
 * @throws CoreError `config.not_found` if a file was named that is not there.
 */
export async function loadConfig(
  named: string | undefined,
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<LoadedConfig> {
  const file = findConfig(named, cwd)
  const builtIn = file === BUILT_IN && resolve(cwd, 'anyhub.yml') !== BUILT_IN
  const source = /\.(ts|mts|js|mjs)$/.test(file)
    ? await readModule(file)
    : readYaml(readFileSync(file, 'utf8'))
  const faults: LocatedFault[] = [...source.faults]
  const locate = (fault: ConfigFault): LocatedFault => ({
    ...source.locate(insideScript(fault)),
    path: fault.path.join('.'),
    message: fault.message,
  })
  const missing: ConfigFault[] = []
  const filled = replaceEnv(source.data, env, [], missing)
  const { data, faults: unread } = inlineScripts(filled, (script) =>
    readScript(resolve(dirname(file), script)),
  )
  faults.push(...unread.map(locate))
  faults.push(...missing.map(locate))
  if (source.faults.length > 0) return { file, builtIn, faults }
  const engines: CodecEngines = { scripts: createScriptEngine() }
  const parsed = parseConfig(data)
  if ('faults' in parsed) {
    const rest = salvageConfig(data)
    const compiled = rest === undefined ? { faults: [] } : compileProgram(rest, engines)
    const further = 'faults' in compiled ? compiled.faults : []
    const unset = new Set(missing.map(({ path }) => path.join('/')))
    const all = [...parsed.faults, ...further]
      .filter(({ path }) => !unset.has(path.join('/')))
      .map(locate)
    return { file, builtIn, faults: inOrder([...faults, ...all]) }
  }
  const compiled = compileProgram(parsed.config, engines)
  if ('faults' in compiled)
    return { file, builtIn, faults: inOrder([...faults, ...compiled.faults.map(locate)]) }
  return faults.length > 0
    ? { file, builtIn, faults: inOrder(faults) }
    : { file, builtIn, program: compiled.program, locate: source.locate }
}

/** The faults of a file, one a line: `anyhub.yml:12:5  rules.hot.sql: expected …`. */
export function formatFaults(file: string, faults: readonly LocatedFault[]): string {
  const lines = faults.map(({ line, column, path, message }) => {
    const text = message.replaceAll('\n', '\n    ')
    return `${file}:${line}:${column}  ${path === '' ? '' : `${path}: `}${text}`
  })
  return `${lines.join('\n')}\n${faults.length} fault${faults.length === 1 ? '' : 's'}\n`
}

/**
 * Loads a config that has to be right.
 * @throws CoreError `config.invalid` whose message lists every fault.
 */
export async function requireConfig(
  named: string | undefined,
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<{ file: string; builtIn: boolean; program: Program }> {
  const loaded = await loadConfig(named, cwd, env)
  if ('program' in loaded) return loaded
  throw new CoreError('config.invalid', formatFaults(loaded.file, loaded.faults).trimEnd())
}

function findConfig(named: string | undefined, cwd: string): string {
  const wanted = named ?? undefined
  if (wanted !== undefined) {
    const path = resolve(cwd, wanted)
    if (!existsSync(path))
      throw new CoreError('config.not_found', `expected a config file at ${path}, found none`)
    return path
  }
  const found = ['anyhub.yml', 'anyhub.yaml', 'anyhub.config.ts', 'anyhub.config.mjs']
    .map((name) => resolve(cwd, name))
    .find(existsSync)
  return found ?? BUILT_IN
}

/** A fault of a codec that has a position is one of its script; where that stands in a file, the codec is shown. */
function insideScript(fault: ConfigFault): ConfigFault {
  const { path, position } = fault
  return position !== undefined && path.at(-1) === 'codec'
    ? { ...fault, path: [...path, 'script'] }
    : fault
}

/** The text of a script that a config names; `undefined` where there is no such file. */
function readScript(path: string): string | undefined {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
    ? readFileSync(path, 'utf8')
    : undefined
}

async function readModule(file: string): Promise<Source> {
  const locate = (): SourcePosition => ({ line: 1, column: 1 })
  try {
    const module: { default?: unknown } = await import(pathToFileURL(file).href)
    return { data: module.default, locate, faults: [] }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { data: undefined, locate, faults: [{ line: 1, column: 1, path: '', message }] }
  }
}

/** The text of a YAML file, and its places. */
interface SourceText {
  readonly lines: readonly string[]
  at(offset: number): SourcePosition
}

/** Reads a text of YAML; total: what is wrong with it is in `faults`. */
export function readYaml(text: string): Source {
  const counter = new LineCounter()
  const document = parseDocument(text, { lineCounter: counter, uniqueKeys: true })
  const source: SourceText = {
    lines: text.split(/\r?\n/),
    at(offset) {
      const { line, col } = counter.linePos(offset)
      return { line: Math.max(1, line), column: Math.max(1, col) }
    },
  }
  const faults = document.errors.map((error) => ({
    ...source.at(error.pos[0]),
    path: '',
    message: (error.message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, ''),
  }))
  if (faults.length > 0) return { data: undefined, locate: () => source.at(0), faults }
  return { data: document.toJS(), locate: (fault) => locateIn(document, fault, source), faults }
}

/** The deepest node on the way to the path: a missing key is shown at the object that lacks it. */
function locateIn(
  document: Document.Parsed,
  { path, position, part }: ConfigFault,
  source: SourceText,
): SourcePosition {
  for (let length = path.length; length >= 0; length--) {
    const keyOffset = keyRange(document, path.slice(0, length))
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
    const offset = rangeOf(node)
    if (offset === undefined) continue
    const whole = length === path.length
    if (whole && isScalar(node) && position !== undefined) return inside(node, position, source)
    return source.at(whole && isScalar(node) && part !== 'key' ? offset : (keyOffset ?? offset))
  }
  return { line: 1, column: 1 }
}

/** A position inside a text that was written in YAML; its start where the text was written in several folded lines. */
function inside(node: Scalar, position: SourcePosition, source: SourceText): SourcePosition {
  const start = source.at(node.range?.[0] ?? 0)
  const value = String(node.value)
  if (node.type === 'BLOCK_LITERAL') {
    const line = start.line + position.line
    const written = source.lines[line - 1] ?? ''
    const indent = written.length - (value.split('\n')[position.line - 1] ?? '').length
    return { line, column: indent + position.column }
  }
  if (node.type === 'BLOCK_FOLDED') return insideFolded(start, value, position, source)
  if (position.line !== 1) return start
  return {
    line: start.line,
    column: start.column + position.column - (node.type === 'PLAIN' ? 1 : 0),
  }
}

/** In a folded text each line break became one space: the place is found by counting along the lines. */
function insideFolded(
  start: SourcePosition,
  value: string,
  position: SourcePosition,
  { lines }: SourceText,
): SourcePosition {
  const first = { line: start.line + 1, column: 1 }
  let left = position.column - 1
  for (let line = start.line + 1; position.line === 1 && line <= lines.length; line++) {
    const written = lines[line - 1] ?? ''
    const content = written.trim()
    const passed = position.column - 1 - left
    if (content === '' || !value.startsWith(content, passed)) return first
    if (left <= content.length) return { line, column: written.indexOf(content) + left + 1 }
    left -= content.length + 1
  }
  return first
}

function keyRange(
  document: Document.Parsed,
  path: readonly (string | number)[],
): number | undefined {
  const key = path.at(-1)
  const parent = path.length <= 1 ? document.contents : document.getIn(path.slice(0, -1), true)
  if (!isMap(parent)) return undefined
  const pair = parent.items.find(
    (item: Pair) => isScalar(item.key) && String(item.key.value) === String(key),
  )
  return pair === undefined ? undefined : rangeOf(pair.key)
}

function rangeOf(node: unknown): number | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node)) return undefined
  const range = (node as Node).range
  return range?.[0]
}

function replaceEnv(
  value: unknown,
  env: Readonly<Record<string, string | undefined>>,
  path: readonly (string | number)[],
  missing: ConfigFault[],
): unknown {
  if (typeof value === 'string') {
    return value.replace(/\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}/g, (_whole, name: string) => {
      const found = env[name]
      if (found === undefined)
        missing.push({ path, message: `expected the environment variable ${name}, found none` })
      return found ?? ''
    })
  }
  if (Array.isArray(value))
    return value.map((item, index) => replaceEnv(item, env, [...path, index], missing))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      replaceEnv(inner, env, [...path, key], missing),
    ]),
  )
}

function inOrder(faults: readonly LocatedFault[]): LocatedFault[] {
  return faults.toSorted((a, b) => a.line - b.line || a.column - b.column)
}
