export { type ByteFilter, compileByteFilter } from './byte-filter.ts'
export type { RuleOptions } from './compile-context.ts'
export {
  type ExpressionExplanation,
  explainRule,
  type RuleExplanation,
  type Verdict,
} from './explain.ts'
export { type CompiledExpression, compileExpression } from './expression.ts'
export { formatExplanation, formatExpression } from './format-explanation.ts'
export type { FunctionDefinition } from './functions/definition.ts'
export { FUNCTIONS } from './functions/table.ts'
export { DEFAULT_LIMITS, type RuleLimits } from './limits.ts'
export type {
  LookupAnswer,
  LookupRequest,
  Lookups,
  MessageFacts,
  MqttProperties,
  RuleMessage,
  RuleResult,
} from './message.ts'
export { readsName } from './reads-name.ts'
export { type CompiledRule, compileRule, runRule } from './rule.ts'
export { createRuleSet, type RuleOutput, type RuleSet } from './rule-set.ts'
export { type CompiledTemplate, compileTemplate, type TemplateOptions } from './template.ts'
export { checkTopicFilter, isTopic, matchTopicFilter, type TopicDialect } from './topic-filter.ts'
export type { SqlVersion } from './version.ts'
export {
  type ClosedWindow,
  compileWindowedRule,
  isWindowed,
  type WindowAggregate,
  type WindowedRule,
  type WindowFunction,
} from './windowed.ts'
