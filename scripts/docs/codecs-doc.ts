import { existsSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { CODEC_KINDS, isJsonObject, type Json, type JsonObject } from '../../core/index.ts'
import { code } from './markdown.ts'
import { schemaTable } from './schema.ts'

/** Pages with more than the options, by codec; several codecs may share one. */
const PAGES: Readonly<Record<string, string>> = {
  'senml-json': 'senml',
  'senml-cbor': 'senml',
  sparkplug: 'sparkplug-b',
}

const FOLDER = join(import.meta.dirname, '../../docs/codecs')

/** docs/codecs.md. */
export function codecsDoc(): string {
  const rows = CODEC_KINDS.map(({ name, summary }) => `| ${linkOf(name)} | ${summary} |`)
  return `${[
    '# Codecs',
    '<!-- Written by "npm run docs:rules" from core/codecs/list.ts. Changes are made there. -->',
    INTRODUCTION,
    `| codec | reads, and writes |\n| --- | --- |\n${rows.join('\n')}`,
    CHOOSING,
    '## Options',
    ...CODEC_KINDS.map(({ name, options }) => section(name, schemaOf(options))),
  ].join('\n\n')}\n`
}

function linkOf(name: string): string {
  const page = PAGES[name] ?? name
  return existsSync(join(FOLDER, `${page}.md`)) ? `[${code(name)}](codecs/${page}.md)` : code(name)
}

function schemaOf(options: z.ZodObject): JsonObject {
  const schema: Json = JSON.parse(
    JSON.stringify(z.toJSONSchema(options, { io: 'input', unrepresentable: 'any' })),
  )
  if (!isJsonObject(schema)) throw new Error('expected a schema to be an object')
  const properties = isJsonObject(schema['properties']) ? schema['properties'] : {}
  const { type: _named, ...rest } = properties
  return { ...schema, properties: rest }
}

function section(name: string, schema: JsonObject): string {
  const properties = isJsonObject(schema['properties']) ? schema['properties'] : {}
  const table =
    Object.keys(properties).length === 0 ? 'It has no options.' : schemaTable(schema, schema)
  return `### ${name}\n\n${table}`
}

const INTRODUCTION = `A codec makes values of bytes, and bytes of values. A device type names one, with options where it has some:

\`\`\`yaml
deviceTypes:
  tracker: { devices: 'tr-*', codec: teltonika }
  meter:   { devices: 'm-*', codec: { type: layout, fields: [{ name: kwh, type: uint32, scale: 0.01 }] } }
  air:     { devices: 'air-*', codec: { type: script, file: decoder.js } }
\`\`\`

Try one without a cloud, in any language: a JSON line in, a JSON line out.

\`\`\`console
$ echo '{"codec": "cayenne-lpp", "bytesHex": "03670110056700ff"}' | npx anyhub eval decode
{"telemetry":[{"channel":3,"type":103,"name":"temperature","value":27.2},{"channel":5,"type":103,"name":"temperature","value":25.5}]}
$ echo '{"codec": "cbor", "data": {"temp": 21.5}}' | npx anyhub eval encode
{"bytesHex":"a16474656d70f94d60"}
\`\`\`

What cannot be read is an error with a code, the byte where it shows, and a sentence; the message goes to the dead letters with its bytes:

\`\`\`console
$ echo '{"codec": "cayenne-lpp", "bytesHex": "0367011005"}' | npx anyhub eval decode
{"error":{"code":"codec.truncated","message":"Cayenne LPP: channel and type: expected 2 bytes, found 1, at byte 4","offset":4}}
\`\`\``

const CHOOSING = `Where several messages travel in one (records of a tracker, packs of SenML, lines of CSV), each becomes a message of its own, with its
own time. Integers beyond 2^53 are texts of digits; NaN and infinities are said in words of the format, with a warning. What the values
mean (units, ranges, calibration) is said beside the codec: [metrics.md](metrics.md). Where messages come from LoRaWAN servers or other
networks: [networks.md](networks.md).

**A device that none of these reads:** describe its bytes ([layout](codecs/layout.md)), or take its vendor's decoder as it is
([script](codecs/script.md#add-your-own-in-ten-minutes)): ten minutes, and no redeploy on the laptop. Packaged functions hold only the
codecs that their config names.

Not read: reports of a Bluetooth controller about beacons other than RuuviTags (BTHome, Govee, Xiaomi, …); a script can.`
