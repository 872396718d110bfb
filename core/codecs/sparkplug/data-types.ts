/**
 * Names of the data types, at their numbers. Source: Sparkplug 3.0.0, 6.4.16 and sparkplug_b.proto, `enum DataType`.
 */
export const DATA_TYPES = [
  'Unknown',
  'Int8',
  'Int16',
  'Int32',
  'Int64',
  'UInt8',
  'UInt16',
  'UInt32',
  'UInt64',
  'Float',
  'Double',
  'Boolean',
  'String',
  'DateTime',
  'Text',
  'UUID',
  'DataSet',
  'Bytes',
  'File',
  'Template',
  'PropertySet',
  'PropertySetList',
  'Int8Array',
  'Int16Array',
  'Int32Array',
  'Int64Array',
  'UInt8Array',
  'UInt16Array',
  'UInt32Array',
  'UInt64Array',
  'FloatArray',
  'DoubleArray',
  'BooleanArray',
  'StringArray',
  'DateTimeArray',
] as const

export const TYPE = {
  unknown: 0,
  int8: 1,
  int16: 2,
  int32: 3,
  int64: 4,
  uint8: 5,
  uint16: 6,
  uint32: 7,
  uint64: 8,
  float: 9,
  double: 10,
  boolean: 11,
  string: 12,
  dateTime: 13,
  text: 14,
  uuid: 15,
  dataSet: 16,
  bytes: 17,
  file: 18,
  template: 19,
  propertySet: 20,
  propertySetList: 21,
  int8Array: 22,
  int16Array: 23,
  int32Array: 24,
  int64Array: 25,
  uint8Array: 26,
  uint16Array: 27,
  uint32Array: 28,
  uint64Array: 29,
  floatArray: 30,
  doubleArray: 31,
  booleanArray: 32,
  stringArray: 33,
  dateTimeArray: 34,
} as const

/** By their names, also in small letters. */
const NUMBERS: ReadonlyMap<string, number> = new Map(
  DATA_TYPES.flatMap((name, number) => [
    [name, number],
    [name.toLowerCase(), number],
  ]),
)

/** What a type is called; its number where it has no name. */
export function nameOfType(type: number): string | number {
  return DATA_TYPES[type] ?? type
}

/** The number of a type that is given by name, in whatever case, or by number; `undefined` for what is none. */
export function typeOf(given: unknown): number | undefined {
  if (typeof given === 'string') return NUMBERS.get(given) ?? NUMBERS.get(given.toLowerCase())
  if (typeof given === 'number' && Number.isInteger(given) && given >= 0 && given <= 0xffff_ffff)
    return given
  return undefined
}

/** How many bytes one value of an array takes, by the type of the array; 0 for booleans, texts and what is no array. */
export function sizeInArray(type: number): number {
  switch (type) {
    case TYPE.int8Array:
    case TYPE.uint8Array:
      return 1
    case TYPE.int16Array:
    case TYPE.uint16Array:
      return 2
    case TYPE.int32Array:
    case TYPE.uint32Array:
    case TYPE.floatArray:
      return 4
    case TYPE.int64Array:
    case TYPE.uint64Array:
    case TYPE.doubleArray:
    case TYPE.dateTimeArray:
      return 8
    default:
      return 0
  }
}

/** Whether values of a type travel as bytes that say its values one after the other. */
export function isArrayType(type: number): boolean {
  return type >= TYPE.int8Array && type <= TYPE.dateTimeArray
}
