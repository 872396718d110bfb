import { CoreError } from '../../core/index.ts'

/**
 * Puts the environment's variables into the texts of a packaged config, where it says `${env:NAME}`.
 * @throws CoreError `config.invalid` that names every variable that is missing.
 */
export function fillConfig<T>(config: T, env: Readonly<Record<string, string | undefined>>): T {
  const missing = new Set<string>()
  const filled: T = JSON.parse(JSON.stringify(config), (_key, value: unknown) =>
    typeof value === 'string'
      ? value.replace(/\$\{env:([A-Za-z_]\w*)\}/g, (_whole, name: string) => {
          if (env[name] === undefined) missing.add(name)
          return env[name] ?? ''
        })
      : value,
  )
  if (missing.size === 0) return filled
  throw new CoreError(
    'config.invalid',
    `expected these environment variables, found none of them: ${[...missing].join(', ')}`,
  )
}
