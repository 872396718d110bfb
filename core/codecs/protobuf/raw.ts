// Schemas as they are declared, before names are looked up.

/** Types of fields, by their numbers in descriptors. Source: descriptor.proto, `FieldDescriptorProto.Type`. */
export const FIELD = {
  double: 1,
  float: 2,
  int64: 3,
  uint64: 4,
  int32: 5,
  fixed64: 6,
  fixed32: 7,
  bool: 8,
  string: 9,
  group: 10,
  message: 11,
  bytes: 12,
  uint32: 13,
  enum: 14,
  sfixed32: 15,
  sfixed64: 16,
  sint32: 17,
  sint64: 18,
} as const

/** One field of a message, or an extension of one. */
export interface RawField {
  readonly name: string
  readonly jsonName?: string | undefined
  readonly number: number
  readonly label: 'single' | 'repeated' | 'required'
  /** A number of `FIELD`; 0: a message or an enumeration, whichever the name is of. */
  readonly type: number
  /** Of a message or an enumeration; with a dot before it where it is a full name. */
  readonly typeName?: string | undefined
  readonly oneof?: string | undefined
  readonly packed?: boolean | undefined
  /** Whether a value that was not sent can be told from one that is 0. */
  readonly presence: boolean
  /** The message that it extends. */
  readonly extendee?: string | undefined
}

export interface RawEnum {
  readonly name: string
  readonly values: readonly { readonly name: string; readonly number: number }[]
}

export interface RawMessage {
  readonly name: string
  readonly fields: readonly RawField[]
  readonly messages: readonly RawMessage[]
  readonly enums: readonly RawEnum[]
  readonly extensions: readonly RawField[]
  /** True: it stands for the entries of a map. */
  readonly mapEntry: boolean
}

/** One .proto file. */
export interface RawFile {
  readonly package: string
  readonly messages: readonly RawMessage[]
  readonly enums: readonly RawEnum[]
  readonly extensions: readonly RawField[]
}

/** Whether several values of a type may stand in one field of bytes. */
export function isPackable(type: number): boolean {
  return (
    type !== FIELD.string && type !== FIELD.bytes && type !== FIELD.message && type !== FIELD.group
  )
}
