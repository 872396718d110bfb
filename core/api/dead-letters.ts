import * as z from 'zod'
import type { Core } from '../create-core.ts'
import { CoreError } from '../errors.ts'
import { type Endpoint, endpoint } from './endpoint.ts'
import { problem } from './problem.ts'
import { Instant, limit } from './schemas.ts'
import { deadLetterView } from './views.ts'

const Params = z.strictObject({ deadLetterId: z.string() })

const DeadLetterView = z
  .object({
    id: z.string(),
    at: Instant,
    deviceId: z.string().optional(),
    topic: z.string(),
    source: z.string(),
    contentType: z.string(),
    payloadBytes: z
      .int()
      .meta({ description: 'As it was sent; of a long one only its start is kept.' }),
    payloadText: z.string().optional().meta({ description: 'The payload, where it is text.' }),
    payloadHex: z.string().optional().meta({ description: 'The payload, where it is none.' }),
    receivedAt: Instant,
    sentAt: Instant.optional(),
    messageId: z.string().optional(),
    ruleId: z.string().optional().meta({ description: 'It was for this rule alone.' }),
    code: z.string().meta({ description: 'What is wrong, for programs.' }),
    reason: z.string().meta({ description: 'What is wrong, for people.' }),
  })
  .meta({ id: 'DeadLetter' })

/** What could not be taken or delivered, kept until somebody decides. */
export function deadLetterEndpoints({ ports, redrive }: Core): readonly Endpoint[] {
  return [
    endpoint({
      method: 'get',
      path: '/dead-letters',
      operation: 'listDeadLetters',
      tag: 'Dead letters',
      summary: 'Dead letters, the newest first.',
      needs: 'dead-letters:read',
      query: z.strictObject({
        limit: limit(50, 1_000),
        before: z.string().default('').meta({ description: '`next` of the page before.' }),
      }),
      answer: z.object({
        deadLetters: z.array(DeadLetterView),
        total: z.int(),
        next: z.string().optional(),
      }),
      async handle({ query: { limit, before } }) {
        const letters = await ports.deadLetters.list(before, limit)
        const next = letters.length === limit ? letters.at(-1)?.id : undefined
        return {
          deadLetters: letters.map(deadLetterView),
          total: await ports.deadLetters.count(),
          ...(next === undefined ? {} : { next }),
        }
      },
    }),
    endpoint({
      method: 'get',
      path: '/dead-letters/{deadLetterId}',
      operation: 'getDeadLetter',
      tag: 'Dead letters',
      summary: 'One dead letter with its payload.',
      needs: 'dead-letters:read',
      params: Params,
      answer: DeadLetterView,
      async handle({ params: { deadLetterId } }) {
        const letter = await ports.deadLetters.get(deadLetterId)
        if (letter === undefined)
          throw new CoreError('input.not_found', 'expected the id of a dead letter')
        return deadLetterView(letter)
      },
    }),
    endpoint({
      method: 'post',
      path: '/dead-letters/{deadLetterId}/redrive',
      operation: 'redriveDeadLetter',
      tag: 'Dead letters',
      summary: 'Tries it once more.',
      needs: 'dead-letters:write',
      params: Params,
      answer: z.object({ status: z.string() }),
      async handle({ context, params: { deadLetterId } }) {
        const result = await redrive(deadLetterId)
        if (result.status === 'dead_lettered') {
          return problem(context, 422, result.error.code, result.error.message, {
            deadLetterId: result.deadLetterId,
          })
        }
        if (result.status === 'retry') throw result.error
        context.set('change', { target: `dead-letter/${deadLetterId}` })
        return { status: result.status }
      },
    }),
    endpoint({
      method: 'delete',
      path: '/dead-letters/{deadLetterId}',
      operation: 'deleteDeadLetter',
      tag: 'Dead letters',
      summary: 'Throws it away.',
      needs: 'dead-letters:write',
      params: Params,
      async handle({ context, params: { deadLetterId } }) {
        await ports.deadLetters.remove(deadLetterId)
        context.set('change', { target: `dead-letter/${deadLetterId}` })
        return undefined
      },
    }),
  ]
}
