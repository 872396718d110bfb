import * as z from 'zod'
import { CHANNEL_BASE } from './channel-base.ts'
import { type HttpChannel, verdictInBody } from './http-channel.ts'
import { wordsOf } from './words.ts'

/** Posts into a channel of Slack by its incoming webhook. */
export const SlackSchema = z.strictObject({
  type: z.literal('slack').meta({ description: 'Posts into a channel of Slack.' }),
  ...CHANNEL_BASE,
  url: z.url({ protocol: /^https?$/ }).meta({
    description: 'The incoming webhook; a secret, so `${env:…}`.',
  }),
  allowPrivate: z.boolean().default(false).meta({ description: 'Allow private addresses.' }),
})

type Channel = z.output<typeof SlackSchema>

/** Source: api.slack.com, "Sending messages using incoming webhooks"; Block Kit reference, text objects (3,000 characters). */
export const slack: HttpChannel<Channel> = {
  render({ url }, delivery) {
    const { title, text, facts } = wordsOf(delivery)
    const fields = facts.map(([name, value]) => ({
      type: 'mrkdwn',
      text: `*${name}*\n${escaped(value)}`,
    }))
    const body = {
      text: escaped(text === '' ? title : `${title}: ${text}`),
      blocks: [
        { type: 'header', text: { type: 'plain_text', text: title.slice(0, 150), emoji: true } },
        ...(text === ''
          ? []
          : [{ type: 'section', text: { type: 'mrkdwn', text: sectionOf(text) } }]),
        { type: 'section', fields },
      ],
    }
    return [
      {
        to: 'slack',
        address: url,
        url,
        headers: { 'content-type': 'application/json; charset=utf-8' },
        body: JSON.stringify(body),
      },
    ]
  },
  // Source: the same page: channel_not_found and channel_is_archived end a webhook for good.
  judge: (answer) =>
    answer.status === 404 || /channel_is_archived|no_service/.test(answer.body)
      ? 'gone'
      : verdictInBody(answer),
}

/** Longer sections are refused; an escape is not cut in two. */
const MAX_SECTION = 3_000

function sectionOf(text: string): string {
  const whole = escaped(text)
  return whole.length <= MAX_SECTION
    ? whole
    : whole
        .slice(0, MAX_SECTION)
        .replace(/&[a-z]{0,3}$/, '')
        .toWellFormed()
}

/** Source: api.slack.com, "Formatting text for app surfaces": three characters mean something. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
