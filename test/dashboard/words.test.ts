import { expect, it } from 'vitest'
import { FUNCTIONS } from '../../core/rules/functions/table.ts'
import { FUNCTIONS as OFFERED } from '../../dashboard/src/pages/rules/words.ts'

it('offers every function that rules have, and no other', () => {
  expect(OFFERED.toSorted()).toEqual([...FUNCTIONS.keys()].toSorted())
})
