import { CoreError } from '../../errors.ts'
import { fromBase64, toBase64 } from '../../model/base64.ts'
import type { Json } from '../../model/json.ts'
import {
  alarmCount,
  commandCount,
  isEnabled,
  lastOf,
  type Subject,
  stateOf,
  tagOf,
} from './subject.ts'

/** What devices are put in order by: numbers lie before texts, and what has none comes last either way. */
export type SortKey = number | string | null

/** A place in a sorted list. */
export interface Place {
  readonly key: SortKey
  readonly deviceId: string
}

export interface Sort {
  /** As it was asked for. */
  readonly text: string
  /** Ids from first to last: the order in which stores give them. */
  readonly isNatural: boolean
  keyOf(subject: Subject): SortKey
  /** Below 0 if `a` comes before `b`. Two devices never have one place. */
  compare(a: Place, b: Place): number
  /** Names a place for who comes back. */
  toCursor(place: Place): string
  /** @throws CoreError `input.malformed` for what is no cursor of this order. */
  readCursor(cursor: string): Place
}

/** Texts are put in order by their start. Unit: characters. */
const MAX_KEY = 200

const FIELDS =
  'id, type, state, seenAt, enabled, registered, alarms, commands, tags.<name> or last.<metric>'

/**
 * Reads `id`, `-seenAt`, `last.temp`, …: a minus turns the order round.
 * @throws CoreError `query.invalid`.
 */
export function parseSort(text: string): Sort {
  const descending = text.startsWith('-')
  const name = descending ? text.slice(1) : text
  const read = readerOf(name)
  if (read === undefined)
    throw new CoreError(
      'query.invalid',
      `expected ${FIELDS}, found ${JSON.stringify(name.slice(0, 60))}`,
    )
  const way = descending ? -1 : 1
  return {
    text,
    isNatural: text === 'id',
    keyOf: (subject) => toKey(read(subject)),
    compare(a, b) {
      if (a.key === null || b.key === null) {
        if (a.key !== b.key) return a.key === null ? 1 : -1
      } else {
        const order = compareKeys(a.key, b.key)
        if (order !== 0) return order * way
      }
      return a.deviceId < b.deviceId ? -1 : a.deviceId > b.deviceId ? 1 : 0
    },
    toCursor: ({ key, deviceId }) => (text === 'id' ? deviceId : encode([text, key, deviceId])),
    readCursor(cursor) {
      const [sort, key, deviceId, ...more] = decode(cursor)
      if (text === 'id' && sort === undefined) return { key: cursor, deviceId: cursor }
      if (
        text !== 'id' &&
        sort === text &&
        (key === null || typeof key === 'number' || typeof key === 'string') &&
        typeof deviceId === 'string' &&
        more.length === 0
      )
        return { key, deviceId }
      throw new CoreError('input.malformed', 'expected `next` of a page in the same order')
    },
  }
}

function readerOf(name: string): ((subject: Subject) => Json | undefined) | undefined {
  switch (name) {
    case 'id':
      return ({ deviceId }) => deviceId
    case 'type':
      return ({ type }) => type
    case 'state':
      return stateOf
    case 'seenAt':
      return ({ record }) => record?.presence.seenAt || undefined
    case 'enabled':
      return isEnabled
    case 'registered':
      return ({ registered }) => registered !== undefined
    case 'alarms':
      return alarmCount
    case 'commands':
      return commandCount
    default:
  }
  if (name.startsWith('tags.') && name.length > 5) return (subject) => tagOf(subject, name.slice(5))
  if (name.startsWith('last.') && name.length > 5)
    return (subject) => lastOf(subject, name.slice(5))
  return undefined
}

function toKey(value: Json | undefined): SortKey {
  switch (typeof value) {
    case 'number':
      return value
    case 'boolean':
      return value ? 1 : 0
    case 'string':
      return value.slice(0, MAX_KEY)
    default:
      return null
  }
}

function compareKeys(a: number | string, b: number | string): number {
  if (typeof a === 'number') return typeof b === 'number' ? a - b : -1
  if (typeof b === 'number') return 1
  return a < b ? -1 : a > b ? 1 : 0
}

function encode(value: Json): string {
  return toBase64(new TextEncoder().encode(JSON.stringify(value)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '')
}

function decode(cursor: string): readonly Json[] {
  const bytes = fromBase64(cursor.replaceAll('-', '+').replaceAll('_', '/'))
  try {
    const value: Json =
      bytes === undefined
        ? null
        : JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return Array.isArray(value) ? value : []
  } catch {
    return []
  }
}
