import { CoreError } from '../../errors.ts'
import { FIELD, type RawEnum, type RawField, type RawFile, type RawMessage } from './raw.ts'

/** Messages inside of messages. */
const MAX_DEPTH = 64

/** The first that fits counts: words with dots in them, numbers, texts, and signs. */
const TOKEN =
  /(?:\s|\/\/[^\n]*(?:\n|$)|\/\*(?:[^*]|\*(?!\/))*\*\/)*(?:([A-Za-z_.][\w.]*)|(0[xX][\da-fA-F]+|\d[\w.]*(?:(?<=[eE])[+-]\d+)?)|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|([{}[\]()<>=;,:+\-/]))/y

const SCALARS: ReadonlyMap<string, number> = new Map(
  Object.entries(FIELD).filter(([, type]) => ![10, 11, 14].includes(type)),
)

/**
 * A .proto file, of proto2, proto3 or an edition. Services and options that change nothing on the wire are passed over.
 * Source: protobuf.dev, language specifications.
 *
 * @throws CoreError `codec.bad_options` with line and column of the first fault.
 */
export function parseProto(text: string): RawFile & { readonly imports: readonly string[] } {
  const source = new Source(text)
  let syntax = 'proto2'
  let packageName = ''
  const imports: string[] = []
  const messages: RawMessage[] = []
  const enums: RawEnum[] = []
  const extensions: RawField[] = []
  while (!source.atEnd) {
    const word = source.next()
    switch (word) {
      case ';':
        break
      case 'syntax':
      case 'edition':
        source.expect('=')
        syntax = source.text()
        source.expect(';')
        break
      case 'package':
        packageName = source.next()
        source.expect(';')
        break
      case 'import':
        if (source.peek === 'public' || source.peek === 'weak') source.next()
        imports.push(source.text())
        source.expect(';')
        break
      case 'option':
        source.skipTo(';')
        break
      case 'service':
        source.next()
        source.skipBlock()
        break
      case 'message':
        messages.push(parseMessage(source, syntax, 0))
        break
      case 'enum':
        enums.push(parseEnum(source))
        break
      case 'extend':
        extensions.push(...parseExtend(source, syntax))
        break
      default:
        throw source.fault(`message, enum or the like, found ${JSON.stringify(word)}`)
    }
  }
  return { package: packageName, messages, enums, extensions, imports }
}

function parseMessage(source: Source, syntax: string, depth: number): RawMessage {
  if (depth > MAX_DEPTH) throw source.fault(`at most ${MAX_DEPTH} messages inside of each other`)
  const name = source.name()
  const fields: RawField[] = []
  const messages: RawMessage[] = []
  const enums: RawEnum[] = []
  const extensions: RawField[] = []
  source.expect('{')
  for (let word = source.next(); word !== '}'; word = source.next()) {
    switch (word) {
      case ';':
        break
      case 'option':
      case 'reserved':
      case 'extensions':
        source.skipTo(';')
        break
      case 'message':
        messages.push(parseMessage(source, syntax, depth + 1))
        break
      case 'enum':
        enums.push(parseEnum(source))
        break
      case 'extend':
        extensions.push(...parseExtend(source, syntax))
        break
      case 'oneof': {
        const oneof = source.name()
        source.expect('{')
        for (let type = source.next(); type !== '}'; type = source.next()) {
          if (type === 'option') source.skipTo(';')
          else if (type !== ';')
            fields.push({ ...parseField(source, type, 'single', syntax), oneof, presence: true })
        }
        break
      }
      case 'map':
        if (source.peek === '<') {
          const { field, entry } = parseMap(source, syntax)
          fields.push(field)
          messages.push(entry)
          break
        }
        fields.push(parseField(source, word, 'single', syntax))
        break
      default:
        fields.push(parseLabelled(source, word, syntax))
    }
  }
  return { name, fields, messages, enums, extensions, mapEntry: false }
}

