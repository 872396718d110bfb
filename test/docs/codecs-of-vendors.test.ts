import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { evalDecode } from '../../cli/eval/decode.ts'
import { evalEncode } from '../../cli/eval/encode.ts'
import { CODEC_KINDS, type Codec, CoreError, type Json } from '../../core/index.ts'
import { ROOT } from '../source-files.ts'

// What the pages of these codecs show is what they do.

const PAGES = [
  'cayenne-lpp',
  'layout',
  'ruuvi',
  'teltonika',
  'json',
  'cbor',
  'msgpack',
  'senml',
  'csv',
  'key-value',
  'number',
  'text',
  'owntracks',
]

function pageOf(name: string): string {
  return readFileSync(join(ROOT, `docs/codecs/${name}.md`), 'utf8')
}

/** Each `anyhub eval` of a page, with the answer that stands below it. */
function runsOf(page: string): { what: string; lines: string[]; answers: string[] }[] {
  const pattern =
    /```sh\nanyhub eval (decode|encode) <<'END'\n([\s\S]*?)\nEND\n```\n\n```json\n([\s\S]*?)\n```/g
  return [...page.matchAll(pattern)].map(([, what = '', lines = '', answers = '']) => ({
    what,
    lines: lines.split('\n'),
    answers: answers.split('\n'),
  }))
}

describe.each(PAGES)('docs/codecs/%s.md', (name) => {
  const page = pageOf(name)
  const runs = runsOf(page)

  it('shows runs', () => {
    expect(runs.length).toBeGreaterThan(0)
    expect(page.match(/anyhub eval (?:decode|encode) <</g)).toHaveLength(runs.length)
  })

  it.each(runs)('$what $lines', ({ what, lines, answers }) => {
    const run = what === 'decode' ? evalDecode : evalEncode
    const found = lines.map((line) => JSON.stringify(run(JSON.parse(line), {})))
    expect(found).toEqual(answers)
  })

  it('says every option', () => {
    const kind = CODEC_KINDS.find((one) => one.name === name)!
    const options = Object.keys(kind.options.shape).filter((option) => option !== 'type')
    expect(options.filter((option) => !page.includes(`\`${option}\``))).toEqual([])
  })
})

describe('the layouts of docs/codecs/layout.md', () => {
  const pattern = /```yaml\n(type: layout\n[\s\S]*?)```\n[\s\S]*?```text\n([\s\S]*?)\n```/g
  const examples = [...pageOf('layout').matchAll(pattern)].flatMap(([, yaml = '', lines = '']) =>
    lines.split('\n').map((line) => ({ yaml, line })),
  )

  it('has all lines', () => expect(examples).toHaveLength(16))

  it.each(examples)('$line', ({ yaml, line }) => {
    const kind = CODEC_KINDS.find((one) => one.name === 'layout')!
    const codec = kind.open(kind.options.parse(parse(yaml)), {})
    const [given = '', wanted = ''] = line.split(/ [→⇒] /)
    expect(line.includes(' ⇒ ') ? encoded(codec, given) : decoded(codec, given)).toBe(wanted)
  })
})

function decoded(codec: Codec, given: string): string {
  const [, port, hex = ''] = /^(?:fPort (\d+), )?([0-9a-f]*)$/.exec(given)!
  const facts = port === undefined ? { receivedAt: 0 } : { receivedAt: 0, fPort: Number(port) }
  try {
    const { value, warnings } = codec.decode(new Uint8Array(Buffer.from(hex, 'hex')), facts)
    return JSON.stringify(value) + (warnings.length === 0 ? '' : ` (${warnings.join(', ')})`)
  } catch (error) {
    if (!(error instanceof CoreError)) throw error
    return `${error.code}: ${error.message}`
  }
}

function encoded(codec: Codec, given: string): string {
  const value: Json = JSON.parse(given)
  const { bytes, fPort } = codec.encode!(value, { receivedAt: 0 })
  return `${fPort === undefined ? '' : `fPort ${fPort}, `}${Buffer.from(bytes).toString('hex')}`
}
