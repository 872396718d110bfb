import type { RawEnum, RawField, RawFile, RawMessage } from './raw.ts'
import { FIELD } from './raw.ts'
import { WireReader } from './wire-reader.ts'

/** Messages inside of messages. */
const MAX_DEPTH = 64

/**
 * The files of a FileDescriptorSet, as `protoc --descriptor_set_out` writes it.
 * @throws CoreError `codec.*` if the bytes are none.
 */
export function readDescriptorSet(bytes: Uint8Array): readonly RawFile[] {
  const files: RawFile[] = []
  fields(bytes, (reader, field) => {
    if (field !== 1) return false
    files.push(readFile(reader.block()))
    return true
  })
  return files
}

/** Hands each field of a message to `take`, which says whether it has read it. */
function fields(bytes: Uint8Array, take: (reader: WireReader, field: number) => boolean): void {
  const reader = new WireReader(bytes)
  while (reader.at < reader.end) {
    const tag = reader.tag()
    if (!take(reader, tag >>> 3)) reader.skip(tag)
  }
}

function readFile(bytes: Uint8Array): RawFile {
  let name = ''
  let syntax = 'proto2'
  const messages: Uint8Array[] = []
  const enums: RawEnum[] = []
  const extensions: Uint8Array[] = []
  fields(bytes, (reader, field) => {
    if (field === 2) name = reader.text()
    else if (field === 4) messages.push(reader.block())
    else if (field === 5) enums.push(readEnum(reader.block()))
    else if (field === 7) extensions.push(reader.block())
    else if (field === 12) syntax = reader.text()
    else return false
    return true
  })
  return {
    package: name,
    enums,
    messages: messages.map((one) => readMessage(one, syntax, 0)),
    extensions: extensions.map((one) => readField(one, [], syntax)),
  }
}

function readMessage(bytes: Uint8Array, syntax: string, depth: number): RawMessage {
  let name = ''
  let mapEntry = false
  const own: Uint8Array[] = []
  const messages: RawMessage[] = []
  const enums: RawEnum[] = []
  const extensions: Uint8Array[] = []
  const oneofs: string[] = []
  fields(bytes, (reader, field) => {
    if (field === 1) name = reader.text()
    else if (field === 2) own.push(reader.block())
    else if (field === 3 && depth < MAX_DEPTH)
      messages.push(readMessage(reader.block(), syntax, depth + 1))
    else if (field === 4) enums.push(readEnum(reader.block()))
    else if (field === 6) extensions.push(reader.block())
    else if (field === 7)
      fields(reader.block(), (options, option) => {
        if (option !== 7) return false
        mapEntry = options.uint32() !== 0
        return true
      })
    else if (field === 8) {
      let oneof = ''
      fields(reader.block(), (declared, part) => {
        if (part !== 1) return false
        oneof = declared.text()
        return true
      })
      oneofs.push(oneof)
    } else return false
    return true
  })
  return {
    name,
    messages,
    enums,
    mapEntry,
    fields: own.map((one) => readField(one, oneofs, syntax)),
    extensions: extensions.map((one) => readField(one, [], syntax)),
  }
}

function readField(bytes: Uint8Array, oneofs: readonly string[], syntax: string): RawField {
  let name = ''
  let extendee: string | undefined
  let number = 0
  let label = 1
  let type = 0
  let typeName: string | undefined
  let packed: boolean | undefined
  let oneofIndex = -1
  let jsonName: string | undefined
  let proto3Optional = false
  fields(bytes, (reader, field) => {
    if (field === 1) name = reader.text()
    else if (field === 2) extendee = reader.text()
    else if (field === 3) number = reader.uint32()
    else if (field === 4) label = reader.uint32()
    else if (field === 5) type = reader.uint32()
    else if (field === 6) typeName = reader.text()
    else if (field === 8)
      fields(reader.block(), (options, option) => {
        if (option !== 2) return false
        packed = options.uint32() !== 0
        return true
      })
    else if (field === 9) oneofIndex = reader.uint32()
    else if (field === 10) jsonName = reader.text()
    else if (field === 17) proto3Optional = reader.uint32() !== 0
    else return false
    return true
  })
  const oneof = proto3Optional ? undefined : oneofs[oneofIndex]
  return {
    name,
    jsonName,
    number,
    label: label === 3 ? 'repeated' : label === 2 ? 'required' : 'single',
    type,
    typeName,
    oneof,
    packed: packed ?? syntax !== 'proto2',
    presence:
      syntax !== 'proto3' || proto3Optional || oneof !== undefined || type === FIELD.message,
    extendee,
  }
}

function readEnum(bytes: Uint8Array): RawEnum {
  let name = ''
  const values: { name: string; number: number }[] = []
  fields(bytes, (reader, field) => {
    if (field === 1) name = reader.text()
    else if (field === 2) {
      const value = { name: '', number: 0 }
      fields(reader.block(), (part, of) => {
        if (of === 1) value.name = part.text()
        else if (of === 2) value.number = part.uint32() | 0
        else return false
        return true
      })
      values.push(value)
    } else return false
    return true
  })
  return { name, values }
}
