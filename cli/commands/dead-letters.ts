import type { JsonObject } from '../../core/index.ts'
import { readFlags } from '../flags.ts'
import { openRemote, REMOTE_FLAGS, type Remote } from '../remote.ts'
import { type Command, type Terminal, wrongUse } from '../terminal.ts'

/** `anyhub dead-letters`: what could not be processed, and sending it again. */
export const deadLetters: Command = {
  name: 'dead-letters',
  summary: 'list, show or redrive messages that were set aside',
  usage:
    'anyhub dead-letters list [--limit N] | show ID | redrive ID|--all   [--url URL] [--token TOKEN] [--data FOLDER] [--json]',
  async run(args, terminal) {
    const { values, switches, positionals } = readFlags(args, {
      values: [...REMOTE_FLAGS, 'limit'],
      switches: ['json', 'all'],
    })
    const [action, id, ...rest] = positionals
    const json = switches.has('json')
    const remote = openRemote(values, terminal)
    if (rest.length > 0) throw wrongUse(`expected one id, found ${rest.length + 1}`)
    if (action === 'list' && id === undefined) {
      const found = await remote.call(
        'GET',
        `/dead-letters?limit=${encodeURIComponent(values['limit'] ?? '50')}`,
      )
      terminal.out(json ? `${JSON.stringify(found)}\n` : formatList(found))
      return 0
    }
    if (action === 'show' && id !== undefined) {
      const letter = await remote.call('GET', `/dead-letters/${encodeURIComponent(id)}`)
      terminal.out(`${JSON.stringify(letter, null, json ? 0 : 2)}\n`)
      return 0
    }
    if (action === 'redrive' && (id !== undefined) !== switches.has('all')) {
      return redrive(remote, id === undefined ? await allIds(remote) : [id], terminal, json)
    }
    throw wrongUse(
      `expected list, show ID, redrive ID or redrive --all, found ${JSON.stringify(positionals.join(' '))}`,
    )
  },
}

async function redrive(
  remote: Remote,
  ids: readonly string[],
  terminal: Terminal,
  json: boolean,
): Promise<0 | 1> {
  let failed = 0
  for (const id of ids) {
    try {
      const { status } = await remote.call(
        'POST',
        `/dead-letters/${encodeURIComponent(id)}/redrive`,
      )
      terminal.out(
        json ? `${JSON.stringify({ id, status: status ?? null })}\n` : `${id}  ${String(status)}\n`,
      )
    } catch (error) {
      failed++
      const reason = error instanceof Error ? error.message : String(error)
      terminal.out(
        json
          ? `${JSON.stringify({ id, status: 'failed', reason })}\n`
          : `${id}  still fails: ${reason}\n`,
      )
    }
  }
  return failed === 0 ? 0 : 1
}

/** The ids that are there now, page by page: what fails again keeps its id and is not met twice. */
async function allIds(remote: Remote): Promise<string[]> {
  const ids: string[] = []
  for (let before = ''; ; ) {
    const page = await remote.call(
      'GET',
      `/dead-letters?limit=1000${before === '' ? '' : `&before=${encodeURIComponent(before)}`}`,
    )
    for (const letter of lettersOf(page)) ids.push(String(letter['id']))
    if (typeof page['next'] !== 'string') return ids
    before = page['next']
  }
}

function formatList(page: JsonObject): string {
  const letters = lettersOf(page)
  if (letters.length === 0) return 'no dead letters\n'
  const lines = letters.map((letter) => {
    const at = new Date(Number(letter['at'])).toISOString().slice(0, 19).replace('T', ' ')
    return `${String(letter['id'])}  ${at}  ${String(letter['source']).padEnd(6)} ${String(letter['deviceId'] ?? '-').padEnd(20)} ${String(letter['code']).padEnd(22)} ${String(letter['reason'])}`
  })
  const total = Number(page['total'] ?? letters.length)
  return `${lines.join('\n')}\n${letters.length} of ${total}\n`
}

function lettersOf(page: JsonObject): readonly JsonObject[] {
  const letters = page['deadLetters']
  if (!Array.isArray(letters)) return []
  return letters.filter(
    (letter): letter is JsonObject =>
      typeof letter === 'object' && letter !== null && !Array.isArray(letter),
  )
}
