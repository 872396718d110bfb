import type { Json } from '../model/json.ts'
import type { ExpressionExplanation, RuleExplanation } from './explain.ts'

/** Longest value that is shown in full. */
const SHOWN_LENGTH = 120

/** Writes an explanation for people: an indented tree, one expression to a line. */
export function formatExplanation(explanation: RuleExplanation): string {
  const { topic, set, where, select, result } = explanation
  const lines = [
    `FROM '${topic.filter}' ${topic.matched ? 'matches' : 'does not match'} ${topic.topic}`,
  ]
  for (const assignment of set) {
    lines.push(...tree(`SET @${assignment.name}`, assignment, 0))
  }
  if (where === undefined) lines.push('no WHERE')
  else lines.push(...tree(`WHERE is ${where.verdict}:`, where, 0))
  for (const item of select) {
    lines.push(...tree(item.key === '' ? 'SELECT' : `SELECT as ${item.key}`, item, 0))
  }
  lines.push(resultLine(result))
  return lines.join('\n')
}

/** Writes one expression and its parts for people, a line each. */
export function formatExpression(label: string, node: ExpressionExplanation): string {
  return tree(label, node, 0).join('\n')
}

function tree(label: string, node: ExpressionExplanation, depth: number): string[] {
  const text = node.text.replaceAll(/\s+/g, ' ')
  const value =
    node.undefined === undefined ? shown(node.value ?? null) : `Undefined (${node.undefined})`
  const note = node.note === undefined ? '' : `  [${node.note}]`
  const line = `${'  '.repeat(depth)}${label === '' ? '' : `${label} `}${text} → ${value}${note}`
  return [line, ...(node.parts ?? []).flatMap((part) => tree('', part, depth + 1))]
}

function resultLine(result: RuleExplanation['result']): string {
  if (result.status === 'no_match')
    return `no output: ${result.reason === 'topic' ? 'the topic does not match' : 'WHERE is not true'}`
  if (result.bytesBase64 !== undefined)
    return `output: the payload's bytes, base64 ${shown(result.bytesBase64)}`
  return result.value === undefined
    ? 'output: nothing (Undefined)'
    : `output: ${shown(result.value)}`
}

function shown(value: Json): string {
  const text = JSON.stringify(value)
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text
}
