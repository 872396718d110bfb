import * as z from 'zod'
import { CHANNEL_BASE } from './channel-base.ts'
import { type HttpChannel, verdictOf } from './http-channel.ts'
import { wordsOf } from './words.ts'

/** Posts a card into Microsoft Teams, by the workflow "When a Teams webhook request is received". */
export const TeamsSchema = z.strictObject({
  type: z.literal('teams').meta({ description: 'Posts a card into Microsoft Teams.' }),
  ...CHANNEL_BASE,
  url: z.url({ protocol: /^https?$/ }).meta({
    description: 'The address of the workflow; a secret, so `${env:…}`.',
  }),
  allowPrivate: z.boolean().default(false).meta({ description: 'Allow private addresses.' }),
})

type Channel = z.output<typeof TeamsSchema>

/** Source: learn.microsoft.com, "Create incoming webhooks with Workflows for Microsoft Teams"; Adaptive Cards 1.4. */
export const teams: HttpChannel<Channel> = {
  render({ url }, delivery) {
    const { title, text, facts } = wordsOf(delivery)
    const content = {
      $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
      type: 'AdaptiveCard',
      version: '1.4',
      body: [
        { type: 'TextBlock', text: escaped(title), weight: 'Bolder', size: 'Medium', wrap: true },
        ...(text === '' ? [] : [{ type: 'TextBlock', text: escaped(text), wrap: true }]),
        { type: 'FactSet', facts: facts.map(([name, value]) => ({ title: name, value })) },
      ],
    }
    return [
      {
        to: 'teams',
        address: url,
        url,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          type: 'message',
          attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', content }],
        }),
      },
    ]
  },
  judge: verdictOf,
}

/** A text block reads Markdown. */
function escaped(text: string): string {
  return text.replace(/[\\`*_{}[\]<>()#+!|~-]/g, '\\$&')
}
