import { createTransport, type Transporter } from 'nodemailer'
import {
  type ChannelConfig,
  type Config,
  CoreError,
  type Delivery,
  renderMail,
} from '../../core/index.ts'

type EmailConfig = Extract<ChannelConfig, { type: 'email' }>

/** Sends mails through one SMTP server, over connections that are kept open. */
export interface Mailer {
  /**
   * @throws CoreError `channel.rejected` if the server refuses for good (5xx); `channel.unavailable` otherwise.
   */
  send(config: EmailConfig, delivery: Delivery): Promise<void>
  close(): void
}

/** A mailer for the configured server; without one, every mail is refused with a sentence that says so. */
export function createMailer(smtp: Config['smtp']): Mailer {
  const transport: Transporter | undefined =
    smtp === undefined
      ? undefined
      : createTransport({
          url: smtp.url,
          pool: true,
          maxConnections: 4,
          connectionTimeout: 10_000,
          socketTimeout: 30_000,
        })
  return {
    async send(config, delivery) {
      if (transport === undefined || smtp === undefined) {
        throw new CoreError(
          'channel.rejected',
          'expected a mail server under smtp: in anyhub.yml, found none',
        )
      }
      const mail = renderMail(delivery)
      try {
        await transport.sendMail({
          from: config.from ?? smtp.from,
          to: [...config.to],
          subject: mail.subject,
          text: mail.text,
          messageId: mail.messageId,
          disableFileAccess: true,
          disableUrlAccess: true,
        })
      } catch (error) {
        const status =
          error instanceof Error && 'responseCode' in error ? Number(error.responseCode) : 0
        const reason = error instanceof Error ? error.message : String(error)
        throw new CoreError(
          status >= 500 ? 'channel.rejected' : 'channel.unavailable',
          `SMTP: ${reason}`,
          { cause: error },
        )
      }
    },
    close: () => transport?.close(),
  }
}
