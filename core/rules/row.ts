import { losesNumbers, parseLossless } from './lossless-json.ts'
import type { RuleMessage } from './message.ts'
import type { Semantics } from './operators.ts'
import type { Value } from './value.ts'

/** Reads the row that a statement stands on: the body, with all digits where its text is given. */
export function createRowReader(semantics: Semantics): (message: RuleMessage) => Value {
  return semantics.keepsScale ? readFirstVersionRow : readRow
}

function readRow(message: RuleMessage): Value {
  return message.rawText === undefined ? message.body : readExactRow(message, false)
}

function readFirstVersionRow(message: RuleMessage): Value {
  return readExactRow(message, true)
}

function readExactRow({ rawText, body }: RuleMessage, keeps: boolean): Value {
  if (rawText === undefined || body === undefined || !losesNumbers(rawText, keeps)) return body
  return parseLossless(rawText, keeps)
}
