import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readDocument } from '../../scripts/client/document.ts'
import { schemaOf } from '../../scripts/client/schema-of.ts'
import { typeOf } from '../../scripts/client/types-of.ts'
import { ROOT } from '../source-files.ts'

describe('client/schema.ts', () => {
  it('is what `npm run client` writes of the document', async () => {
    const written = readFileSync(join(ROOT, 'client/schema.ts'), 'utf8')
    expect(written).toBe(schemaOf(await readDocument()))
  })
})

describe('types of schemas', () => {
  it.each([
    [{}, 'unknown'],
    [{ type: 'string' }, 'string'],
    [{ type: 'integer' }, 'number'],
    [{ type: ['string', 'null'] }, 'string | null'],
    [{ const: 'ok' }, "'ok'"],
    [{ const: 1 }, '1'],
    [{ enum: ['a', "b'c"] }, "'a' | 'b\\'c'"],
    [{ not: {} }, 'never'],
    [{ anyOf: [{ type: 'string' }, { type: 'string' }, { type: 'null' }] }, 'string | null'],
    [{ allOf: [{ type: 'string' }, {}] }, '(string) & (unknown)'],
    [{ type: 'array', items: { enum: ['a', 'b'] } }, "('a' | 'b')[]"],
    [{ type: 'array' }, 'unknown[]'],
    [{ type: 'array', prefixItems: [{ type: 'string' }, {}] }, '[string, unknown]'],
    [{ type: 'object', additionalProperties: false }, 'Record<string, never>'],
    [{ type: 'object', additionalProperties: { type: 'number' } }, '{ [key: string]: number }'],
    [
      { type: 'object', properties: { a: {}, 'b-c': { type: 'string' } }, required: ['a'] },
      "{\n  a: unknown\n  'b-c'?: string\n}",
    ],
    [{ $ref: '#/components/schemas/Device' }, "components['schemas']['Device']"],
    [{ $ref: '#/components/schemas/Json' }, 'Json'],
  ])('%j is %s', (schema, type) => expect(typeOf(schema, '')).toBe(type))
})
