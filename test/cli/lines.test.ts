import { describe, expect, it } from 'vitest'
import { type Line, readLines } from '../../cli/lines.ts'

async function* chunks(...parts: (string | Uint8Array)[]): AsyncGenerator<string | Uint8Array> {
  yield* parts
}

async function collect(lines: AsyncIterable<Line>): Promise<(string | undefined)[]> {
  const found: (string | undefined)[] = []
  let number = 0
  for await (const line of lines) {
    number++
    expect(line.number).toBe(number)
    found.push(line.bytes?.toString('latin1'))
  }
  return found
}

describe('readLines', () => {
  it.each([
    [[], []],
    [[''], []],
    [['a'], ['a']],
    [['a\n'], ['a']],
    [['a\r\nb'], ['a', 'b']],
    [['\n\n'], ['', '']],
    [
      ['a', 'b\nc', '', 'd', '\ne'],
      ['ab', 'cd', 'e'],
    ],
    [
      ['a\r', '\nb'],
      ['a', 'b'],
    ],
    [['a\rb\n'], ['a\rb']],
  ])('%j', async (parts, lines) => {
    expect(await collect(readLines(chunks(...parts), 100))).toEqual(lines)
  })

  it('cuts only at line feeds, and leaves every other byte as it is', async () => {
    const bytes = Buffer.from('a\u2028b\u2029c\u0085d\n\u00ff', 'utf8')
    const odd = Buffer.from([0xff, 0x00, 0x0a, 0xc3])
    const found: Buffer[] = []
    for await (const line of readLines(chunks(bytes, Buffer.from('\n'), odd), 100))
      found.push(line.bytes ?? Buffer.from('too long'))
    expect(found).toEqual([
      bytes.subarray(0, bytes.indexOf(0x0a)),
      Buffer.from('\u00ff'),
      odd.subarray(0, 2),
      odd.subarray(3),
    ])
  })

  it('skips lines over the limit, wherever the chunks are cut', async () => {
    const text = `ok\n${'x'.repeat(11)}\n0123456789\n${'y'.repeat(40)}`
    for (let size = 1; size <= text.length; size++) {
      const parts: string[] = []
      for (let at = 0; at < text.length; at += size) parts.push(text.slice(at, at + size))
      expect(await collect(readLines(chunks(...parts), 10))).toEqual([
        'ok',
        undefined,
        '0123456789',
        undefined,
      ])
    }
  })

  it('reads no further than it is asked to', async () => {
    let given = 0
    async function* endless(): AsyncGenerator<string> {
      for (;;) yield `line ${given++}\n`
    }
    const lines = readLines(endless(), 100)
    for (let index = 0; index < 5; index++)
      expect((await lines.next()).value?.bytes?.toString()).toBe(`line ${index}`)
    expect(given).toBe(5)
    await lines.return(undefined)
  })
})
