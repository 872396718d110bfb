import { isJsonObject, type Json, type JsonObject } from '../../core/index.ts'
import type { Remote } from '../remote.ts'
import { type ExitCode, type Terminal, wrongUse } from '../terminal.ts'

/** What the command works with. */
export interface DeltaCall {
  readonly remote: Remote
  readonly terminal: Terminal
  readonly json: boolean
  /** The shadow; the classic one unless given. */
  readonly shadow: string | undefined
}

/**
 * `anyhub device delta ID`: every value that is desired and not reported, who wants it and since when, and what the device
 * last reported. Exit code 1 if there is one.
 */
export async function explainDeviceDelta(
  call: DeltaCall,
  words: readonly string[],
): Promise<ExitCode> {
  const { remote, terminal, json, shadow } = call
  const [id, ...rest] = words
  if (id === undefined || rest.length > 0)
    throw wrongUse(`expected one device, found ${JSON.stringify(words.join(' '))}`)
  const query = shadow === undefined ? '' : `?${new URLSearchParams({ name: shadow })}`
  const found = await remote.call('GET', `/devices/${encodeURIComponent(id)}/shadow/delta${query}`)
  const leaves = Array.isArray(found['delta']) ? found['delta'].filter(isJsonObject) : []
  if (json) terminal.out(`${JSON.stringify(found)}\n`)
  else terminal.out(`${[headline(id, leaves.length), ...leaves.map(tell)].join('\n')}\n`)
  return leaves.length === 0 ? 0 : 1
}

function headline(id: string, count: number): string {
  if (count === 0) return `${id} has reported all that is desired`
  return `${id}: ${count} ${count === 1 ? 'value is' : 'values are'} desired and not reported`
}

function tell(leaf: JsonObject): string {
  const { pointer, desired, wantedBy, wantedSince, expiresAt, reported, reportedAt } = leaf
  const by = wantedBy === undefined ? 'wanted' : `wanted by ${String(wantedBy)}`
  const since = wantedSince === undefined ? '' : ` since ${timeOf(wantedSince)}`
  const until = expiresAt === undefined ? '' : ` until ${timeOf(expiresAt)}`
  const said =
    reported === undefined
      ? 'never reported'
      : `reported ${JSON.stringify(reported)}${reportedAt === undefined ? '' : ` at ${timeOf(reportedAt)}`}`
  return `  ${String(pointer)} = ${JSON.stringify(desired)}\n    ${by}${since}${until}; ${said}`
}

/** Epoch s as ISO 8601. */
function timeOf(seconds: Json): string {
  return typeof seconds === 'number'
    ? new Date(seconds * 1_000).toISOString().replace('.000Z', 'Z')
    : 'an unknown time'
}
