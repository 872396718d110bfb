import { createTransport, type NodemailerError, type SMTPPoolOptions } from 'nodemailer'
import {
  type ChannelConfig,
  type Config,
  CoreError,
  type Delivery,
  maskMail,
  maskWords,
  renderMail,
  type Sending,
} from '../../core/index.ts'
import { nobodyLeft, UNHEARD } from './recipients.ts'

type EmailConfig = Extract<ChannelConfig, { type: 'email' }>
type SmtpConfig = NonNullable<Config['smtp']>

/** Connecting, greeting, and each silence of the server. */
const PHASE_MS = 10_000
/** All of it together, waiting for a free connection included. */
const TOTAL_MS = 60_000

/** Of so many unfinished mails it is remembered who has them. */
const MAX_UNFINISHED = 10_000

const MAX_REPLY_CHARS = 200

/** Sends mails through one SMTP server, over connections that are kept open. */
export interface Mailer {
  /**
   * Resolves when the server has taken the mail for every recipient. Who has it is not sent it again when the rest is
   * tried once more, as long as this process lives.
   * @throws CoreError `channel.rejected` if the server refuses for good (5xx), be it for one recipient; `channel.gone` if
   * it says that there is no such mailbox; `channel.unavailable` otherwise.
   */
  send(config: EmailConfig, delivery: Delivery, sending?: Sending): Promise<void>
  /** Ends every connection; what is under way fails as `channel.unavailable`. */
  close(): void
}

/**
 * A mailer for the configured server; without one, every mail is refused with a sentence that says so.
 * @throws CoreError `config.invalid` if the server's URL cannot be read.
 */
export function createMailer(smtp: Config['smtp']): Mailer {
  if (smtp === undefined) return { send: refuse, close: () => undefined }
  const transport = createTransport(toOptions(smtp))
  /** Recipients that have a mail of which others are still to get it, by the delivery's key. */
  const taken = new Map<string, ReadonlySet<string>>()

  function remember(key: string, recipients: ReadonlySet<string>): void {
    taken.set(key, recipients)
    const [oldest] = taken.keys()
    if (taken.size > MAX_UNFINISHED && oldest !== undefined) taken.delete(oldest)
  }

  return {
    async send(config, delivery, sending = UNHEARD) {
      const { key } = delivery
      const from = config.from ?? smtp.from
      const had = taken.get(key) ?? new Set<string>()
      const there: string[] = []
      for (const recipient of config.to)
        if (!(await sending.isGone(recipient))) there.push(recipient)
      if (there.length === 0) throw nobodyLeft(config.to.length)
      const { accepted, rejectedErrors } = await transport
        .sendMail({
          ...renderMail(delivery),
          from,
          to: there,
          envelope: { from, to: there.filter((recipient) => !had.has(recipient)) },
          // Source: RFC 3834, 5: no out-of-office answers to a machine.
          headers: { 'Auto-Submitted': 'auto-generated' },
          disableFileAccess: true,
          disableUrlAccess: true,
          signal: AbortSignal.timeout(TOTAL_MS),
        })
        .catch((error: NodemailerError) => {
          tellGone(error.rejectedErrors ?? [], sending)
          throw toCoreError(error)
        })
      const refused = rejectedErrors ?? []
      tellGone(refused, sending)
      const later = refused.find((error) => error.permanent !== true)
      if (later === undefined) taken.delete(key)
      else remember(key, new Set([...had, ...accepted]))
      const one = later ?? refused[0]
      if (one === undefined) return
      const whose = maskMail(one.recipient ?? '')
      const who = `${refused.length} of ${config.to.length} recipients refused, ${whose}`
      throw toCoreError(one, who)
    },
    close: () => transport.close({ force: true }),
  }
}

async function refuse(): Promise<void> {
  throw new CoreError(
    'channel.rejected',
    'expected a mail server under smtp: in anyhub.yml, found none',
  )
}

/** Parameters of the URL win: `?requireTLS=false`, `?tls.rejectUnauthorized=false`. */
function toOptions({ url: text }: SmtpConfig): SMTPPoolOptions & { pool: true } {
  if (!URL.canParse(text) || new URL(text).hostname === '') {
    throw new CoreError('config.invalid', 'smtp.url: expected smtp://host:port, found another text')
  }
  const url = new URL(text)
  return {
    url: text,
    pool: true,
    maxConnections: 4,
    // The notification queue tries again, visibly and later.
    maxRequeues: 1,
    connectionTimeout: PHASE_MS,
    greetingTimeout: PHASE_MS,
    socketTimeout: PHASE_MS,
    // A password never leaves this machine in the clear.
    requireTLS: url.protocol === 'smtp:' && url.password !== '' && !isLoopback(url.hostname),
  }
}

function isLoopback(hostname: string): boolean {
  return /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/i.test(hostname)
}

/**
 * Says what went wrong in our words and the server's, never in those of the library, whose errors hold more.
 *
 * A refused login is told without the server's words, which may repeat what was sent.
 */
function toCoreError(error: NodemailerError, prefix = 'SMTP'): CoreError {
  const final = error.permanent === true && error.code !== 'ETLS'
  const code = isBounce(error) ? 'channel.gone' : final ? 'channel.rejected' : 'channel.unavailable'
  const status = error.responseCode
  const options = status === undefined ? {} : { details: { status } }
  return new CoreError(code, `${prefix}: ${reasonOf(error)}`, options)
}

function tellGone(refused: readonly NodemailerError[], sending: Sending): void {
  for (const error of refused) {
    const { recipient } = error
    if (recipient === undefined || !isBounce(error)) continue
    sending.gone(
      recipient,
      maskMail(recipient),
      `SMTP ${error.responseCode ?? ''}: no such mailbox`,
    )
  }
}

/**
 * Whether a server says that there is no such mailbox, and will be none: not that it dislikes this mail.
 *
 * Source: RFC 3463: 5.1.1, 5.1.2, 5.1.3, 5.1.6 and 5.1.10 (RFC 7505) are about the address, 5.2.1 is a mailbox that was
 * disabled. Servers without such codes say it in words.
 */
function isBounce({ responseCode, response }: NodemailerError): boolean {
  if (responseCode === undefined || responseCode < 550 || responseCode > 556) return false
  const text = response ?? ''
  if (/\b5\.\d{1,3}\.\d{1,3}\b/.test(text)) return /\b5\.(?:1\.(?:1|2|3|6|10)|2\.1)\b/.test(text)
  return /\b(?:no such (?:user|mailbox|recipient)|(?:user|recipient|mailbox) (?:unknown|not found|does not exist)|unknown (?:user|recipient))\b/i.test(
    text,
  )
}

function reasonOf({ code, message, responseCode, response }: NodemailerError): string {
  if (code === 'EAUTH' || code === 'ENOAUTH') return `login refused (${responseCode ?? code})`
  if (code === 'EABORT') return `not done within ${TOTAL_MS} ms`
  return maskWords((response ?? message).replace(/\s+/g, ' ')).slice(0, MAX_REPLY_CHARS)
}
