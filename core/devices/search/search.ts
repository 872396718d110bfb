import type { Node } from './ast.ts'
import { compileSearch } from './compile.ts'
import { parseQuery } from './parser.ts'
import type { Subject } from './subject.ts'

export { isSearchFault, MAX_SEARCH } from './parser.ts'
export { isEnabled, type Subject, tagsOf } from './subject.ts'

/** A search over devices, ready to be tried on each. */
export interface Search {
  /** Whether the device is meant. Total. Unit of `now`: epoch ms. */
  readonly test: (subject: Subject, now: number) => boolean
  /** Whether it asks which groups a device is in. */
  readonly asksGroups: boolean
  /** Whether it finds everything. */
  readonly isEmpty: boolean
}

/**
 * Makes a search ready. Source of the language: docs/devices.md, "Finding devices".
 * @throws CoreError `query.invalid`, with line and column, and what was expected there.
 */
export function parseSearch(text: string): Search {
  const node = parseQuery(text)
  return node === undefined
    ? { test: () => true, asksGroups: false, isEmpty: true }
    : { test: compileSearch(node), asksGroups: asksGroups(node), isEmpty: false }
}

function asksGroups(node: Node): boolean {
  switch (node.kind) {
    case 'and':
    case 'or':
      return node.nodes.some(asksGroups)
    case 'not':
      return asksGroups(node.node)
    case 'term':
      return node.field.kind === 'group'
  }
}
