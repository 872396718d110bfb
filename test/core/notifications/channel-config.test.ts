import { describe, expect, it } from 'vitest'
import { configJsonSchema, parseConfig } from '../../../core/index.ts'

function faultsOf(changes: object): string[] {
  const hook = { type: 'webhook', url: 'https://example.com/hook', ...changes }
  const parsed = parseConfig({ channels: { hook } })
  return 'faults' in parsed
    ? parsed.faults.map(({ path, message }) => `${path.join('.')}: ${message}`)
    : []
}

describe('a webhook channel', () => {
  it.each([
    'sixteen letters!',
    'any text that is long enough, with ü',
    'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD',
    'whsec_AAAAAAAAAAAAAAAAAAAAAA==',
    'whsec_AAAAAAAAAAAAAAAAAAAAAA',
    'not whsec_ at the start',
  ])('takes the secret %j', (secret) => expect(faultsOf({ secret })).toEqual([]))

  it.each([
    ['short', 'expected at least 16 characters'],
    ['whsec_AAAAAAAAAAAAAAAA', 'expected base64 of at least 16 bytes after whsec_'],
    ['whsec_!!!!!!!!!!!!!!!!!!!!!!!!!!', 'expected base64 of at least 16 bytes after whsec_'],
    ['whsec_AAAAAAAA AAAAAAAAAAAAAAAAAAA', 'expected base64 of at least 16 bytes after whsec_'],
  ])('refuses the secret %j without repeating it', (secret, message) => {
    const faults = faultsOf({ secret })
    expect(faults[0]).toContain(`channels.hook.secret: ${message}`)
    expect(faults.join('\n')).not.toContain(secret)
  })

  it.each(['100ms', '1s', '60s', '1m'])('takes the timeout %s', (timeout) =>
    expect(faultsOf({ timeout })).toEqual([]),
  )

  it.each([0, '0', '99ms', '61s', '1h'])('refuses the timeout %s', (timeout) =>
    expect(faultsOf({ timeout })).toEqual(['channels.hook.timeout: expected 100ms to 60s']),
  )

  it('waits ten seconds unless told otherwise', () => {
    const parsed = parseConfig({
      channels: { hook: { type: 'webhook', url: 'https://a.example/' } },
    })
    expect('config' in parsed && parsed.config.channels['hook']).toMatchObject({ timeout: 10_000 })
  })

  it.each(['ftp://example.com/', 'example.com', '/hook', 'javascript:alert(1)', ''])(
    'refuses the URL %j',
    (url) => expect(faultsOf({ url })[0]).toContain('channels.hook.url'),
  )

  it('is known to editors', () => {
    const schema = JSON.stringify(configJsonSchema())
    expect(schema).toContain('whsec_')
    expect(schema).toContain('How long an answer may take')
  })
})

describe('the mail server', () => {
  const faults = (url: string): string[] => {
    const parsed = parseConfig({ smtp: { url } })
    return 'faults' in parsed ? parsed.faults.map(({ message }) => message) : []
  }

  it.each([
    'smtp://localhost',
    'smtp://localhost:2525',
    'smtps://user:p%40ss@mail.example.org:465',
    'smtp://user@mail.example.org/?requireTLS=false',
    'smtp://[::1]:25',
  ])('may be %j', (url) => expect(faults(url)).toEqual([]))

  it.each([
    '',
    'mail.example.org',
    'http://mail.example.org',
    'smtp://',
    'smtp://:25',
    'smtp://user:secret@',
    'smtps:///?host=x',
  ])('may not be %j, which is not repeated', (url) =>
    expect(faults(url)).toEqual(['expected smtp://host or smtps://host']),
  )
})

describe('channels for telephones and apps', () => {
  const fault = (channel: object): string | undefined => {
    const parsed = parseConfig({ channels: { ops: channel } })
    return 'faults' in parsed ? parsed.faults[0]?.message : undefined
  }

  it('takes numbers as E.164 only', () => {
    expect(fault({ type: 'sms', to: ['+491701234567'] })).toBeUndefined()
    for (const to of ['0170 1234567', '+0170', '491701234567', '+4917012345678901'])
      expect(fault({ type: 'sms', to: [to] })).toContain('expected a number such as +4917')
    expect(fault({ type: 'sms', to: [] })).toBeDefined()
  })

  it('takes the names of apps as they are', () => {
    expect(fault({ type: 'push', to: ['arn:aws:sns:eu-central-1:1:app'] })).toBeUndefined()
    expect(fault({ type: 'push', to: [''] })).toBeDefined()
  })
})
