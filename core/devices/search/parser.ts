import { CoreError } from '../../errors.ts'
import { readDuration } from '../../model/duration.ts'
import { sourceError } from '../../model/source-error.ts'
import {
  type Bound,
  type Condition,
  type Field,
  type Node,
  type Operand,
  SIMPLE_FIELDS,
  type SimpleField,
} from './ast.ts'
import { createScanner, type Scanned } from './scanner.ts'

/** Unit: characters. */
export const MAX_SEARCH = 2_000

/** How deep parentheses and negations may nest. */
const MAX_DEPTH = 32

const MAX_TERMS = 100

/** What ends a bare word, and the name of a field. */
const WORD_STOPS = '():<>='

/** Signs of a comparison, the longest first. */
const COMPARISONS = ['>=', '<=', '>', '<'] as const

const STATES = ['online', 'late', 'offline', 'unreachable', 'unknown'] as const

const FIELDS = `a field (${SIMPLE_FIELDS.join(', ')}, tags.…, last.…, shadow.…)`

/**
 * Reads a search. Nothing but white space finds everything: it is `undefined`.
 * @throws CoreError `query.invalid`, with the position.
 */
export function parseQuery(source: string): Node | undefined {
  if (source.length > MAX_SEARCH)
    throw sourceError(
      'query.invalid',
      source,
      MAX_SEARCH,
      `expected at most ${MAX_SEARCH} characters, found ${source.length}`,
    )
  const scanner = createScanner(source)
  let depth = 0
  let terms = 0

  /** @throws CoreError `query.invalid` if it nests too deep. */
  function nested(read: () => Node): Node {
    if (++depth > MAX_DEPTH)
      throw sourceError(
        'query.invalid',
        source,
        scanner.offset,
        `expected at most ${MAX_DEPTH} levels of parentheses and negations, found more`,
      )
    const node = read()
    depth--
    return node
  }

  function readOr(): Node {
    const nodes = [readAnd()]
    while (scanner.isWord('OR')) {
      scanner.skip('OR')
      nodes.push(readAnd())
    }
    return one(nodes, 'or')
  }

  function readAnd(): Node {
    const nodes = [readNot()]
    for (;;) {
      if (scanner.isWord('AND')) scanner.skip('AND')
      else if (scanner.peek() === '' || scanner.here() === ')' || scanner.isWord('OR')) break
      nodes.push(readNot())
    }
    return one(nodes, 'and')
  }

  function readNot(): Node {
    if (scanner.isWord('NOT')) {
      scanner.skip('NOT')
      return nested(() => ({ kind: 'not', node: readNot() }))
    }
    if (scanner.peek() === '-') {
      scanner.skip('-')
      return nested(() => ({ kind: 'not', node: readNot() }))
    }
    return readPrimary()
  }

  function readPrimary(): Node {
    const start = scanner.peek() === '' ? '' : scanner.here()
    if (start === '(') {
      scanner.skip('(')
      const node = nested(readOr)
      if (scanner.peek() !== ')') throw scanner.fault(scanner.offset, '")"')
      scanner.skip(')')
      return node
    }
    if (start === '' || WORD_STOPS.includes(start) || isKeyword())
      throw scanner.fault(scanner.offset, 'a word, a field or "("')
    return readTerm()
  }

  function isKeyword(): boolean {
    return scanner.isWord('AND') || scanner.isWord('OR') || scanner.isWord('NOT')
  }

  function readTerm(): Node {
    const at = scanner.offset
    if (++terms > MAX_TERMS)
      throw sourceError('query.invalid', source, at, `expected at most ${MAX_TERMS} terms`)
    const { segments, whole } = scanner.scanSegments(WORD_STOPS)
    const sign = readSign()
    if (sign === undefined) {
      const parts = whole.parts.map(lower)
      return { kind: 'term', field: { kind: 'word' }, condition: matching(parts, undefined) }
    }
    const field = toField(segments, whole)
    scanner.peek()
    const condition = sign === ':' ? readCondition(field) : readComparison(field, sign)
    return { kind: 'term', field, condition }
  }

  /** A colon stands right behind its field; comparisons may have space before them. */
  function readSign(): ':' | (typeof COMPARISONS)[number] | undefined {
    if (scanner.skip(':') || scanner.skip('=')) return ':'
    scanner.peek()
    return COMPARISONS.find((sign) => scanner.skip(sign))
  }

  function toField(segments: readonly Scanned[], whole: Scanned): Field {
    const [first] = segments
    const name = first === undefined ? '' : textOf(first)
    if (segments.length === 1) {
      const simple = SIMPLE_FIELDS.find((field) => field === name)
      if (simple !== undefined) return { kind: simple }
      throw scanner.fault(whole.start, FIELDS)
    }
    const rest = segments.slice(1)
    const texts = rest.map((segment) => {
      if (segment.parts.length > 1)
        throw scanner.fault(segment.start, 'a name without wildcards, or one in quotes')
      const text = textOf(segment)
      if (text === '') throw scanner.fault(segment.start, `a name behind "${name}."`)
      return text
    })
    switch (name) {
      case 'tags':
        return { kind: 'tag', name: texts.join('.') }
      case 'last':
        return { kind: 'last', metric: texts.join('.') }
      case 'shadow':
        return toShadowField(texts, rest)
      default:
        throw scanner.fault(whole.start, FIELDS)
    }
  }

  function toShadowField(texts: readonly string[], segments: readonly Scanned[]): Field {
    const [first = '', second = ''] = texts
    const isClassic = isSection(first) && segments[0]?.quoted !== true
    const section = isClassic ? first : second
    if (!isSection(section))
      throw scanner.fault(
        (isClassic ? segments[0] : (segments[1] ?? segments[0]))?.start ?? 0,
        'shadow.desired.…, shadow.reported.… or shadow.<name>.reported.…',
      )
    const path = texts.slice(isClassic ? 1 : 2)
    return { kind: 'shadow', name: isClassic ? '' : first, section, path }
  }

  function readCondition(field: Field): Condition {
    if (scanner.here() === '[') return readRange(field)
    const sign = COMPARISONS.find((one) => scanner.skip(one))
    if (sign !== undefined) return readComparison(field, sign)
    const value = readValue()
    if (!value.quoted && isExistence(value)) return { kind: 'exists' }
    const range = value.quoted ? undefined : splitRange(value)
    if (range !== undefined)
      return between(field, value.start, toBound(field, range[0]), toBound(field, range[1]))
    return toMatch(field, value)
  }

  function readComparison(field: Field, sign: (typeof COMPARISONS)[number]): Condition {
    // Two signs in a row are a slip of the fingers, and no text to compare with.
    const next = scanner.peek()
    if (next !== '' && '<>='.includes(next))
      throw scanner.fault(scanner.offset, 'a value to compare with (in quotes if it starts so)')
    const value = readValue()
    const bound = toBound(field, value, sign.length === 2)
    if (bound === undefined) throw scanner.fault(value.start, 'a value to compare with')
    return sign.startsWith('>')
      ? between(field, value.start, bound, undefined)
      : between(field, value.start, undefined, bound)
  }

  /** `[a TO b]`. */
  function readRange(field: Field): Condition {
    const start = scanner.offset
    scanner.skip('[')
    scanner.peek()
    const from = readValue(']')
    if (!scanner.isWord('TO')) throw scanner.fault(scanner.offset, 'TO')
    scanner.skip('TO')
    scanner.peek()
    const to = readValue(']')
    if (scanner.peek() !== ']') throw scanner.fault(scanner.offset, '"]"')
    scanner.skip(']')
    return between(field, start, toBound(field, from), toBound(field, to))
  }

  function readValue(stops = ''): Scanned {
    const value = scanner.scan(`()${stops}`)
    if (value.end === value.start) throw scanner.fault(value.start, 'a value')
    return value
  }

  function between(
    field: Field,
    start: number,
    from: Bound | undefined,
    to: Bound | undefined,
  ): Condition {
    if (!isOrdered(field))
      throw scanner.fault(start, `a value for ${nameOf(field)}, which has no order`)
    return { kind: 'between', from, to }
  }

  /** `*` is an open end. */
  function toBound(field: Field, value: Scanned, inclusive = true): Bound | undefined {
    if (!value.quoted && isExistence(value)) return undefined
    if (value.parts.length > 1) throw scanner.fault(value.start, 'a value without wildcards')
    return { ...toOperand(field, value), inclusive }
  }

  function toOperand(field: Field, value: Scanned): Operand {
    const text = textOf(value)
    if (field.kind === 'seen') {
      const ms = readDuration(text)
      if (ms === undefined) throw scanner.fault(value.start, 'a duration such as 90s, 5m, 1h or 7d')
      return { text, number: ms }
    }
    const number = value.quoted ? undefined : toNumber(text)
    if ((field.kind === 'alarms' || field.kind === 'commands') && number === undefined)
      throw scanner.fault(value.start, 'a count')
    return { text: lower(text), number }
  }

  function toMatch(field: Field, value: Scanned): Condition {
    switch (field.kind) {
      case 'seen':
        throw scanner.fault(value.start, 'a comparison such as seen<1h, or seen:1h..1d')
      case 'enabled':
      case 'registered':
        if (!['true', 'false'].includes(lower(textOf(value))) || value.parts.length > 1)
          throw scanner.fault(value.start, 'true or false')
        break
      case 'state':
        if (value.parts.length === 1 && !STATES.some((state) => state === lower(textOf(value))))
          throw scanner.fault(value.start, STATES.join(', '))
        break
      default:
    }
    if (value.parts.length > 1) {
      if (field.kind === 'alarms' || field.kind === 'commands')
        throw scanner.fault(value.start, 'a count')
      return matching(value.parts.map(lower), undefined)
    }
    const { text, number } = toOperand(field, value)
    return matching([text], number)
  }

  const isEmpty = scanner.peek() === ''
  if (isEmpty) return undefined
  const node = readOr()
  if (scanner.peek() !== '') throw scanner.fault(scanner.offset, 'the end, AND or OR')
  return node
}

