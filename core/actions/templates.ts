import { CoreError } from '../errors.ts'
import { isDeviceId } from '../model/device-id.ts'
import { isJsonObject, type Json } from '../model/json.ts'
import type { LookupRequest } from '../model/lookup.ts'
import {
  type CompiledRule,
  type CompiledTemplate,
  compileExpression,
  compileTemplate,
  isTopic,
  type RuleMessage,
} from '../rules/index.ts'

/** So that any text of it fits into the two bytes that MQTT has for its length. Unit: UTF-16 units. */
const MAX_TOPIC = 21_845

/** How the templates of one rule are compiled: the variables that its SET declares are known to them. */
export interface TemplateScope {
  readonly rule?: CompiledRule
  /** Takes up the templates that ask the world: what they ask is fetched before the step. */
  readonly asking?: Asking[]
}

/** Something that may ask the world. */
export interface Asking {
  lookups(message: RuleMessage): readonly LookupRequest[]
}

/** Compiles a text with `${…}` in it. */
export function template(text: string, scope: TemplateScope): CompiledTemplate {
  const compiled = compileTemplate(text, scope.rule === undefined ? {} : { rule: scope.rule })
  if (compiled.asks) scope.asking?.push(compiled)
  return compiled
}

/**
 * The device that an action is for; the sender unless a template names one.
 * @throws CoreError `rule.failed` if no device may be called so.
 */
export function renderDeviceId(
  device: CompiledTemplate | undefined,
  message: RuleMessage,
  sender: string,
): string {
  if (device === undefined) return sender
  const id = device.render(message)
  if (isDeviceId(id)) return id
  throw new CoreError(
    'rule.failed',
    `expected a device id, found ${JSON.stringify(id.slice(0, 40))}`,
  )
}

/**
 * A topic to publish on.
 * @throws CoreError `rule.failed` if nothing can be published there.
 */
export function renderTopic(topic: CompiledTemplate, message: RuleMessage): string {
  const rendered = topic.render(message)
  if (isTopic(rendered) && rendered.length <= MAX_TOPIC) return rendered
  const found = JSON.stringify(rendered.slice(0, 40))
  throw new CoreError('rule.failed', `expected a topic without wildcards, found ${found}`)
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
      if (expression.asks) scope.asking?.push(expression)
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
