import { describe, expect, it } from 'vitest'
import { runCli } from './run-cli.ts'

async function evaluate(kind: string, stdin: string | AsyncIterable<string>): Promise<unknown[]> {
  const { code, out, err } = await runCli(['eval', kind], { stdin })
  expect(code).toBe(0)
  expect(err).toBe('')
  expect(out.endsWith('\n') || out === '').toBe(true)
  return out
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
}

const one = async (kind: string, line: unknown): Promise<unknown> =>
  (await evaluate(kind, JSON.stringify(line)))[0]

describe('anyhub eval', () => {
  it('answers every line, in order, also those that are no JSON', async () => {
    const good = (temp: number): string =>
      JSON.stringify({ sql: "SELECT temp FROM 't'", topic: 't', payload: { temp } })
    const lines = [good(1), 'nonsense', '', '{"sql":', '[]', 'null', good(2)]
    const answers = await evaluate('sql', lines.join('\n'))
    expect(answers).toHaveLength(lines.length)
    expect(answers[0]).toEqual({ output: { temp: 1 } })
    for (const answer of answers.slice(1, 6))
      expect(answer).toMatchObject({ error: { code: 'input.malformed' } })
    expect(answers[6]).toEqual({ output: { temp: 2 } })
  })

  it('answers nothing to nothing', async () => {
    expect(await evaluate('sql', '')).toEqual([])
  })

  it('keeps a line whole that holds line separators of Unicode, however it arrives', async () => {
    const line = `{"sql":"SELECT a FROM 't'","topic":"t","payload":{"a":"x\u2028y\u2029z\u0085ä"}}`
    async function* bytewise(): AsyncGenerator<string> {
      for (const char of line) yield char
      yield '\r\n'
    }
    expect(await evaluate('sql', bytewise())).toEqual([{ output: { a: 'x\u2028y\u2029z\u0085ä' } }])
  })

  it('goes on after a line that nests too deeply', async () => {
    const deep = `{"sql":"SELECT * FROM 't'","topic":"t","payload":${'['.repeat(50_000)}${']'.repeat(50_000)}}`
    const next = JSON.stringify({ sql: "SELECT 1 AS a FROM 't'", topic: 't', payload: {} })
    const answers = await evaluate('sql', `${deep}\n${next}\n`)
    expect(answers[0]).toMatchObject({ error: { code: expect.any(String) } })
    expect(answers[1]).toEqual({ output: { a: 1 } })
  })

  it('sql: output, no match by topic and by WHERE, error with its place, bytes', async () => {
    const sql = "SELECT temp FROM 'a/+' WHERE temp > 5"
    expect(await one('sql', { sql, topic: 'a/b', payload: { temp: 6 } })).toEqual({
      output: { temp: 6 },
    })
    expect(await one('sql', { sql, topic: 'b/b', payload: { temp: 6 } })).toEqual({
      noMatch: 'topic',
    })
    expect(await one('sql', { sql, topic: 'a/b', payload: { temp: 5 } })).toEqual({
      noMatch: 'where',
    })
    expect(await one('sql', { sql: 'SELECT', topic: 'a', payload: {} })).toMatchObject({
      error: { code: 'rule.syntax', line: 1, column: 7 },
    })
    const bytes = { payloadBase64: Buffer.from([1, 255]).toString('base64') }
    expect(await one('sql', { sql: "SELECT * FROM 'a'", topic: 'a', ...bytes })).toEqual({
      outputBase64: bytes.payloadBase64,
    })
    const context = { nowMs: 5, clientId: 'c' }
    expect(
      await one('sql', {
        sql: "SELECT timestamp() AS t, clientid() AS c, topic(1) AS a FROM 'a'",
        topic: 'a',
        payloadText: '{}',
        context,
      }),
    ).toEqual({ output: { t: 5, c: 'c', a: 'a' } })
  })

  it('template: text or error', async () => {
    const given = { topic: 'a/b', payload: { x: 1 } }
    expect(await one('template', { template: '${topic(2)}/${x}/${none}', ...given })).toEqual({
      text: 'b/1/',
    })
    expect(await one('template', { template: '${x', ...given })).toMatchObject({
      error: { code: 'rule.syntax', line: 1 },
    })
  })

  it('topic: match by dialect, or error', async () => {
    expect(await one('topic', { filter: 'a/#', topic: 'a', dialect: 'mqtt' })).toEqual({
      match: true,
    })
    expect(await one('topic', { filter: 'a/+', topic: 'a', dialect: 'aws' })).toEqual({
      match: false,
    })
    expect(await one('topic', { filter: 'a/#/b', topic: 'a/x/b' })).toEqual({ match: false })
    expect(await one('topic', { filter: 'a', topic: 'a', dialect: 'amqp' })).toMatchObject({
      error: { code: 'input.malformed' },
    })
  })

  it('decode: telemetry or error, from hex, base64 and text', async () => {
    const text = '{"a":1}'
    for (const given of [
      { text },
      { bytesHex: Buffer.from(text).toString('hex') },
      { bytesBase64: Buffer.from(text).toString('base64') },
    ])
      expect(await one('decode', { codec: 'json', ...given })).toEqual({ telemetry: { a: 1 } })
    expect(await one('decode', { codec: 'json', text: '{"a":' })).toMatchObject({
      error: { code: 'codec.malformed' },
    })
    expect(await one('decode', { codec: 'nosuch', text })).toMatchObject({
      error: { code: 'codec.unknown' },
    })
    expect(await one('decode', { codec: 'json', bytesHex: 'abc' })).toMatchObject({
      error: { code: 'input.malformed' },
    })
    expect(await one('decode', { codec: 'json' })).toMatchObject({
      error: { code: 'input.malformed' },
    })
  })

  it('decode: refuses what JSON cannot say', async () => {
    expect(await one('decode', { codec: 'json', text: '{"a":[1e400]}' })).toMatchObject({
      error: { code: 'codec.wrong_type' },
    })
    const text = '['.repeat(100_000) + ']'.repeat(100_000)
    expect(await one('decode', { codec: 'json', text })).toMatchObject({
      error: { code: 'codec.too_deep' },
    })
    let data: unknown = 1
    for (let level = 0; level < 600; level++) data = [data]
    expect(await one('encode', { codec: 'json', data })).toMatchObject({
      error: { code: 'codec.too_deep' },
    })
  })

  it.each<[unknown, unknown]>([
    ['2020-08-02T20:00:00.000+05:00', { telemetry: '2020-08-02T15:00:00.000Z' }],
    [1_596_380_400_000, { telemetry: '2020-08-02T15:00:00.000Z' }],
    [null, { telemetry: '1970-01-01T00:00:00.000Z' }],
    ['nonsense', { error: { code: 'input.malformed' } }],
    [1e18, { error: { code: 'input.malformed' } }],
    [{}, { error: { code: 'input.malformed' } }],
  ])('takes %j as the time of receipt', async (recvTime, answer) => {
    const script = 'function decodeUplink({ recvTime }) { return { data: recvTime } }'
    const line = { codec: 'script', script, bytesHex: '00', recvTime }
    expect(await one('decode', line)).toMatchObject(answer as object)
  })

  it.each([
    ['bytesHex', '81'.repeat(10_000_000)],
    ['bytesBase64', 'gYGB'.repeat(5_000_000)],
  ])('reads %s of tens of MB', async (form, bytes) => {
    expect(await one('decode', { codec: 'cbor', [form]: bytes })).toMatchObject({
      error: { code: 'codec.too_deep', offset: 64 },
    })
  })

  it('decode: on demand also the messages, as rules see them', async () => {
    const line = { codec: 'cayenne-lpp', bytesHex: '03670110', split: true }
    expect(await one('decode', line)).toEqual({
      telemetry: [{ channel: 3, type: 103, name: 'temperature', value: 27.2 }],
      messages: [{ body: { temperature_3: 27.2 } }],
    })
    const bytesHex = '0d0106000000065f5e10004f4b01'
    expect(await one('decode', { codec: 'teltonika', bytesHex, split: true })).toMatchObject({
      messages: [{ at: 1_600_000_000_000, body: { text: 'OK' } }],
    })
    expect(await one('decode', { codec: 'json', text: '7', split: true })).toEqual({
      telemetry: 7,
      messages: [{ body: 7 }],
    })
  })

  it('shadow: one fresh device for each line', async () => {
    const update = { op: 'update', payload: { state: { desired: { led: 'on' } } }, at: 100 }
    const line = JSON.stringify({ steps: [update, { op: 'get' }] })
    const answers = await evaluate('shadow', `${line}\n${line}\n`)
    expect(answers[0]).toEqual(answers[1])
    expect(answers[0]).toMatchObject({
      results: [
        { accepted: { version: 1 }, delta: { state: { led: 'on' } } },
        { accepted: { state: { desired: { led: 'on' }, delta: { led: 'on' } }, version: 1 } },
      ],
    })
    expect(await one('shadow', { steps: [{ op: 'get' }] })).toMatchObject({
      results: [{ rejected: { code: 404 } }],
    })
    expect(await one('shadow', { steps: 1 })).toMatchObject({ error: { code: 'input.malformed' } })
  })

  it('twin: result, ok or error', async () => {
    expect(await one('twin', { target: { a: 1, b: 2 }, patch: { a: null, c: 3 } })).toEqual({
      result: { b: 2, c: 3 },
    })
    expect(await one('twin', { validateReported: { a: 1 } })).toEqual({ ok: true })
    expect(await one('twin', { validateReported: { 'a.b': 1 } })).toMatchObject({
      error: { code: 400 },
    })
  })
})