/** Whether this is a fault of a search that somebody wrote. */
export function isSearchFault(error: unknown): error is CoreError {
  return error instanceof CoreError && error.code === 'query.invalid'
}

function one(nodes: readonly Node[], kind: 'and' | 'or'): Node {
  const [first] = nodes
  return nodes.length === 1 && first !== undefined ? first : { kind, nodes }
}

function matching(parts: readonly string[], number: number | undefined): Condition {
  return { kind: 'matches', parts, number }
}

/** A lone `*`. */
function isExistence({ parts }: Scanned): boolean {
  return parts.length === 2 && parts.every((part) => part === '')
}

/** `a..b`, `a..*` and `*..b`. */
function splitRange(value: Scanned): readonly [Scanned, Scanned] | undefined {
  const joined = value.parts.join('*')
  const at = joined.indexOf('..')
  if (at <= 0 || at + 2 >= joined.length) return undefined
  const from = joined.slice(0, at).split('*')
  const to = joined.slice(at + 2).split('*')
  return [
    { ...value, parts: from },
    { ...value, parts: to },
  ]
}

function textOf({ parts }: Scanned): string {
  return parts.join('*')
}

function lower(text: string): string {
  return text.toLowerCase()
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i

/** What a text is worth as a number; `undefined` if it looks like none. */
export function toNumber(text: string): number | undefined {
  return text.length <= 40 && NUMBER.test(text) ? Number(text) : undefined
}

function isSection(text: string): text is 'desired' | 'reported' {
  return text === 'desired' || text === 'reported'
}

const UNORDERED: ReadonlySet<SimpleField> = new Set<SimpleField>([
  'enabled',
  'registered',
  'state',
  'alarm',
  'group',
])

function isOrdered({ kind }: Field): boolean {
  switch (kind) {
    case 'word':
    case 'tag':
    case 'last':
    case 'shadow':
      return true
    default:
      return !UNORDERED.has(kind)
  }
}

function nameOf(field: Field): string {
  return field.kind
}
