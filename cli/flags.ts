import { type ParseArgsConfig, parseArgs } from 'node:util'
import { wrongUse } from './terminal.ts'

export interface Flags {
  /** Texts by flag name, without the dashes. */
  readonly values: Readonly<Record<string, string | undefined>>
  /** Flags that are either given or not. */
  readonly switches: ReadonlySet<string>
  readonly positionals: readonly string[]
}

/**
 * Reads the arguments of a command.
 * @throws CoreError `usage.wrong` for a flag that the command does not know, or a missing value.
 */
export function readFlags(
  args: readonly string[],
  known: { readonly values?: readonly string[]; readonly switches?: readonly string[] },
): Flags {
  const options: NonNullable<ParseArgsConfig['options']> = {}
  for (const name of known.values ?? []) options[name] = { type: 'string' }
  for (const name of known.switches ?? []) options[name] = { type: 'boolean' }
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options,
      allowPositionals: true,
      strict: true,
    })
    const texts: Record<string, string> = {}
    const switches = new Set<string>()
    for (const [name, value] of Object.entries(values)) {
      if (value === true) switches.add(name)
      else if (typeof value === 'string') texts[name] = value
    }
    return { values: texts, switches, positionals }
  } catch (error) {
    const all = [...(known.values ?? []), ...(known.switches ?? [])]
      .map((name) => `--${name}`)
      .join(' ')
    const reason =
      error instanceof Error ? (error.message.split('. To specify')[0] ?? '') : String(error)
    throw wrongUse(`${reason}\nknown: ${all === '' ? 'no flags' : all}`)
  }
}
