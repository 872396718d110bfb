import { readFlags } from '../flags.ts'
import { openRemote, REMOTE_FLAGS } from '../remote.ts'
import { type Command, wrongUse } from '../terminal.ts'

/** `anyhub sign-in`: a link that signs a browser in, once. */
export const signIn: Command = {
  name: 'sign-in',
  summary: 'print a link that signs a browser in',
  usage: `anyhub sign-in [--url URL] [--token TOKEN] [--data FOLDER] [--json]

  The link is good once, for ten minutes. What stands behind # reaches no server and no log.`,
  async run(args, terminal) {
    const { values, switches, positionals } = readFlags(args, {
      values: [...REMOTE_FLAGS],
      switches: ['json'],
    })
    const [stray] = positionals
    if (stray !== undefined) throw wrongUse(`expected no argument, found ${JSON.stringify(stray)}`)
    const remote = openRemote(values, terminal)
    const { code, expiresAt } = await remote.call('POST', '/session/codes')
    const link = signInLink(remote.url, String(code))
    terminal.out(switches.has('json') ? `${JSON.stringify({ link, expiresAt })}\n` : `${link}\n`)
    return 0
  },
}

/** The page, with a code where no server sees it. */
export function signInLink(url: string, code: string): string {
  return `${url}/#sign-in=${code}`
}
