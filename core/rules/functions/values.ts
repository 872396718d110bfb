import { CoreError } from '../../errors.ts'
import type { Json } from '../../model/json.ts'
import { decodeBase64, encodeBase64 } from '../base64.ts'
import {
  decodeUtf8,
  element,
  isArray,
  isBytes,
  isObject,
  jsonText,
  member,
  setKey,
  type Value,
} from '../value.ts'
import { indexOf, textOf } from './arguments.ts'
import { AWS_FUNCTIONS, type FunctionBody, type FunctionDefinition } from './definition.ts'

const get: FunctionBody = (args, _frame, semantics) => {
  const [from, key] = args
  if (isObject(from)) return typeof key === 'string' ? member(from, key) : undefined
  const index = indexOf(args, 1, semantics)
  if (index === undefined || index < 0) return undefined
  return typeof from === 'string' ? from[index] : element(from, index)
}

const decode: FunctionBody = (args, _frame, semantics) => {
  if (args[1] !== 'base64' || args.length > 2) return undefined
  const text = textOf(args, 0, semantics)
  if (text === undefined) return null
  const bytes = decodeBase64(text.trim())
  const decoded = bytes === undefined ? undefined : decodeUtf8(bytes)
  return decoded === undefined ? null : (parseJson(decoded) ?? decoded)
}

/** Result: `undefined` if the text is not JSON. */
function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const encode: FunctionBody = (args, _frame, semantics) => {
  if (args[1] !== 'base64') return undefined
  const [value] = args
  if (isBytes(value)) return encodeBase64(value)
  const text = textOf(args, 0, semantics)
  return text === undefined ? undefined : encodeBase64(new TextEncoder().encode(text))
}

const transform: FunctionBody = (args, _frame, semantics) => {
  const [mode, attributes, items] = args
  if (mode !== 'enrichArray' || !isObject(attributes) || !isArray(items)) return undefined
  if (!items.every(isObject)) return undefined
  const result = items.map((item) => {
    const enriched: Record<string, Value> = {}
    for (const key of Object.keys(item)) setKey(enriched, key, item[key])
    for (const key of Object.keys(attributes)) setKey(enriched, key, attributes[key])
    return enriched
  })
  checkSize(result, semantics.limits.transformBytes)
  return result
}

function checkSize(value: Value, maxBytes: number): void {
  const bytes = new TextEncoder().encode(jsonText(value, maxBytes)).length
  if (bytes > maxBytes)
    throw new CoreError('rule.limit', `expected at most ${maxBytes} bytes from transform`)
}

function define(
  name: string,
  signature: string,
  doc: string,
  example: string,
  run: FunctionBody,
  arity: readonly [number, number],
  since: FunctionDefinition['since'] = '2016-03-23',
): FunctionDefinition {
  return { name, signature, doc, example, source: AWS_FUNCTIONS, since, arity, run }
}

/** Values of any type. */
export const VALUE_FUNCTIONS: readonly FunctionDefinition[] = [
  {
    ...define(
      'decode',
      "decode(String, 'base64')",
      'The value of a base64 text: an object if it is JSON, else a string, Null if it is not base64.',
      "decode('cmVk', 'base64') = 'red'",
      decode,
      [2, 6],
    ),
    grows: true,
    fault: (literals) =>
      literals.get(1) === 'proto' ? "'proto': declare a codec for the device instead" : undefined,
  },
  {
    ...define(
      'encode',
      "encode(value, 'base64')",
      'The text of a value, or with * the whole payload, as base64.',
      "encode('hi', 'base64') = 'aGk='",
      encode,
      [2, 2],
    ),
    takesBytes: true,
    grows: true,
  },
  define(
    'get',
    'get(Array | String | Object, index | key)',
    'One element, counted from 0, one character, or the value under one key.',
    "get(['a', 'b'], 1) = 'b'",
    get,
    [2, 2],
    '2015-10-08',
  ),
  define(
    'get_or_default',
    'get_or_default(value, default)',
    'The value, or the default where it is Undefined or Null.',
    "get_or_default(missing, 'x') = 'x'",
    (args) => args[0] ?? args[1],
    [2, 2],
  ),
  define(
    'isnull',
    'isNull(value)',
    'True for Null.',
    'isNull(Null) = true',
    (args) => args[0] === null,
    [1, 1],
    '2015-10-08',
  ),
  define(
    'isundefined',
    'isUndefined(value)',
    'True for Undefined.',
    'isUndefined(missing) = true',
    (args) => args[0] === undefined,
    [1, 1],
  ),
  define(
    'nanvl',
    'nanvl(value, value)',
    'The first value, or the second where the first is Undefined or Null.',
    'nanvl(8, 3) = 8',
    (args) => args[0] ?? args[1],
    [2, 2],
    '2015-10-08',
  ),
  {
    ...define(
      'transform',
      "transform('enrichArray', Object, Array)",
      'The objects of an array, each with the keys of the object added; at most 128 KiB.',
      "transform('enrichArray', {'a': 1}, [{'b': 2}]) = [{'b': 2, 'a': 1}]",
      transform,
      [3, 3],
    ),
    grows: true,
  },
]
