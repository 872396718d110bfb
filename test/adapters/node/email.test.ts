import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { inspect } from 'node:util'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { afterEach, describe, expect, it } from 'vitest'
import { createMailer, type Mailer } from '../../../adapters/node/email.ts'
import { type ChannelConfig, CoreError, type Delivery, type Sending } from '../../../core/index.ts'
import { SELF_SIGNED } from './self-signed.ts'

type EmailConfig = Extract<ChannelConfig, { type: 'email' }>

const channel: EmailConfig = { type: 'email', to: ['ops@example.com'] }

const delivery: Delivery = {
  key: 'dev-1/alarm/hot/1700000000000/raised>mail',
  channelId: 'mail',
  attempts: 0,
  notification: {
    key: 'dev-1/alarm/hot/1700000000000/raised',
    channelIds: ['mail'],
    deviceId: 'dev-1',
    severity: 'critical',
    subject: 'hot raised on dev-1',
    text: '31 °C in the Kühlraum',
    at: 1_700_000_000_000,
    data: null,
  },
}

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

interface Received {
  readonly from: string
  readonly to: readonly string[]
  readonly secure: boolean
  readonly user: string | undefined
  /** Header names in lower case; lines that were folded are one. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

interface Faults {
  rcpt?: (address: string, index: number) => number | string | undefined
  data?: (index: number) => number | undefined
}

/** A real SMTP server that keeps what it gets. */
async function receive(faults: Faults = {}, options: SMTPServerOptions = {}) {
  const received: Received[] = []
  let recipients = 0
  let mails = 0
  let connections = 0
  const server = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    ...options,
    onConnect(_session, callback) {
      connections++
      callback()
    },
    onRcptTo({ address }, _session, callback) {
      callback(fault(faults.rcpt?.(address, recipients++)))
    },
    onData(stream, session, callback) {
      let text = ''
      stream.setEncoding('utf8')
      stream.on('data', (chunk: string) => {
        text += chunk
      })
      stream.on('end', () => {
        const refusal = fault(faults.data?.(mails++))
        const { mailFrom, rcptTo } = session.envelope
        const end = text.indexOf('\r\n\r\n')
        const lines = text
          .slice(0, end)
          .replace(/\r\n[ \t]+/g, ' ')
          .split('\r\n')
        if (refusal === undefined) {
          received.push({
            from: mailFrom === false ? '' : mailFrom.address,
            to: rcptTo.map(({ address }) => address),
            secure: session.secure,
            user: session.user === undefined ? undefined : String(session.user),
            headers: new Map(
              lines.map((line) => {
                const colon = line.indexOf(':')
                return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
              }),
            ),
            body: text.slice(end + 4),
          })
        }
        callback(refusal)
      })
    },
  })
  server.on('error', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => server.close())
  const { port } = server.server.address() as AddressInfo
  return { port, url: `smtp://127.0.0.1:${port}`, received, connections: () => connections, server }
}

function fault(refusal: number | string | undefined): Error | undefined {
  if (refusal === undefined) return undefined
  const [code = '', ...words] = String(refusal).split(' ')
  const said = words.length === 0 ? `said ${code}` : words.join(' ')
  return Object.assign(new Error(said), { responseCode: Number(code) })
}

function mailer(url: string): Mailer {
  const created = createMailer({ url, from: 'anyhub@example.org' })
  closers.push(() => created.close())
  return created
}

async function failure(sending: Promise<void>): Promise<CoreError> {
  const error = await sending.then(
    () => undefined,
    (reason) => reason,
  )
  expect(error).toBeInstanceOf(CoreError)
  return error
}

