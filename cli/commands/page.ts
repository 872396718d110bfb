import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CoreError } from '../../core/index.ts'
import { readFlags } from '../flags.ts'
import { openRemote, REMOTE_FLAGS } from '../remote.ts'
import { type Command, wrongUse } from '../terminal.ts'

/** Where `npm run build` leaves the page, in the repository and in the package. */
const BUILT = join(
  import.meta.dirname,
  import.meta.url.endsWith('.ts') ? '../../dashboard/dist' : '../../../dashboard/dist',
)

/** Written last: whoever opens it finds all that it names. */
const LAST = 'index.html'

/** `anyhub page upload`: the dashboard, into the bucket of a cloud. */
export const page: Command = {
  name: 'page',
  summary: 'put the dashboard into the bucket of a deployed cloud',
  usage: `anyhub page upload --url https://… --token TOKEN [--folder DIR] [--json]
  --folder DIR   a page that was built, in place of the one of this package
  The functions of the cloud serve it from there, at the address of the API.`,
  async run(args, terminal) {
    const { values, switches, positionals } = readFlags(args, {
      values: ['folder', ...REMOTE_FLAGS],
      switches: ['json'],
    })
    if (positionals.length !== 1 || positionals[0] !== 'upload')
      throw wrongUse(`expected upload, found ${JSON.stringify(positionals.join(' '))}`)
    const folder = values['folder'] ?? BUILT
    const files = listFiles(folder)
    const remote = openRemote(values, terminal)
    let bytes = 0
    for (const file of files) {
      const content = readFileSync(join(folder, file))
      bytes += content.length
      await remote.call('PUT', `/page?path=${encodeURIComponent(file)}`, content)
    }
    terminal.out(
      switches.has('json')
        ? `${JSON.stringify({ files: files.length, bytes, url: `${remote.url}/` })}\n`
        : `${files.length} files, ${Math.round(bytes / 1_024)} KB: ${remote.url}/\n`,
    )
    return 0
  },
}

/** What a browser asks for, without copies that are compressed: the way to the function has limits, and compresses itself. */
function listFiles(folder: string): readonly string[] {
  if (!existsSync(join(folder, LAST)))
    throw new CoreError(
      'input.not_found',
      `expected the page in ${folder}, found none: "npm run build:dashboard" makes it`,
    )
  const isAsked = (name: string): boolean => /\.(?:html|js|css|svg|json)$/.test(name)
  const assets = readdirSync(join(folder, 'assets')).filter(isAsked)
  const root = readdirSync(folder).filter((name) => isAsked(name) && name !== LAST)
  return [...assets.map((name) => `assets/${name}`), ...root, LAST]
}
