import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CliResult, type Folder, runCli, temporaryFolder } from './run-cli.ts'

const YAML = `channels:
  ops: { type: webhook, url: 'https://example.org/hook' }
  phone: { type: sms, to: ['+4915112345'] }
`

let folder: Folder
beforeEach(() => {
  folder = temporaryFolder()
  writeFileSync(join(folder.path, 'anyhub.yml'), YAML)
})
afterEach(() => folder.remove())

const show = (...args: string[]): Promise<CliResult> =>
  runCli(['notification', ...args], { cwd: folder.path })

describe('anyhub notification preview', () => {
  it('shows what each channel would send', async () => {
    const { code, out } = await show(
      'preview',
      '--subject',
      'Load {{data.load | number 1}}',
      '--data',
      '{"load":81.25}',
      '--text',
      '',
      '--severity',
      'info',
    )
    expect(code).toBe(0)
    expect(out).toContain('ops (webhook)\n')
    expect(out).toContain('"text": "[info] Load 81.3"')
  })

  it('shows one, as JSON', async () => {
    const { out } = await show('preview', '--channel', 'phone', '--json')
    expect(JSON.parse(out)).toEqual([
      {
        channel: 'phone',
        type: 'sms',
        content: { text: '[critical] too-warm raised on dev-1: Container dev-1 is at 9.5 °C' },
      },
    ])
  })

  it.each([
    [['preview', '--channel', 'nowhere'], 'expected ops, phone, found nowhere'],
    [['preview', '--language', '??'], '--language: expected a language'],
    [['send'], 'expected preview, found "send"'],
  ])('%j is wrong use', async (args, says) => {
    const { code, err } = await show(...args)
    expect(code).toBe(2)
    expect(err).toContain(says)
  })

  it.each([
    [['preview', '--data', '{'], '--data: expected JSON'],
    [['preview', '--text', '{{who}}'], 'expected one of deviceId'],
  ])('%j is a fault', async (args, says) => {
    const { code, err } = await show(...args)
    expect(code).not.toBe(0)
    expect(err).toContain(says)
  })
})
