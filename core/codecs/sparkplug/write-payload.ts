import { CoreError } from '../../errors.ts'
import { isJsonObject, type Json, type JsonObject } from '../../model/json.ts'
import { WIRE } from '../protobuf/wire-reader.ts'
import { WireWriter, wordsOf } from '../protobuf/wire-writer.ts'
import { TYPE, typeOf } from './data-types.ts'
import { fromHex } from './hex.ts'
import { writeScalar, wrongValue } from './write-values.ts'

const MAX_DEPTH = 64

const KEYS: ReadonlySet<string> = new Set(['timestamp', 'metrics', 'seq', 'uuid', 'body'])

/**
 * The bytes of a payload in the shape that `readPayload` gives. `writer` serves for many payloads.
 * @throws CoreError `codec.wrong_type` or `codec.out_of_range`.
 */
export function writePayload(value: Json, writer = new WireWriter()): Uint8Array {
  if (!isJsonObject(value)) throw wrongValue('payload', 'an object', value)
  for (const key in value)
    if (!KEYS.has(key))
      throw new CoreError(
        'codec.wrong_type',
        `payload: expected timestamp, metrics, seq, uuid or body, found ${JSON.stringify(key.slice(0, 64))}`,
      )
  writer.reset()
  writeLong(writer, 1, value['timestamp'], 'timestamp')
  for (const metric of listOf(value['metrics'], 'metrics')) {
    writer.tag(2, WIRE.bytes)
    const mark = writer.open()
    writeMetric(writer, metric, 'metrics', 0)
    writer.close(mark)
  }
  writeLong(writer, 3, value['seq'], 'seq')
  writeText(writer, 4, value['uuid'], 'uuid')
  const { body } = value
  if (body !== undefined) {
    const bytes = typeof body === 'string' ? fromHex(body) : undefined
    if (bytes === undefined) throw wrongValue('body', 'bytes as hex', body)
    writer.tag(5, WIRE.bytes)
    writer.block(bytes)
  }
  return writer.finish()
}

function listOf(value: Json | undefined, where: string): readonly Json[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw wrongValue(where, 'an array', value)
  return value
}

function objectOf(value: Json | undefined, where: string): JsonObject {
  if (!isJsonObject(value)) throw wrongValue(where, 'an object', value)
  return value
}

function writeLong(
  writer: WireWriter,
  field: number,
  value: Json | undefined,
  where: string,
): void {
  if (value === undefined || value === null) return
  const given = isJsonObject(value) ? value['bigint'] : value
  const words = wordsOf(given, false)
  if (words === undefined) throw wrongValue(where, 'a whole number, or the text of one', value)
  writer.tag(field, WIRE.varint)
  writer.words(words.low, words.high)
}

function writeText(
  writer: WireWriter,
  field: number,
  value: Json | undefined,
  where: string,
): void {
  if (value === undefined || value === null) return
  if (typeof value !== 'string') throw wrongValue(where, 'a text', value)
  writer.tag(field, WIRE.bytes)
  writer.text(value)
}

function writeFlag(
  writer: WireWriter,
  field: number,
  value: Json | undefined,
  where: string,
): void {
  if (value === undefined || value === null) return
  if (typeof value !== 'boolean') throw wrongValue(where, 'true or false', value)
  writer.tag(field, WIRE.varint)
  writer.uint32(value ? 1 : 0)
}

/** The number of a type; 0 where none is given. */
function typeIn({ dataType, type }: JsonObject, where: string): number {
  const given = dataType ?? type
  if (given === undefined || given === null) return TYPE.unknown
  const number = typeOf(given)
  if (number === undefined) throw wrongValue(`${where}.dataType`, 'the name of a data type', given)
  return number
}

function hasType({ dataType, type }: JsonObject): boolean {
  return (dataType ?? type ?? null) !== null
}

function checkDepth(depth: number, where: string): void {
  if (depth > MAX_DEPTH)
    throw new CoreError(
      'codec.too_deep',
      `${where}: expected at most ${MAX_DEPTH} levels, found more`,
    )
}

function writeMetric(writer: WireWriter, given: Json, where: string, depth: number): void {
  checkDepth(depth, where)
  const metric = objectOf(given, where)
  try {
    writeParts(writer, metric, depth)
  } catch (error) {
    const { name } = metric
    if (!(error instanceof CoreError) || typeof name !== 'string') throw error
    const { code, message } = error
    throw new CoreError(code, `${JSON.stringify(name.slice(0, 64))}: ${message}`)
  }
}

function writeParts(writer: WireWriter, metric: JsonObject, depth: number): void {
  const type = typeIn(metric, 'metric')
  const isTyped = hasType(metric)
  const { value = null, metadata, properties } = metric
  writeText(writer, 1, metric['name'], 'name')
  writeLong(writer, 2, metric['alias'], 'alias')
  writeLong(writer, 3, metric['timestamp'], 'timestamp')
  if (isTyped) {
    writer.tag(4, WIRE.varint)
    writer.uint32(type)
  }
  writeFlag(writer, 5, metric['isHistorical'], 'isHistorical')
  writeFlag(writer, 6, metric['isTransient'], 'isTransient')
  if (value === null) writeFlag(writer, 7, true, 'isNull')
  if (metadata !== undefined) {
    writer.tag(8, WIRE.bytes)
    const mark = writer.open()
    writeMetadata(writer, objectOf(metadata, 'metadata'), 'metadata')
    writer.close(mark)
  }
  if (properties !== undefined) {
    writer.tag(9, WIRE.bytes)
    const mark = writer.open()
    writeProperties(writer, properties, 'properties', depth + 1)
    writer.close(mark)
  }
  if (value === null) return
  if (typeof value !== 'object') {
    writeScalar(writer, 10, type, value, 'value')
    return
  }
  if (type === TYPE.dataSet || (!isTyped && isDataSet(value))) {
    writer.tag(17, WIRE.bytes)
    const mark = writer.open()
    writeDataSet(writer, objectOf(value, 'value'), 'value')
    writer.close(mark)
  } else if (type === TYPE.template || (!isTyped && isTemplate(value))) {
    writer.tag(18, WIRE.bytes)
    const mark = writer.open()
    writeTemplate(writer, objectOf(value, 'value'), 'value', depth + 1)
    writer.close(mark)
  } else writeScalar(writer, 10, type, value, 'value')
}

