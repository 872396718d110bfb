import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Folder, runCli, temporaryFolder } from './run-cli.ts'

/** One fault of every kind. The column of each is where `here` stands in its line. */
const FAULTY: readonly (readonly [line: string, here?: string, message?: string])[] = [
  ['deviceTypes:'],
  ['  trucks:'],
  ["    devices: 'truck-*'"],
  ['    codec: morse', 'morse', 'expected a codec'],
  ['    timeUnit: h', 'h', 'expected one of'],
  ['rules:'],
  ['  plain:'],
  ["    sql: SELECT temp FROM 'a/b' WHERE temp > ", '', 'found the end of the statement'],
  ['  quoted:'],
  ['    sql: "SELECT nosuch(temp) FROM \'a/b\'"', 'nosuch(', 'unknown function nosuch'],
  ['  literal:'],
  ['    sql: |'],
  ['      SELECT temp'],
  ["      FROM 'a/b'"],
  ['      WHERE temp >> 3', '> 3', 'expected an expression'],
  ['    actions:'],
  ['      - notify: {channels: [nobody]}', 'nobody', 'expected the name of a channel'],
  ["      - republish: {topic: 'a/${temp'}", 'republish', 'expected "}" after "${"'],
  ['      - publish: {topic: a}', 'publish', 'unknown key "publish": expected one of republish, '],
  ['  folded:'],
  ['    sql: >-'],
  ['      SELECT temp, humidity'],
  ["      FROM 'a/b'"],
  ['      WHERE temp = = 3', '= 3', 'expected an expression'],
  ['routes:'],
  ['  high:'],
  ["    condition: level = 'high' AND", '', 'expected a value, found the end of the condition'],
  ['    enrichments:'],
  ['      - {key: site, value: $twin.etag}', '$twin', 'expected a text, $iothubname'],
  ['  block:'],
  ['    condition: |'],
  ['      $body.temp > 3'],
  ['      AND as_number(level, 2) > 1', 'as_number', 'expected 1 argument, found 2'],
  ['    source: twins', 'twins', 'expected one of'],
  ['alarms:'],
  ['  warm:'],
  ['    when: temp > AND 3', 'AND', 'expected an expression'],
  ['    for: 5 minutes', '5', 'expected a duration'],
  ['    severity: bad', 'bad', 'expected one of'],
  ['channels:'],
  ['  hook:', 'hook', 'expected string, received undefined'],
  ['    type: webhook'],
  ['limits:'],
  ['  bodyBytes: 0', '0', 'expected'],
  ['colour: blue', 'colour', 'unknown key "colour"'],
]

let folder: Folder

beforeEach(() => {
  folder = temporaryFolder()
})

afterEach(() => folder.remove())

const text = FAULTY.map(([line]) => line).join('\n')

interface Fault {
  readonly line: number
  readonly column: number
  readonly path: string
  readonly message: string
}

async function checkJson(content: string): Promise<{ code: number; faults: Fault[] }> {
  folder.write('anyhub.yml', content)
  const { code, out } = await runCli(['check', '--json'], { cwd: folder.path })
  const { file, ok, faults } = JSON.parse(out)
  expect(file).toBe(`${folder.path}/anyhub.yml`)
  expect(ok).toBe(code === 0)
  return { code, faults }
}

