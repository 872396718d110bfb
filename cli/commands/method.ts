import { readFlags } from '../flags.ts'
import { openRemote, REMOTE_FLAGS } from '../remote.ts'
import { type Command, wrongUse } from '../terminal.ts'
import { readJson } from './command.ts'

/** `anyhub method call`: asks a device that is there, and prints its answer. */
export const method: Command = {
  name: 'method',
  summary: 'call a method of a device that is connected, and print its answer',
  usage: `anyhub method call DEVICE NAME [--payload JSON] [--connect-timeout SECONDS] [--response-timeout SECONDS]
       [--url URL] [--token TOKEN] [--data FOLDER] [--json]

  Without --connect-timeout a device that is offline is told so at once. Ends with 0 if the device answered with a status from 200 to 299, else with 1.`,
  async run(args, terminal) {
    const { values, switches, positionals } = readFlags(args, {
      values: [...REMOTE_FLAGS, 'payload', 'connect-timeout', 'response-timeout'],
      switches: ['json'],
    })
    const [action, device, name, ...rest] = positionals
    if (action !== 'call' || device === undefined || name === undefined || rest.length > 0)
      throw wrongUse(`expected call DEVICE NAME, found ${JSON.stringify(positionals.join(' '))}`)
    const query = new URLSearchParams()
    for (const [flag, parameter] of [
      ['connect-timeout', 'connectTimeout'],
      ['response-timeout', 'responseTimeout'],
    ] as const) {
      const text = values[flag]
      if (text === undefined) continue
      if (!/^\d{1,6}(?:\.\d{1,3})?$/.test(text))
        throw wrongUse(`--${flag}: expected seconds, found ${JSON.stringify(text)}`)
      query.set(parameter, text)
    }
    const remote = openRemote(values, terminal)
    const path = `/devices/${encodeURIComponent(device)}/methods/${encodeURIComponent(name)}`
    const payload =
      values['payload'] === undefined ? null : readJson('--payload', values['payload'])
    const answer = await remote.call('POST', `${path}?${query}`, payload)
    const status = Number(answer['status'])
    terminal.out(
      switches.has('json')
        ? `${JSON.stringify(answer)}\n`
        : `${status} ${JSON.stringify(answer['payload'] ?? null)}\n`,
    )
    return status >= 200 && status < 300 ? 0 : 1
  },
}
