import { numberOrUndefined, readNumber, type StaticType, type Value } from './value.ts'

/** One function of the language. */
export interface RouteFunction {
  /** What each argument must be; `each` for any number of arguments of that kind, from `least` on. */
  readonly takes: readonly ArgumentType[]
  /** How many arguments may be left out at the end. */
  readonly optional?: number
  /** The last argument may stand any number of times. */
  readonly isVariadic?: true
  readonly gives: StaticType
  readonly run: (args: readonly Value[], types: readonly StaticType[]) => Value
}

/** `whatever` is a value of any kind. */
export type ArgumentType = 'string' | 'number' | 'string or number' | 'whatever'

/** A function of numbers: Undefined where an argument is none, or the result. */
function ofNumbers(count: 1 | 2, run: (a: number, b: number) => number): RouteFunction {
  return {
    takes: count === 1 ? ['number'] : ['number', 'number'],
    gives: 'number',
    run: ([a, b = 0]) =>
      typeof a === 'number' && typeof b === 'number' ? numberOrUndefined(run(a, b)) : undefined,
  }
}

function ofTwoTexts(gives: StaticType, run: (text: string, part: string) => Value): RouteFunction {
  return {
    takes: ['string', 'string'],
    gives,
    run: ([text, part]) =>
      typeof text === 'string' && typeof part === 'string' ? run(text, part) : undefined,
  }
}

function ofText(gives: StaticType, run: (text: string) => Value): RouteFunction {
  return {
    takes: ['string'],
    gives,
    run: ([text]) => (typeof text === 'string' ? run(text) : undefined),
  }
}

function ofWhatever(run: (value: Value, type: StaticType) => boolean | undefined): RouteFunction {
  return {
    takes: ['whatever'],
    gives: 'bool',
    run: ([value], [type = 'undefined']) => run(value, type),
  }
}

/** Source: .NET `Math.Pow`, which gives 1 where ECMAScript has no number. */
function power(base: number, exponent: number): number {
  return Math.abs(base) === 1 && !Number.isFinite(exponent) ? 1 : base ** exponent
}

function substring(args: readonly Value[]): Value {
  const [text, start, length] = args
  if (typeof text !== 'string' || typeof start !== 'number' || start < 0) return undefined
  if (args.length === 2) return start <= text.length ? text.slice(Math.trunc(start)) : undefined
  if (typeof length !== 'number' || start >= text.length) return undefined
  if (length < 0 || length > text.length - start) return undefined
  return text.slice(Math.trunc(start), Math.trunc(start) + Math.trunc(length))
}

/** A property without a value adds nothing; a null of the body is no text. */
function concat(args: readonly Value[], types: readonly StaticType[]): Value {
  let text = ''
  for (const [index, value] of args.entries()) {
    if (typeof value === 'string') text += value
    else if (value !== null || types[index] !== 'string') return undefined
  }
  return text
}

/**
 * The functions, by their names in lower case.
 * Source: Azure/iotedge, `Query/Builtins`; learn.microsoft.com, iot-hub-devguide-query-language, "Supported functions".
 */
export const ROUTE_FUNCTIONS: ReadonlyMap<string, RouteFunction> = new Map<string, RouteFunction>([
  ['abs', ofNumbers(1, Math.abs)],
  ['ceiling', ofNumbers(1, Math.ceil)],
  ['exp', ofNumbers(1, Math.exp)],
  ['floor', ofNumbers(1, Math.floor)],
  ['power', ofNumbers(2, power)],
  ['sign', ofNumbers(1, Math.sign)],
  ['sqrt', ofNumbers(1, Math.sqrt)],
  ['square', ofNumbers(1, (number) => number * number)],
  [
    'as_number',
    {
      takes: ['string or number'],
      gives: 'number',
      run: ([value]) =>
        typeof value === 'string'
          ? readNumber(value)
          : typeof value === 'number'
            ? value
            : undefined,
    },
  ],
  [
    'is_bool',
    ofWhatever((value, type) => {
      if (value !== undefined) return typeof value === 'boolean'
      return type === 'bool' || type === 'any' ? undefined : false
    }),
  ],
  ['is_defined', ofWhatever((value) => value !== undefined)],
  [
    'is_null',
    ofWhatever((value, type) =>
      type === 'any' && value === undefined ? undefined : value === null,
    ),
  ],
  ['is_number', ofWhatever((value) => typeof value === 'number' && Number.isFinite(value))],
  ['is_string', ofWhatever((value) => typeof value === 'string')],
  ['concat', { takes: ['string', 'string'], isVariadic: true, gives: 'string', run: concat }],
  ['contains', ofTwoTexts('bool', (text, part) => text.includes(part))],
  ['ends_with', ofTwoTexts('bool', (text, part) => text.endsWith(part))],
  ['index_of', ofTwoTexts('number', (text, part) => text.indexOf(part))],
  ['length', ofText('number', (text) => text.length)],
  ['lower', ofText('string', (text) => text.toLowerCase())],
  ['starts_with', ofTwoTexts('bool', (text, part) => text.startsWith(part))],
  [
    'substring',
    { takes: ['string', 'number', 'number'], optional: 1, gives: 'string', run: substring },
  ],
  ['upper', ofText('string', (text) => text.toUpperCase())],
])
