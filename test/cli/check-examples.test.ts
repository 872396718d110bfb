import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CliResult, type Folder, runCli, temporaryFolder } from './run-cli.ts'

const TYPE = `deviceTypes:
  probe:
    devices: probe-*
    schema:
      temp: { unit: Cel, sent: "[degF]", min: -40, max: 85, precision: 0.1 }
    calibration:
      probe-7: { temp: { offset: -0.9 } }
    examples:
`

describe('anyhub check: examples beside a device type', () => {
  let folder: Folder
  beforeEach(() => {
    folder = temporaryFolder()
  })
  afterEach(() => folder.remove())

  function check(examples: string, ...flags: string[]): Promise<CliResult> {
    folder.write('anyhub.yml', TYPE + examples)
    return runCli(['check', ...flags], { cwd: folder.path })
  }

  it('tries each and counts them', async () => {
    const { code, out } = await check(`
      - { about: a warm day, payload: { temp: 68 }, metrics: { temp: 20 } }
      - { device: probe-7, payload: { temp: 68.9 }, metrics: { temp: 20 } }
      - { hex: 7b 22 74 65 6d 70 22 3a 35 7d, decoded: { temp: 5 }, metrics: { temp: -15 } }
      - { base64: eyJ0ZW1wIjo1fQ==, metrics: { temp: -15 } }
      - { text: '{"temp":5000}', metrics: { temp: 5000, _flags.temp: range } }
      - { text: '{', error: codec.malformed }
`)
    expect(out).toContain('anyhub.yml: fine (6 examples)')
    expect(code).toBe(0)
  })

  it('shows what is not as expected, and where that stands', async () => {
    const { code, out } = await check(`      - about: a warm day
        payload: { temp: 68 }
        metrics: { temp: 21 }
      - { text: '{', metrics: {} }
      - { payload: { temp: 1 }, error: codec.malformed }
      - payload: { temp: 32 }
        decoded: { temp: 33 }
`)
    expect(code).toBe(1)
    const shown = out.replaceAll(`${folder.path}/`, '')
    expect(shown).toContain(`anyhub.yml:9:9  probe: a warm day
  anyhub.yml:11:26  metrics.temp
    expected  21
    found     20
`)
    expect(shown).toContain('found     "codec.malformed: expected JSON')
    expect(shown).toContain('expected  "codec.malformed"\n    found     nothing')
    expect(shown).toContain('decoded.temp\n    expected  33\n    found     32')
    expect(shown).toContain('anyhub.yml: 4 examples, 4 of them failed')
  })

  it('says the same as JSON', async () => {
    const { code, out } = await check('      - { payload: {}, metrics: { a: 1 } }\n', '--json')
    expect(code).toBe(1)
    expect(JSON.parse(out)).toMatchObject({
      ok: false,
      tests: [{ cases: [{ name: 'probe: example 1', line: 9, differences: [{ expected: 1 }] }] }],
    })
  })

  it.each([
    ['{ metrics: {} }', 'expected one of payload, text, hex and base64'],
    ['{ payload: 1, text: a, metrics: {} }', 'expected one of payload, text, hex and base64'],
    ['{ payload: 1 }', 'expected metrics, decoded or error'],
    ['{ hex: abc, metrics: {} }', 'expected pairs of hex digits'],
  ])('names the fault of %s', async (example, says) => {
    const { code, out } = await check(`      - ${example}\n`)
    expect(out).toContain(says)
    expect(code).toBe(1)
  })
})