describe('a mail', () => {
  it('arrives with what a person needs', async () => {
    const { url, received } = await receive()
    await mailer(url).send({ ...channel, to: ['a@example.com', 'b@example.com'] }, delivery)
    expect(received).toHaveLength(1)
    const { from, to, headers, body } = received[0]!
    expect({ from, to }).toEqual({
      from: 'anyhub@example.org',
      to: ['a@example.com', 'b@example.com'],
    })
    expect(headers.get('from')).toBe('anyhub@example.org')
    expect(headers.get('to')).toBe('a@example.com, b@example.com')
    expect(headers.get('subject')).toBe('[critical] hot raised on dev-1')
    expect(headers.get('message-id')).toBe('<dev-1/alarm/hot/1700000000000/raised%3email@anyhub>')
    expect(headers.get('auto-submitted')).toBe('auto-generated')
    const text =
      headers.get('content-transfer-encoding') === 'quoted-printable'
        ? decodeQuotedPrintable(body)
        : body
    expect(text).toContain('31 °C in the Kühlraum')
    expect(text).toContain('Device    dev-1')
    expect(text).toContain('Time      2023-11-14T22:13:20.000Z')
  })

  it('comes from the channel where the channel says so', async () => {
    const { url, received } = await receive()
    await mailer(url).send({ ...channel, from: 'cold@example.org' }, delivery)
    expect(received[0]!.from).toBe('cold@example.org')
    expect(received[0]!.headers.get('from')).toBe('cold@example.org')
  })

  it('has the same Message-ID at each try, and another for another delivery', async () => {
    const { url, received } = await receive({ data: (index) => (index === 0 ? 451 : undefined) })
    const mails = mailer(url)
    expect(await failure(mails.send(channel, delivery))).toMatchObject({
      code: 'channel.unavailable',
    })
    await mails.send(channel, { ...delivery, attempts: 1 })
    await mails.send(channel, { ...delivery, attempts: 2 })
    await mails.send(channel, { ...delivery, key: delivery.key.replace('dev-1', 'dev.1') })
    const ids = received.map(({ headers }) => headers.get('message-id'))
    expect(ids[0]).toBe(ids[1])
    expect(ids[2]).not.toBe(ids[0])
  })

  it('gets no header from what a device says', async () => {
    const { url, received } = await receive()
    const evil = 'x\r\nBcc: victim@example.com\r\n\r\nbody'
    await mailer(url).send(channel, {
      ...delivery,
      key: `${evil}>mail`,
      notification: { ...delivery.notification, subject: evil, deviceId: evil, text: evil },
    })
    expect(received).toHaveLength(1)
    const { to, headers } = received[0]!
    expect(to).toEqual(['ops@example.com'])
    expect([...headers.keys()].toSorted()).toEqual([
      'auto-submitted',
      'content-transfer-encoding',
      'content-type',
      'date',
      'from',
      'message-id',
      'mime-version',
      'subject',
      'to',
    ])
    expect(headers.get('subject')).toBe('[critical] x Bcc: victim@example.com body')
  })

  it.each(['\u0000', '\u000b', '\u0085', '\u2028'])('is not cut short by %j', async (character) => {
    const { url, received } = await receive()
    const subject = `one${character}two`
    const notification = { ...delivery.notification, subject, text: `${subject}\r\n.\r\nthree` }
    await mailer(url).send(channel, { ...delivery, notification })
    const { headers, body } = received[0]!
    expect(decodeWords(headers.get('subject') ?? '')).toMatch(/^\[critical\] one.two$/s)
    expect(body).toContain('three')
  })

  it('goes over connections that are used again', async () => {
    const { url, received, connections } = await receive()
    const mails = mailer(url)
    for (let index = 0; index < 5; index++)
      await mails.send(channel, { ...delivery, key: `k${index}` })
    expect(received).toHaveLength(5)
    expect(connections()).toBe(1)
  })
})

