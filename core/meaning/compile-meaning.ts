import { CoreError } from '../errors.ts'
import type { Json } from '../model/json.ts'
import type { Flag, Meaning, Meant, MeasuredMessage } from '../model/meaning.ts'
import type { MetricValue } from '../model/telemetry.ts'
import { faultOf, isRight, type MetricPlan, rounder, storedValue } from './metric-plan.ts'
import type { BAD_VALUES, CalibrationConfig, MetricsConfig, UNKNOWN_METRICS } from './schema.ts'

/** A derived value, its expression compiled. */
export interface DerivedPlan {
  readonly name: string
  readonly precision: number | undefined
  /** The value, or `undefined` where the message has not what it follows from. */
  evaluate(body: Json, message: MeasuredMessage): Json | undefined
}

export interface MeaningConfig {
  readonly schema: MetricsConfig
  readonly calibration: CalibrationConfig
  readonly unknownMetrics: (typeof UNKNOWN_METRICS)[number]
  readonly badValues: (typeof BAD_VALUES)[number]
}

/**
 * Joins what the values of a device type mean; `undefined` if the type says nothing about them.
 *
 * A value goes this way: calibration, in the unit it was sent in; conversion; rounding; type, range, list of values. What fails
 * is flagged and stays as it is. Derived values are made of values that passed, and of all else that the message says.
 */
export function compileMeaning(
  config: MeaningConfig,
  plans: ReadonlyMap<string, MetricPlan>,
  derived: readonly DerivedPlan[],
): Meaning | undefined {
  const names = Object.keys(config.schema)
  const calibrated = Object.keys(config.calibration).length > 0
  if (names.length === 0 && !calibrated && derived.length === 0 && config.unknownMetrics === 'keep')
    return undefined
  const required = names.filter((name) => config.schema[name]?.required === true)
  const derivers = derived.map((plan) => ({ plan, round: rounder(plan.precision) }))
  const { unknownMetrics, badValues } = config
  const calibrations = new Map(
    Object.entries(config.calibration).map(([deviceId, metrics]) => [
      deviceId,
      new Map(Object.entries(metrics)),
    ]),
  )

  const places = new Places(plans)

  /** One value that changes, is flagged, or is not known to be right. */
  function judge(
    name: string,
    sent: MetricValue,
    plan: MetricPlan | undefined,
    own: Calibration,
    draft: Draft,
  ): void {
    const value =
      own === undefined || typeof sent !== 'number' ? sent : sent * own.scale + own.offset
    if (plan === undefined) {
      if (unknownMetrics === 'refuse') throw unknownMetric(name)
      if (unknownMetrics === 'flag') draft.flag(name, 'unknown')
      else if (typeof value === 'number' && !Number.isFinite(value)) draft.flag(name, 'range')
      else if (value !== sent) draft.change(name, value)
      return
    }
    const stored = storedValue(plan, value)
    const flag = faultOf(plan, stored)
    if (flag === undefined) {
      if (stored !== sent) draft.change(name, stored)
    } else if (badValues === 'refuse') throw badValue(name, flag, plan)
    else draft.flag(name, flag)
  }

  return {
    read(message) {
      const calibration = calibrated ? calibrations.get(message.deviceId) : undefined
      const { metrics } = message
      let draft: Draft | undefined
      let position = 0
      for (const name in metrics) {
        const sent = metrics[name]
        const plan = places.find(name, position++)
        if (sent === undefined) continue
        if (calibration === undefined) {
          // Most values are right, and stay as they are.
          if (plan === undefined ? unknownMetrics === 'keep' : isRight(plan, sent)) continue
        }
        draft ??= new Draft()
        judge(name, sent, plan, calibration?.get(name), draft)
      }
      for (const name of required) {
        if (Object.hasOwn(metrics, name)) continue
        if (badValues === 'refuse') throw badValue(name, 'missing', plans.get(name))
        draft ??= new Draft()
        draft.flag(name, 'missing')
      }
      if (derivers.length > 0) {
        draft ??= new Draft()
        for (const { plan, round } of derivers) derive(plan, round, message, draft)
      }
      return draft?.done()
    },
  }
}

type Calibration = CalibrationConfig[string][string] | undefined

/** Longer messages are looked up by name alone. */
const MAX_POSITIONS = 256

/** Finds the plan of a metric. Devices of one type name their metrics in one order: the last message knows where each stood. */
class Places {
  readonly #plans: ReadonlyMap<string, MetricPlan>
  readonly #names: string[] = []
  readonly #found: (MetricPlan | undefined)[] = []

  constructor(plans: ReadonlyMap<string, MetricPlan>) {
    this.#plans = plans
  }

  find(name: string, position: number): MetricPlan | undefined {
    if (this.#names[position] === name) return this.#found[position]
    const plan = this.#plans.get(name)
    if (position <= this.#names.length && position < MAX_POSITIONS) {
      this.#names[position] = name
      this.#found[position] = plan
    }
    return plan
  }
}

/** What a message changes to; most change nothing and cost nothing. */
class Draft {
  changed: Record<string, MetricValue> | undefined
  flags: Record<string, Flag> | undefined

  change(name: string, value: MetricValue): void {
    this.changed ??= {}
    this.changed[name] = value
  }

  flag(name: string, flag: Flag): void {
    this.flags ??= {}
    this.flags[name] = flag
  }

  done(): Meant | undefined {
    if (this.changed === undefined && this.flags === undefined) return undefined
    return { changed: this.changed ?? {}, flags: this.flags ?? {} }
  }
}

function derive(
  plan: DerivedPlan,
  round: ((value: number) => number) | undefined,
  message: MeasuredMessage,
  draft: Draft,
): void {
  let value: Json | undefined
  try {
    value = plan.evaluate(message.bodyOf(draft.done() ?? NOTHING), message)
  } catch (error) {
    if (!(error instanceof CoreError)) throw error
    draft.flag(plan.name, 'failed')
    return
  }
  if (value === undefined || value === null) return
  if (typeof value === 'number' && Number.isFinite(value))
    draft.change(plan.name, round === undefined ? value : round(value))
  else if (typeof value === 'boolean' || typeof value === 'string') draft.change(plan.name, value)
  else draft.flag(plan.name, 'failed')
}

const NOTHING: Meant = { changed: {}, flags: {} }

function unknownMetric(name: string): CoreError {
  return new CoreError(
    'uplink.unknown_metric',
    `expected metrics that the schema names, found ${JSON.stringify(name.slice(0, 64))}`,
  )
}

function badValue(name: string, flag: Flag, plan: MetricPlan | undefined): CoreError {
  const expected = plan === undefined ? 'a value' : plan.expected
  return new CoreError(
    'uplink.bad_value',
    `${name.slice(0, 64)}: expected ${expected}, found ${FOUND[flag]}`,
  )
}

const FOUND: Readonly<Record<Flag, string>> = {
  type: 'a value of another type',
  range: 'one outside of it',
  value: 'another value',
  missing: 'none',
  unknown: 'a metric that is not known',
  failed: 'a fault',
}
