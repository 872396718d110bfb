import { isJsonObject, type Json } from '../model/json.ts'
import type { Expression, Item, Select } from './ast.ts'
import { compileExpressionNode, keyOf } from './compile.ts'
import type { CompileContext } from './compile-context.ts'
import { asPropertyName, compilePath, isPlainKey, type ReadPath } from './compile-path.ts'
import { compilePick, type Pick } from './compile-pick.ts'
import { compileItems, JSON_SHAPE } from './compile-select.ts'
import type { Evaluate, Frame } from './frame.ts'
import { canGrow } from './growth.ts'
import type { RuleLimits } from './limits.ts'
import { checkOutputSize, toOutput } from './output-size.ts'
import { isArray, isBytes, member, toJson, type Value } from './value.ts'
import { some } from './walk.ts'

export type Output = Json | Uint8Array | undefined

/** So many parts of a message may be selected without a look at the size of the output. */
const HARMLESS_COPIES = 16

/** Compiles the SELECT list of a rule: what it makes leaves the rule. */
export function compileOutput(select: Select, context: CompileContext): Project {
  const project = compileSelect(select, context)
  const grows = select.items.some((item) => some(item.expression, canGrow))
  if (!grows && select.items.length <= HARMLESS_COPIES) return project
  return measured(project, context.semantics.limits)
}

export type Project = (row: Value, frame: Frame) => Output

function measured(project: Project, { outputBytes }: RuleLimits): Project {
  return (row, frame) => {
    const output = project(row, frame)
    checkOutputSize(output, outputBytes)
    return output
  }
}

function compileSelect(select: Select, context: CompileContext): Project {
  const [only] = select.items
  if (only !== undefined && select.items.length === 1) {
    const isWhole = only.expression.kind === 'star' && only.alias === undefined
    if (isWhole) return wholePayload
    if (select.value) return compileValue(only, context)
  }
  const project = compileItems(
    select.items.map((item) => ({
      take: compileTake(item.expression, context),
      key: keyOf(item, context.source),
    })),
    JSON_SHAPE,
  )
  const picks = picksOf(select, context)
  return picks === undefined ? project : (compilePick(picks, project) ?? project)
}

/** The keys of a list that takes nothing but keys of the message; `undefined` for every other list. */
function picksOf({ items }: Select, { source }: CompileContext): readonly Pick[] | undefined {
  const picks: Pick[] = []
  for (const item of items) {
    const key = plainKeyOf(item.expression)
    const [name, ...inner] = keyOf(item, source)
    if (key === undefined || name === undefined || name === '__proto__' || inner.length > 0) {
      return undefined
    }
    picks.push({ key, name })
  }
  return picks
}

/** The key of a path of one plain key. */
function plainKeyOf(node: Expression): string | undefined {
  if (node.kind !== 'path' || node.root !== undefined || node.steps.length !== 1) return undefined
  const [key] = node.steps
  return typeof key === 'string' && isPlainKey(key) ? asPropertyName(key) : undefined
}

/** `SELECT *` alone: the body itself, or the bytes of a payload that is not JSON. */
function wholePayload(row: Value, frame: Frame): Output {
  if (row === undefined) return frame.bytes
  return row === frame.body ? frame.body : toJson(row)
}

/** Version 2015-10-08 cannot put an array at the top. Source: AWS IoT SQL, SELECT clause, VALUE. */
function compileValue(item: Item, context: CompileContext): (row: Value, frame: Frame) => Output {
  const take = compileExpressionNode(item.expression, context)
  const { keepsScale: first, limits } = context.semantics
  return (row, frame) => {
    const value = take(row, frame)
    if (isBytes(value)) return value
    return first && isArray(value) ? undefined : toOutput(value, limits.outputBytes)
  }
}

type Take = (row: Value, frame: Frame) => Json | undefined

/** Takes a value that leaves the rule; parts of the body go out as they are, without a look inside. */
function compileTake(node: Expression, context: CompileContext): Take {
  if (node.kind === 'path' && node.root === undefined) {
    const key = plainKeyOf(node)
    return key === undefined ? takePath(compilePath(node.steps)) : takeKey(key)
  }
  const take = compileExpressionNode(node, context)
  return node.kind === 'star' ? takeWhole(take) : takeValue(take, context.semantics.limits)
}

/** The usual item, in one closure. */
function takeKey(key: string): Take {
  return (row, frame) => {
    if (row === frame.body) return isJsonObject(frame.body) ? frame.body[key] : undefined
    return toJson(member(row, key))
  }
}

function takePath(read: ReadPath): Take {
  return (row, frame) => (row === frame.body ? read(frame.body) : toJson(read(row)))
}

function takeWhole(take: Evaluate): Take {
  return (row, frame) =>
    row === frame.body && row !== undefined ? frame.body : toJson(take(row, frame))
}

function takeValue(take: Evaluate, { outputBytes }: RuleLimits): Take {
  return (row, frame) => toOutput(take(row, frame), outputBytes)
}
