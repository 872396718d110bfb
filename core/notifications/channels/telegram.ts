import * as z from 'zod'
import { CHANNEL_BASE } from './channel-base.ts'
import { type HttpChannel, verdictInBody } from './http-channel.ts'
import { maskChat } from './mask.ts'
import { wordsOf } from './words.ts'

/** Writes into chats of Telegram as a bot. */
export const TelegramSchema = z.strictObject({
  type: z.literal('telegram').meta({ description: 'Writes into chats of Telegram.' }),
  ...CHANNEL_BASE,
  token: z
    .string()
    .regex(/^\d+:[\w-]{30,}$/, 'expected the token of a bot, such as 123456:ABC…')
    .meta({ description: 'The token of the bot; a secret, so `${env:…}`.' }),
  chats: z
    .array(z.union([z.int(), z.string().regex(/^(-?\d+|@\w{4,})$/, 'expected a chat id or @name')]))
    .min(1)
    .max(100)
    .meta({ description: 'Chats: their ids, or @names of channels.' }),
  url: z
    .url({ protocol: /^https?$/ })
    .default('https://api.telegram.org')
    .meta({ description: 'The Bot API, if it is a server of your own.' }),
  allowPrivate: z.boolean().default(false).meta({ description: 'Allow private addresses.' }),
})

type Channel = z.output<typeof TelegramSchema>

/** Source: core.telegram.org/bots/api#sendmessage: 1 to 4,096 characters, HTML with three escapes. */
export const telegram: HttpChannel<Channel> = {
  render({ token, chats, url }, delivery) {
    const { title, text, facts } = wordsOf(delivery)
    const lines = [
      `<b>${escaped(title)}</b>`,
      ...(text === '' ? [] : [escaped(text)]),
      ...facts.map(([name, value]) => `<i>${name}</i> ${escaped(value)}`),
    ]
    return chats.map((chat) => ({
      to: `chat ${maskChat(chat)}`,
      address: String(chat),
      url: `${url.replace(/\/$/, '')}/bot${token}/sendMessage`,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ chat_id: chat, text: lines.join('\n'), parse_mode: 'HTML' }),
    }))
  },
  // Source: the same page: 403 means that the bot was blocked or thrown out.
  judge: (answer) =>
    answer.status === 403 || /chat not found|user is deactivated/.test(answer.body)
      ? 'gone'
      : verdictInBody(answer),
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
