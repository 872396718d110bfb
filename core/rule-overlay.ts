import type { RuleConfig } from './config.ts'
import type { ConfigFault } from './config-faults.ts'
import { CoreError } from './errors.ts'
import { isJsonObject, type Json, type JsonObject } from './model/json.ts'
import {
  isStoredRule,
  RULES_CHANGED_KEY,
  RULES_TABLE,
  type StoredRule,
} from './model/stored-rule.ts'
import type { Ports } from './ports.ts'
import { compileProgramRule, type ProgramRule } from './program.ts'
import { configOf, type RulePrograms, requireStores } from './rule-programs.ts'

/** So many rules are stored at most. */
const MOST_STORED = 10_000

/** One rule, as it counts now. */
export interface RuleEntry {
  readonly ruleId: string
  readonly rule: RuleConfig
  /** Who says what it is: anyhub.yml, or whoever put it through the API. */
  readonly source: 'config' | 'api'
  /** Whether anyhub.yml says something else, or the same. */
  readonly declared: boolean
  /** Counts what was changed through the API; 0: nothing. */
  readonly version: number
  /** Epoch ms. */
  readonly changedAt?: number
  readonly changedBy?: string
  /** Why it does not run. */
  readonly faults: readonly ConfigFault[]
}

/** Who changes a rule, and which version of it. */
export interface RuleChange {
  readonly by: string
  /** Throws if the version that is there now, 0 for none, is not the one that is meant. */
  readonly check?: ((version: number) => void) | undefined
}

/** What became of the windows that were open: those of the same shape go on. */
export type WindowsAfter = 'none' | 'kept' | 'dropped'

/** What a change came to. */
export interface RuleChanged {
  readonly before: RuleEntry | undefined
  /** `undefined` if there is no such rule any more. */
  readonly after: RuleEntry | undefined
  readonly windows: WindowsAfter
}

/** The rules of this system, and what people change of them while it runs. */
export interface Rules {
  /** In the order of their ids. */
  list(): Promise<readonly RuleEntry[]>
  get(ruleId: string): Promise<RuleEntry | undefined>
  /**
   * Puts a rule in place of whatever has its id. Faults are told with their paths inside the rule; then nothing changed.
   * @throws CoreError `rule.fixed`, `rule.limit`, and what `check` throws.
   */
  put(
    ruleId: string,
    rule: RuleConfig,
    change: RuleChange,
  ): Promise<RuleChanged | { readonly faults: readonly ConfigFault[] }>
  /**
   * Switches a rule on or off.
   * @throws CoreError `rule.fixed`, `input.not_found`, and what `check` throws.
   */
  enable(ruleId: string, enabled: boolean, change: RuleChange): Promise<RuleChanged>
  /**
   * Takes back what was changed: the rule is as anyhub.yml says again, or gone.
   * @throws CoreError `rule.fixed`, `input.not_found`, and what `check` throws; `rule.declared` if there is nothing to
   * take back.
   */
  remove(ruleId: string, change: RuleChange): Promise<RuleChanged>
}

