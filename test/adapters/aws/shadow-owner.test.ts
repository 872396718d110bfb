import { expect, it } from 'vitest'
import type { AwsRequest } from '../../../adapters/aws/client.ts'
import { createShadowOwner } from '../../../adapters/aws/shadow-owner.ts'
import { AWS_SHADOW, updateShadow } from '../../../core/index.ts'

it('tells the owner of the first wish for a device that had no shadow', async () => {
  const asked: AwsRequest[] = []
  const tell = createShadowOwner({
    async send(request) {
      asked.push(request)
      return { status: request.method === 'GET' ? 404 : 200, headers: {}, body: Buffer.from('{}') }
    },
    presign: async () => '',
    close: () => undefined,
  })
  const change = updateShadow(
    undefined,
    { state: { desired: { led: 'on' } } },
    { at: 1, dialect: AWS_SHADOW },
  )
  if ('rejected' in change) throw new Error('rejected')
  const { documents: body } = change
  await tell({ kind: 'shadow', deviceId: 'dev-1', name: '', event: 'documents', body })
  expect(asked.map(({ method }) => method)).toEqual(['GET', 'POST'])
  expect(JSON.parse(String(asked[1]?.body))).toEqual({ state: { desired: { led: 'on' } } })
})