describe('what becomes of a refusal', () => {
  it.each([
    [450, 'channel.unavailable'],
    [452, 'channel.unavailable'],
    [550, 'channel.rejected'],
    [553, 'channel.rejected'],
  ])('%i to the recipient', async (status, code) => {
    const { url, received } = await receive({ rcpt: () => status })
    const error = await failure(mailer(url).send(channel, delivery))
    expect(error).toMatchObject({
      code,
      details: { status },
      message: `SMTP: ${status} said ${status}`,
    })
    expect(received).toHaveLength(0)
  })

  it.each([
    [421, 'channel.unavailable'],
    [451, 'channel.unavailable'],
    [552, 'channel.rejected'],
    [554, 'channel.rejected'],
  ])('%i to the message', async (status, code) => {
    const { url } = await receive({ data: () => status })
    expect(await failure(mailer(url).send(channel, delivery))).toMatchObject({
      code,
      details: { status },
    })
  })

  it('the next mail is served', async () => {
    const { url, received } = await receive({ rcpt: (_to, index) => (index < 2 ? 550 : undefined) })
    const mails = mailer(url)
    await failure(mails.send(channel, delivery))
    await failure(mails.send(channel, delivery))
    await mails.send(channel, delivery)
    expect(received).toHaveLength(1)
  })
})

describe('a hard bounce', () => {
  const hears = (gone = new Set<string>()) => {
    const told: string[][] = []
    const sending: Sending = {
      isGone: async (address) => gone.has(address),
      gone: (...one) => void told.push(one),
      keep: () => undefined,
    }
    return { sending, told }
  }

  it.each([
    ['550 5.1.1 no such user', true],
    ['550 5.1.10 null MX', true],
    ['553 5.1.3 bad address', true],
    ['550 5.2.1 mailbox disabled', true],
    ['550 User unknown', true],
    ['550 5.7.1 your server is on a list', false],
    ['552 5.2.2 mailbox full, user unknown to us', false],
    ['550 try another', false],
    ['450 4.2.1 user unknown for now', false],
  ])('%s: %s', async (refusal, bounced) => {
    const { url } = await receive({ rcpt: () => refusal })
    const { sending, told } = hears()
    const error = await failure(
      mailer(url).send({ ...channel, to: ['bob@x.org'] }, delivery, sending),
    )
    expect(error.code === 'channel.gone').toBe(bounced)
    const reason = `SMTP ${refusal.slice(0, 3)}: no such mailbox`
    expect(told).toEqual(bounced ? [['bob@x.org', 'b…@x.org', reason]] : [])
  })

  it('one of several: the others have it; it is told, and is not sent to again', async () => {
    const { url, received } = await receive({
      rcpt: (to) => (to === 'b@x.org' ? '550 5.1.1 no such user' : undefined),
    })
    const to = ['a@x.org', 'b@x.org']
    const first = hears()
    const mails = mailer(url)
    const error = await failure(mails.send({ ...channel, to }, delivery, first.sending))
    expect(error.code).toBe('channel.gone')
    expect(first.told.map(([address]) => address)).toEqual(['b@x.org'])
    await mails.send(
      { ...channel, to },
      { ...delivery, key: 'next' },
      hears(new Set(['b@x.org'])).sending,
    )
    expect(received.map((one) => one.to)).toEqual([['a@x.org'], ['a@x.org']])
  })

  it('nobody left: nothing is sent, and it is said', async () => {
    const { url, received } = await receive()
    const { sending } = hears(new Set(['bob@x.org']))
    const sent = mailer(url).send({ ...channel, to: ['bob@x.org'] }, delivery, sending)
    expect((await failure(sent)).code).toBe('channel.gone')
    expect(received).toHaveLength(0)
  })
})

