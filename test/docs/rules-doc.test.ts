import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import {
  CODEC_KINDS,
  FUNCTIONS,
  isJsonObject,
  type Json,
  type JsonObject,
} from '../../core/index.ts'
import { codecsDoc } from '../../scripts/docs/codecs-doc.ts'
import { configDoc, configSchema } from '../../scripts/docs/config-doc.ts'
import { rulesDoc } from '../../scripts/docs/rules-doc.ts'

const folder = resolve(import.meta.dirname, '../../docs')

function page(name: string): string {
  return readFileSync(join(folder, name), 'utf8')
}

describe('docs/rules.md', () => {
  it('is what "npm run docs:rules" writes', async () => {
    expect(page('rules.md')).toBe(await rulesDoc())
  })

  it('shows every function with an example and its result', () => {
    const text = page('rules.md')
    expect(FUNCTIONS.size).toBeGreaterThan(70)
    for (const { signature } of FUNCTIONS.values()) {
      const start = `| \`${signature.replaceAll('|', '\\|')}\` |`
      const row = text.split('\n').find((line) => line.startsWith(start))
      expect(row, signature).toMatch(/ → ``?.+ \| (2015-10-08|2016-03-23|anyhub) \| \w+/)
    }
  })
})

describe('docs/config.md', () => {
  it('is what "npm run docs:rules" writes', () => {
    expect(page('config.md')).toBe(configDoc())
  })

  it('has something to say about every key', () => {
    expect(undescribed(configSchema(), '')).toEqual([])
  })
})

describe('docs/codecs.md', () => {
  it('is what "npm run docs:rules" writes', () => {
    expect(page('codecs.md')).toBe(codecsDoc())
  })

  it('has a page for each codec, and something to say about every option', () => {
    for (const { name, options } of CODEC_KINDS) {
      expect(page('codecs.md'), name).toContain(`[\`${name}\`](codecs/`)
      const schema: JsonObject = JSON.parse(
        JSON.stringify(z.toJSONSchema(options, { io: 'input', unrepresentable: 'any' })),
      )
      const { properties } = schema
      const { type: _name, ...rest } = isJsonObject(properties) ? properties : {}
      expect(undescribed({ ...schema, properties: rest }, ''), name).toEqual([])
    }
  })
})

it.each(['rules.md', 'config.md', 'codecs.md'])('%s links only to what is there', (name) => {
  const links = [...page(name).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target ?? '')
  expect(links.length).toBeGreaterThan(2)
  for (const link of links) {
    const [file = '', anchor] = link.split('#')
    const target = file === '' ? name : file
    expect(existsSync(join(folder, target)), link).toBe(true)
    if (anchor !== undefined) expect(anchorsOf(page(target)), link).toContain(anchor)
  }
})

function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    (title ?? '')
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )
}

/** Keys without a description, wherever they stand in the schema. */
function undescribed(schema: Json, path: string): string[] {
  if (Array.isArray(schema)) return schema.flatMap((one) => undescribed(one, path))
  if (!isJsonObject(schema)) return []
  const properties: JsonObject = isJsonObject(schema['properties']) ? schema['properties'] : {}
  const missing = Object.entries(properties)
    .filter(([, one]) => isJsonObject(one) && typeof one['description'] !== 'string')
    .map(([key]) => `${path}.${key}`)
  const below = Object.entries(properties).flatMap(([key, one]) =>
    undescribed(one, `${path}.${key}`),
  )
  const others = ['additionalProperties', 'anyOf', 'oneOf', 'items'].flatMap((key) =>
    undescribed(schema[key] ?? null, path),
  )
  return [...missing, ...below, ...others]
}