describe('anyhub check', () => {
  it('lists every fault of every kind in one run, with line and column', async () => {
    const { code, faults } = await checkJson(text)
    expect(code).toBe(1)
    for (const [index, [content, here, message]] of FAULTY.entries()) {
      const found = faults.filter(({ line }) => line === index + 1)
      if (here === undefined || message === undefined) continue
      expect({ content, faults: found.length }).toEqual({ content, faults: 1 })
      expect(found[0]!.message).toContain(message)
      const column = here === '' ? content.trimEnd().length + 1 : content.indexOf(here) + 1
      expect({ content, column: found[0]!.column }).toEqual({ content, column })
    }
    expect(faults).toHaveLength(FAULTY.filter(([, here]) => here !== undefined).length)
    const order = faults.map(({ line, column }) => line * 1_000 + column)
    expect(order).toEqual(order.toSorted((a, b) => a - b))
  })

  it('shows people file, line and column, and a caret under the SQL', async () => {
    const file = folder.write('bad.yml', text)
    const { code, out } = await runCli(['check', 'bad.yml'], { cwd: folder.path })
    expect(code).toBe(1)
    const line = FAULTY.findIndex(([content]) => content.includes('nosuch')) + 1
    expect(out).toContain(`${file}:${line}:18  rules.quoted.sql: unknown function nosuch`)
    expect(out).toMatch(/ \| SELECT nosuch\(temp\) FROM 'a\/b'\n +\| {8}\^/)
    expect(out).toMatch(/\n19 faults\n$/)
  })

  it('starts nothing with such a config', async () => {
    folder.write('anyhub.yml', text)
    const { code, out, err } = await runCli(
      ['start', '--http-port', '0', '--mqtt-port', '0', '--data', 'data', '--json'],
      { cwd: folder.path },
    )
    expect(code).toBe(1)
    expect(out).toBe('')
    expect(err).toContain('anyhub.yml:45:1  colour: unknown key "colour"')
    expect(err).toContain('19 faults')
  })

  it('lists faults of YAML itself', async () => {
    const { code, faults } = await checkJson('rules:\n  a: {sql: "x}\n  b: [1\n')
    expect(code).toBe(1)
    expect(faults.length).toBeGreaterThan(0)
    expect(faults.every(({ line, column }) => line >= 1 && column >= 1)).toBe(true)
    const twice = await checkJson('limits: {}\nrules: {}\nlimits: {}\n')
    expect(twice.faults).toMatchObject([{ line: 3, column: 1 }])
  })

  it('names environment variables that are missing, and fills in the others', async () => {
    const yaml =
      'channels:\n  hook:\n    type: webhook\n    url: ${env:HOOK}\n    secret: ${env:SECRET}\n'
    folder.write('anyhub.yml', yaml)
    const env = { HOOK: 'https://example.com/' }
    const missing = await runCli(['check', '--json'], { cwd: folder.path, env })
    expect(JSON.parse(missing.out).faults).toMatchObject([
      { line: 5, column: 13, message: 'expected the environment variable SECRET, found none' },
    ])
    const full = await runCli(['check'], {
      cwd: folder.path,
      env: { ...env, SECRET: '0123456789abcdef' },
    })
    expect(full.code).toBe(0)
  })

  it.each([
    ['nothing', ''],
    ['comments only', '# nothing yet\n'],
    ['an empty object', '{}'],
  ])('takes a file with %s', async (_, content) => {
    expect(await checkJson(content)).toEqual({ code: 0, faults: [] })
  })

  it.each(['[]', '42', 'rules', 'rules: []', 'rules: {a: 1}', 'alarms: {a: null}'])(
    'does not take %s',
    async (content) => {
      const { code, faults } = await checkJson(content)
      expect(code).toBe(1)
      expect(faults.length).toBeGreaterThan(0)
    },
  )

  it('counts what a good config declares', async () => {
    folder.write(
      'anyhub.yml',
      'rules: {a: {sql: "SELECT * FROM \'a\'"}}\nalarms: {b: {when: x > 1}}',
    )
    const { code, out } = await runCli(['check'], { cwd: folder.path })
    expect(code).toBe(0)
    expect(out).toContain('fine (1 device types, 1 rules, 1 alarms, 0 channels)')
  })

  it('prints the schema for editors', async () => {
    const { code, out } = await runCli(['check', '--schema'])
    expect(code).toBe(0)
    expect(Object.keys(JSON.parse(out).properties)).toEqual(
      expect.arrayContaining(['deviceTypes', 'rules', 'alarms', 'channels', 'limits']),
    )
  })
})
