import { CoreError } from '../errors.ts'
import { sourceError } from '../model/source-error.ts'
import type { ArithmeticSign, ComparisonSign, Node } from './ast.ts'
import { parsePath } from './body-path.ts'
import { readToken, unescapeString } from './lexer.ts'
import { CONDITION_LIMITS } from './limits.ts'
import { describeToken, type Token } from './token.ts'

/** How tightly an operator binds its operands; NOT and the sign of a number bind more tightly than all. */
const BINDING: Readonly<Record<string, number>> = {
  '??': 1,
  OR: 2,
  AND: 3,
  '=': 4,
  '!=': 4,
  '<>': 4,
  '<': 5,
  '<=': 5,
  '>': 5,
  '>=': 5,
  '+': 6,
  '-': 6,
  '||': 6,
  '*': 7,
  '/': 7,
  '%': 7,
}

const ARITHMETIC: Readonly<Record<string, ArithmeticSign>> = {
  '+': '+',
  '-': '-',
  '*': '*',
  '/': '/',
  '%': '%',
}

const COMPARISONS: Readonly<Record<string, ComparisonSign>> = {
  '=': '=',
  '!=': '!=',
  '<>': '<>',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
}

/** Where a path of `twin_change_includes` begins. */
const TWIN_PARTS = ['properties.reported.', 'properties.desired.', 'tags.']

/**
 * Reads a condition; `undefined` if there is nothing in it.
 *
 * Source: Azure/iotedge, `Condition.g4`. There, what follows a whole condition is passed over without a word; here it is
 * an error.
 * @throws CoreError `rule.syntax`, `rule.limit`, with the position.
 */