function isDataSet(value: Json): boolean {
  return isJsonObject(value) && value['columns'] !== undefined
}

function isTemplate(value: Json): boolean {
  return isJsonObject(value) && value['bigint'] === undefined && value['columns'] === undefined
}

function writeMetadata(writer: WireWriter, metadata: JsonObject, where: string): void {
  writeFlag(writer, 1, metadata['isMultiPart'], `${where}.isMultiPart`)
  writeText(writer, 2, metadata['contentType'], `${where}.contentType`)
  writeLong(writer, 3, metadata['size'], `${where}.size`)
  writeLong(writer, 4, metadata['seq'], `${where}.seq`)
  writeText(writer, 5, metadata['fileName'], `${where}.fileName`)
  writeText(writer, 6, metadata['fileType'], `${where}.fileType`)
  writeText(writer, 7, metadata['md5'], `${where}.md5`)
  writeText(writer, 8, metadata['description'], `${where}.description`)
}

function writeDataSet(writer: WireWriter, dataSet: JsonObject, where: string): void {
  const columns = listOf(dataSet['columns'], `${where}.columns`)
  const types = listOf(dataSet['types'], `${where}.types`).map((given) => {
    const type = typeOf(given)
    if (type === undefined) throw wrongValue(`${where}.types`, 'names of data types', given)
    return type
  })
  if (types.length !== columns.length)
    throw new CoreError(
      'codec.wrong_type',
      `${where}: expected as many types as columns, found ${types.length} and ${columns.length}`,
    )
  writeLong(writer, 1, columns.length, where)
  for (const column of columns) writeText(writer, 2, column, `${where}.columns`)
  for (const type of types) {
    writer.tag(3, WIRE.varint)
    writer.uint32(type)
  }
  for (const row of listOf(dataSet['rows'], `${where}.rows`)) {
    writer.tag(4, WIRE.bytes)
    const mark = writer.open()
    for (const [index, value] of listOf(row, `${where}.rows`).entries()) {
      writer.tag(1, WIRE.bytes)
      const element = writer.open()
      if (value !== null)
        writeScalar(writer, 1, types[index] ?? TYPE.unknown, value, `${where}.rows`)
      writer.close(element)
    }
    writer.close(mark)
  }
}

function writeTemplate(
  writer: WireWriter,
  template: JsonObject,
  where: string,
  depth: number,
): void {
  checkDepth(depth, where)
  writeText(writer, 1, template['version'], `${where}.version`)
  for (const metric of listOf(template['metrics'], `${where}.metrics`)) {
    writer.tag(2, WIRE.bytes)
    const mark = writer.open()
    writeMetric(writer, metric, `${where}.metrics`, depth)
    writer.close(mark)
  }
  for (const given of listOf(template['parameters'], `${where}.parameters`)) {
    const parameter = objectOf(given, `${where}.parameters`)
    writer.tag(3, WIRE.bytes)
    const mark = writer.open()
    writeText(writer, 1, parameter['name'], `${where}.parameters`)
    const type = typeIn(parameter, `${where}.parameters`)
    if (hasType(parameter)) {
      writer.tag(2, WIRE.varint)
      writer.uint32(type)
    }
    const value = parameter['value'] ?? null
    if (value !== null) writeScalar(writer, 3, type, value, `${where}.parameters`)
    writer.close(mark)
  }
  writeText(writer, 4, template['templateRef'], `${where}.templateRef`)
  writeFlag(writer, 5, template['isDefinition'], `${where}.isDefinition`)
}

function writeProperties(writer: WireWriter, given: Json, where: string, depth: number): void {
  checkDepth(depth, where)
  const properties = objectOf(given, where)
  for (const key of Object.keys(properties)) writeText(writer, 1, key, where)
  for (const one of Object.values(properties)) {
    const property = objectOf(one, where)
    const type = typeIn(property, where)
    const value = property['value'] ?? null
    writer.tag(2, WIRE.bytes)
    const mark = writer.open()
    if (hasType(property)) {
      writer.tag(1, WIRE.varint)
      writer.uint32(type)
    }
    if (value === null) writeFlag(writer, 2, true, where)
    else if (Array.isArray(value) && !(type > TYPE.propertySetList)) {
      writer.tag(10, WIRE.bytes)
      const lists = writer.open()
      for (const list of value) {
        writer.tag(1, WIRE.bytes)
        const set = writer.open()
        writeProperties(writer, list, where, depth + 2)
        writer.close(set)
      }
      writer.close(lists)
    } else if (isJsonObject(value) && value['bigint'] === undefined) {
      writer.tag(9, WIRE.bytes)
      const set = writer.open()
      writeProperties(writer, value, where, depth + 1)
      writer.close(set)
    } else writeScalar(writer, 3, type, value, where)
    writer.close(mark)
  }
}
