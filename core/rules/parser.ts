import { CoreError } from '../errors.ts'
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
import { negate, readNumber } from './decimal.ts'
import { createLexer } from './lexer.ts'
import type { RuleLimits } from './limits.ts'
import { sourceError } from './source-error.ts'
import { describeToken, RESERVED, type Token } from './token.ts'
import { keepsScale, type SqlVersion } from './version.ts'

export interface ParserOptions {
  readonly version: SqlVersion
  readonly limits: RuleLimits
}

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
  checkLength(source, options.limits.sqlBytes)
  return production(createParser(source, offset, options))
}

/** Most texts are so short that their bytes need no counting. */
function checkLength(source: string, maxBytes: number): void {
  if (source.length * 3 <= maxBytes) return
  const bytes = new TextEncoder().encode(source).length
  if (bytes <= maxBytes) return
  throw new CoreError('rule.limit', `expected at most ${maxBytes} bytes of SQL, found ${bytes}`)
}

interface Parser {
  statement(): Statement
  loneExpression(): Expression
  templateExpression(): { readonly expression: Expression; readonly end: number }
}

function createParser(source: string, offset: number, options: ParserOptions): Parser {
  const { limits } = options
  const lexer = createLexer(source)
  let tokens = 0
  let depth = 0
  let token = lexer.read(offset)
  let previousEnd = offset

  function advance(): Token {
    const taken = token
    tokens += 1
    if (tokens > limits.tokens) {
      throw sourceError(
        'rule.limit',
        source,
        taken.start,
        `expected at most ${limits.tokens} words and signs`,
      )
    }
    previousEnd = taken.end
    token = lexer.read(taken.end)
    return taken
  }

  function unexpected(expected: string, found: Token = token): CoreError {
    const hint =
      found.kind === 'name' && RESERVED.has(found.keyword) && expected.includes('expression')
        ? `; a field of that name is get(*, '${found.text}')`
        : ''
    return sourceError(
      'rule.syntax',
      source,
      found.start,
      `expected ${expected}, found ${describeToken(found)}${hint}`,
    )
  }

  function isSign(text: string): boolean {
    return token.kind === 'sign' && token.text === text
  }

  function isWord(word: string): boolean {
    return token.kind === 'name' && token.keyword === word
  }

  function skipSign(text: string): boolean {
    if (!isSign(text)) return false
    advance()
    return true
  }

  function skipWord(word: string): boolean {
    if (!isWord(word)) return false
    advance()
    return true
  }

  function expectSign(text: string): Token {
    if (!isSign(text)) throw unexpected(`"${text}"`)
    return advance()
  }

  function expectWord(word: string): Token {
    if (!isWord(word)) throw unexpected(word)
    return advance()
  }

  function peek(): Token {
    return lexer.read(token.end)
  }

  /** Runs a production one level deeper. */
  function nested<T>(production: () => T): T {
    depth += 1
    if (depth > limits.depth) {
      throw sourceError(
        'rule.limit',
        source,
        token.start,
        `expected at most ${limits.depth} levels of nesting`,
      )
    }
    const result = production()
    depth -= 1
    return result
  }

  /** Items separated by commas, at least one. */
  function many<T>(production: () => T): T[] {
    const items = [production()]
    while (skipSign(',')) items.push(production())
    return items
  }

  /** Statement : [SET Assignment [, Assignment]*] SELECT SelectList [FROM TopicFilter] [WHERE Expression] */
  function statement(): Statement {
    const start = token.start
    const set = isWord('SET') ? setClause() : []
    const select = selectClause()
    const filter = isWord('FROM') ? topicFilter() : undefined
    const where = skipWord('WHERE') ? expression() : undefined
    if (token.kind !== 'end') {
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
    return { set, select, filter, where, start, end: previousEnd }
  }

  /** SetClause : SET @name = Expression [, @name = Expression]* */
  function setClause(): readonly Assignment[] {
    expectWord('SET')
    return many(() => {
      const name = token
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
      return { name: name.text, expression: value, start: name.start, end: previousEnd }
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
    return { value, items, start, end: previousEnd }
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
        if (next.text === '[') return next.start > token.end
        return next.text === '*' && AFTER_STAR.has(wordOf(lexer.read(next.end)))
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
    const start = token.start
    const value = expression()
    if (isSign('.') && peek().text === '*') {
      advance()
      advance()
      return { expression: value, alias: undefined, spread: true, start, end: previousEnd }
    }
    const alias = skipWord('AS') ? aliasPath() : undefined
    return { expression: value, alias, spread: false, start, end: previousEnd }
  }

  function aliasPath(): readonly string[] {
    const names = [aliasName()]
    while (skipSign('.')) names.push(aliasName())
    return names
  }

  /** A quoted alias is beyond the reference but harmless: it is how people write keys with spaces. */
  function aliasName(): string {
    if (token.kind !== 'name' && token.kind !== 'string') throw unexpected('a name after AS')
    return advance().text
  }

  /** TopicFilter : 'filter' | filter (without quotes, as parts of the AWS documentation write it) */
  function topicFilter(): NonNullable<Statement['filter']> {
    const from = token
    const next = source.slice(from.end).trimStart()[0]
    if (next === undefined) {
      advance()
      throw unexpected("a topic filter such as 'devices/+/telemetry'")
    }
    if (next === "'" || next === '"') {
      advance()
      const filter = advance()
      return { text: filter.text, start: filter.start, quoted: true }
    }
    const bare = lexer.readBareTopic(from.end)
    tokens += 2
    previousEnd = bare.end
    token = lexer.read(bare.end)
    return { text: bare.text, start: bare.start, quoted: false }
  }

  /** Expression : Conjunction [OR Conjunction]* */
  function expression(): Expression {
    return nested(() => logicalChain('OR', () => logicalChain('AND', negatable)))
  }

  function logicalChain(word: 'AND' | 'OR', operand: () => Expression): Expression {
    const first = operand()
    if (!isWord(word)) return first
    const operands = [first]
    while (skipWord(word)) operands.push(operand())
    return { kind: 'logical', word, operands, start: first.start, end: previousEnd }
  }

  /** Negatable : NOT Negatable | Relation */
  function negatable(): Expression {
    if (!isWord('NOT')) return relation()
    const start = advance().start
    const operand = nested(negatable)
    return { kind: 'not', operand, start, end: previousEnd }
  }

  /** Relation : Sum [(= | <> | != | < | <= | > | >=) Sum | [NOT] IN … | [NOT] LIKE … | [NOT] BETWEEN … | IS [NOT] NULL]* */
  function relation(): Expression {
    let left = sum()
    let length = 0
    for (;;) {
      const sign = token.kind === 'sign' ? COMPARISONS[token.text] : undefined
      const next = sign === undefined ? membership(left) : undefined
      if (sign !== undefined) {
        advance()
        const right = sum()
        left = { kind: 'comparison', sign, left, right, start: left.start, end: previousEnd }
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
      return { kind: 'in', negated, operand, among, start, end: previousEnd }
    }
    if (skipWord('LIKE')) {
      const pattern = sum()
      return { kind: 'like', negated, operand, pattern, start, end: previousEnd }
    }
    if (skipWord('BETWEEN')) {
      const low = sum()
      expectWord('AND')
      const high = sum()
      return { kind: 'between', negated, operand, low, high, start, end: previousEnd }
    }
    if (skipWord('IS')) {
      const not = skipWord('NOT')
      expectWord('NULL')
      return { kind: 'is_null', negated: not, operand, start, end: previousEnd }
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
    return arithmeticChain(['+', '-'], product)
  }

  /** Product : Factor [(* | / | %) Factor]* */
  function product(): Expression {
    return arithmeticChain(['*', '/', '%'], factor)
  }

  function arithmeticChain(
    signs: readonly ArithmeticSign[],
    operand: () => Expression,
  ): Expression {
    let left = operand()
    let length = 0
    for (;;) {
      const sign = signs.find(isSign)
      if (sign === undefined) return left
      advance()
      const right = operand()
      left = { kind: 'arithmetic', sign, left, right, start: left.start, end: previousEnd }
      length = longer(length)
    }
  }

  /** A chain nests to the left: its length counts as depth. */
  function longer(length: number): number {
    if (depth + length >= limits.depth) {
      throw sourceError(
        'rule.limit',
        source,
        token.start,
        `expected at most ${limits.depth} levels of nesting`,
      )
    }
    return length + 1
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
      return { kind: 'literal', value: negate(operand.value), start, end: previousEnd }
    }
    return { kind: 'negation', operand, start, end: previousEnd }
  }

  /** Step : . name | [ integer ] | [ 'key' ] */
  function steps(root: Expression): Expression {
    const path: Step[] = []
    for (;;) {
      if (isSign('.')) {
        if (peek().text === '*') break
        advance()
        if (token.kind !== 'name') throw unexpected('a key after "."')
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
    const span = { start: root.start, end: previousEnd }
    if (root.kind !== 'path') return { kind: 'path', root, steps: path, ...span }
    return { kind: 'path', root: root.root, steps: [...root.steps, ...path], ...span }
  }

  function indexStep(): Step {
    if (token.kind === 'string') return advance().text
    const index = token.kind === 'number' ? Number(token.text) : Number.NaN
    if (!Number.isSafeInteger(index)) throw unexpected("an index such as 0 or a key such as 'a-b'")
    advance()
    return index
  }

  /** Primary : Literal | @name | Object | Array | ( Expression ) | Subquery | * | Case | Cast | Call | name */
  function primary(): Expression {
    const { start } = token
    switch (token.kind) {
      case 'number':
        return number()
      case 'string':
        return { kind: 'literal', value: advance().text, start, end: previousEnd }
      case 'variable':
        return { kind: 'variable', name: advance().text, start, end: previousEnd }
      case 'name':
        return named()
      case 'sign':
        if (token.text === '(') return group()
        if (token.text === '{') return object()
        if (token.text === '[') return array()
        if (token.text === '*' && AFTER_STAR.has(wordOf(peek()))) {
          advance()
          return { kind: 'star', start, end: previousEnd }
        }
        throw unexpected('an expression')
      case 'end':
        throw unexpected('an expression')
    }
  }

  function number(): Expression {
    const { start, text } = token
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
    return { kind: 'literal', value, start, end: previousEnd }
  }

  function named(): Expression {
    const { start, keyword } = token
    switch (keyword) {
      case 'TRUE':
      case 'FALSE':
        advance()
        return { kind: 'literal', value: keyword === 'TRUE', start, end: previousEnd }
      case 'NULL':
        advance()
        return { kind: 'literal', value: null, start, end: previousEnd }
      case 'CASE':
        return caseExpression()
    }
    if (RESERVED.has(keyword)) throw unexpected('an expression')
    if (peek().text === '(' && peek().kind === 'sign') return call()
    const path: Path = {
      kind: 'path',
      root: undefined,
      steps: [advance().text],
      start,
      end: previousEnd,
    }
    return path
  }

  /** Group : ( Expression ) | ( SELECT … ) */
  function group(): Expression {
    const { start } = expectSign('(')
    if (isWord('SELECT')) {
      const query = nested(() => subquery(start))
      expectSign(')')
      return { ...query, end: previousEnd }
    }
    const inner = expression()
    expectSign(')')
    return { ...inner, start, end: previousEnd }
  }

  /** Subquery : SELECT SelectList FROM Expression [AS name] [WHERE Expression] */
  function subquery(start: number): Subquery {
    const select = selectClause()
    expectWord('FROM')
    const from = expression()
    const alias = skipWord('AS') ? aliasName() : undefined
    const where = skipWord('WHERE') ? expression() : undefined
    return { kind: 'subquery', select, from, alias, where, start, end: previousEnd }
  }

  /** Object : { [key : Expression [, key : Expression]*] } */
  function object(): Expression {
    const { start } = expectSign('{')
    const entries = isSign('}')
      ? []
      : many(() => {
          if (token.kind !== 'string' && token.kind !== 'name') throw unexpected('a key in quotes')
          const key = advance().text
          expectSign(':')
          return { key, value: expression() }
        })
    expectSign('}')
    return { kind: 'object', entries, start, end: previousEnd }
  }

  /** Array : [ [Expression [, Expression]*] ] */
  function array(): Expression {
    const { start } = expectSign('[')
    const items = isSign(']') ? [] : many(expression)
    expectSign(']')
    return { kind: 'array', items, start, end: previousEnd }
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
    return { kind: 'case', subject, branches, otherwise, start, end: previousEnd }
  }

  /** Call : name ( [Expression [, Expression]*] ) | cast ( Expression AS type ) | exists ( SELECT … ) */
  function call(): Expression {
    const name = advance()
    expectSign('(')
    if (name.keyword === 'CAST') return cast(name)
    if (name.keyword === 'EXISTS') {
      const query = nested(() => subquery(token.start))
      expectSign(')')
      return { kind: 'exists', query, start: name.start, end: previousEnd }
    }
    const args = isSign(')') ? [] : many(expression)
    expectSign(')')
    return { kind: 'call', name: name.text, args, start: name.start, end: previousEnd }
  }

  function cast(name: Token): Expression {
    const operand = expression()
    expectWord('AS')
    const type = CAST_TYPES.get(token.keyword)
    if (type === undefined) throw unexpected('a type (String, Int, Double, Decimal or Boolean)')
    if (options.version === '2015-10-08' && (type === 'decimal' || type === 'boolean')) {
      throw sourceError(
        'rule.unsupported',
        source,
        token.start,
        `cast to ${token.text} needs SQL version 2016-03-23`,
      )
    }
    advance()
    expectSign(')')
    return { kind: 'cast', operand, type, start: name.start, end: previousEnd }
  }

  return {
    statement,
    loneExpression() {
      const result = expression()
      if (token.kind !== 'end') throw unexpected('an operator or the end of the expression')
      return result
    },
    templateExpression() {
      const value = expression()
      if (!isSign('}')) throw unexpected('an operator or "}"')
      return { expression: value, end: token.end }
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
