import {
  type ActionResult,
  type Effect,
  formatExplanation,
  formatExpression,
  type MetricValue,
} from '../../core/index.ts'
import type {
  ExplainedAction,
  ExplainedAlarm,
  ExplainedRoute,
  ExplainedRule,
  ExplainedWindow,
  MessageExplanation,
} from './explain-message.ts'

/** Longest text that is shown in full. */
const SHOWN_LENGTH = 160

/** So many rules that the topic does not reach are named. */
const NAMED = 20

/** Writes an explanation for people: an indented tree. */
export function formatMessageExplanation(explanation: MessageExplanation): string {
  const { rules, routes, alarms, refused } = explanation
  const blocks = [formatMessage(explanation)]
  if (refused !== undefined)
    blocks.push(`goes to the dead letters: ${refused.code}\n${indent(refused.message)}`)
  const reached = rules.filter(({ explanation: one }) => one?.topic.matched !== false)
  for (const rule of reached) blocks.push(formatRule(rule))
  for (const route of routes) if (route.source === 'telemetry') blocks.push(formatRoute(route))
  for (const alarm of alarms) if (alarm.topic.matched) blocks.push(formatAlarm(alarm))
  const missed = [
    ...rules.filter((rule) => !reached.includes(rule)).map(({ ruleId }) => `rule ${ruleId}`),
    ...routes
      .filter(({ source }) => source !== 'telemetry')
      .map(({ routeId, source }) => `route ${routeId} (of ${source})`),
    ...alarms.filter(({ topic }) => !topic.matched).map(({ alarmId }) => `alarm ${alarmId}`),
  ]
  if (missed.length > 0) {
    const more = missed.length > NAMED ? `\n  and ${missed.length - NAMED} more` : ''
    const names = missed.slice(0, NAMED).join('\n  ')
    blocks.push(`not reached by this topic\n  ${names}${more}`)
  }
  return `${blocks.join('\n\n')}\n`
}

function formatMessage(explanation: MessageExplanation): string {
  const { topic, deviceId, addressed, deviceType, at, timed, values, others = 0 } = explanation
  const lines = [`message on ${topic}`]
  const device = `  device ${deviceId}${deviceType === undefined ? '' : ` of type ${deviceType}`}`
  lines.push(addressed ? device : `${device} (made up: the topic names none)`)
  if (at !== undefined) {
    const source = timed === true ? 'from the message' : 'now: the message brings none'
    lines.push(`  time ${new Date(at).toISOString()} (${source})`)
  }
  if (values !== undefined) lines.push(`  values ${formatValues(values)}`)
  if (others > 0) lines.push(`  the first of ${others + 1} messages that came together`)
  return lines.join('\n')
}

function formatValues(values: Readonly<Record<string, MetricValue>>): string {
  const parts = Object.entries(values).map(([name, value]) => `${name} ${JSON.stringify(value)}`)
  return parts.length === 0 ? 'none' : shorten(parts.join(', '))
}

function formatRule({
  ruleId,
  enabled,
  explanation,
  failed,
  windowed,
  asks,
  window,
  actions,
}: ExplainedRule): string {
  const lines = [`rule ${ruleId}${enabled ? '' : ' (switched off)'}`]
  if (explanation !== undefined) {
    const text = formatExplanation(explanation)
    // What a rule with windows puts out stands below, window by window.
    const isInput = windowed && explanation.result.status === 'output'
    lines.push(indent(isInput ? text.split('\n').slice(0, -1).join('\n') : text))
  }
  if (window !== undefined) lines.push(...formatWindow(window))
  if (failed !== undefined) lines.push(`  fails: ${failed.code}`, indent(indent(failed.message)))
  for (const { function: name, args } of asks) {
    const call = `${name}(${args.map((arg) => JSON.stringify(arg)).join(', ')})`
    lines.push(`  asks ${call}: nobody answers here, so it is Undefined`)
  }
  for (const [index, action] of actions.entries())
    lines.push(`  action ${index + 1}, ${formatAction(action)}`)
  return lines.join('\n')
}

function formatRoute({ routeId, enabled, fallback, condition, taken, actions }: ExplainedRoute) {
  const lines = [`route ${routeId}${enabled ? '' : ' (switched off)'}`]
  if (fallback) lines.push(`  the fallback: ${taken ? 'no other route takes it' : 'not needed'}`)
  else if (condition?.condition === undefined) lines.push('  the condition is empty: undefined')
  else {
    const label = `condition is ${condition.verdict}:`
    lines.push(indent(formatExpression(label, condition.condition)))
  }
  lines.push(taken ? '  takes the message' : '  does not take it')
  for (const [index, action] of actions.entries())
    lines.push(`  action ${index + 1}, ${formatAction(action)}`)
  return lines.join('\n')
}

function formatWindow({ group, alone }: ExplainedWindow): string[] {
  const iso = (at: number): string => new Date(at).toISOString()
  return alone.map(({ start, end, matched, value }) => {
    const key = group.length === 0 ? '' : ` of group ${JSON.stringify(group)}`
    const output = matched ? `gives ${JSON.stringify(value ?? null)}` : 'gives nothing (HAVING)'
    return `  window ${iso(start)} to ${iso(end)}${key}: alone in it, the message ${output}`
  })
}

function formatAction({ action, result, failed }: ExplainedAction): string {
  if (failed !== undefined) return `${action}: fails, ${failed.code}: ${failed.message}`
  return result === undefined ? action : `${action}: ${shorten(formatResult(result))}`
}

/** What a result is about, as `name value`; ids that only machines need are left out. */
function formatResult(result: ActionResult): string {
  switch (result.do) {
    case 'emit':
      return formatEffect(result.effect)
    case 'row':
      return formatFacts({ ...result.row.metrics })
    case 'cold':
      return formatFacts({ body: result.row.body })
    default: {
      const { do: _name, ...facts } = result
      return formatFacts(facts)
    }
  }
}

function formatEffect(effect: Effect): string {
  const { kind: _name, ...facts } = effect
  if (effect.kind !== 'notify') return formatFacts(facts)
  const { channelIds, severity, subject, text, data } = effect.notification
  return formatFacts({ to: channelIds.join(', '), severity, subject, text, data })
}

function formatFacts(facts: Readonly<Record<string, unknown>>): string {
  return Object.entries(facts)
    .filter(([, value]) => value !== undefined && value !== '' && value !== null)
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ')
}

function formatAlarm(alarm: ExplainedAlarm): string {
  const { alarmId, topic, when, clear, failed } = alarm
  const lines = [`alarm ${alarmId}`, `  FROM '${topic.filter}' matches ${topic.topic}`]
  if (when !== undefined) lines.push(indent(formatExpression(`when is ${when.verdict}:`, when)))
  if (clear !== undefined) lines.push(indent(formatExpression(`clear is ${clear.verdict}:`, clear)))
  if (failed !== undefined) lines.push(`  fails: ${failed.code}`, indent(indent(failed.message)))
  else lines.push(`  on a fresh device: ${formatTransition(alarm)}`)
  return lines.join('\n')
}

function formatTransition({ transition, state, forMs, channelIds }: ExplainedAlarm): string {
  const told = channelIds.length === 0 ? '' : `, told to ${channelIds.join(', ')}`
  if (transition === 'raised') return `raised (${state?.severity})${told}: ${state?.text}`
  if (transition === 'pending') {
    return `pending; raised (${state?.severity})${told} if it still holds ${forMs / 1_000} s later: ${state?.text}`
  }
  return 'nothing happens'
}

function shorten(text: string): string {
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '  ')
}
