import type { RE2JS } from 're2js'
import { CoreError } from '../../errors.ts'
import { patternTooLong, type Semantics } from '../operators.ts'
import { toText, type Value } from '../value.ts'
import { textOf } from './arguments.ts'
import { AWS_FUNCTIONS, type FunctionBody, type FunctionDefinition } from './definition.ts'
import { compileJavaPattern, readJavaReplacement } from './java-regexp.ts'

/** Gives the pattern of a call: a literal one is compiled once. */
type PatternOf = (args: readonly Value[], semantics: Semantics) => RE2JS | undefined

/** Longest text of a literal pattern; the SQL is not longer. */
const MAX_LITERAL = 18 * 1024

/**
 * One search is linear, but one that repeats without end may look at the whole rest of the text and then
 * match a single character of it. So many characters may be looked at in all.
 */
const RESCAN_WORK = 20_000_000
const OPEN_REPEAT = /[*+]|\{\d+,\}/

const eachTime: PatternOf = (args, semantics) => {
  const text = textOf(args, 1, semantics)
  return text === undefined ? undefined : usable(text, semantics)
}

/** @throws CoreError `rule.limit` for a pattern that is too long. */
function usable(text: string, { limits }: Semantics): RE2JS | undefined {
  if (text.length > limits.patternLength) throw patternTooLong(limits)
  const compiled = compileJavaPattern(text)
  return 'pattern' in compiled ? compiled.pattern : undefined
}

function literalText(literals: ReadonlyMap<number, Value>): string | undefined {
  return literals.has(1) ? toText(literals.get(1), MAX_LITERAL) : undefined
}

function define(
  name: string,
  signature: string,
  doc: string,
  example: string,
  arity: readonly [number, number],
  bodyOf: (patternOf: PatternOf) => FunctionBody,
): FunctionDefinition {
  return {
    name,
    signature,
    doc: `${doc} Regular expressions are Java's without lookaround and back references.`,
    example,
    source: AWS_FUNCTIONS,
    since: '2015-10-08',
    arity,
    run: bodyOf(eachTime),
    prepare(literals, semantics) {
      const text = literalText(literals)
      if (text === undefined) return undefined
      const pattern = usable(text, semantics)
      return bodyOf(() => pattern)
    },
    fault(literals) {
      const text = literalText(literals)
      const compiled = text === undefined ? undefined : compileJavaPattern(text)
      return compiled !== undefined && 'unsupported' in compiled ? compiled.unsupported : undefined
    },
  }
}

function matches(patternOf: PatternOf): FunctionBody {
  return (args, _frame, semantics) => {
    const text = textOf(args, 0, semantics)
    const pattern = patternOf(args, semantics)
    return text === undefined || pattern === undefined ? undefined : pattern.test(text)
  }
}

function substr(patternOf: PatternOf): FunctionBody {
  return (args, _frame, semantics) => {
    const text = textOf(args, 0, semantics)
    const pattern = patternOf(args, semantics)
    if (text === undefined || pattern === undefined) return undefined
    const matcher = pattern.matcher(text)
    return matcher.find() ? (matcher.group() ?? undefined) : undefined
  }
}

function replace(patternOf: PatternOf): FunctionBody {
  return (args, _frame, semantics) => {
    const text = textOf(args, 0, semantics)
    const pattern = patternOf(args, semantics)
    const replacement = textOf(args, 2, semantics)
    if (text === undefined || pattern === undefined || replacement === undefined) return undefined
    return replaceAll(text, pattern, replacement, semantics.limits.stringLength)
  }
}

function replaceAll(
  text: string,
  pattern: RE2JS,
  replacement: string,
  maxLength: number,
): string | undefined {
  const parts = readJavaReplacement(replacement, pattern)
  if (parts === undefined) return undefined
  const matcher = pattern.matcher(text)
  const maxMatches = OPEN_REPEAT.test(pattern.pattern()) ? RESCAN_WORK / text.length : Infinity
  let result = ''
  let from = 0
  for (let matches = 0; matcher.find(); matches += 1) {
    if (matches > maxMatches) {
      throw new CoreError(
        'rule.limit',
        'expected fewer matches of an open repeat in so long a text',
      )
    }
    result += text.slice(from, matcher.start())
    for (const part of parts) {
      result += typeof part === 'string' ? part : (matcher.group(part.group) ?? '')
    }
    from = matcher.end()
    if (result.length > maxLength) {
      throw new CoreError('rule.limit', `expected at most ${maxLength} characters of text`)
    }
  }
  return result + text.slice(from)
}

/** Regular expressions. An invalid one makes the result Undefined. */
export const REGEXP_FUNCTIONS: readonly FunctionDefinition[] = [
  define(
    'regexp_matches',
    'regexp_matches(String, String)',
    'True if the text contains a match.',
    "regexp_matches('aaaa', 'a{2,}') = true",
    [2, 2],
    matches,
  ),
  {
    ...define(
      'regexp_replace',
      'regexp_replace(String, String, String)',
      'The text with every match replaced; $1 stands for a group.',
      "regexp_replace('abcd', 'b(.*)d', '$1') = 'ac'",
      [3, 3],
      replace,
    ),
    grows: true,
  },
  define(
    'regexp_substr',
    'regexp_substr(String, String)',
    'The first match.',
    "regexp_substr('hihihello', '(hi)*') = 'hihi'",
    [2, 2],
    substr,
  ),
]
