import type { InputResult, TwinInput } from '../model/input.ts'
import {
  AZURE_IOT_HUB,
  acceptedBody,
  changeBodies,
  twinForBackEnd,
  updateTwin,
} from '../shadow/index.ts'
import type { Draft } from './draft.ts'
import { tellChange } from './shadow.ts'

/**
 * A change of the twin, which is the classic shadow in the words of another system: whoever watches the shadow is told
 * as of any other change.
 *
 * Result: the new `$version` of what the device reported as `{version}`; for changes of the back end the twin as it gets it.
 */
export function applyTwin(draft: Draft, input: TwinInput): InputResult {
  const at = Math.floor(input.at / 1_000)
  const { patches } = input
  const before = draft.shadow('')
  const change = updateTwin(
    before,
    {
      patches,
      replace: input.replace ?? false,
      ...(input.ifVersion === undefined ? {} : { version: input.ifVersion }),
    },
    { at, dialect: AZURE_IOT_HUB, by: input.by },
  )
  if ('rejected' in change) return { status: 'answered', accepted: false, body: change.rejected }
  const { document, reportedVersion } = change
  const { desired, reported } = patches
  if (desired === undefined && reported === undefined) draft.setShadow('', document)
  else {
    const state = {
      ...(desired === undefined ? {} : { desired }),
      ...(reported === undefined ? {} : { reported }),
    }
    const accepted = acceptedBody(state, document, { at })
    tellChange(draft, '', { document, accepted, ...changeBodies(before, document, { at }) })
  }
  const isReport = patches.desired === undefined && patches.tags === undefined
  return {
    status: 'answered',
    accepted: true,
    body: isReport ? { version: reportedVersion } : twinForBackEnd(document, AZURE_IOT_HUB),
  }
}