export function parseCondition(source: string): Node | undefined {
  const { length, tokens, depth } = CONDITION_LIMITS
  if (source.length > length) {
    throw new CoreError(
      'rule.limit',
      `expected a condition of at most ${length} characters, found ${source.length}`,
    )
  }
  let token = readToken(source, 0)
  let previousEnd = 0
  let read = 0
  let level = 0

  function fault(message: string, at = token.start): CoreError {
    return sourceError('rule.syntax', source, at, message)
  }

  function unexpected(expected: string): CoreError {
    return fault(`expected ${expected}, found ${describeToken(token)}${hintOf(token)}`)
  }

  function advance(): Token {
    const taken = token
    read += 1
    if (read > tokens) {
      const message = `expected at most ${tokens} words and signs`
      throw sourceError('rule.limit', source, taken.start, message)
    }
    previousEnd = taken.end
    token = readToken(source, taken.end)
    return taken
  }

  function isSign(text: string): boolean {
    return token.kind === 'sign' && token.text === text
  }

  function expectSign(text: string): void {
    if (!isSign(text)) throw unexpected(`"${text}"`)
    advance()
  }

  function nested<T>(production: () => T): T {
    level += 1
    if (level > depth) {
      throw sourceError(
        'rule.limit',
        source,
        token.start,
        `expected at most ${depth} levels of nesting`,
      )
    }
    const result = production()
    level -= 1
    return result
  }

  /** Expression : Operand [Operator Operand]*, operators of one binding from left to right. */
  function expression(least: number): Node {
    let left = operand()
    for (;;) {
      const isOperator = token.kind === 'sign' || token.kind === 'word'
      const binding = isOperator ? (BINDING[token.text] ?? 0) : 0
      if (binding < least) return left
      const { text, start: at } = advance()
      const right = expression(binding + 1)
      left = operation(text, left, right, at)
    }
  }

  function operation(text: string, left: Node, right: Node, at: number): Node {
    const place = { start: left.start, end: previousEnd, at }
    const comparison = COMPARISONS[text]
    if (comparison !== undefined)
      return { kind: 'comparison', sign: comparison, left, right, ...place }
    const arithmetic = ARITHMETIC[text]
    if (arithmetic !== undefined)
      return { kind: 'arithmetic', sign: arithmetic, left, right, ...place }
    if (text === '||')
      return { kind: 'call', name: 'concat', shown: '||', args: [left, right], ...place }
    return {
      kind: text === 'AND' ? 'and' : text === 'OR' ? 'or' : 'coalesce',
      left,
      right,
      ...place,
    }
  }

  /** Operand : - Operand | NOT Operand | ( Expression ) | { $name } | literal | property | Call */
  function operand(): Node {
    const { kind, text, start } = token
    switch (kind) {
      case 'number':
        advance()
        return literal(readLiteral(text), start)
      case 'string':
        advance()
        return literal(unescapeString(text), start)
      case 'constant':
        advance()
        return literal(CONSTANTS[text], start)
      case 'system':
        advance()
        return systemProperty(text, start, false)
      case 'name':
        advance()
        if (isSign('(')) return call(text, start)
        return { kind: 'property', name: text.toLowerCase(), start, end: previousEnd, at: start }
      case 'word':
        if (text === 'NOT') return unary('not')
        throw unexpected('a value')
      case 'sign':
        if (text === '-') return unary('negate')
        if (text === '(') return group()
        if (text === '{') return escaped()
        throw unexpected('a value')
      default:
        throw unexpected('a value')
    }
  }

  function literal(value: string | number | boolean | null | undefined, start: number): Node {
    return { kind: 'literal', value, start, end: previousEnd, at: start }
  }

  function unary(kind: 'negate' | 'not'): Node {
    const { start } = advance()
    const inner = nested(operand)
    return { kind, operand: inner, start, end: previousEnd, at: start }
  }

  function group(): Node {
    const { start } = advance()
    const inner = nested(() => expression(1))
    if (!isSign(')')) throw unexpected('an operator or ")"')
    advance()
    return { ...inner, start, end: previousEnd }
  }

  function escaped(): Node {
    const { start } = advance()
    if (token.kind !== 'system') throw unexpected('a system property such as $contentType')
    const { text } = advance()
    const node = systemProperty(text, start, true)
    expectSign('}')
    return { ...node, end: previousEnd }
  }

  function systemProperty(text: string, start: number, isEscaped: boolean): Node {
    const place = { start, end: previousEnd, at: start }
    const name = text.slice(1).toLowerCase()
    const root = /^(body|twin)\./.exec(name)?.[1]
    const hasBrackets = /[[\]]/.test(text)
    if (root === 'body' || root === 'twin') {
      const path = parsePath(text.slice('$body.'.length))
      if (path === undefined) {
        throw fault(
          `expected a path such as $${root}.a.b[0] without $ and blanks, found ${text}`,
          start,
        )
      }
      const property = isEscaped || hasBrackets ? undefined : text.toLowerCase()
      return { kind: 'document', root, path, property, ...place }
    }
    // No property has such a name. Source: Azure/iotedge, `ConditionVisitor.VisitSysProperty`.
    if (hasBrackets) return { kind: 'literal', value: undefined, ...place }
    return { kind: 'system', name, isEscaped, ...place }
  }

  /** Call : name ( [Expression [, Expression]*] ) | twin_change_includes ( path ) */
  function call(shown: string, start: number): Node {
    const name = shown.toLowerCase()
    expectSign('(')
    if (name === 'twin_change_includes') return twinChange(start)
    const args = nested(() => {
      if (isSign(')')) return []
      const found = [expression(1)]
      while (isSign(',')) {
        advance()
        found.push(expression(1))
      }
      return found
    })
    if (!isSign(')')) throw unexpected('an operator, "," or ")"')
    advance()
    return { kind: 'call', name, shown, args, start, end: previousEnd, at: start }
  }

  function twinChange(start: number): Node {
    const wanted = `a path that starts with ${TWIN_PARTS.join(' or ')}`
    const { kind, text, start: at } = token
    const path = kind === 'name' ? parsePath(text) : undefined
    const isOfTwin = TWIN_PARTS.some((part) => text.toLowerCase().startsWith(part))
    if (path === undefined || !isOfTwin) throw unexpected(wanted)
    advance()
    expectSign(')')
    return { kind: 'twin_change', path, start, end: previousEnd, at }
  }

  function isAtEnd(): boolean {
    return token.kind === 'end'
  }

  if (isAtEnd()) return undefined
  const whole = expression(1)
  if (!isAtEnd()) throw unexpected('an operator or the end of the condition')
  return whole
}

const CONSTANTS: Readonly<Record<string, boolean | null | undefined>> = {
  true: true,
  false: false,
  null: null,
}

/** A hexadecimal number has 64 bits and a sign; a longer one is Undefined. Source: .NET `Int64.TryParse`. */
function readLiteral(text: string): number | undefined {
  if (!/^0x/i.test(text)) return Number(text)
  const digits = text.slice(2).replace(/^0+(?=.)/, '')
  return digits.length > 16 ? undefined : Number(BigInt.asIntN(64, BigInt(`0x${digits}`)))
}

function hintOf({ kind, text }: Token): string {
  if (kind === 'path') return ': brackets are for $body and $twin'
  if (kind === 'number' && text.startsWith('-'))
    return ': an operator has a blank before and after it'
  if (kind === 'name' && /^(in|nin|like|between|is)$/i.test(text))
    return ': conditions of routes do not have it'
  if (kind === 'name' && text === '&&') return ': write AND'
  return text === '=' ? ': equality is one =' : ''
}
