import type { Json, JsonObject } from '../../model/json.ts'
import { faultAt } from '../fault.ts'
import { unsigned64, WIRE, type WireReader } from '../protobuf/wire-reader.ts'
import { nameOfType, TYPE } from './data-types.ts'
import { toHex } from './hex.ts'
import { KIND, readScalar, Slot, typedValue, type Warn } from './values.ts'

/** Templates inside of templates, and properties inside of properties. */
const MAX_DEPTH = 64

type Draft = { [key: string]: Json }

/** What a birth said of a metric. */
export interface KnownMetric {
  readonly name: string
  readonly type: number
}

/** Finds what a birth said of a metric, by what is there of alias and name. */
export type FindMetric = (
  alias: number | string | undefined,
  name: string | undefined,
) => KnownMetric | undefined

/**
 * The payload as a JSON object; what is not there has no key. With `find`, metrics without a name or a type get those of
 * their birth.
 *
 * Shape:  `{timestamp, seq, uuid, body, metrics: [{name, alias, timestamp, dataType, value, …}]}`; `body` is hex.
 * Source: Sparkplug 3.0.0, 6.4; sparkplug_b.proto of Eclipse Tahu.
 *
 * @throws CoreError `codec.*`.
 */
export function readPayload(reader: WireReader, warn: Warn, find?: FindMetric): JsonObject {
  const payload: Draft = {}
  const metrics: JsonObject[] = []
  while (reader.at < reader.end) {
    const tag = reader.tag()
    switch (tag) {
      case 0x08:
        payload['timestamp'] = long(reader)
        break
      case 0x12:
        metrics.push(inside(reader, 'a metric', () => readMetric(reader, warn, 0, find)))
        break
      case 0x18:
        payload['seq'] = long(reader)
        break
      case 0x22:
        payload['uuid'] = reader.text()
        break
      case 0x2a:
        payload['body'] = toHex(reader.block())
        break
      default:
        pass(reader, tag, 5)
    }
  }
  if (metrics.length > 0) payload['metrics'] = metrics
  return payload
}

/** Reads a message with a length before it: what is read ends where it does. */
function inside<T>(reader: WireReader, what: string, read: () => T): T {
  const length = reader.length(what)
  const outer = reader.end
  reader.end = reader.at + length
  const value = read()
  reader.end = outer
  return value
}

function long(reader: WireReader): number | string {
  reader.words()
  return unsigned64(reader.low, reader.high)
}

/** Goes past a field that is not known. One that is, up to `known`, is laid out in a way that it never is. */
function pass(reader: WireReader, tag: number, known: number): void {
  const field = tag >>> 3
  if (field <= known && (tag & 7) !== WIRE.endGroup)
    throw faultAt(
      'codec.malformed',
      `expected field ${field} as sparkplug_b.proto has it, found it with wire type ${tag & 7}`,
      reader.at - 1,
    )
  reader.skip(tag)
}

function checkDepth(depth: number, reader: WireReader): void {
  if (depth > MAX_DEPTH)
    throw faultAt(
      'codec.too_deep',
      `expected at most ${MAX_DEPTH} levels of templates or properties, found more`,
      reader.at,
    )
}

