import type { Json, JsonObject, ProgramRule } from '../../core/index.ts'

type RunAction = ProgramRule['actions'][number]
type ActionResult = ReturnType<RunAction>

/** What the core gives an action to work on. */
export type ActionContext = Parameters<RunAction>[0]

/** What an action came to, in the words of anyhub.yml: one key that names the action. */
export type RenderedAction = Readonly<Record<string, JsonObject>>

/** Puts the result of an action into the words of anyhub.yml. `name` is the key that names the action there. */
export function renderAction(
  name: string,
  result: ActionResult,
  context: ActionContext,
): RenderedAction {
  return { [name]: fieldsOf(result, context) }
}

function fieldsOf(result: ActionResult, { deviceId }: ActionContext): JsonObject {
  switch (result.do) {
    case 'emit':
      return effectFields(result.effect)
    case 'desire':
      return { device: deviceId, shadow: result.name, state: result.desired }
    case 'alarm': {
      const { alarmId: alarm, raise, severity, text, channelIds: notify } = result
      return raise ? { alarm, severity, text, notify } : { alarm, notify }
    }
    case 'row':
      return { values: result.row.metrics }
    case 'cold':
      return { body: result.row.body }
    case 'log':
      return { text: result.text, level: result.level }
  }
}

function effectFields(effect: Extract<ActionResult, { do: 'emit' }>['effect']): JsonObject {
  switch (effect.kind) {
    case 'publish': {
      const { topic, payload, encoding, qos, retain } = effect
      const content: JsonObject =
        encoding === 'base64' ? { base64: payload } : { payload: parsedOr(payload) }
      return { topic, ...content, qos, retain }
    }
    case 'notify': {
      const { channelIds: channels, severity, subject, text, data, body } = effect.notification
      const [channel = ''] = channels
      return body === undefined ? { channels, severity, subject, text, data } : { channel, body }
    }
    case 'desire':
      return { device: effect.deviceId, shadow: effect.name, state: effect.desired }
    case 'command':
      return { device: effect.deviceId, name: effect.name, payload: effect.payload }
    case 'queue':
      return { name: effect.queue, body: effect.body }
    case 'table':
      return { table: effect.table, key: effect.key, item: effect.item }
    case 'shadow':
    case 'deliver':
    case 'wake':
    case 'window':
      return {}
  }
}

/** The value of a text that is JSON, else the text. */
function parsedOr(text: string): Json {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
