import {
  CoreError,
  createRuleSet,
  type Json,
  type Program,
  type ProgramRule,
} from '../../core/index.ts'
import { type ActionContext, type RenderedAction, renderAction } from './rendered-action.ts'

type RunAction = ProgramRule['actions'][number]

/** Is told what the rules of a program do. */
export interface Probe {
  /** A rule matched, or one of its windows gave something out. */
  readonly matched: (ruleId: string, value: Json | Uint8Array | undefined) => void
  readonly acted: (ruleId: string, action: RenderedAction) => void
  readonly errorActed: (ruleId: string, action: RenderedAction) => void
}

/**
 * The same program, whose actions tell what they came to. Nothing else differs: the rules are run by the core as ever.
 *
 * Each rule gets one more action, behind its own, that does nothing but tell what SELECT gave.
 */
export function probeProgram(program: Program, probe: Probe): Program {
  const rules = [...program.rulesById.values()].map((rule): ProgramRule => {
    const { ruleId, actions, errorAction } = rule
    const config = program.config.rules[ruleId]
    const names = config?.actions.map(nameOf) ?? []
    const told = actions.map((run, index) =>
      tell(run, names[index] ?? '', (action) => probe.acted(ruleId, action)),
    )
    const tellMatch: RunAction = ({ value }) => {
      probe.matched(ruleId, value)
      return { do: 'log', level: 'info', text: '' }
    }
    const errorName = config?.errorAction === undefined ? '' : nameOf(config.errorAction)
    return {
      ...rule,
      actions: [...told, tellMatch],
      errorAction:
        errorAction && tell(errorAction, errorName, (action) => probe.errorActed(ruleId, action)),
    }
  })
  return {
    ...program,
    rules: createRuleSet(rules),
    rulesById: new Map(rules.map((rule) => [rule.ruleId, rule])),
  }
}

/** The key that names an action in anyhub.yml. */
function nameOf(action: object): string {
  return Object.keys(action)[0] ?? ''
}

function tell(run: RunAction, name: string, told: (action: RenderedAction) => void): RunAction {
  return (context: ActionContext) => {
    try {
      const result = run(context)
      told(renderAction(name, result, context))
      return result
    } catch (error) {
      if (error instanceof CoreError) told({ [name]: { failed: error.message } })
      throw error
    }
  }
}