function readMetric(reader: WireReader, warn: Warn, depth: number, find?: FindMetric): JsonObject {
  checkDepth(depth, reader)
  const metric: Draft = {}
  const slot = new Slot()
  const start = reader.at
  let type: number = TYPE.unknown
  let isNull = false
  let name: string | undefined
  let alias: number | string | undefined
  while (reader.at < reader.end) {
    const tag = reader.tag()
    switch (tag) {
      case 0x0a:
        name = reader.text()
        metric['name'] = name
        break
      case 0x10:
        alias = long(reader)
        metric['alias'] = alias
        break
      case 0x18:
        metric['timestamp'] = long(reader)
        break
      case 0x20:
        type = reader.uint32()
        metric['dataType'] = nameOfType(type)
        break
      case 0x28:
        metric['isHistorical'] = reader.uint32() !== 0
        break
      case 0x30:
        metric['isTransient'] = reader.uint32() !== 0
        break
      case 0x38:
        isNull = reader.uint32() !== 0
        break
      case 0x42:
        metric['metadata'] = inside(reader, 'metadata', () => readMetadata(reader))
        break
      case 0x4a:
        metric['properties'] = inside(reader, 'properties', () =>
          readProperties(reader, warn, depth + 1),
        )
        break
      case 0x8a:
        slot.at = reader.at
        slot.nested = inside(reader, 'a data set', () => readDataSet(reader, warn))
        slot.kind = KIND.nested
        break
      case 0x92:
        slot.at = reader.at
        slot.nested = inside(reader, 'a template', () => readTemplate(reader, warn, depth + 1))
        slot.kind = KIND.nested
        break
      default: {
        const field = tag >>> 3
        if (field < 10 || field > 16 || !readScalar(reader, field - 10, tag & 7, slot))
          pass(reader, tag, 18)
      }
    }
  }
  if (find !== undefined && (type === TYPE.unknown || name === undefined)) {
    const known = find(alias, name)
    if (known !== undefined) {
      metric['name'] = known.name
      if (type === TYPE.unknown) type = known.type
    }
  }
  if (type > TYPE.dateTimeArray)
    warn(`expected a data type from 0 to ${TYPE.dateTimeArray}, found ${type}`)
  if (isNull) metric['value'] = null
  else {
    if (slot.kind === KIND.none) warn(`a metric, at byte ${start}: expected a value, found none`)
    metric['value'] = typedValue(slot, slot.kind === KIND.none ? TYPE.unknown : type, warn)
  }
  return metric
}

function readMetadata(reader: WireReader): JsonObject {
  const metadata: Draft = {}
  while (reader.at < reader.end) {
    const tag = reader.tag()
    switch (tag) {
      case 0x08:
        metadata['isMultiPart'] = reader.uint32() !== 0
        break
      case 0x12:
        metadata['contentType'] = reader.text()
        break
      case 0x18:
        metadata['size'] = long(reader)
        break
      case 0x20:
        metadata['seq'] = long(reader)
        break
      case 0x2a:
        metadata['fileName'] = reader.text()
        break
      case 0x32:
        metadata['fileType'] = reader.text()
        break
      case 0x3a:
        metadata['md5'] = reader.text()
        break
      case 0x42:
        metadata['description'] = reader.text()
        break
      default:
        pass(reader, tag, 8)
    }
  }
  return metadata
}

function readDataSet(reader: WireReader, warn: Warn): JsonObject {
  const columns: string[] = []
  const types: number[] = []
  const rows: Slot[][] = []
  let stated: number | string | undefined
  while (reader.at < reader.end) {
    const tag = reader.tag()
    switch (tag) {
      case 0x08:
        stated = long(reader)
        break
      case 0x12:
        columns.push(reader.text())
        break
      case 0x18:
        types.push(reader.uint32())
        break
      case 0x1a:
        inside(reader, 'types', () => {
          while (reader.at < reader.end) types.push(reader.uint32())
        })
        break
      case 0x22:
        rows.push(inside(reader, 'a row', () => readRow(reader)))
        break
      default:
        pass(reader, tag, 4)
    }
  }
  const wrong = rows.some((row) => row.length !== columns.length)
  if (wrong || types.length !== columns.length || (stated ?? columns.length) !== columns.length)
    warn('expected a data set whose columns, types and rows are of one length, found others')
  return {
    columns,
    types: types.map(nameOfType),
    // Only now: types may come behind the rows.
    rows: rows.map((row) =>
      row.map((slot, index) =>
        slot.kind === KIND.none ? null : typedValue(slot, types[index] ?? TYPE.unknown, warn),
      ),
    ),
  }
}

function readRow(reader: WireReader): Slot[] {
  const row: Slot[] = []
  while (reader.at < reader.end) {
    const tag = reader.tag()
    if (tag === 0x0a) row.push(inside(reader, 'a value', () => readElement(reader)))
    else pass(reader, tag, 1)
  }
  return row
}

