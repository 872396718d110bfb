import { CoreError } from '../../errors.ts'
import type { RuleLimits } from '../limits.ts'
import { joinText } from '../operators.ts'
import { isArray, type Value } from '../value.ts'
import { indexOf, textOf } from './arguments.ts'
import { AWS_FUNCTIONS, type FunctionBody, type FunctionDefinition } from './definition.ts'

/** Most spaces that lpad and rpad add. Source: AWS IoT SQL, lpad. */
const MAX_PADDING = 1_000

function onText(apply: (text: string) => Value): FunctionBody {
  return (args, _frame, semantics) => {
    const text = textOf(args, 0, semantics)
    return text === undefined ? undefined : apply(text)
  }
}

function onTwoTexts(apply: (left: string, right: string) => Value): FunctionBody {
  return (args, _frame, semantics) => {
    const left = textOf(args, 0, semantics)
    const right = textOf(args, 1, semantics)
    return left === undefined || right === undefined ? undefined : apply(left, right)
  }
}

function padded(join: (text: string, spaces: string) => string): FunctionBody {
  return (args, _frame, semantics) => {
    const text = textOf(args, 0, semantics)
    const count = indexOf(args, 1, semantics)
    if (text === undefined || count === undefined) return undefined
    return join(text, ' '.repeat(Math.min(MAX_PADDING, Math.max(0, count))))
  }
}

const substring: FunctionBody = (args, _frame, semantics) => {
  const text = textOf(args, 0, semantics)
  const from = indexOf(args, 1, semantics)
  if (text === undefined || from === undefined) return undefined
  if (args.length === 2) return text.slice(Math.max(0, from))
  const to = indexOf(args, 2, semantics)
  return to === undefined ? undefined : text.slice(Math.max(0, from), Math.max(0, to))
}

const concat: FunctionBody = (args, _frame, semantics) => {
  if (args.length < 2) return args[0]
  if (args.some(isArray)) return concatArrays(args, semantics.limits)
  if (!args.some((value) => typeof value === 'string')) return undefined
  let joined = ''
  for (let at = 0; at < args.length; at += 1) {
    const text = textOf(args, at, semantics)
    if (text === undefined) return undefined
    joined = joinText(joined, text, semantics.limits)
  }
  return joined
}

function concatArrays(args: readonly Value[], limits: RuleLimits): Value {
  const joined: Value[] = []
  for (const value of args) {
    for (const item of isArray(value) ? value : [value]) if (item !== undefined) joined.push(item)
    if (joined.length > limits.arrayLength) {
      throw new CoreError(
        'rule.limit',
        `expected at most ${limits.arrayLength} elements in an array`,
      )
    }
  }
  return joined
}

const replace: FunctionBody = (args, _frame, semantics) => {
  const text = textOf(args, 0, semantics)
  const found = textOf(args, 1, semantics)
  const replacement = textOf(args, 2, semantics)
  if (text === undefined || found === undefined || replacement === undefined) return undefined
  if (found === '') return text
  const parts = text.split(found)
  const length = text.length + (parts.length - 1) * (replacement.length - found.length)
  if (length > semantics.limits.stringLength) {
    throw new CoreError(
      'rule.limit',
      `expected at most ${semantics.limits.stringLength} characters of text`,
    )
  }
  return parts.join(replacement)
}

/** Source: AWS IoT SQL, chr: "ASCII character". */
const chr: FunctionBody = (args, _frame, semantics) => {
  const code = indexOf(args, 0, semantics)
  return code === undefined || code < 0 || code > 127 ? undefined : String.fromCharCode(code)
}

function define(
  name: string,
  signature: string,
  doc: string,
  example: string,
  run: FunctionBody,
  arity: readonly [number, number] = [1, 1],
  since: FunctionDefinition['since'] = '2015-10-08',
): FunctionDefinition {
  return { name, signature, doc, example, source: AWS_FUNCTIONS, since, arity, run }
}

