import { isJsonObject, type Json, type JsonObject } from './json.ts'

/** Rules that were put through the API, by rule id: each stands before the rule of anyhub.yml of its name. */
export const RULES_TABLE = '$rules'

/** What is written anew with every change of a rule, under a key that no rule can have. */
export const RULES_CHANGED_KEY = '$changed'

/** What is kept of a rule besides, or in place of, what anyhub.yml says. */
export interface StoredRule {
  /** Counts changes, from 1. */
  readonly version: number
  /** Epoch ms. */
  readonly changedAt: number
  readonly changedBy: string
  /** The rule as it was checked when it was put: defaults filled in, durations in ms. Absent: that of anyhub.yml counts. */
  readonly rule?: JsonObject
  /** In place of what anyhub.yml says; a rule that was put has its own. */
  readonly enabled?: boolean
}

/** Whether an item of the table is one of ours. */
export function isStoredRule(item: Json | undefined): item is JsonObject & StoredRule {
  return (
    isJsonObject(item) &&
    typeof item['version'] === 'number' &&
    typeof item['changedAt'] === 'number' &&
    typeof item['changedBy'] === 'string' &&
    (item['rule'] === undefined || isJsonObject(item['rule'])) &&
    (item['enabled'] === undefined || typeof item['enabled'] === 'boolean')
  )
}
