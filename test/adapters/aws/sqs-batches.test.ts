import { describe, expect, it } from 'vitest'
import type { AwsClient } from '../../../adapters/aws/client.ts'
import { createSqs } from '../../../adapters/aws/sqs.ts'

/** What each call of SendMessageBatch brought: how many messages, and the bytes of their bodies. */
async function batches(bodies: readonly string[]) {
  const calls: string[][] = []
  const client: Pick<AwsClient, 'send'> = {
    async send({ body }) {
      const { Entries } = JSON.parse(String(body)) as { Entries: { MessageBody: string }[] }
      calls.push(Entries.map(({ MessageBody }) => MessageBody))
      return { status: 200, headers: {}, body: Buffer.from('{}') }
    },
  }
  await createSqs(client as AwsClient).send(
    'https://queue',
    bodies.map((body) => ({ body })),
  )
  expect(calls.flat()).toEqual(bodies)
  return calls.map((one) => [one.length, Buffer.byteLength(one.join(''))])
}

describe('batches of up to 10 messages or 256 KB', () => {
  it.each([
    ['nothing', [], []],
    ['ten small ones', Array<string>(10).fill('x'), [[10, 10]]],
    [
      'one more',
      Array<string>(11).fill('x'),
      [
        [10, 10],
        [1, 1],
      ],
    ],
    [
      'large ones',
      Array<string>(3).fill('x'.repeat(131_072)),
      [
        [2, 262_144],
        [1, 131_072],
      ],
    ],
    [
      'counted in bytes',
      Array<string>(2).fill('ü'.repeat(70_000)),
      [
        [1, 140_000],
        [1, 140_000],
      ],
    ],
    [
      'one of the whole size',
      ['x', 'y'.repeat(262_144)],
      [
        [1, 1],
        [1, 262_144],
      ],
    ],
  ])('%s', async (_title, bodies, wanted) => {
    expect(await batches(bodies)).toEqual(wanted)
  })
})
