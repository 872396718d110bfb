import { describe, expect, it } from 'vitest'
import { createApi } from '../../../core/api/index.ts'
import { start } from '../harness.ts'

function open() {
  const { core } = start({})
  return createApi({
    core,
    add: async (uplink) => (await core.ingest([uplink]))[0]!,
    isAdmin: () => false,
  })
}

describe('the document of the API', () => {
  it('is OpenAPI 3.1 and names every endpoint with its scope', async () => {
    const api = open()
    const answer = await api.request('/openapi.json')
    const document = await answer.json()
    expect(document.openapi).toBe('3.1.0')
    for (const { method, path, operation, needs } of api.endpoints) {
      const described = document.paths[path][method]
      expect(described.operationId).toBe(operation)
      expect(described.security).toEqual(needs === 'open' ? [] : [{ bearer: [needs] }])
      expect(described.responses.default.content).toHaveProperty('application/problem+json')
    }
    const operations = api.endpoints.map(({ operation }) => operation)
    expect(new Set(operations).size).toBe(operations.length)
  })

  it('says how the parts of a request look', async () => {
    const document = await (await open().request('/openapi.json')).json()
    const { parameters } = document.paths['/devices/{deviceId}/telemetry'].get
    expect(parameters).toContainEqual(
      expect.objectContaining({ name: 'deviceId', in: 'path', required: true }),
    )
    expect(parameters).toContainEqual(
      expect.objectContaining({
        name: 'order',
        in: 'query',
        required: false,
        schema: { type: 'string', enum: ['asc', 'desc'], default: 'desc' },
      }),
    )
    expect(document.components.securitySchemes.bearer).toMatchObject({
      type: 'http',
      scheme: 'bearer',
    })
  })
})
