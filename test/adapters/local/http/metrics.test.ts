import { describe, expect, it } from 'vitest'
import { createObserver } from '../../../../adapters/local/observer.ts'
import { openCloud } from '../cloud.ts'

interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/**
 * Reads the text format as Prometheus does: whatever it would refuse, this refuses.
 * Source: prometheus.io, "Exposition formats", text format 0.0.4.
 */
function parse(text: string): { samples: Sample[]; types: Map<string, string> } {
  expect(text === '' || text.endsWith('\n')).toBe(true)
  const samples: Sample[] = []
  const types = new Map<string, string>()
  const seen = new Set<string>()
  for (const line of text.split('\n').slice(0, -1)) {
    const type = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$/.exec(line)
    if (type !== null) {
      expect(types.has(type[1]!)).toBe(false)
      types.set(type[1]!, type[2]!)
      continue
    }
    const sample =
      /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"(?:,|(?=\})))*)\})? (-?(?:[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)|[+-]Inf|NaN)$/.exec(
        line,
      )
    if (sample === null) throw new Error(`not Prometheus: ${line}`)
    const [, name = '', labelText = '', value] = sample
    const labels: Record<string, string> = {}
    for (const [, key, quoted] of labelText.matchAll(/([a-zA-Z0-9_]+)="((?:[^"\\]|\\.)*)"/g))
      labels[key!] = quoted!.replace(/\\(.)/g, (_all, char) => (char === 'n' ? '\n' : char))
    const series = JSON.stringify([name, labels])
    expect(seen.has(series)).toBe(false)
    seen.add(series)
    const family = name.replace(/_(?:bucket|sum|count)$/, '')
    expect(types.has(name) || types.get(family) === 'histogram').toBe(true)
    samples.push({ name, labels, value: Number(value!.replace('Inf', 'Infinity')) })
  }
  return { samples, types }
}

const open = () =>
  createObserver(
    () => undefined,
    () => 0,
  )

describe('metrics', () => {
  it('gives every count, with its facts as labels', () => {
    const observer = open()
    observer.count('rule.matched', 2, { ruleId: 'hot' })
    observer.count('rule.matched', 1, { ruleId: 'hot' })
    observer.count('rule.matched', 5, { ruleId: 'cold' })
    observer.count('uplink.accepted', 3)
    observer.count('uplink.accepted', 4)
    const { samples, types } = parse(observer.metrics({ 'mqtt.connections': 7 }))
    expect(samples).toEqual([
      { name: 'anyhub_rule_matched_total', labels: { ruleId: 'hot' }, value: 3 },
      { name: 'anyhub_rule_matched_total', labels: { ruleId: 'cold' }, value: 5 },
      { name: 'anyhub_uplink_accepted_total', labels: {}, value: 7 },
      { name: 'anyhub_mqtt_connections', labels: {}, value: 7 },
    ])
    expect(Object.fromEntries(types)).toEqual({
      anyhub_rule_matched_total: 'counter',
      anyhub_uplink_accepted_total: 'counter',
      anyhub_mqtt_connections: 'gauge',
    })
  })

  it.each(['"', '\\', '\n', '\\n', '\t', '\u0000', 'ü', '😀', '}', ',', '{a="b"}', ''])(
    'quotes the label %j',
    (value) => {
      const observer = open()
      observer.count('x', 1, { fact: `a${value}b`, other: value })
      const { samples } = parse(observer.metrics({}))
      expect(samples).toEqual([
        { name: 'anyhub_x_total', labels: { fact: `a${value}b`, other: value }, value: 1 },
      ])
    },
  )

  it('gives names that Prometheus takes, whatever was counted', () => {
    const observer = open()
    observer.count('http.2xx-and/ü', 1, { '1st': 'a', __name__: 'b', 'with space': 'c' })
    observer.time('store.commit time', 1)
    const { samples } = parse(observer.metrics({ 'a b': 1 }))
    expect(samples[0]).toEqual({
      name: 'anyhub_http_2xx_and___total',
      labels: { _1st: 'a', _name__: 'b', with_space: 'c' },
      value: 1,
    })
  })

  it('loses nothing of a counter that has facts only sometimes', () => {
    const observer = open()
    observer.count('x', 2, { a: '1' })
    observer.count('x', 3)
    const { samples } = parse(observer.metrics({}))
    expect(samples).toEqual([
      { name: 'anyhub_x_total', labels: { a: '1' }, value: 2 },
      { name: 'anyhub_x_total', labels: {}, value: 3 },
    ])
  })

  it('bounds the number of series, and the sum stays right', () => {
    const observer = open()
    for (let index = 0; index < 12_000; index++) observer.count('x', 1, { id: `${index}` })
    const { samples } = parse(observer.metrics({}))
    expect(samples).toHaveLength(10_001)
    expect(samples.at(-1)).toEqual({ name: 'anyhub_x_total', labels: {}, value: 2_000 })
    expect(samples.reduce((sum, { value }) => sum + value, 0)).toBe(12_000)
  })

  it('gives timings as histograms that add up', () => {
    const observer = open()
    for (const ms of [0, 1, 1.5, 2, 40, 999, 1_000, 5_000, 60_000]) observer.time('store.load', ms)
    const { samples } = parse(observer.metrics({}))
    const bucket = (le: string) =>
      samples.find(({ name, labels }) => name.endsWith('_bucket') && labels['le'] === le)?.value
    expect(['1', '2', '5', '50', '500', '1000', '5000', '+Inf'].map(bucket)).toEqual([
      2, 4, 4, 5, 5, 7, 8, 9,
    ])
    const find = (end: string) => samples.find(({ name }) => name.endsWith(end))?.value
    expect([find('_count'), find('_sum')]).toEqual([9, 67_043.5])
  })

  it('are served, with what waits', async () => {
    const cloud = await openCloud()
    await cloud.call('/devices/d1/telemetry', { method: 'POST', body: '{"temp":1}' })
    await cloud.call('/devices/d1/telemetry', { method: 'POST', body: '{' })
    const answer = await cloud.call('/metrics')
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    const { samples } = parse(await answer.text())
    const value = (name: string) => samples.find((sample) => sample.name === name)?.value
    expect(value('anyhub_uplink_accepted_total')).toBe(1)
    expect(value('anyhub_dead_letters_kept')).toBe(1)
    expect(value('anyhub_notifications_waiting')).toBe(0)
    expect(value('anyhub_mqtt_connections')).toBe(0)
    expect(value('anyhub_store_commit_milliseconds_count')).toBeGreaterThan(0)
    const rejected = samples.find(({ name }) => name === 'anyhub_uplink_rejected_total')
    expect(rejected).toMatchObject({ labels: { code: 'codec.malformed' }, value: 1 })
  })
})
