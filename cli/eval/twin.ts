import {
  AZURE_EDGE_HUB,
  isJsonObject,
  type Json,
  mergeTwin,
  twinPatchFault,
} from '../../core/index.ts'

/**
 * `anyhub eval twin`: merges a patch into a section of a twin, or judges a patch of reported properties.
 *
 * Shape:  in `{target, patch}`, with `treatNullAsDelete: false` to fold two patches into one; or `{validateReported}`.
 * Result: `{result}`, `{ok: true}` or `{error: {code, message}}`, as IoT Edge Hub has it.
 */
export function evalTwin(line: Json): Json {
  if (!isJsonObject(line))
    return fault('expected {"target": …, "patch": …} or {"validateReported": …}')
  const { target, patch, treatNullAsDelete = true, validateReported } = line
  if (validateReported !== undefined) return judge(validateReported)
  if (target === undefined || patch === undefined) {
    return fault('expected {"target": …, "patch": …} or {"validateReported": …}')
  }
  const merged = mergeTwin(target, patch, {
    dialect: AZURE_EDGE_HUB,
    nullRemoves: treatNullAsDelete !== false,
  })
  return 'rejected' in merged ? { error: merged.rejected } : merged
}

function judge(reported: Json): Json {
  if (!isJsonObject(reported))
    return { error: { code: 400, message: 'Twin properties must be a JSON object' } }
  const message = twinPatchFault(reported, AZURE_EDGE_HUB)
  return message === undefined ? { ok: true } : { error: { code: 400, message } }
}

function fault(message: string): Json {
  return { error: { code: 'input.malformed', message } }
}