describe('several recipients', () => {
  const three: EmailConfig = { ...channel, to: ['a@x.org', 'b@x.org', 'c@x.org'] }

  it('one refused for good: the others have it, and the refusal is told', async () => {
    const { url, received } = await receive({ rcpt: (to) => (to === 'b@x.org' ? 550 : undefined) })
    const error = await failure(mailer(url).send(three, delivery))
    expect(error).toMatchObject({
      code: 'channel.rejected',
      message: '1 of 3 recipients refused, b…@x.org: 550 said 550',
    })
    expect(received.map(({ to }) => to)).toEqual([['a@x.org', 'c@x.org']])
  })

  it('one put off: it alone is tried again, under the same Message-ID', async () => {
    const { url, received } = await receive({
      rcpt: (to, index) => (to === 'b@x.org' && index < 4 ? 450 : undefined),
    })
    const mails = mailer(url)
    for (let attempts = 0; attempts < 2; attempts++) {
      expect(await failure(mails.send(three, { ...delivery, attempts }))).toMatchObject({
        code: 'channel.unavailable',
      })
    }
    await mails.send(three, { ...delivery, attempts: 2 })
    expect(received.map(({ to }) => to)).toEqual([['a@x.org', 'c@x.org'], ['b@x.org']])
    const [first, second] = received.map(({ headers }) => headers)
    expect(second!.get('message-id')).toBe(first!.get('message-id'))
    expect(second!.get('to')).toBe('a@x.org, b@x.org, c@x.org')
    // Done is forgotten: the same key later means the same mail for everybody.
    await mails.send(three, delivery)
    expect(received[2]!.to).toHaveLength(3)
  })

  it('one put off and one refused: tried again until it is clear', async () => {
    const { url, received } = await receive({
      rcpt: (to, index) =>
        to === 'a@x.org' ? undefined : to === 'b@x.org' ? 550 : index < 3 ? 450 : undefined,
    })
    const mails = mailer(url)
    expect((await failure(mails.send(three, delivery))).code).toBe('channel.unavailable')
    const error = await failure(mails.send(three, delivery))
    expect(error.code).toBe('channel.rejected')
    expect(error.message).toContain('b…@x.org')
    expect(received.map(({ to }) => to)).toEqual([['a@x.org'], ['c@x.org']])
  })

  it('all refused, one only for now: tried again', async () => {
    const { url } = await receive({ rcpt: (to) => (to === 'b@x.org' ? 450 : 550) })
    expect(await failure(mailer(url).send(three, delivery))).toMatchObject({
      code: 'channel.unavailable',
      details: { status: 450 },
    })
  })
})

describe('the way to the server', () => {
  it('refused: to be tried again', async () => {
    const { url } = await receive()
    for (const close of closers.splice(0)) close()
    await new Promise((resolve) => setTimeout(resolve, 50))
    const error = await failure(mailer(url).send(channel, delivery))
    expect(error.code).toBe('channel.unavailable')
    expect(error.message).toContain('ECONNREFUSED')
  })

  it('closed in the middle: to be tried again', async () => {
    const tcp = createTcpServer((socket) => {
      socket.on('error', () => undefined)
      socket.write('220 hello\r\n')
      socket.on('data', () => socket.destroy())
    })
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve))
    closers.push(() => tcp.close())
    const { port } = tcp.address() as AddressInfo
    expect(await failure(mailer(`smtp://127.0.0.1:${port}`).send(channel, delivery))).toMatchObject(
      {
        code: 'channel.unavailable',
      },
    )
  })

  it('no server configured: refused with a sentence that says so', async () => {
    const error = await failure(createMailer(undefined).send(channel, delivery))
    expect(error).toMatchObject({
      code: 'channel.rejected',
      message: 'expected a mail server under smtp: in anyhub.yml, found none',
    })
  })

  it('close ends what is under way', async () => {
    const tcp = createTcpServer((socket) => void socket.on('error', () => undefined))
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve))
    closers.push(() => tcp.close())
    const { port } = tcp.address() as AddressInfo
    const mails = mailer(`smtp://127.0.0.1:${port}`)
    const sending = failure(mails.send(channel, delivery))
    await new Promise((resolve) => setTimeout(resolve, 50))
    mails.close()
    expect(await sending).toMatchObject({ code: 'channel.unavailable' })
    expect(await failure(mails.send(channel, delivery))).toMatchObject({
      code: 'channel.unavailable',
    })
  })

  it.each(['smtp://', 'smtp://:25', 'smtp:// /', 'smtp://host:99999'])('%j is no server', (url) => {
    expect(() => createMailer({ url, from: 'a@example.org' })).toThrow(
      expect.objectContaining({ code: 'config.invalid' }),
    )
  })
})

