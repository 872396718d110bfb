import type { Config, RuleConfig } from './config.ts'
import type { ConfigFault } from './config-faults.ts'
import { CoreError } from './errors.ts'
import type { Json } from './model/json.ts'
import {
  isStoredRule,
  RULES_CHANGED_KEY,
  RULES_TABLE,
  type StoredRule,
} from './model/stored-rule.ts'
import type { Ports } from './ports.ts'
import {
  compileProgramRule,
  type Program,
  type ProgramRule,
  type ProgramSource,
  withRules,
} from './program.ts'

/** Where others may change rules, it is looked for so often. Unit: ms. */
const LOOK_EVERY_MS = 15_000

/** Stored rules that are read at once. */
const PAGE = 500

/** The program in force: the config, and over it the rules that are stored. */
export interface RulePrograms extends ProgramSource {
  /** What anyhub.yml says by itself. */
  readonly base: Program
  /** Whether rules can be stored. */
  readonly stores: boolean
  /** What was read of the table last. */
  readonly stored: ReadonlyMap<string, StoredRule>
  /** Why a stored rule does not run, by rule id. */
  readonly faults: ReadonlyMap<string, readonly ConfigFault[]>
  /**
   * Looks whether rules were changed elsewhere, whatever the time.
   * @throws CoreError `store.unavailable`.
   */
  renew(): Promise<void>
  /**
   * Reads all stored rules, and runs by them from now on.
   * @throws CoreError `store.unavailable`: what ran runs on.
   */
  reload(): Promise<void>
}

export interface RuleProgramsOptions {
  /** Whether rules are stored at all: without it nothing is ever read. */
  readonly stores: boolean
  /** Whether others may change them: then it is looked after them now and then. */
  readonly shared: boolean
}

/** What one stored rule came to, for as long as it is the same one. */
interface Compiled {
  readonly from: StoredRule
  readonly config: RuleConfig | undefined
  readonly rule: ProgramRule | undefined
  readonly faults: readonly ConfigFault[]
}

/**
 * Builds the source of programs of one process. Its state are the stored rules that it has read.
 *
 * A stored rule that cannot run any more (anyhub.yml has lost its channel, say) does not run, nor does that of anyhub.yml
 * which it stands before; `faults` says why.
 */
export function createRulePrograms(
  ports: Pick<Ports, 'tables' | 'clock' | 'observer'>,
  base: Program,
  { stores, shared }: RuleProgramsOptions,
): RulePrograms {
  let current = base
  let stored: ReadonlyMap<string, StoredRule> = new Map()
  let compiled = new Map<string, Compiled>()
  let lookedAt = Number.NEGATIVE_INFINITY
  let changed: Json | undefined
  let looking: Promise<void> | undefined
  let hasRead = false

  async function readAll(): Promise<ReadonlyMap<string, StoredRule>> {
    const found = new Map<string, StoredRule>()
    for (let after = RULES_CHANGED_KEY; ; ) {
      const page = await ports.tables.list(RULES_TABLE, after, PAGE)
      for (const { key, item } of page) if (isStoredRule(item)) found.set(key, item)
      const last = page.at(-1)
      if (last === undefined || page.length < PAGE) return found
      after = last.key
    }
  }

  async function load(): Promise<void> {
    const mark = await ports.tables.get(RULES_TABLE, RULES_CHANGED_KEY)
    if (hasRead && JSON.stringify(mark) === JSON.stringify(changed)) return
    take(mark === undefined ? new Map() : await readAll())
    changed = mark
    hasRead = true
  }

  function take(next: ReadonlyMap<string, StoredRule>): void {
    const before = compiled
    compiled = new Map()
    for (const [ruleId, from] of next) {
      const same = before.get(ruleId)
      compiled.set(
        ruleId,
        same !== undefined && isSame(same.from, from) ? same : compileStored(ruleId, from, base),
      )
    }
    for (const [ruleId, { faults }] of compiled)
      if (faults.length > 0)
        ports.observer.log('error', 'a stored rule cannot run', {
          ruleId,
          reason: faults.map(({ message }) => message).join('; '),
        })
    stored = next
    current = compiled.size === 0 ? base : overlaid(base, compiled)
  }

  /** As long as the old ones are at hand, they run while the store does not answer. */
  async function look(): Promise<void> {
    try {
      await load()
    } catch (error) {
      if (!hasRead) throw error
      ports.observer.log('warn', 'not looked for changed rules', {
        reason: error instanceof Error ? error.message : String(error),
      })
    } finally {
      looking = undefined
    }
  }

  return {
    base,
    stores,
    get current() {
      return current
    },
    get stored() {
      return stored
    },
    get faults() {
      return new Map(
        [...compiled]
          .filter(([, { faults }]) => faults.length > 0)
          .map(([ruleId, { faults }]) => [ruleId, faults]),
      )
    },
    refresh() {
      if (!stores || !shared) return undefined
      if (looking !== undefined) return looking
      const now = ports.clock.now()
      if (now - lookedAt < LOOK_EVERY_MS) return undefined
      lookedAt = now
      looking = look()
      return looking
    },
    async renew() {
      if (!stores || !shared) return
      lookedAt = ports.clock.now()
      await load()
    },
    async reload() {
      if (!stores) return
      hasRead = false
      lookedAt = ports.clock.now()
      await load()
    },
  }
}

function isSame(left: StoredRule, right: StoredRule): boolean {
  return JSON.stringify(left) === JSON.stringify(right)
}

function compileStored(ruleId: string, from: StoredRule, { config: base }: Program): Compiled {
  const nothing = { from, config: undefined, rule: undefined }
  const config = configOf(from, Object.hasOwn(base.rules, ruleId) ? base.rules[ruleId] : undefined)
  // Switched on or off was a rule that anyhub.yml has no more.
  if (config === undefined) return { ...nothing, faults: [] }
  const found = compileProgramRule(ruleId, config, base)
  if ('faults' in found) return { ...nothing, config, faults: found.faults }
  return { from, config, rule: found.rule, faults: [] }
}

/** The rule as it counts: what was put, or that of anyhub.yml, switched. */
export function configOf(
  { rule, enabled }: StoredRule,
  declared: RuleConfig | undefined,
): RuleConfig | undefined {
  const found = rule === undefined ? declared : readChecked(rule)
  return found === undefined || enabled === undefined ? found : { ...found, enabled }
}

/** What was checked by the schema before it was stored is a rule: its keys say so. */
function readChecked(rule: object): RuleConfig | undefined {
  return isChecked(rule) ? rule : undefined
}

function isChecked(rule: object): rule is RuleConfig {
  return 'sql' in rule && typeof rule.sql === 'string' && 'actions' in rule && 'lateness' in rule
}

function overlaid(base: Program, compiled: ReadonlyMap<string, Compiled>): Program {
  const rules = new Map(base.rulesById)
  const configs: Config['rules'] = { ...base.config.rules }
  for (const [ruleId, { rule, config }] of compiled) {
    if (config === undefined) continue
    configs[ruleId] = config
    if (rule !== undefined && config.enabled) rules.set(ruleId, rule)
    else rules.delete(ruleId)
  }
  return withRules(base, [...rules.values()], configs)
}

/** @throws CoreError `rule.fixed` where rules cannot be stored. */
export function requireStores({ stores }: RulePrograms): void {
  if (!stores)
    throw new CoreError(
      'rule.fixed',
      'expected api.rules: stored in anyhub.yml: here rules are as it says',
    )
}
