import { describe, expect, it } from 'vitest'
import { REDACTED, redact } from '../../../core/access/audit.ts'
import { createRuleTrial } from '../../../core/rule-trial.ts'
import { start } from '../harness.ts'
import { openApi } from './with-access.ts'

/** What somebody sends who wants to see the API fall over. */
describe('hostile requests', () => {
  const nested = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels))

  const { ask, asAdmin, api, access } = openApi({
    rules: { all: { sql: "SELECT * FROM 'devices/+/telemetry'" } },
  })

  const send = async (path: string, text: string) => {
    const answer = await api.request(path, {
      method: 'POST',
      headers: {
        authorization: 'Bearer the-token-of-the-admin-0123456789',
        'content-type': 'application/json',
      },
      body: text,
    })
    const json = JSON.parse(await answer.text())
    return { status: answer.status, json }
  }

  it.each([
    ['/rules/test', '{"sql":"SELECT * FROM \'a\'","messages":[{"topic":"a","payload":@}]}'],
    ['/devices/d/commands', '{"payload":@}'],
    ['/devices/d/methods/reboot', '{"payload":@}'],
  ])('says what is wrong with a body of thousands of levels at %s', async (path, body) => {
    for (const levels of [129, 2_000, 30_000]) {
      const deep = '['.repeat(levels) + ']'.repeat(levels)
      const { status, json } = await send(path, body.replace('@', deep))
      expect(status).toBe(400)
      expect(json).toMatchObject({
        type: 'urn:anyhub:input.malformed',
        detail: expect.stringContaining('levels'),
      })
    }
  })

  it('takes brackets in a text for what they are', async () => {
    const body = { sql: "SELECT text FROM 'a'", messages: [{ topic: 'a', payload: {} }] }
    const text = `\\"${'['.repeat(500)}"`
    const { status, json } = await send(
      '/rules/test',
      JSON.stringify(body).replace('{}', JSON.stringify({ text })),
    )
    expect(status).toBe(200)
    expect(json.results[0].output).toEqual({ text })
  })

  it('takes a body of as many levels as a message may have', async () => {
    const payload = { deep: nested(31) }
    const { status, json } = await asAdmin('POST', '/rules/test', {
      body: { sql: "SELECT * FROM 'a'", messages: [{ topic: 'a', payload }] },
    })
    expect(status).toBe(200)
    expect(json.results[0].output).toEqual(payload)
  })

  it('tries a rule for no longer than others can wait', () => {
    const { core } = start({})
    let now = 1_000_000
    const clock = { now: () => (now += 300) }
    const tryRule = createRuleTrial({ clock, ids: core.ports.ids }, core.programs)
    const rule = { sql: "SELECT * FROM 'a'", sqlVersion: '2016-03-23', group: 'device' } as const
    const message = { topic: 'a', deviceId: 'd', content: { body: { n: 1 } } }
    const { results } = tryRule({ ...rule, lateness: 0 }, Array(10).fill(message))
    expect(results).toHaveLength(10)
    expect(results[0]?.output).toEqual({ n: 1 })
    expect(results[9]).toMatchObject({ topic: 'a', error: { code: 'rule.limit' } })
  })

  it('tells of a trial no more than a page can show', async () => {
    const columns = Array.from({ length: 60 }, (_, at) => `text AS t${at}`)
    const messages = Array.from({ length: 100 }, () => ({
      topic: 'a',
      payload: { text: 'a'.repeat(2_000) },
    }))
    const { status, text, json } = await asAdmin('POST', '/rules/test', {
      body: { sql: `SELECT ${columns.join(', ')} FROM 'a'`, messages },
    })
    expect(status).toBe(200)
    expect(text.length).toBeLessThan(5_000_000)
    expect(json.results[0].output.t59).toHaveLength(2_000)
    expect(json.results[99]).toMatchObject({ error: { code: 'rule.limit' } })
  })

  it.each([
    [{ wifi: { psk: 'hunter22', passphrase: 'hunter22', pwd: 'hunter22' } }],
    [{ smtp: { user: 'me', pass: 'hunter22' } }],
    [{ note: 'HostName=h;DeviceId=d;SharedAccessKey=hunter22;x=1' }],
    [{ note: 'SharedAccessSignature sr=h&sig=hunter22&se=1' }],
    [{ hub: { connectionString: 'hunter22' } }],
    [{ from: 'https://me:hunter22@example.test/a' }],
    [{ header: 'Basic hunter22' }],
  ])('keeps no secret of %j', (value) => {
    const kept = JSON.stringify(redact(value))
    expect(kept).not.toContain('hunter22')
    expect(kept).toContain(REDACTED)
  })

  it.each([
    ['a link', { url: 'https://example.test:8080/a@b', mail: 'me@example.test' }],
    ['a bypass', { bypass: 'open', passed: 3, author: 'me', pinned: 'yes' }],
  ])('keeps %s', (_, value) => expect(redact(value)).toEqual(value))

  it('looks through a text for secrets once', () => {
    const started = performance.now()
    for (const text of ['eyJ-', 'eyJa.', '://a:', 'ahk_0', 'Basic ', '-----BEGIN '])
      redact({ text: text.repeat(12_000) })
    expect(performance.now() - started).toBeLessThan(1_000)
  })

  it('keeps the session of one address and says nothing to a page of another', async () => {
    const { code } = await access.sessions.createCode({
      caller: { kind: 'admin', id: 'admin', scopes: new Set() },
      source: { kind: 'admin', mark: access.adminMark },
    })
    const foreign = await ask('POST', '/session', {
      body: { code },
      headers: { origin: 'https://evil.test' },
    })
    expect(foreign.status).toBe(403)
    expect(foreign.headers.get('set-cookie')).toBeNull()
  })
})