describe('TLS', () => {
  it('smtps:// speaks nothing else', async () => {
    const plain = await receive()
    const error = await failure(
      mailer(plain.url.replace('smtp:', 'smtps:')).send(channel, delivery),
    )
    expect(error.code).toBe('channel.unavailable')
    expect(plain.received).toHaveLength(0)
  })

  it('smtps:// checks the certificate', async () => {
    const { port, received } = await receive({}, { secure: true, ...SELF_SIGNED })
    const error = await failure(mailer(`smtps://127.0.0.1:${port}`).send(channel, delivery))
    expect(error.code).toBe('channel.unavailable')
    expect(error.message).toMatch(/self-signed certificate/)
    expect(received).toHaveLength(0)
    await mailer(`smtps://127.0.0.1:${port}?tls.rejectUnauthorized=false`).send(channel, delivery)
    expect(received[0]!.secure).toBe(true)
  })

  it('smtp:// uses STARTTLS where it is offered', async () => {
    const { port, received } = await receive({}, { disabledCommands: ['AUTH'], ...SELF_SIGNED })
    await mailer(`smtp://127.0.0.1:${port}?tls.rejectUnauthorized=false`).send(channel, delivery)
    expect(received[0]!.secure).toBe(true)
  })

  it('requireTLS sends nothing in the clear', async () => {
    const { url, received } = await receive()
    const error = await failure(mailer(`${url}?requireTLS=true`).send(channel, delivery))
    expect(error.code).toBe('channel.unavailable')
    expect(received).toHaveLength(0)
  })
})

describe('credentials', () => {
  const PASSWORD = 'hunter2 hunter2'
  const auth = (accept: boolean, echo = false): SMTPServerOptions => ({
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    authMethods: ['PLAIN', 'LOGIN'],
    onAuth({ username, password }, _session, callback) {
      if (accept && username === 'us@er' && password === PASSWORD)
        callback(null, { user: username })
      else callback(new Error(echo ? `no ${username} with ${password}` : 'no'))
    },
  })
  const withUser = (url: string) => url.replace('//', `//us%40er:${encodeURIComponent(PASSWORD)}@`)

  it('log in', async () => {
    const { url, received } = await receive({}, auth(true))
    await mailer(withUser(url)).send(channel, delivery)
    expect(received[0]!.user).toBe('us@er')
  })

  it('stand in no error, also where the server repeats them', async () => {
    const { url } = await receive({}, auth(false, true))
    const closed = createTcpServer((socket) => socket.destroy())
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
    closers.push(() => closed.close())
    const { port } = closed.address() as AddressInfo
    for (const address of [url, `smtp://127.0.0.1:${port}`, 'smtp://127.0.0.1:1']) {
      const error = await failure(mailer(withUser(address)).send(channel, delivery))
      const text = inspect(error, { depth: 10, showHidden: true })
      for (const secret of [PASSWORD, encodeURIComponent(PASSWORD), 'us@er', btoa(PASSWORD)])
        expect(text).not.toContain(secret)
    }
  })

  it('that are refused are told as such', async () => {
    const { url } = await receive({}, auth(false))
    expect(await failure(mailer(withUser(url)).send(channel, delivery))).toMatchObject({
      code: 'channel.rejected',
      message: 'SMTP: login refused (535)',
    })
  })

  it('stand in no error about the URL', () => {
    const url = 'smtp://user:hunter2hunter2@host:99999'
    try {
      createMailer({ url, from: 'a@example.org' })
      expect.unreachable()
    } catch (error) {
      expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('hunter2')
    }
  })
})

function decodeQuotedPrintable(text: string): string {
  const bytes = text
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_all, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString('utf8')
}

/** Source: RFC 2047. */
function decodeWords(text: string): string {
  return text
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?utf-8\?(q|b)\?([^?]*)\?=/gi, (_all, kind, word) =>
      kind.toLowerCase() === 'b'
        ? Buffer.from(word, 'base64').toString('utf8')
        : decodeQuotedPrintable(word.replaceAll('_', ' ')),
    )
}