function parseLabelled(source: Source, word: string, syntax: string): RawField {
  if (word === 'repeated') return parseField(source, source.next(), 'repeated', syntax)
  if (word === 'required') return parseField(source, source.next(), 'required', syntax)
  if (word === 'optional')
    return { ...parseField(source, source.next(), 'single', syntax), presence: true }
  return parseField(source, word, 'single', syntax)
}

function parseField(
  source: Source,
  type: string,
  label: RawField['label'],
  syntax: string,
): RawField {
  if (type === 'group') throw source.fault('a type, found a group: they are not supported')
  if (!/^[A-Za-z_.]/.test(type)) throw source.fault(`a type, found ${JSON.stringify(type)}`)
  const scalar = SCALARS.get(type)
  const name = source.name()
  source.expect('=')
  const number = source.number()
  const options = source.peek === '[' ? source.options() : NO_OPTIONS
  source.expect(';')
  return {
    name,
    number,
    label,
    type: scalar ?? 0,
    typeName: scalar === undefined ? type : undefined,
    jsonName: options.get('json_name'),
    packed: packedOf(options, syntax),
    presence: syntax !== 'proto3' && options.get('features.field_presence') !== 'IMPLICIT',
  }
}

const NO_OPTIONS: ReadonlyMap<string, string> = new Map()

function packedOf(options: ReadonlyMap<string, string>, syntax: string): boolean {
  const encoding = options.get('features.repeated_field_encoding')
  if (encoding !== undefined) return encoding === 'PACKED'
  const packed = options.get('packed')
  return packed === undefined ? syntax !== 'proto2' : packed === 'true'
}

/** `map<K, V> name = 1` is a repeated message of key and value. Source: protobuf.dev, "Maps", backwards compatibility. */
function parseMap(source: Source, syntax: string): { field: RawField; entry: RawMessage } {
  source.expect('<')
  const keyType = source.next()
  source.expect(',')
  const valueType = source.next()
  source.expect('>')
  const name = source.name()
  source.expect('=')
  const number = source.number()
  const options = source.peek === '[' ? source.options() : NO_OPTIONS
  source.expect(';')
  const key = SCALARS.get(keyType)
  if (key === undefined) throw source.fault(`a type of keys, found ${JSON.stringify(keyType)}`)
  const value = SCALARS.get(valueType)
  const entryName = `${camel(`_${name}`)}Entry`
  const part = { label: 'single' as const, packed: false, presence: syntax !== 'proto3' }
  return {
    field: {
      name,
      number,
      label: 'repeated',
      type: FIELD.message,
      typeName: entryName,
      jsonName: options.get('json_name'),
      presence: false,
    },
    entry: {
      name: entryName,
      mapEntry: true,
      messages: [],
      enums: [],
      extensions: [],
      fields: [
        { ...part, name: 'key', number: 1, type: key },
        {
          ...part,
          name: 'value',
          number: 2,
          type: value ?? 0,
          typeName: value === undefined ? valueType : undefined,
        },
      ],
    },
  }
}

function parseEnum(source: Source): RawEnum {
  const name = source.name()
  const values: { name: string; number: number }[] = []
  source.expect('{')
  for (let word = source.next(); word !== '}'; word = source.next()) {
    if (word === ';') continue
    if ((word === 'option' || word === 'reserved') && source.peek !== '=') {
      source.skipTo(';')
      continue
    }
    source.expect('=')
    values.push({ name: word, number: source.number() })
    if (source.peek === '[') source.options()
    source.expect(';')
  }
  return { name, values }
}

function parseExtend(source: Source, syntax: string): RawField[] {
  const extendee = source.next()
  const fields: RawField[] = []
  source.expect('{')
  for (let word = source.next(); word !== '}'; word = source.next())
    if (word !== ';') fields.push({ ...parseLabelled(source, word, syntax), extendee })
  return fields
}

/** `snake_case` as JSON says it. Source: protobuf.dev, ProtoJSON, "Field names as JSON keys". */
export function camel(name: string): string {
  return name.replace(/_+(.?)/g, (_whole, letter: string) => letter.toUpperCase())
}

