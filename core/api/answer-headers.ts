/**
 * What stands on every answer of the API: it is data, and nobody's to keep or to show as a page.
 * Source: OWASP REST Security Cheat Sheet, security headers.
 */
export const PRIVATE = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
} as const

export const JSON_HEADERS = { 'content-type': 'application/json', ...PRIVATE } as const

/** An answer with a version may be kept by who got it, and has to be asked for again. */
export const VERSIONED = { ...JSON_HEADERS, 'cache-control': 'private, no-cache' } as const

/** The same on an answer that an endpoint made itself, where that says nothing else. */
export function harden(answer: Response): Response {
  for (const [name, value] of Object.entries(PRIVATE))
    if (!answer.headers.has(name)) answer.headers.set(name, value)
  return answer
}
