import { partsTest } from '../../model/glob.ts'
import type { Json } from '../../model/json.ts'
import type { Bound, Condition, Field, Node } from './ast.ts'
import { toNumber } from './parser.ts'
import {
  alarmCount,
  commandCount,
  isEnabled,
  lastOf,
  type Subject,
  shadowValue,
  stateOf,
  tagOf,
} from './subject.ts'

/** Whether a device is meant. Unit of `now`: epoch ms. */
export type Test = (subject: Subject, now: number) => boolean

type ValueTest = (value: Json | undefined) => boolean

/** Makes the functions that look, once for all devices. */
export function compileSearch(node: Node): Test {
  switch (node.kind) {
    case 'and': {
      const tests = node.nodes.map(compileSearch)
      return (subject, now) => tests.every((test) => test(subject, now))
    }
    case 'or': {
      const tests = node.nodes.map(compileSearch)
      return (subject, now) => tests.some((test) => test(subject, now))
    }
    case 'not': {
      const test = compileSearch(node.node)
      return (subject, now) => !test(subject, now)
    }
    case 'term':
      return compileTerm(node.field, node.condition)
  }
}

function compileTerm(field: Field, condition: Condition): Test {
  const test = compileCondition(condition)
  switch (field.kind) {
    case 'word':
      return compileWord(condition)
    case 'seen':
      return compileSeen(condition)
    case 'alarm':
      return compileAlarm(test)
    case 'group':
      return ({ groups = NO_GROUPS }) => {
        for (const group of groups) if (test(group)) return true
        return false
      }
    case 'id':
      return ({ deviceId }) => test(deviceId)
    case 'type':
      return ({ type }) => test(type)
    case 'enabled':
      return (subject) => test(isEnabled(subject))
    case 'registered':
      return ({ registered }) => test(registered !== undefined)
    case 'state':
      return (subject) => test(stateOf(subject))
    case 'alarms':
      return (subject) => test(alarmCount(subject))
    case 'commands':
      return (subject) => test(commandCount(subject))
    case 'tag':
      return (subject) => test(tagOf(subject, field.name))
    case 'last':
      return (subject) => test(lastOf(subject, field.metric))
    case 'shadow':
      return (subject) => test(shadowValue(subject, field.name, field.section, field.path))
  }
}

/** A word is part of an id; with wildcards it has to fit the whole. */
function compileWord(condition: Condition): Test {
  if (condition.kind !== 'matches') return () => true
  const { parts } = condition
  const [word = ''] = parts
  if (parts.length === 1) return ({ deviceId }) => deviceId.toLowerCase().includes(word)
  const test = partsTest(parts)
  return ({ deviceId }) => test(deviceId.toLowerCase())
}

/** Who was never heard of has been silent for ever. */
function compileSeen(condition: Condition): Test {
  if (condition.kind !== 'between') return ({ record }) => (record?.presence.seenAt ?? 0) > 0
  const { from, to } = condition
  return ({ record }, now) => {
    const seenAt = record?.presence.seenAt ?? 0
    const age = seenAt === 0 ? Infinity : now - seenAt
    return isAbove(age, from) && isBelow(age, to)
  }
}

/** The id or the severity of an alarm that is active. */
function compileAlarm(test: ValueTest): Test {
  return ({ record }) => {
    if (record === undefined) return false
    for (const alarmId in record.alarms) {
      const alarm = record.alarms[alarmId]
      if (alarm?.status === 'active' && (test(alarmId) || test(alarm.severity))) return true
    }
    return false
  }
}

/** Of a list, one element is enough. */
function compileCondition(condition: Condition): ValueTest {
  const test = compileScalar(condition)
  return (value) => (Array.isArray(value) ? value.some(test) : test(value))
}

function compileScalar(condition: Condition): ValueTest {
  switch (condition.kind) {
    case 'exists':
      return (value) => value !== undefined && value !== null
    case 'matches': {
      const { parts, number } = condition
      const [text = ''] = parts
      const isText = parts.length === 1 ? (found: string) => found === text : partsTest(parts)
      return (value) => {
        switch (typeof value) {
          case 'string':
            return isText(value.toLowerCase())
          case 'number':
            return number === undefined ? isText(String(value)) : value === number
          case 'boolean':
            return isText(String(value))
          default:
            return value === null && isText('null')
        }
      }
    }
    case 'between': {
      const { from, to } = condition
      return (value) => isAbove(value, from) && isBelow(value, to)
    }
  }
}

function isAbove(value: Json | undefined, bound: Bound | undefined): boolean {
  if (bound === undefined) return isOrderedValue(value)
  const order = compare(value, bound)
  return order > 0 || (order === 0 && bound.inclusive)
}

function isBelow(value: Json | undefined, bound: Bound | undefined): boolean {
  if (bound === undefined) return isOrderedValue(value)
  const order = compare(value, bound)
  return order < 0 || (order === 0 && bound.inclusive)
}

function isOrderedValue(value: Json | undefined): boolean {
  return typeof value === 'number' || typeof value === 'string'
}

/**
 * Numbers with numbers, also with texts that look like one; texts with texts. Of what cannot be compared: NaN, which is
 * neither more nor less.
 */
function compare(value: Json | undefined, { text, number }: Bound): number {
  if (number !== undefined) {
    const found = typeof value === 'string' ? toNumber(value) : value
    if (typeof found !== 'number') return Number.NaN
    return found === number ? 0 : found - number
  }
  if (typeof value !== 'string') return Number.NaN
  const found = value.toLowerCase()
  return found === text ? 0 : found < text ? -1 : 1
}

const NO_GROUPS: ReadonlySet<string> = new Set()