/** A text, token by token. */
class Source {
  readonly #text: string
  #at = 0
  #start = 0
  #peeked: string | undefined

  constructor(text: string) {
    this.#text = text
    this.#read()
  }

  get atEnd(): boolean {
    return this.#peeked === undefined
  }

  get peek(): string | undefined {
    return this.#peeked
  }

  next(): string {
    const token = this.#peeked
    if (token === undefined) throw this.fault('more, found the end')
    this.#read()
    return token
  }

  expect(sign: string): void {
    if (this.#peeked !== sign)
      throw this.fault(
        `${JSON.stringify(sign)}, found ${JSON.stringify(this.#peeked ?? 'the end')}`,
      )
    this.#read()
  }

  name(): string {
    if (this.#peeked === undefined || !/^[A-Za-z_]\w*$/.test(this.#peeked))
      throw this.fault(`a name, found ${JSON.stringify(this.#peeked ?? 'the end')}`)
    return this.next()
  }

  number(): number {
    const sign = this.#peeked === '-' ? -1 : 1
    if (sign < 0) this.#read()
    const token = this.#peeked ?? ''
    const value = /^0[0-7]+$/.test(token) ? Number.parseInt(token, 8) : Number(token)
    if (token === '' || !Number.isInteger(value))
      throw this.fault(`a whole number, found ${JSON.stringify(token)}`)
    this.#read()
    return sign * value
  }

  /** A text in quotes; several in a row are one. */
  text(): string {
    let text = ''
    if (!this.#isText()) throw this.fault('a text in quotes')
    while (this.#isText()) text += this.next().slice(1, -1).replace(/\\(.)/g, '$1')
    return text
  }

  /** `[name = value, …]`; values that are blocks are passed over. */
  options(): ReadonlyMap<string, string> {
    const options = new Map<string, string>()
    this.expect('[')
    while (!this.#is(']')) {
      let name = ''
      while (!this.#is('=') && !this.atEnd) name += this.next()
      this.expect('=')
      if (this.#is('{')) this.skipBlock()
      else if (this.#isText()) options.set(name, this.text())
      else {
        const minus = this.#is('-') ? this.next() : ''
        options.set(name, minus + this.next())
      }
      if (this.#is(',')) this.next()
    }
    this.expect(']')
    return options
  }

  skipTo(sign: string): void {
    while (this.#peeked !== sign) {
      if (this.#peeked === '{') this.skipBlock()
      else this.next()
    }
    this.next()
  }

  skipBlock(): void {
    this.expect('{')
    for (let open = 1; open > 0; ) {
      const token = this.next()
      if (token === '{') open++
      else if (token === '}') open--
    }
  }

  fault(expected: string): CoreError {
    const before = this.#text.slice(0, this.#start)
    const line = before.split('\n').length
    const column = this.#start - before.lastIndexOf('\n')
    return new CoreError(
      'codec.bad_options',
      `descriptor: expected ${expected}, at line ${line}, column ${column}`,
    )
  }

  #is(sign: string): boolean {
    return this.#peeked === sign
  }

  #isText(): boolean {
    return this.#peeked?.startsWith('"') === true || this.#peeked?.startsWith("'") === true
  }

  #read(): void {
    TOKEN.lastIndex = this.#at
    const found = TOKEN.exec(this.#text)
    if (found === null) {
      this.#peeked = undefined
      const rest = this.#text
        .slice(this.#at)
        .replace(/^(?:\s|\/\/[^\n]*(?:\n|$)|\/\*(?:[^*]|\*(?!\/))*\*\/)+/, '')
      this.#start = this.#text.length - rest.length
      if (rest !== '') throw this.fault('the language of .proto files, found something else')
      return
    }
    this.#at = TOKEN.lastIndex
    this.#peeked = found[1] ?? found[2] ?? found[3] ?? found[4] ?? ''
    this.#start = this.#at - this.#peeked.length
  }
}
