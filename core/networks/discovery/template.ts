import { isJsonObject, type Json } from '../../model/json.ts'
import { numberOf } from '../fields.ts'

// The simple forms of value templates, which are those that devices announce: a path into the message, and filters behind
// it. The language itself, Jinja, is a program, and programs of strangers are not run.

type Filter = (value: Json) => Json | undefined

/** Reads the value of an entity out of a message; `undefined` if there is none in it. */
export type Template = (text: string, json: Json | undefined) => Json | undefined

const FILTERS: Readonly<Record<string, (argument: number | undefined) => Filter>> = {
  float: () => (value) => numberOf(value),
  int: () => (value) => {
    const number = numberOf(value)
    return number === undefined ? undefined : Math.trunc(number)
  },
  round:
    (digits = 0) =>
    (value) => {
      const number = numberOf(value)
      if (number === undefined) return undefined
      const factor = 10 ** Math.min(15, Math.max(0, digits))
      return Math.round(number * factor) / factor
    },
  abs: () => (value) => {
    const number = numberOf(value)
    return number === undefined ? undefined : Math.abs(number)
  },
  lower: () => (value) => (typeof value === 'string' ? value.toLowerCase() : value),
  upper: () => (value) => (typeof value === 'string' ? value.toUpperCase() : value),
  trim: () => (value) => (typeof value === 'string' ? value.trim() : value),
  string: () => (value) => (typeof value === 'object' ? undefined : String(value)),
  is_defined: () => (value) => value,
  default: () => (value) => value,
}

/** Compiles a template; `undefined` if it is more than a path and filters. Without one the value is the message. */
export function compileTemplate(template: string | undefined): Template | undefined {
  if (template === undefined || template.trim() === '') return (text, json) => plain(text, json)
  const inside = /^\s*\{\{-?\s*([^{}]+?)\s*-?\}\}\s*$/.exec(template)?.[1]
  if (inside === undefined || inside.length > 512) return undefined
  const [source = '', ...rest] = inside.split('|').map((part) => part.trim())
  const filters = rest.map(readFilter)
  const path = readPath(source)
  if (path === undefined || filters.includes(undefined)) return undefined
  return (text, json) => {
    let value = path.root === 'value' ? plain(text, json) : json
    for (const name of path.names) {
      if (Array.isArray(value)) value = value[Number(name)]
      else value = isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
    }
    for (const filter of filters) {
      if (value === undefined || value === null) return undefined
      value = filter?.(value)
    }
    return value === null ? undefined : value
  }
}

/** A number where the text is one, as a person would read it. */
function plain(text: string, json: Json | undefined): Json {
  return typeof json === 'number' || typeof json === 'boolean' ? json : text
}

/** `value_json.a.b`, `value_json['a'][0]`, `value`. */
function readPath(
  source: string,
): { readonly root: string; readonly names: readonly string[] } | undefined {
  const root = /^(value_json|value)(?![\w])/.exec(source)?.[1]
  if (root === undefined) return undefined
  const names: string[] = []
  let rest = source.slice(root.length)
  while (rest !== '') {
    const step = /^(?:\.([A-Za-z_]\w*)|\[\s*(?:'([^']*)'|"([^"]*)"|(\d{1,6}))\s*\])/.exec(rest)
    const name = step?.[1] ?? step?.[2] ?? step?.[3] ?? step?.[4]
    if (step === null || name === undefined) return undefined
    names.push(name)
    rest = rest.slice(step[0].length)
  }
  return { root, names }
}

function readFilter(text: string): Filter | undefined {
  const parts = /^([a-z_]+)(?:\(\s*([^()]*?)\s*\))?$/.exec(text)
  const name = parts?.[1]
  if (name === undefined || !Object.hasOwn(FILTERS, name)) return undefined
  return FILTERS[name]?.(numberOf(parts?.[2]))
}
