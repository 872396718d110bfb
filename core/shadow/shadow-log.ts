import type { JsonObject } from '../model/json.ts'
import type { LoggedChange, ShadowDocument } from '../model/shadow.ts'
import { isAlive } from './document.ts'
import { isEmpty } from './json-tree.ts'
import { mergeDiff } from './merge-diff.ts'

/** So many changes are remembered of all shadows of a device together. */
const MOST_CHANGES = 20

/** What one change may weigh in the record; of a larger one only the names of its values are kept. Unit: characters. */
const MOST_CHARS = 1_000

const MOST_NAMES = 20

/**
 * The log of a device's shadows with one more change, the newest last. What changed nothing is not logged.
 *
 * Shape: of each section the merge patch that leads to what is now (RFC 7396).
 */
export function logChange(
  log: readonly LoggedChange[],
  name: string,
  before: ShadowDocument | undefined,
  after: ShadowDocument,
): readonly LoggedChange[] {
  const entry = changeOf(name, before, after)
  return entry === undefined ? log : [...log.slice(1 - MOST_CHANGES), entry]
}

function changeOf(
  name: string,
  before: ShadowDocument | undefined,
  after: ShadowDocument,
): LoggedChange | undefined {
  const { version, updatedAt: at } = after
  const facts = { name, version, at }
  if (!isAlive(after)) return isAlive(before) ? { ...facts, deleted: true } : undefined
  const old = isAlive(before) ? before : undefined
  const desired = patchOf(old?.desired, after.desired)
  const reported = patchOf(old?.reported, after.reported)
  if (desired === undefined && reported === undefined) return undefined
  const by = desired === undefined ? undefined : after.wishes?.[after.desiredVersion]?.by
  return {
    ...facts,
    ...(by === undefined ? {} : { by }),
    ...(desired === undefined ? {} : { desired }),
    ...(reported === undefined ? {} : { reported }),
  }
}

function patchOf(
  from: JsonObject | undefined,
  to: JsonObject | undefined,
): LoggedChange['desired'] | undefined {
  if (from === to) return undefined
  const patch = mergeDiff(from ?? {}, to ?? {})
  if (isEmpty(patch)) return undefined
  if (JSON.stringify(patch).length <= MOST_CHARS) return { patch }
  return {
    names: Object.keys(patch)
      .slice(0, MOST_NAMES)
      .map((key) => key.slice(0, 40)),
  }
}
