import { describe, expect, it } from 'vitest'
import { createApi } from '../../../core/api/index.ts'
import { start } from '../harness.ts'

/** What the tests read of it. */
interface Document {
  readonly openapi: string
  readonly paths: Record<string, Record<string, Record<string, unknown>>>
  readonly components: {
    readonly schemas: Record<string, object>
    readonly securitySchemes: { readonly bearer: object }
  }
}

function open() {
  const { core } = start({})
  return createApi({
    core,
    add: async (uplink) => (await core.ingest([uplink]))[0]!,
    isAdmin: () => false,
  })
}

async function documentOf(api: ReturnType<typeof open>): Promise<Document> {
  return JSON.parse(await (await api.request('/openapi.json')).text())
}

describe('the document of the API', () => {
  it('is OpenAPI 3.1 and names every endpoint with its scope', async () => {
    const api = open()
    const document = await documentOf(api)
    expect(document.openapi).toBe('3.1.0')
    for (const { method, path, operation, needs } of api.endpoints) {
      const described = document.paths[path]![method]!
      expect(described['operationId']).toBe(operation)
      expect(described['security']).toEqual(needs === 'open' ? [] : [{ bearer: [needs] }])
      expect(described['responses']).toHaveProperty([
        'default',
        'content',
        'application/problem+json',
      ])
    }
    const operations = api.endpoints.map(({ operation }) => operation)
    expect(new Set(operations).size).toBe(operations.length)
  })

  it('says of parts that have parts what they are', async () => {
    const { components } = await documentOf(open())
    const parts = { type: 'array', items: { $ref: '#/components/schemas/ExplainedExpression' } }
    expect(components.schemas['ExplainedExpression']).toMatchObject({ properties: { parts } })
    expect(components.schemas['Json']).toHaveProperty('anyOf')
  })

  it('says how the parts of a request look', async () => {
    const document = await documentOf(open())
    const parameters = document.paths['/devices/{deviceId}/telemetry']!['get']!['parameters']
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
