import { describe, expect, it } from 'vitest'
import { type ConfigInput, compileProgram, parseConfig } from '../../../core/index.ts'

type Alarm = NonNullable<ConfigInput['alarms']>[string]

function faultsOf(alarm: Alarm): readonly unknown[] {
  const parsed = parseConfig({ alarms: { hot: alarm } })
  if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults))
  const compiled = compileProgram(parsed.config)
  return 'faults' in compiled
    ? compiled.faults.map(({ path, message }) => `${path.join('.')}: ${message}`)
    : []
}

describe('a condition that asks for _rate', () => {
  it.each<[Alarm, readonly string[]]>([
    [{ when: '_rate > 2' }, ['alarms.hot.when']],
    [{ when: 'temp > 30 AND abs(_rate) > 2' }, ['alarms.hot.when']],
    [{ when: 'temp > 1', clear: '_rate < 0' }, ['alarms.hot.clear']],
    [
      { when: 'temp > 1', severities: [{ when: '_rate > 9', severity: 'critical' }] },
      ['alarms.hot.severities.0.when'],
    ],
    [{ rate: { of: 'temp' }, when: '_rate > 2', clear: '_rate < 0' }, []],
    [{ when: "name = '_rate'" }, []],
    [{ when: 'motor._rate > 2' }, []],
    [{ when: '_rates > 2' }, []],
  ])('%j has faults at %j', (alarm, places) =>
    expect(faultsOf(alarm)).toEqual(
      places.map((place) => `${place}: expected rate: beside it, which gives _rate`),
    ),
  )
})
