import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROOT } from '../source-files.ts'
import { describeWithShared, sharedData } from '../vectors.ts'

const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
const bin = join(ROOT, 'cli/bin.mjs')

/** The console block of the README that starts with this command. */
function block(command: string): string {
  const found = [...readme.matchAll(/```console\n([\s\S]*?)```/g)].find(([, text]) =>
    text?.startsWith(`$ ${command}`),
  )
  if (found?.[1] === undefined) throw new Error(`the README shows no ${command}`)
  return found[1]
}

describe('README', () => {
  it('names both commands', () => {
    expect(readme).toContain('npm ci && npm start')
    expect(readme).toContain('npm ci && npm test')
  })

  it('links only to what is there', () => {
    const pages = [
      'README.md',
      'CONTRIBUTING.md',
      ...['architecture', 'alarms', 'notifications', 'http-api'].map((name) => `docs/${name}.md`),
    ]
    const dead = pages.flatMap((page) => {
      const text = readFileSync(join(ROOT, page), 'utf8')
      return [...text.matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)]
        .map(([, target]) => target ?? '')
        .filter((target) => !existsSync(resolve(ROOT, dirname(page), target)))
        .map((target) => `${page} → ${target}`)
    })
    expect(dead).toEqual([])
  })

  it('shows what eval prints', () => {
    const [, json, output] = /echo '(.*)' \| npx anyhub eval sql\n(.*)\n/.exec(readme) ?? []
    const line = (json ?? '').replaceAll(`'"'a/b'"'`, `'a/b'`)
    const printed = execFileSync(process.execPath, [bin, 'eval', 'sql'], {
      input: `${line}\n`,
      encoding: 'utf8',
    })
    expect(printed).toBe(`${output}\n`)
  })
})

describeWithShared('README: the recording', 'data/iot-demo.jsonl', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'anyhub-readme-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('is replayed with the counts that the README shows', () => {
    const shown = block('cat warm.yml')
    const [config = '', rest = ''] = shown.slice(shown.indexOf('\n') + 1).split('\n\n$ ')
    writeFileSync(join(folder, 'warm.yml'), config)
    const [command = '', ...expected] = rest.split('\n')
    const args = command
      .replace('npx anyhub ', '')
      .replace('iot-demo.jsonl', sharedData('iot-demo.jsonl'))
      .split(' ')
    const printed = execFileSync(process.execPath, [bin, ...args], {
      cwd: folder,
      encoding: 'utf8',
    })
    const lines = (text: string): string[] => text.trimEnd().split('\n').slice(1)
    expect(lines(printed)).toEqual(lines(expected.join('\n')))
  })
})
