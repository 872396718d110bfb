/** What the expressions of a template ask for. */
export interface Lookups {
  parameter(name: string): unknown
  /** Runtime properties of a resource that exists. @throws Error if it does not. */
  reference(id: string): unknown
  listKeys(id: string): unknown
  subscription(): unknown
}

const TOKEN = /\s*(?:'((?:[^']|'')*)'|([A-Za-z_]\w*)|(\d+)|([().,[\]]))/y

/**
 * Evaluates what a template says, with the few functions of Resource Manager that ours use.
 * Source: Azure Resource Manager, "Template functions".
 */
export function evaluate(value: unknown, lookups: Lookups): unknown {
  if (typeof value === 'string') {
    if (value.startsWith('[[')) return value.slice(1)
    return value.startsWith('[') && value.endsWith(']') ? run(value.slice(1, -1), lookups) : value
  }
  if (Array.isArray(value)) return value.map((one) => evaluate(one, lookups))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, evaluate(inner, lookups)]),
  )
}

function run(text: string, lookups: Lookups): unknown {
  const tokens: { readonly kind: 'text' | 'name' | 'number' | 'sign'; readonly value: string }[] =
    []
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex
    const match = TOKEN.exec(text)
    if (match === null) throw new Error(`cannot read the expression at ${at}: ${text}`)
    const [, quoted, name, number, sign] = match
    if (quoted !== undefined) tokens.push({ kind: 'text', value: quoted.replaceAll("''", "'") })
    else if (name !== undefined) tokens.push({ kind: 'name', value: name })
    else if (number !== undefined) tokens.push({ kind: 'number', value: number })
    else tokens.push({ kind: 'sign', value: sign ?? '' })
  }
  let at = 0
  const take = (value?: string) => {
    const token = tokens[at++]
    if (token === undefined || (value !== undefined && token.value !== value))
      throw new Error(`expected ${value ?? 'more'}, found ${token?.value ?? 'the end'}: ${text}`)
    return token
  }
  const expression = (): unknown => {
    const token = take()
    if (token.kind === 'text') return token.value
    if (token.kind === 'number') return Number(token.value)
    if (token.kind !== 'name') throw new Error(`unexpected ${token.value}: ${text}`)
    take('(')
    const given: unknown[] = []
    while (tokens[at]?.value !== ')') {
      given.push(expression())
      if (tokens[at]?.value === ',') take(',')
    }
    take(')')
    let value = call(token.value, given, lookups)
    for (;;) {
      const next = tokens[at]?.value
      if (next === '.') {
        take('.')
        value = member(value, take().value, text)
      } else if (next === '[') {
        take('[')
        value = member(value, String(expression()), text)
        take(']')
      } else return value
    }
  }
  const value = expression()
  if (at !== tokens.length) throw new Error(`expected the end, found ${tokens[at]?.value}: ${text}`)
  return value
}

function call(name: string, given: readonly unknown[], lookups: Lookups): unknown {
  switch (name) {
    case 'concat':
      return given.map(String).join('')
    case 'parameters':
      return lookups.parameter(String(given[0]))
    case 'reference':
      return lookups.reference(String(given[0]))
    case 'listKeys':
      return lookups.listKeys(String(given[0]))
    case 'subscription':
      return lookups.subscription()
    default:
      throw new Error(`unknown function ${name}`)
  }
}

function member(value: unknown, name: string, text: string): unknown {
  const found = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
  if (found === undefined)
    throw new Error(
      `The language expression property '${name}' doesn't exist, available properties are '${Object.keys(Object(value)).join(', ')}': ${text}`,
    )
  return found
}
