import type { Json, LookupSource } from '../../core/index.ts'

/**
 * What the laptop can answer of what rules ask: secrets come from the environment.
 *
 * Shape: `get_secret(id, type[, key])` reads ANYHUB_SECRET_<ID>, upper case, other characters as `_`.
 */
export function createLookupSource(
  env: Readonly<Record<string, string | undefined>>,
): LookupSource {
  return {
    async answer({ function: name, args }) {
      if (name !== 'get_secret' || typeof args[0] !== 'string') return undefined
      const secret = env[`ANYHUB_SECRET_${args[0].toUpperCase().replace(/[^A-Z0-9]/g, '_')}`]
      const key = args.length > 3 ? args[2] : undefined
      return secret === undefined || typeof key !== 'string' ? secret : memberOf(secret, key)
    },
  }
}

function memberOf(secret: string, key: string): Json | undefined {
  try {
    const parsed: unknown = JSON.parse(secret)
    if (typeof parsed !== 'object' || parsed === null || !Object.hasOwn(parsed, key))
      return undefined
    const member: unknown = Reflect.get(parsed, key)
    return typeof member === 'string' ? member : undefined
  } catch {
    return undefined
  }
}