/** Builds the use case. Changes of one process wait for each other. */
export function createRules(
  ports: Pick<Ports, 'tables' | 'clock' | 'ids'>,
  programs: RulePrograms,
): Rules {
  let last: Promise<unknown> = Promise.resolve()

  function alone<T>(work: () => Promise<T>): Promise<T> {
    const result = last.then(work)
    last = result.catch(() => undefined)
    return result
  }

  function entryOf(ruleId: string): RuleEntry | undefined {
    const { rules } = programs.base.config
    const declared = Object.hasOwn(rules, ruleId) ? rules[ruleId] : undefined
    const stored = programs.stored.get(ruleId)
    const rule = stored === undefined ? declared : configOf(stored, declared)
    if (rule === undefined) return undefined
    return {
      ruleId,
      rule,
      source: stored?.rule === undefined ? 'config' : 'api',
      declared: declared !== undefined,
      version: stored?.version ?? 0,
      ...(stored === undefined ? {} : { changedAt: stored.changedAt, changedBy: stored.changedBy }),
      faults: programs.faults.get(ruleId) ?? [],
    }
  }

  /** What is stored now, whoever has stored it. */
  async function storedNow(ruleId: string, { check }: RuleChange): Promise<StoredRule | undefined> {
    requireStores(programs)
    await programs.renew()
    const item = await ports.tables.get(RULES_TABLE, ruleId)
    const stored = isStoredRule(item) ? item : undefined
    check?.(stored?.version ?? 0)
    return stored
  }

  async function change(
    ruleId: string,
    before: StoredRule | undefined,
    next: Pick<StoredRule, 'rule' | 'enabled'> | undefined,
    by: string,
  ): Promise<RuleChanged> {
    const entry = entryOf(ruleId)
    const running = programs.current.rulesById.get(ruleId)
    const at = ports.clock.now()
    if (next === undefined) await ports.tables.remove(RULES_TABLE, ruleId)
    else {
      const version = (before?.version ?? 0) + 1
      await ports.tables.put(RULES_TABLE, ruleId, {
        ...next,
        version,
        changedAt: at,
        changedBy: by,
      })
    }
    // After the rule itself: whoever sees this one sees the other.
    await ports.tables.put(RULES_TABLE, RULES_CHANGED_KEY, { id: ports.ids.next(at), at })
    await programs.reload()
    return {
      before: entry,
      after: entryOf(ruleId),
      windows: windowsAfter(running, programs.current.rulesById.get(ruleId)),
    }
  }

  return {
    async list() {
      await programs.renew()
      const { rules } = programs.base.config
      const ids = new Set([...Object.keys(rules), ...programs.stored.keys()])
      return [...ids].toSorted(byCode).flatMap((ruleId) => entryOf(ruleId) ?? [])
    },
    async get(ruleId) {
      await programs.renew()
      return entryOf(ruleId)
    },
    put: (ruleId, rule, wish) =>
      alone(async () => {
        const stored = await storedNow(ruleId, wish)
        const compiled = compileProgramRule(ruleId, rule, programs.base.config)
        if ('faults' in compiled)
          return {
            faults: compiled.faults.map((fault) => ({ ...fault, path: fault.path.slice(2) })),
          }
        if (stored === undefined && programs.stored.size >= MOST_STORED)
          throw new CoreError('rule.limit', `expected at most ${MOST_STORED} stored rules`)
        return change(ruleId, stored, { rule: toJson(rule) }, wish.by)
      }),
    enable: (ruleId, enabled, wish) =>
      alone(async () => {
        const stored = await storedNow(ruleId, wish)
        if (entryOf(ruleId) === undefined && stored?.rule === undefined) throw noRule(ruleId)
        const next =
          stored?.rule === undefined ? { enabled } : { rule: { ...stored.rule, enabled } }
        return change(ruleId, stored, next, wish.by)
      }),
    remove: (ruleId, wish) =>
      alone(async () => {
        const stored = await storedNow(ruleId, wish)
        if (stored !== undefined) return change(ruleId, stored, undefined, wish.by)
        if (entryOf(ruleId) === undefined) throw noRule(ruleId)
        throw new CoreError(
          'rule.declared',
          'expected a rule that was changed here, found one that anyhub.yml declares: switch it off, or change the file',
        )
      }),
  }
}

function noRule(ruleId: string): CoreError {
  return new CoreError('input.not_found', `there is no rule ${JSON.stringify(ruleId)}`)
}

function byCode(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}

/** Without what is undefined: as a store keeps it. */
function toJson(rule: RuleConfig): JsonObject {
  const made: Json = JSON.parse(JSON.stringify(rule))
  return isJsonObject(made) ? made : {}
}

function windowsAfter(
  before: ProgramRule | undefined,
  after: ProgramRule | undefined,
): WindowsAfter {
  if (before?.window === undefined) return 'none'
  return before.window.plan.of === after?.window?.plan.of ? 'kept' : 'dropped'
}
