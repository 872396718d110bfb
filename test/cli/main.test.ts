import { describe, expect, it } from 'vitest'
import { runCli } from './run-cli.ts'

const COMMANDS = ['start', 'demo', 'check', 'eval', 'explain', 'replay', 'dead-letters']

describe('anyhub', () => {
  it.each([[[]], [['help']], [['--help']], [['-h']]])('%j lists every command', async (args) => {
    const { code, out, err } = await runCli(args)
    expect(code).toBe(0)
    for (const command of COMMANDS) expect(out).toMatch(new RegExp(`^ {2}${command} +\\S`, 'm'))
    expect(err).toBe('')
  })

  it.each(COMMANDS)('%s --help tells its usage', async (command) => {
    const { code, out } = await runCli([command, '--help'])
    expect(code).toBe(0)
    expect(out).toContain(`anyhub ${command}`)
  })

  it('does not know other commands', async () => {
    const { code, out, err } = await runCli(['strat'])
    expect(code).toBe(2)
    expect(out).toBe('')
    expect(err).toContain('expected a command, found "strat"')
  })

  it.each([
    ['start', ['--http-prot', '1'], '--http-prot'],
    ['start', ['--http-port', '70000'], '--http-port: expected a port from 0 to 65535 or off'],
    [
      'start',
      ['http', 'https', 'mqtt', 'mqtts'].flatMap((name) => [`--${name}-port`, 'off']),
      'at least one port',
    ],
    ['start', ['--host', '0.0.0.0'], '--host: expected a loopback address'],
    ['start', ['--durability', 'none'], '--durability: expected full or normal'],
    ['check', ['--jsno'], '--jsno'],
    ['eval', [], 'expected one of sql, template'],
    ['eval', ['sqll'], 'found "sqll"'],
    ['eval', ['sql', 'topic'], 'found "sql topic"'],
    ['eval', ['constructor'], 'found "constructor"'],
    ['explain', ['message'], 'expected flags only'],
    ['explain', ['--line', '3'], 'expected --file and --line together'],
    ['explain', ['--file', 'a', '--line', '0'], '--line: expected a number from 1'],
    ['explain', ['--file', 'a', '--line', '1', '--payload', '{}'], 'found both'],
    ['explain', ['--device', 'id', '--payload', '{}'], '--device: means something only'],
    ['explain', ['--file', 'none.jsonl', '--line', '1'], 'expected a file at'],
    ['dead-letters', [], 'expected list, show ID'],
    ['dead-letters', ['list', 'one'], 'expected list, show ID'],
    ['dead-letters', ['show'], 'expected list, show ID'],
    ['dead-letters', ['redrive'], 'expected list, show ID'],
    ['dead-letters', ['redrive', 'one', '--all'], 'expected list, show ID'],
    ['dead-letters', ['show', 'one', 'two'], 'expected one id, found 2'],
  ])('%s %j is wrong use', async (command, args, message) => {
    const { code, out, err } = await runCli([command, ...args])
    expect(err).toContain(message)
    expect(err).toContain(`usage: anyhub ${command}`)
    expect(out).toBe('')
    expect(code).toBe(2)
  })

  it.each([
    ['start', []],
    ['check', []],
    ['explain', ['--payload', '{}']],
  ])('%s tells of a config that is not there', async (command, args) => {
    const { code, err } = await runCli([command, ...args, '--config', 'none.yml'])
    expect(err).toContain('expected a config file at')
    expect(code).toBe(2)
  })
})
