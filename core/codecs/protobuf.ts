import * as z from 'zod'
import { CoreError } from '../errors.ts'
import { fromBase64 } from '../model/base64.ts'
import { type Codec, type CodecKind, NO_WARNINGS } from './codec.ts'
import { readDescriptorSet } from './protobuf/descriptor-set.ts'
import { googleTypes } from './protobuf/google-types.ts'
import { parseProto } from './protobuf/proto-text.ts'
import type { RawFile } from './protobuf/raw.ts'
import { readMessage } from './protobuf/read-message.ts'
import { linkSchema, type MessagePlan, type Schema } from './protobuf/schema.ts'
import { WireReader } from './protobuf/wire-reader.ts'
import { WireWriter } from './protobuf/wire-writer.ts'
import { writeMessage } from './protobuf/write-message.ts'

/** So many sentences are enough to know what is wrong. */
const MAX_WARNINGS = 16

const Options = z.strictObject({
  type: z.literal('protobuf'),
  descriptor: z.string().min(1).optional().meta({
    description:
      'The schema: the text of a .proto file, or a FileDescriptorSet (protoc --include_imports --descriptor_set_out) in base64.',
  }),
  file: z.string().min(1).optional().meta({
    description:
      'The file with the descriptor, seen from the folder of the config; read when the config is loaded.',
  }),
  message: z.string().min(1).optional().meta({
    description:
      'The full name of the message; it may be left out where the schema declares one alone.',
  }),
  int64: z.enum(['string', 'number']).default('string').meta({
    description:
      'Whole numbers of 64 bits: always texts, as ProtoJSON has them, or numbers where a double keeps them.',
  }),
  names: z.enum(['json', 'proto']).default('json').meta({
    description: 'Keys: lowerCamelCase as in ProtoJSON, or the names of the schema.',
  }),
  defaults: z.boolean().default(false).meta({
    description: 'Whether fields that were not sent because they are 0, false or empty are there.',
  }),
})

/** Protobuf messages of a schema that stands in the config. */
export const protobuf: CodecKind = {
  name: 'protobuf',
  summary: 'Protobuf messages of a schema of your own, as ProtoJSON says them.',
  options: Options,
  open(options) {
    const text = textOf(options, 'descriptor')
    if (text === '') throw new CoreError('codec.bad_options', missing(textOf(options, 'file')))
    const names = textOf(options, 'names')
    const files = readSchema(text)
    const schema = linkSchema([googleTypes(), ...files], names === 'proto')
    const plan = findMessage(schema, files, textOf(options, 'message'))
    return open(
      plan,
      schema,
      textOf(options, 'int64') === 'number',
      memberOf(options, 'defaults') === true,
    )
  },
}

function open(plan: MessagePlan, schema: Schema, numbers: boolean, defaults: boolean): Codec {
  const writer = new WireWriter()
  return {
    name: 'protobuf',
    decode(bytes) {
      let warnings: string[] | undefined
      const warn = (sentence: string): void => {
        warnings ??= []
        if (warnings.length < MAX_WARNINGS && !warnings.includes(sentence)) warnings.push(sentence)
      }
      const options = { schema, numbers, defaults, warn }
      const value = readMessage(new WireReader(bytes), plan, options, 0)
      return { value, warnings: warnings ?? NO_WARNINGS }
    },
    encode(value) {
      writeMessage(writer.reset(), plan, value, schema, 0)
      return { bytes: writer.finish(), warnings: NO_WARNINGS }
    },
    split: undefined,
    exactText: undefined,
  }
}

function missing(file: string): string {
  return file === ''
    ? 'expected descriptor or file, found neither'
    : `expected the schema of ${file}, found a config whose files were not read`
}

function memberOf(options: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(options, name)?.value
}

function textOf(options: object, name: string): string {
  const value = memberOf(options, name)
  return typeof value === 'string' ? value : ''
}

/** The files of a schema, from its text or its descriptors. */
function readSchema(descriptor: string): readonly RawFile[] {
  const bytes = /[{;]/.test(descriptor) ? undefined : fromBase64(descriptor.replace(/\s/g, ''))
  if (bytes === undefined) {
    const file = parseProto(descriptor)
    const missing = file.imports.find((path) => !path.startsWith('google/protobuf/'))
    if (missing === undefined) return [file]
    throw new CoreError(
      'codec.bad_options',
      `descriptor: expected a file that imports google/protobuf alone, found an import of ${missing}: give a FileDescriptorSet`,
    )
  }
  try {
    return readDescriptorSet(bytes)
  } catch (cause) {
    const found = cause instanceof CoreError ? cause.message : 'other bytes'
    throw new CoreError(
      'codec.bad_options',
      `descriptor: expected a FileDescriptorSet in base64, or the text of a .proto file; ${found}`,
    )
  }
}

function findMessage(schema: Schema, files: readonly RawFile[], name: string): MessagePlan {
  const own = files
    .filter((file) => file.package !== 'google.protobuf')
    .flatMap((file) =>
      file.messages.map((one) => (file.package === '' ? one.name : `${file.package}.${one.name}`)),
    )
  const [only] = own
  const wanted = name === '' && own.length === 1 ? only : name.replace(/^\./, '')
  const plan = wanted === undefined ? undefined : schema.get(wanted)
  if (plan !== undefined) return plan
  const found = name === '' ? 'none' : JSON.stringify(name)
  throw new CoreError(
    'codec.bad_options',
    `message: expected one that the schema declares (${own.slice(0, 12).join(', ')}), found ${found}`,
  )
}
