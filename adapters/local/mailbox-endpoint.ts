import * as z from 'zod'
import { type Endpoint, endpoint } from '../../core/api/index.ts'
import type { Mailbox } from './mailbox.ts'
import { MAILBOX_HEADERS, renderMailbox } from './mailbox-page.ts'

const Mail = z
  .object({
    id: z.string(),
    at: z.string().meta({ description: 'ISO 8601.' }),
    to: z.array(z.string()),
    subject: z.string(),
    text: z.string(),
  })
  .meta({ id: 'Mail' })

/** Mails that would have been sent, as JSON or as a page. */
export function mailboxEndpoint(mailbox: Pick<Mailbox, 'list'>): Endpoint {
  return endpoint({
    method: 'get',
    path: '/mailbox',
    operation: 'listMails',
    tag: 'Notifications',
    summary: 'Mails that would have been sent, the newest first; a page for whoever wants HTML.',
    needs: 'notifications:read',
    answer: z.object({ mails: z.array(Mail) }),
    async handle({ context }) {
      const mails = await mailbox.list()
      const asksPage = /text\/html/.test(context.req.header('accept') ?? '')
      return asksPage ? context.body(renderMailbox(mails), 200, MAILBOX_HEADERS) : { mails }
    },
  })
}
