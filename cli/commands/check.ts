import { configJsonSchema } from '../../core/index.ts'
import { readFlags } from '../flags.ts'
import { formatFaults, loadConfig } from '../load-config.ts'
import type { Command } from '../terminal.ts'

/** `anyhub check`: every fault of a config, with line and column. */
export const check: Command = {
  name: 'check',
  summary: 'validate anyhub.yml, every fault with line and column',
  usage: 'anyhub check [FILE] [--json] | anyhub check --schema',
  async run(args, terminal) {
    const { values, switches, positionals } = readFlags(args, {
      values: ['config'],
      switches: ['json', 'schema'],
    })
    if (switches.has('schema')) {
      terminal.out(`${JSON.stringify(configJsonSchema(), null, 2)}\n`)
      return 0
    }
    const loaded = await loadConfig(positionals[0] ?? values['config'], terminal.cwd, terminal.env)
    const faults = 'faults' in loaded ? loaded.faults : []
    if (switches.has('json'))
      terminal.out(`${JSON.stringify({ file: loaded.file, ok: faults.length === 0, faults })}\n`)
    else if ('faults' in loaded) terminal.out(formatFaults(loaded.file, loaded.faults))
    else {
      const { rules, alarms, config } = loaded.program
      terminal.out(
        `${loaded.file}: fine (${Object.keys(config.deviceTypes).length} device types, ${rules.size} rules, ${alarms.size} alarms, ${Object.keys(config.channels).length} channels)\n`,
      )
    }
    return faults.length === 0 ? 0 : 1
  },
}