/** Text. Arguments are converted to String; where that gives Undefined (Null, Undefined) so is the result. */
export const TEXT_FUNCTIONS: readonly FunctionDefinition[] = [
  define('chr', 'chr(Int)', 'The ASCII character with this number.', "chr(65) = 'A'", chr),
  {
    ...define(
      'concat',
      'concat(value, …)',
      'Joins strings, or arrays and values to one array.',
      "concat('con', 'cat') = 'concat'",
      concat,
      [0, 1_000],
    ),
    grows: true,
  },
  define(
    'endswith',
    'endswith(String, String)',
    'True if the first text ends in the second.',
    "endswith('cat', 'at') = true",
    onTwoTexts((text, end) => text.endsWith(end)),
    [2, 2],
  ),
  define(
    'indexof',
    'indexof(String, String)',
    'Where the second text begins in the first, from 0; -1 if nowhere.',
    "indexof('abcd', 'bc') = 1",
    onTwoTexts((text, part) => text.indexOf(part)),
    [2, 2],
    '2016-03-23',
  ),
  define(
    'length',
    'length(String)',
    'The number of characters, in UTF-16 units.',
    "length('hi') = 2",
    onText((text) => text.length),
    [1, 1],
    '2016-03-23',
  ),
  define(
    'lower',
    'lower(String)',
    'The text in lower case.',
    "lower('HELLO') = 'hello'",
    onText((text) => text.toLowerCase()),
  ),
  define(
    'lpad',
    'lpad(String, Int)',
    'The text with so many spaces before it, 0 to 1000.',
    "lpad('hello', 2) = '  hello'",
    padded((text, spaces) => spaces + text),
    [2, 2],
  ),
  define(
    'ltrim',
    'ltrim(String)',
    'The text without leading spaces and tabs.',
    "ltrim(' h i ') = 'h i '",
    onText((text) => text.replace(/^[ \t]+/, '')),
  ),
  define(
    'numbytes',
    'numbytes(String)',
    'The number of bytes in UTF-8.',
    "numbytes('€') = 3",
    onText((text) => new TextEncoder().encode(text).length),
    [1, 1],
    '2016-03-23',
  ),
  {
    ...define(
      'replace',
      'replace(String, String, String)',
      'The first text with every occurrence of the second replaced by the third.',
      "replace('abcd', 'bc', 'x') = 'axd'",
      replace,
      [3, 3],
    ),
    grows: true,
  },
  define(
    'rpad',
    'rpad(String, Int)',
    'The text with so many spaces after it, 0 to 1000.',
    "rpad(1, 3) = '1   '",
    padded((text, spaces) => text + spaces),
    [2, 2],
  ),
  define(
    'rtrim',
    'rtrim(String)',
    'The text without trailing spaces and tabs.',
    "rtrim(' h i ') = ' h i'",
    onText(trimEnd),
  ),
  define(
    'startswith',
    'startswith(String, String)',
    'True if the first text begins with the second.',
    "startswith('ranger', 'ran') = true",
    onTwoTexts((text, start) => text.startsWith(start)),
    [2, 2],
  ),
  define(
    'substring',
    'substring(String, Int[, Int])',
    'The text from one index up to but not another, counted from 0; indexes outside are moved to the nearest end.',
    "substring('012345', 1, 3) = '12'",
    substring,
    [2, 3],
  ),
  define(
    'trim',
    'trim(String)',
    'The text without white space around it.',
    "trim(' hi ') = 'hi'",
    onText((text) => text.trim()),
  ),
  define(
    'upper',
    'upper(String)',
    'The text in upper case.',
    "upper('hello') = 'HELLO'",
    onText((text) => text.toUpperCase()),
  ),
]

/** A loop, because a regular expression would look at every run of spaces again and again. */
function trimEnd(text: string): string {
  let end = text.length
  while (end > 0 && (text[end - 1] === ' ' || text[end - 1] === '\t')) end -= 1
  return text.slice(0, end)
}
