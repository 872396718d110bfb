import { type Config, type ConfigFault, parseConfig } from '../core/index.ts'

type Path = readonly (string | number)[]

/** What takes the place of a faulty part that has to be there, so that the rest can still be looked at. `*` is any key. */
const STAND_INS: readonly { readonly path: Path; readonly value: unknown }[] = [
  { path: ['rules', '*', 'sql'], value: "SELECT * FROM '#'" },
  { path: ['rules', '*', 'actions', '*'], value: { republish: { topic: '-' } } },
  { path: ['routes', '*', 'actions', '*'], value: { republish: { topic: '-' } } },
  { path: ['alarms', '*', 'when'], value: 'true' },
  { path: ['channels', '*'], value: { type: 'webhook', url: 'https://example.com/' } },
]

/** Tries of taking more and more away around a fault. */
const ROUNDS = 5

/**
 * The config without the parts whose shape is wrong: compiling it finds the faults of the others in the same run.
 *
 * Total: `undefined` if nothing can be saved.
 */
export function salvageConfig(data: unknown): Config | undefined {
  let rest = data
  for (let round = 0; round < ROUNDS; round++) {
    const parsed = parseConfig(rest)
    if ('config' in parsed) return parsed.config
    for (const fault of parsed.faults) rest = takeAway(rest, cutPath(fault, round))
  }
  return undefined
}

/** First the faulty part itself; if that does not help, what is around it. */
function cutPath({ path }: ConfigFault, round: number): Path {
  if (round === 0) return insideArray(path)
  if (round === 1) return withStandIn(path)
  return path.slice(0, round === 2 ? 2 : 1)
}

/** The part around the fault that something can stand in for. */
function withStandIn(path: Path): Path {
  for (let length = path.length; length > 0; length--) {
    if (standInOf(path.slice(0, length)) !== undefined) return path.slice(0, length)
  }
  return path.slice(0, 2)
}

/** An element of an array has a stand-in, or the array goes: what stands behind it keeps its number. */
function insideArray(path: Path): Path {
  return typeof path.at(-1) === 'number' && standInOf(path) === undefined ? path.slice(0, -1) : path
}

function standInOf(path: Path): { readonly value: unknown } | undefined {
  return STAND_INS.find(
    ({ path: pattern }) =>
      pattern.length === path.length &&
      pattern.every((key, index) => key === '*' || key === path[index]),
  )
}

/** A copy with the part replaced by its stand-in, or gone. */
function takeAway(value: unknown, path: Path, depth = 0): unknown {
  const key = path[depth]
  if (key === undefined || typeof value !== 'object' || value === null) return undefined
  const last = depth === path.length - 1
  const change = (inner: unknown): unknown =>
    last ? standInOf(path)?.value : takeAway(inner, path, depth + 1)
  if (Array.isArray(value))
    return value.map((inner, index) => (index === Number(key) ? change(inner) : inner))
  const entries = Object.entries(value).filter(([name]) => name !== String(key))
  const changed = change(Object.entries(value).find(([name]) => name === String(key))?.[1])
  return Object.fromEntries(changed === undefined ? entries : [...entries, [String(key), changed]])
}
