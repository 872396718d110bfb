import { FUNCTIONS, type FunctionDefinition } from '../../core/index.ts'
import { HASH_FUNCTIONS } from '../../core/rules/functions/hash.ts'
import { LOOKUP_FUNCTIONS } from '../../core/rules/functions/lookup.ts'
import { MATH_FUNCTIONS } from '../../core/rules/functions/math.ts'
import { MESSAGE_FUNCTIONS } from '../../core/rules/functions/message.ts'
import { REGEXP_FUNCTIONS } from '../../core/rules/functions/regexp.ts'
import { TEXT_FUNCTIONS } from '../../core/rules/functions/text.ts'
import { TIME_FUNCTIONS } from '../../core/rules/functions/time.ts'
import { VALUE_FUNCTIONS } from '../../core/rules/functions/values.ts'
import { givenBy } from './evaluate.ts'
import { code, table } from './markdown.ts'

const GROUPS: readonly (readonly [title: string, functions: readonly FunctionDefinition[]])[] = [
  ['Numbers', MATH_FUNCTIONS],
  ['Text', TEXT_FUNCTIONS],
  ['Regular expressions', REGEXP_FUNCTIONS],
  ['Hashes', HASH_FUNCTIONS],
  ['Times', TIME_FUNCTIONS],
  ['Values', VALUE_FUNCTIONS],
  ['The message besides its body', MESSAGE_FUNCTIONS],
  ['Stores outside the message', LOOKUP_FUNCTIONS],
]

/**
 * Every function in tables, with its example and what that gives.
 * @throws Error if a function is in no table, or an example gives something else than it says.
 */
export function functionTables(): string {
  const shown = GROUPS.flatMap(([, functions]) => functions.map(({ name }) => name))
  const missing = [...FUNCTIONS.keys()].filter((name) => !shown.includes(name))
  if (missing.length > 0) throw new Error(`expected a table for ${missing.join(', ')}`)
  return GROUPS.map(([title, functions]) => {
    const rows = functions.map(({ signature, doc, example, since, source }) => [
      code(signature),
      doc,
      exampleOf(example),
      since,
      source,
    ])
    const head = ['function', 'what it gives', 'example', 'since', 'source']
    return `### ${title}\n\n${table(head, rows)}`
  }).join('\n\n')
}

/** An example and its real result. */
function exampleOf(example: string): string {
  const { call, says } = readExample(example)
  const result = givenBy(call)
  // What depends on the message or on the time is shown as it is here.
  if (says !== undefined && isConstant(call) && givenBy(says) !== result)
    throw new Error(`${example}: expected what it says, found ${result}`)
  return `${code(call)} → ${code(result)}`
}

/** Takes `abs(-5) = 5` apart, and `topic(2) = 'bar' on foo/bar/baz`. */
function readExample(example: string): { readonly call: string; readonly says?: string } {
  const text = example.replace(/ on [\w/]+$/, '').replaceAll('…', '')
  const at = text.lastIndexOf(' = ')
  return at < 0 ? { call: text } : { call: text.slice(0, at), says: text.slice(at + 3) }
}

function isConstant(call: string): boolean {
  return !/^(rand|newuuid|principal|timestamp)\(/.test(call)
}
