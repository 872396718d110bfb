import { floor, toDouble } from '../decimal.ts'
import type { Semantics } from '../operators.ts'
import type { Value } from '../value.ts'
import { numberOf, textOf } from './arguments.ts'
import { AWS_FUNCTIONS, type FunctionBody, type FunctionDefinition } from './definition.ts'
import { compileJavaTime, type ParseTime } from './java-time.ts'
import { compileJodaFormat, type FormatTime } from './joda-format.ts'
import { findTimeZone, type TimeZone } from './time-zone.ts'

type From<T> = (args: readonly Value[], semantics: Semantics) => T | undefined

/** The meaning of a text argument: worked out once where the argument is a literal. */
function meaningOf<T>(
  at: number,
  literals: ReadonlyMap<number, Value>,
  read: (text: string) => T | undefined,
): From<T> {
  const literal = literals.get(at)
  if (typeof literal === 'string') {
    const meaning = read(literal)
    return () => meaning
  }
  return (args, semantics) => {
    const text = textOf(args, at, semantics)
    return text === undefined ? undefined : read(text)
  }
}

function parseTime(literals: ReadonlyMap<number, Value>): FunctionBody {
  const formatOf: From<FormatTime> = meaningOf(0, literals, compileJodaFormat)
  const zoneOf: From<TimeZone> = meaningOf(2, literals, findTimeZone)
  const utc = findTimeZone('UTC')
  return (args, _frame, semantics) => {
    const format = formatOf(args, semantics)
    const epochMs = numberOf(args, 1, semantics)
    const zone = args.length === 2 ? utc : zoneOf(args, semantics)
    if (format === undefined || epochMs === undefined || zone === undefined) return undefined
    return format(toDouble(floor(epochMs)), zone)
  }
}

function timeToEpoch(literals: ReadonlyMap<number, Value>): FunctionBody {
  const parseOf: From<ParseTime> = meaningOf(1, literals, compileJavaTime)
  return (args, _frame, semantics) => {
    const text = textOf(args, 0, semantics)
    return text === undefined ? undefined : parseOf(args, semantics)?.(text)
  }
}

function define(
  name: string,
  signature: string,
  doc: string,
  example: string,
  arity: readonly [number, number],
  bodyOf: (literals: ReadonlyMap<number, Value>) => FunctionBody,
): FunctionDefinition {
  return {
    name,
    signature,
    doc,
    example,
    source: AWS_FUNCTIONS,
    since: '2016-03-23',
    arity,
    run: bodyOf(new Map()),
    prepare: bodyOf,
  }
}

/** Times. */
export const TIME_FUNCTIONS: readonly FunctionDefinition[] = [
  define(
    'parse_time',
    'parse_time(pattern, epochMs[, timeZone])',
    'Writes a time by a Joda-Time pattern, in UTC if no zone is given.',
    "parse_time('yyyy-MM-dd', 0) = '1970-01-01'",
    [2, 3],
    parseTime,
  ),
  define(
    'time_to_epoch',
    'time_to_epoch(text, pattern)',
    'Reads a time by a pattern of java.time, in epoch milliseconds; UTC if the text has no zone.',
    "time_to_epoch('18 December 2015', 'dd MMMM yyyy') = 1450396800000",
    [2, 2],
    timeToEpoch,
  ),
]
