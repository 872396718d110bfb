import type { Context } from 'hono'
import { CoreError } from '../errors.ts'

/** Which versions a change is meant for: any that is there, or one of these. */
export type Match = '*' | readonly number[]

/** Names the version of an answer. Source: RFC 9110, 8.8.3. */
export function setEtag(context: Context, version: number | string): void {
  context.set('etag', `"${version}"`)
}

/**
 * Which versions a change is meant for; `undefined` if the client does not care.
 * Tags that are weak, or none of ours, are no version. Source: RFC 9110, 13.1.1.
 */
export function readIfMatch(context: Context): Match | undefined {
  const text = context.req.header('if-match')?.trim()
  if (text === undefined) return undefined
  if (text === '*') return '*'
  return text.split(',').flatMap((one) => {
    const version = /^\s*"(\d{1,15})"\s*$/.exec(one)?.[1]
    return version === undefined ? [] : [Number(version)]
  })
}

/** @throws CoreError `input.precondition_failed` if a change is meant for another version. */
export function checkMatch(match: Match | undefined, version: number): void {
  if (match === undefined || match === '*' || match.includes(version)) return
  throw new CoreError(
    'input.precondition_failed',
    `expected If-Match: "${version}", the version that is there now`,
  )
}

/** Whether the client has this answer already. Weak comparison. Source: RFC 9110, 13.1.2. */
export function isKnown(ifNoneMatch: string | undefined, etag: string | undefined): boolean {
  if (ifNoneMatch === undefined || etag === undefined) return false
  const strong = etag.replace(/^W\//, '')
  return (
    ifNoneMatch.trim() === '*' ||
    ifNoneMatch.split(',').some((one) => one.trim().replace(/^W\//, '') === strong)
  )
}
