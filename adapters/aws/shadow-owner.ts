import * as z from 'zod/mini'
import { mergeDiff, type ShadowEffect } from '../../core/index.ts'
import { type AwsClient, unexpected } from './client.ts'
import { lazily } from './lazily.ts'

/** How often a write that met another one is tried. */
const MAX_RACES = 5

const Version = lazily(() => z.object({ version: z.number() }))

/** What a change of ours was, as the body of a `documents` event tells it. */
const Documents = lazily(() =>
  z.object({
    previous: z.nullish(z.object({ state: Sections() })),
    current: z.object({ state: Sections() }),
  }),
)

function Sections() {
  return z.object({ desired: z.optional(z.record(z.string(), z.json())) })
}

/**
 * Writes what the core wants into the device shadow of AWS IoT, which owns it: what devices and other programs change
 * there comes back as an uplink. What is measured stays with us: writing it there would be an operation for each message.
 *
 * Source: AWS IoT data plane API, GetThingShadow and UpdateThingShadow.
 */
export function createShadowOwner(client: AwsClient): (message: ShadowEffect) => Promise<void> {
  async function versionOf(path: string): Promise<number | undefined> {
    const response = await client.send({ service: 'iotdata', method: 'GET', path })
    if (response.status === 404) return undefined
    if (response.status !== 200) throw unexpected('iotdata', response)
    return Version().parse(JSON.parse(response.body.toString('utf8'))).version
  }

  return async ({ deviceId, name, event, body }) => {
    // The owner tells of deltas itself.
    if (event !== 'documents') return
    const documents = Documents().safeParse(body)
    // A body of another shape does not say what the change was.
    if (!documents.success) return
    const { previous, current } = documents.data
    const desired = mergeDiff(previous?.state.desired ?? {}, current.state.desired ?? {})
    if (Object.keys(desired).length === 0) return
    const query = name === '' ? '' : `?name=${encodeURIComponent(name)}`
    const path = `/things/${encodeURIComponent(deviceId)}/shadow${query}`
    for (let race = 1; ; race++) {
      const version = await versionOf(path)
      const response = await client.send({
        service: 'iotdata',
        method: 'POST',
        path,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          state: { desired },
          ...(version === undefined ? {} : { version }),
        }),
      })
      if (response.status === 200) return
      if (response.status !== 409 || race === MAX_RACES) throw unexpected('iotdata', response)
    }
  }
}
