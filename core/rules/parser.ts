import { sourceError } from '../model/source-error.ts'
import type {
  ArithmeticSign,
  Assignment,
  CastType,
  ComparisonSign,
  Expression,
  Item,
  Path,
  Select,
  Statement,
  Step,
  Subquery,
} from './ast.ts'
import { createCursor } from './cursor.ts'
import { negate, readNumber } from './decimal.ts'
import type { RuleLimits } from './limits.ts'
import { RESERVED, type Token } from './token.ts'
import { keepsScale, type SqlVersion } from './version.ts'

export interface ParserOptions {
  readonly version: SqlVersion
  readonly limits: RuleLimits
}

const SUM_SIGNS: ReadonlyMap<string, ArithmeticSign> = new Map([
  ['+', '+'],
  ['-', '-'],
])

const PRODUCT_SIGNS: ReadonlyMap<string, ArithmeticSign> = new Map([
  ['*', '*'],
  ['/', '/'],
  ['%', '%'],
])

const COMPARISONS: Readonly<Record<string, ComparisonSign>> = {
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
  '=': '=',
  '==': '=',
  '<>': '<>',
  '!=': '<>',
}

const CAST_TYPES: ReadonlyMap<string, CastType> = new Map([
  ['STRING', 'string'],
  ['NVARCHAR', 'string'],
  ['TEXT', 'string'],
  ['NTEXT', 'string'],
  ['VARCHAR', 'string'],
  ['INT', 'int'],
  ['INTEGER', 'int'],
  ['DOUBLE', 'double'],
  ['DECIMAL', 'decimal'],
  ['BOOL', 'boolean'],
  ['BOOLEAN', 'boolean'],
])

/** Signs and words after which a lone `*` stands for the whole row. */
const AFTER_STAR: ReadonlySet<string> = new Set([
  ',',
  ')',
  ']',
  '}',
  '.',
  '[',
  'FROM',
  'AS',
  'WHERE',
  '',
])

/** Words that cannot follow VALUE as the start of an expression: there `value` is a field. */
const AFTER_FIELD: ReadonlySet<string> = new Set([
  'FROM',
  'AS',
  'WHERE',
  'AND',
  'OR',
  'IN',
  'IS',
  'LIKE',
  'BETWEEN',
])

/**
 * Reads a whole statement.
 *
 * @throws CoreError `rule.syntax` at the first token that does not fit.
 * @throws CoreError `rule.limit` for statements beyond the limits.
 */
export function parseStatement(source: string, options: ParserOptions): Statement {
  return parse(source, 0, options, (parser) => parser.statement())
}

/**
 * Reads one expression and nothing after it.
 *
 * @throws CoreError `rule.syntax`, `rule.limit` as {@link parseStatement}.
 */
export function parseExpression(source: string, options: ParserOptions): Expression {
  return parse(source, 0, options, (parser) => parser.loneExpression())
}

/**
 * Reads the expression of a template from `offset` on and the `}` that ends it.
 *
 * Result: the expression and the offset after the brace.
 * @throws CoreError `rule.syntax`, `rule.limit` as {@link parseStatement}.
 */
export function parseTemplateExpression(
  source: string,
  offset: number,
  options: ParserOptions,
): { readonly expression: Expression; readonly end: number } {
  return parse(source, offset, options, (parser) => parser.templateExpression())
}

function parse<T>(
  source: string,
  offset: number,
  options: ParserOptions,
  production: (parser: Parser) => T,
): T {
  return production(createParser(source, offset, options))
}

interface Parser {
  statement(): Statement
  loneExpression(): Expression
  templateExpression(): { readonly expression: Expression; readonly end: number }
}

