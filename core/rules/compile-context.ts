import { DEFAULT_LIMITS, type RuleLimits } from './limits.ts'
import type { Semantics } from './operators.ts'
import { keepsScale, type SqlVersion } from './version.ts'

export interface RuleOptions {
  /** Default: `2016-03-23`. */
  readonly sqlVersion?: SqlVersion
  readonly limits?: Partial<RuleLimits>
}

/** What the compiler knows besides the tree. */
export interface CompileContext {
  readonly source: string
  readonly semantics: Semantics
  /** Slots of the frame by name: `@name` for variables, `name` for the rows of named subqueries. */
  readonly slots: Map<string, number>
  /** True inside a subquery, where `*` is an element and not the payload. */
  readonly inner: boolean
}

/** The slot of a name, made if it is new. */
export function slotOf(context: CompileContext, name: string): number {
  const known = context.slots.get(name)
  if (known !== undefined) return known
  const slot = context.slots.size
  context.slots.set(name, slot)
  return slot
}

/** The limits of a compilation: the defaults, one object for all, where nothing else is asked for. */
export function limitsOf(options: RuleOptions): RuleLimits {
  return options.limits === undefined ? DEFAULT_LIMITS : { ...DEFAULT_LIMITS, ...options.limits }
}

/** The context of a new compilation. */
export function createContext(
  source: string,
  version: SqlVersion,
  limits: RuleLimits,
): CompileContext {
  const semantics =
    limits === DEFAULT_LIMITS ? DEFAULT_SEMANTICS[version] : semanticsOf(version, limits)
  return { source, semantics, slots: new Map(), inner: false }
}

function semanticsOf(version: SqlVersion, limits: RuleLimits): Semantics {
  return { version, keepsScale: keepsScale(version), limits }
}

/** One object for all rules with the usual limits: a hundred thousand rules are kept small. */
const DEFAULT_SEMANTICS: Readonly<Record<SqlVersion, Semantics>> = {
  '2016-03-23': semanticsOf('2016-03-23', DEFAULT_LIMITS),
  '2015-10-08': semanticsOf('2015-10-08', DEFAULT_LIMITS),
  beta: semanticsOf('beta', DEFAULT_LIMITS),
}
