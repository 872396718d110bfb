import type { Statement } from './ast.ts'
import { compileExpressionNode } from './compile.ts'
import { type CompileContext, slotOf } from './compile-context.ts'
import type { Evaluate, Frame } from './frame.ts'
import type { Value } from './value.ts'

/** Fills the slots of a frame. */
export type Assign = (row: Value, frame: Frame) => void

/** Compiles SET: the result fills the slots of a frame, one variable after the other. */
export function compileSet(set: Statement['set'], context: CompileContext): Assign {
  const assignments: { slot: number; take: Evaluate }[] = []
  for (const { name, expression } of set) {
    const take = compileExpressionNode(expression, context)
    assignments.push({ take, slot: slotOf(context, `@${name}`) })
  }
  return (row, frame) => {
    const { slots } = frame
    if (slots === undefined) return
    for (const { slot, take } of assignments) slots[slot] = take(row, frame)
  }
}