function readElement(reader: WireReader): Slot {
  const slot = new Slot()
  while (reader.at < reader.end) {
    const tag = reader.tag()
    const field = tag >>> 3
    if (field > 6 || !readScalar(reader, field - 1, tag & 7, slot)) pass(reader, tag, 6)
  }
  return slot
}

function readTemplate(reader: WireReader, warn: Warn, depth: number): JsonObject {
  checkDepth(depth, reader)
  const template: Draft = {}
  const metrics: JsonObject[] = []
  const parameters: JsonObject[] = []
  while (reader.at < reader.end) {
    const tag = reader.tag()
    switch (tag) {
      case 0x0a:
        template['version'] = reader.text()
        break
      case 0x12:
        metrics.push(inside(reader, 'a metric', () => readMetric(reader, warn, depth)))
        break
      case 0x1a:
        parameters.push(inside(reader, 'a parameter', () => readParameter(reader, warn)))
        break
      case 0x22:
        template['templateRef'] = reader.text()
        break
      case 0x28:
        template['isDefinition'] = reader.uint32() !== 0
        break
      default:
        pass(reader, tag, 5)
    }
  }
  if (parameters.length > 0) template['parameters'] = parameters
  if (metrics.length > 0) template['metrics'] = metrics
  return template
}

function readParameter(reader: WireReader, warn: Warn): JsonObject {
  const parameter: Draft = {}
  const slot = new Slot()
  let type: number = TYPE.unknown
  while (reader.at < reader.end) {
    const tag = reader.tag()
    const field = tag >>> 3
    if (tag === 0x0a) parameter['name'] = reader.text()
    else if (tag === 0x10) {
      type = reader.uint32()
      parameter['dataType'] = nameOfType(type)
    } else if (field < 3 || field > 8 || !readScalar(reader, field - 3, tag & 7, slot))
      pass(reader, tag, 8)
  }
  parameter['value'] = slot.kind === KIND.none ? null : typedValue(slot, type, warn)
  return parameter
}

/** Properties by their keys. */
function readProperties(reader: WireReader, warn: Warn, depth: number): JsonObject {
  checkDepth(depth, reader)
  const keys: string[] = []
  const values: JsonObject[] = []
  while (reader.at < reader.end) {
    const tag = reader.tag()
    if (tag === 0x0a) keys.push(reader.text())
    else if (tag === 0x12)
      values.push(inside(reader, 'a property', () => readProperty(reader, warn, depth)))
    else pass(reader, tag, 2)
  }
  if (keys.length !== values.length)
    warn(`expected as many values as keys of properties, found ${values.length} and ${keys.length}`)
  return Object.fromEntries(keys.map((key, index) => [key, values[index] ?? { value: null }]))
}

function readProperty(reader: WireReader, warn: Warn, depth: number): JsonObject {
  const property: Draft = {}
  const slot = new Slot()
  let type: number = TYPE.unknown
  let isNull = false
  while (reader.at < reader.end) {
    const tag = reader.tag()
    const field = tag >>> 3
    if (tag === 0x08) {
      type = reader.uint32()
      property['dataType'] = nameOfType(type)
    } else if (tag === 0x10) isNull = reader.uint32() !== 0
    else if (tag === 0x4a) {
      slot.nested = inside(reader, 'properties', () => readProperties(reader, warn, depth + 1))
      slot.kind = KIND.nested
    } else if (tag === 0x52) {
      slot.nested = inside(reader, 'lists of properties', () => readLists(reader, warn, depth + 1))
      slot.kind = KIND.nested
    } else if (field < 3 || field > 8 || !readScalar(reader, field - 3, tag & 7, slot))
      pass(reader, tag, 10)
  }
  property['value'] = isNull || slot.kind === KIND.none ? null : typedValue(slot, type, warn)
  return property
}

function readLists(reader: WireReader, warn: Warn, depth: number): readonly JsonObject[] {
  checkDepth(depth, reader)
  const lists: JsonObject[] = []
  while (reader.at < reader.end) {
    const tag = reader.tag()
    if (tag === 0x0a)
      lists.push(inside(reader, 'properties', () => readProperties(reader, warn, depth + 1)))
    else pass(reader, tag, 1)
  }
  return lists
}