function createParser(source: string, offset: number, options: ParserOptions): Parser {
  const { limits } = options
  const at = createCursor(source, offset, limits)
  const { advance, peek, isSign, isWord, skipSign, skipWord, expectSign, expectWord } = at
  const { many, nested, longer, unexpected } = at

  /** Statement : [SET Assignment [, Assignment]*] SELECT SelectList [FROM TopicFilter] [WHERE Expression] */
  function statement(): Statement {
    const start = at.token.start
    const set = isWord('SET') ? setClause() : []
    const select = selectClause()
    const filter = isWord('FROM') ? topicFilter() : undefined
    const where = skipWord('WHERE') ? expression() : undefined
    if (at.token.kind !== 'end') {
      if (isWord('SET'))
        throw unexpected('the end of the statement (SET stands once, before SELECT)')
      const open =
        where !== undefined
          ? 'an operator or'
          : filter === undefined
            ? '",", FROM, WHERE or'
            : 'WHERE or'
      throw unexpected(`${open} the end of the statement`)
    }
    return { set, select, filter, where, start, end: at.previousEnd }
  }

  /** SetClause : SET @name = Expression [, @name = Expression]* */
  function setClause(): readonly Assignment[] {
    expectWord('SET')
    return many(() => {
      const name = at.token
      if (name.kind !== 'variable') throw unexpected('a variable such as @name')
      if (name.text.length > limits.variableNameLength) {
        throw sourceError(
          'rule.limit',
          source,
          name.start,
          `expected a name of at most ${limits.variableNameLength} characters`,
        )
      }
      advance()
      expectSign('=')
      const value = expression()
      return { name: name.text, expression: value, start: name.start, end: at.previousEnd }
    })
  }

  /** SelectList : SELECT [VALUE] Item [, Item]* */
  function selectClause(): Select {
    const start = expectWord('SELECT').start
    const value = isValueKeyword()
    if (value) advance()
    const items = many(item)
    const second = items[1]
    if (value && second !== undefined) {
      throw sourceError(
        'rule.syntax',
        source,
        second.start,
        'expected one item after SELECT VALUE, found another',
      )
    }
    return { value, items, start, end: at.previousEnd }
  }

  /** VALUE is a keyword only where an expression follows: `SELECT value FROM …` selects a field. */
  function isValueKeyword(): boolean {
    if (!isWord('VALUE')) return false
    const next = peek()
    switch (next.kind) {
      case 'name':
        return !AFTER_FIELD.has(next.keyword)
      case 'sign':
        if (next.text === '(' || next.text === '{') return true
        if (next.text === '[') return next.start > at.token.end
        return next.text === '*' && AFTER_STAR.has(wordOf(peek(next)))
      case 'end':
        return false
      case 'string':
      case 'number':
      case 'variable':
        return true
    }
  }

  /** Item : * | Path.* | Expression [AS Alias] ; Alias : name [. name]* */
  function item(): Item {
    const start = at.token.start
    const value = expression()
    if (isSign('.') && peek().text === '*') {
      advance()
      advance()
      return { expression: value, alias: undefined, spread: true, start, end: at.previousEnd }
    }
    const alias = skipWord('AS') ? aliasPath() : undefined
    return { expression: value, alias, spread: false, start, end: at.previousEnd }
  }

  function aliasPath(): readonly string[] {
    const names = [aliasName()]
    while (skipSign('.')) names.push(aliasName())
    return names
  }

  /** A quoted alias is beyond the reference but harmless: it is how people write keys with spaces. */
  function aliasName(): string {
    if (at.token.kind !== 'name' && at.token.kind !== 'string') throw unexpected('a name after AS')
    return advance().text
  }

  /** TopicFilter : 'filter' | filter (without quotes, as parts of the AWS documentation write it) */
  function topicFilter(): NonNullable<Statement['filter']> {
    const next = at.nextCharacter()
    if (next === '') {
      advance()
      throw unexpected("a topic filter such as 'devices/+/telemetry'")
    }
    if (next === "'" || next === '"') {
      advance()
      const filter = advance()
      return { text: filter.text, start: filter.start, quoted: true }
    }
    const bare = at.advanceBareTopic()
    return { text: bare.text, start: bare.start, quoted: false }
  }

  /** Expression : Conjunction [OR Conjunction]* */
  function expression(): Expression {
    return nested(disjunction)
  }

  function disjunction(): Expression {
    return logicalChain('OR', conjunction)
  }

  /** Conjunction : Negatable [AND Negatable]* */
  function conjunction(): Expression {
    return logicalChain('AND', negatable)
  }

  function logicalChain(word: 'AND' | 'OR', operand: () => Expression): Expression {
    const first = operand()
    if (!isWord(word)) return first
    const operands = [first]
    while (skipWord(word)) operands.push(operand())
    return { kind: 'logical', word, operands, start: first.start, end: at.previousEnd }
  }

  /** Negatable : NOT Negatable | Relation */
  function negatable(): Expression {
    if (!isWord('NOT')) return relation()
    const start = advance().start
    const operand = nested(negatable)
    return { kind: 'not', operand, start, end: at.previousEnd }
  }

  /** Relation : Sum [(= | <> | != | < | <= | > | >=) Sum | [NOT] IN … | [NOT] LIKE … | [NOT] BETWEEN … | IS [NOT] NULL]* */
  function relation(): Expression {
    let left = sum()
    let length = 0
    for (;;) {
      const sign = at.token.kind === 'sign' ? COMPARISONS[at.token.text] : undefined
      const next = at.token.kind === 'name' ? membership(left) : undefined
      if (sign !== undefined) {
        advance()
        const right = sum()
        left = { kind: 'comparison', sign, left, right, start: left.start, end: at.previousEnd }
      } else if (next !== undefined) {
        left = next
      } else {
        return left
      }
      length = longer(length)
    }
  }

  /** The relations that the AWS reference does not have. */
  function membership(operand: Expression): Expression | undefined {
    const { start } = operand
    const negated = isWord('NOT') && ['IN', 'LIKE', 'BETWEEN'].includes(peek().keyword)
    if (negated) advance()
    if (skipWord('IN')) {
      const among = isSign('(') && peek().keyword !== 'SELECT' ? inList() : sum()
      return { kind: 'in', negated, operand, among, start, end: at.previousEnd }
    }
    if (skipWord('LIKE')) {
      const pattern = sum()
      return { kind: 'like', negated, operand, pattern, start, end: at.previousEnd }
    }
    if (skipWord('BETWEEN')) {
      const low = sum()
      expectWord('AND')
      const high = sum()
      return { kind: 'between', negated, operand, low, high, start, end: at.previousEnd }
    }
    if (skipWord('IS')) {
      const not = skipWord('NOT')
      expectWord('NULL')
      return { kind: 'is_null', negated: not, operand, start, end: at.previousEnd }
    }
    return undefined
  }

  function inList(): readonly Expression[] {
    expectSign('(')
    const items = many(expression)
    expectSign(')')
    return items
  }

  /** Sum : Product [(+ | -) Product]* */
  function sum(): Expression {
    return arithmeticChain(SUM_SIGNS, product)
  }

  /** Product : Factor [(* | / | %) Factor]* */
  function product(): Expression {
    return arithmeticChain(PRODUCT_SIGNS, factor)
  }

  function arithmeticChain(
    signs: ReadonlyMap<string, ArithmeticSign>,
    operand: () => Expression,
  ): Expression {
    let left = operand()
    let length = 0
    for (;;) {
      const sign = at.token.kind === 'sign' ? signs.get(at.token.text) : undefined
      if (sign === undefined) return left
      advance()
      const right = operand()
      left = { kind: 'arithmetic', sign, left, right, start: left.start, end: at.previousEnd }
      length = longer(length)
    }
  }

  /** Factor : - Factor | + Factor | Primary Step* */
  function factor(): Expression {
    if (isSign('+')) {
      advance()
      return nested(factor)
    }
    if (!isSign('-')) return steps(primary())
    const start = advance().start
    const operand = nested(factor)
    if (
      operand.kind === 'literal' &&
      typeof operand.value !== 'string' &&
      operand.value !== null &&
      typeof operand.value !== 'boolean'
    ) {
      return { kind: 'literal', value: negate(operand.value), start, end: at.previousEnd }
    }
    return { kind: 'negation', operand, start, end: at.previousEnd }
  }

  /** Step : . name | [ integer ] | [ 'key' ] */
  function steps(root: Expression): Expression {
    const path: Step[] = []
    for (;;) {
      if (isSign('.')) {
        if (peek().text === '*') break
        advance()
        if (at.token.kind !== 'name') throw unexpected('a key after "."')
        path.push(advance().text)
      } else if (isSign('[')) {
        advance()
        path.push(indexStep())
        expectSign(']')
      } else {
        break
      }
    }
    if (path.length === 0) return root
    const span = { start: root.start, end: at.previousEnd }
    if (root.kind !== 'path') return { kind: 'path', root, steps: path, ...span }
    return { kind: 'path', root: root.root, steps: [...root.steps, ...path], ...span }
  }

  function indexStep(): Step {
    if (at.token.kind === 'string') return advance().text
    const index = at.token.kind === 'number' ? Number(at.token.text) : Number.NaN
    if (!Number.isSafeInteger(index)) throw unexpected("an index such as 0 or a key such as 'a-b'")
    advance()
    return index
  }

  /** Primary : Literal | @name | Object | Array | ( Expression ) | Subquery | * | Case | Cast | Call | name */
  function primary(): Expression {
    const { start } = at.token
    switch (at.token.kind) {
      case 'number':
        return number()
      case 'string':
        return { kind: 'literal', value: advance().text, start, end: at.previousEnd }
      case 'variable':
        return { kind: 'variable', name: advance().text, start, end: at.previousEnd }
      case 'name':
        return named()
      case 'sign':
        if (at.token.text === '(') return group()
        if (at.token.text === '{') return object()
        if (at.token.text === '[') return array()
        if (at.token.text === '*' && AFTER_STAR.has(wordOf(peek()))) {
          advance()
          return { kind: 'star', start, end: at.previousEnd }
        }
        throw unexpected('an expression')
      case 'end':
        throw unexpected('an expression')
    }
  }

  function number(): Expression {
    const { start, text } = at.token
    const value = readNumber(text, keepsScale(options.version))
    if (value === undefined) {
      throw sourceError(
        'rule.syntax',
        source,
        start,
        `expected a number between 1E-999 and 9.99E999, found ${text}`,
      )
    }
    advance()
    return { kind: 'literal', value, start, end: at.previousEnd }
  }

  function named(): Expression {
    const { start, keyword } = at.token
    switch (keyword) {
      case 'TRUE':
      case 'FALSE':
        advance()
        return { kind: 'literal', value: keyword === 'TRUE', start, end: at.previousEnd }
      case 'NULL':
        advance()
        return { kind: 'literal', value: null, start, end: at.previousEnd }
      case 'CASE':
        return caseExpression()
    }
    if (RESERVED.has(keyword)) throw unexpected('an expression')
    if (at.nextCharacter() === '(') return call()
    const path: Path = {
      kind: 'path',
      root: undefined,
      steps: [advance().text],
      start,
      end: at.previousEnd,
    }
    return path
  }

  /** Group : ( Expression ) | ( SELECT … ) */
  function group(): Expression {
    const { start } = expectSign('(')
    if (isWord('SELECT')) {
      const query = nested(() => subquery(start))
      expectSign(')')
      return { ...query, end: at.previousEnd }
    }
    const inner = expression()
    expectSign(')')
    return { ...inner, start, end: at.previousEnd }
  }

  /** Subquery : SELECT SelectList FROM Expression [AS name] [WHERE Expression] */
  function subquery(start: number): Subquery {
    const select = selectClause()
    expectWord('FROM')
    const from = expression()
    const alias = skipWord('AS') ? aliasName() : undefined
    const where = skipWord('WHERE') ? expression() : undefined
    return { kind: 'subquery', select, from, alias, where, start, end: at.previousEnd }
  }

  /** Object : { [key : Expression [, key : Expression]*] } */
  function object(): Expression {
    const { start } = expectSign('{')
    const entries = isSign('}')
      ? []
      : many(() => {
          if (at.token.kind !== 'string' && at.token.kind !== 'name')
            throw unexpected('a key in quotes')
          const key = advance().text
          expectSign(':')
          return { key, value: expression() }
        })
    expectSign('}')
    return { kind: 'object', entries, start, end: at.previousEnd }
  }

  /** Array : [ [Expression [, Expression]*] ] */
  function array(): Expression {
    const { start } = expectSign('[')
    const items = isSign(']') ? [] : many(expression)
    expectSign(']')
    return { kind: 'array', items, start, end: at.previousEnd }
  }

  /** Case : CASE Expression [WHEN Expression THEN Expression]+ [ELSE Expression] END */
  function caseExpression(): Expression {
    const { start } = expectWord('CASE')
    if (isWord('WHEN')) throw unexpected('a value after CASE (CASE WHEN condition does not exist)')
    const subject = expression()
    const branches: { when: Expression; result: Expression }[] = []
    do {
      expectWord('WHEN')
      const when = expression()
      expectWord('THEN')
      branches.push({ when, result: expression() })
    } while (isWord('WHEN'))
    const otherwise = skipWord('ELSE') ? expression() : undefined
    expectWord('END')
    return { kind: 'case', subject, branches, otherwise, start, end: at.previousEnd }
  }

  /** Call : name ( [Expression [, Expression]*] ) | cast ( Expression AS type ) | exists ( SELECT … ) */
  function call(): Expression {
    const name = advance()
    expectSign('(')
    if (name.keyword === 'CAST') return cast(name)
    if (name.keyword === 'EXISTS') {
      const query = nested(() => subquery(at.token.start))
      expectSign(')')
      return { kind: 'exists', query, start: name.start, end: at.previousEnd }
    }
    const args = isSign(')') ? [] : many(expression)
    expectSign(')')
    return { kind: 'call', name: name.text, args, start: name.start, end: at.previousEnd }
  }

  function cast(name: Token): Expression {
    const operand = expression()
    expectWord('AS')
    const type = CAST_TYPES.get(at.token.keyword)
    if (type === undefined) throw unexpected('a type (String, Int, Double, Decimal or Boolean)')
    if (options.version === '2015-10-08' && (type === 'decimal' || type === 'boolean')) {
      throw sourceError(
        'rule.unsupported',
        source,
        at.token.start,
        `cast to ${at.token.text} needs SQL version 2016-03-23`,
      )
    }
    advance()
    expectSign(')')
    return { kind: 'cast', operand, type, start: name.start, end: at.previousEnd }
  }

  return {
    statement,
    loneExpression() {
      const result = expression()
      if (at.token.kind !== 'end') throw unexpected('an operator or the end of the expression')
      return result
    },
    templateExpression() {
      const value = expression()
      if (!isSign('}')) throw unexpected('an operator or "}"')
      return { expression: value, end: at.token.end }
    },
  }
}

function wordOf(token: Token): string {
  return token.kind === 'name'
    ? token.keyword
    : token.kind === 'sign' || token.kind === 'end'
      ? token.text
      : token.kind
}
