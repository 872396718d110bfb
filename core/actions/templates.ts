import { isJsonObject, type Json } from '../model/json.ts'
import {
  type CompiledRule,
  type CompiledTemplate,
  compileExpression,
  compileTemplate,
  type RuleMessage,
} from '../rules/index.ts'

/** How the templates of one rule are compiled: the variables that its SET declares are known to them. */
export interface TemplateScope {
  readonly rule?: CompiledRule
}

/** Compiles a text with `${…}` in it. */
export function template(text: string, scope: TemplateScope): CompiledTemplate {
  return compileTemplate(text, scope)
}

/**
 * Compiles a JSON value whose texts may be templates. A text that is one `${expression}` alone becomes that expression's
 * value and keeps its type; Undefined becomes null.
 */
export function jsonTemplate(value: Json, scope: TemplateScope): (message: RuleMessage) => Json {
  if (typeof value === 'string') {
    if (!value.includes('${')) return () => value
    // An expression alone knows no SET variables: one that names some is rendered as text.
    const whole = /^\$\{([^{}@]*)\}$/.exec(value)?.[1]
    if (whole !== undefined) {
      const expression = compileExpression(whole)
      return (message) => expression.evaluate(message) ?? null
    }
    const compiled = template(value, scope)
    return (message) => compiled.render(message)
  }
  if (Array.isArray(value)) {
    const items = value.map((item) => jsonTemplate(item, scope))
    return (message) => items.map((item) => item(message))
  }
  if (!isJsonObject(value)) return () => value
  const entries = Object.entries(value).map(
    ([key, inner]) => [key, jsonTemplate(inner, scope)] as const,
  )
  return (message) => Object.fromEntries(entries.map(([key, inner]) => [key, inner(message)]))
}
