import { describe, expect, it, vi } from 'vitest'

// Parts of the page that need no browser. The page is checked by a project of its own.
function load(file: string) {
  const path = `../../dashboard/src/${file}`
  return import(/* @vite-ignore */ path)
}

describe('both sides of a shadow', async () => {
  const { leavesOf, patchOf, readValue, sameJson, writeValue } = await load(
    'pages/device/shadow/leaves.ts',
  )

  it('stand side by side, with what differs first', () => {
    const desired = { setpoint: -20, led: { colour: 'red' }, list: [1, 2] }
    const reported = { setpoint: -18, temp: 4, list: [1, 2], led: {} }
    expect(
      leavesOf(desired, reported).map(({ pointer, standing }: Record<string, string>) => [
        pointer,
        standing,
      ]),
    ).toEqual([
      ['/led/colour', 'differs'],
      ['/setpoint', 'differs'],
      ['/list', 'same'],
      ['/led', 'only-reported'],
      ['/temp', 'only-reported'],
    ])
  })

  it('take names with slashes, tildes and those of the language for what they are', () => {
    const odd = JSON.parse('{"a/b": {"c~d": 1}, "__proto__": {"x": 2}, "constructor": 3}')
    const pointers = leavesOf(odd, {}).map(({ pointer }: { pointer: string }) => pointer)
    expect(pointers).toEqual(['/__proto__/x', '/a~1b/c~0d', '/constructor'])
    const patch = patchOf(new Map(pointers.map((pointer: string) => [pointer, true])))
    expect(JSON.stringify(patch)).toBe(
      '{"__proto__":{"x":true},"a/b":{"c~d":true},"constructor":true}',
    )
  })

  it('make one patch of several changes; null takes away', () => {
    const changes = new Map<string, unknown>([
      ['/led/colour', 'red'],
      ['/led/on', true],
      ['/mode', null],
    ])
    expect(patchOf(changes)).toEqual({ led: { colour: 'red', on: true }, mode: null })
  })

  it.each([
    ['21.5', 21.5],
    ['true', true],
    ['red', 'red'],
    ['"5"', '5'],
    ['[1,', '[1,'],
    ['{"a":1}', { a: 1 }],
  ] as const)('read %s as it was meant', (text, value) => {
    expect(readValue(text)).toEqual(value)
    expect(readValue(writeValue(value))).toEqual(value)
  })

  it('are the same in whatever order their keys stand, and only then', () => {
    expect(sameJson({ a: 1, b: [2, { c: 3 }] }, { b: [2, { c: 3 }], a: 1 })).toBe(true)
    expect(sameJson({ a: 1 }, { a: 1, b: undefined })).toBe(false)
    expect(sameJson([1, 2], { 0: 1, 1: 2 })).toBe(false)
    expect(sameJson(null, {})).toBe(false)
  })
})

describe('the store of what is live', async () => {
  const { createLiveStore } = await load('live/store.ts')
  const device = (deviceId: string, temp: number, alarms: object[] = []) => ({
    deviceId,
    connected: true,
    status: 'online',
    expected: false,
    seenAt: temp,
    presenceChangedAt: 1,
    accepted: 1,
    last: { temp: { value: temp, at: temp } },
    alarms,
    desired: null,
  })

  function open() {
    const frames: (() => void)[] = []
    const store = createLiveStore((work: () => void) => void frames.push(work))
    return { store, frames, draw: () => frames.splice(0).forEach((work) => void work()) }
  }

  it('tells once per frame, and only who looks at what changed', () => {
    const { store, frames, draw } = open()
    const first = vi.fn()
    const second = vi.fn()
    const all = vi.fn()
    store.subscribeDevice('dev-1', first)
    store.subscribeDevice('dev-2', second)
    store.subscribe(all)
    for (let temp = 1; temp <= 100; temp++) store.takeDevices([device('dev-1', temp)])
    expect([first.mock.calls.length, frames.length]).toEqual([0, 1])
    draw()
    expect([first, second, all].map(({ mock }) => mock.calls.length)).toEqual([1, 0, 1])
    expect(store.devices.get('dev-1').last.temp.value).toBe(100)
    // The trend has every value, also of those that no frame has shown; no more than are drawn.
    expect(store.devices.get('dev-1').history).toHaveLength(180)
  })

  it('announces what was raised and cleared, but not what was there before', () => {
    const { store, draw } = open()
    const news = vi.fn()
    store.subscribeAlarms(news)
    const hot = {
      alarmId: 'hot',
      severity: 'critical',
      text: 'hot',
      raisedAt: 1,
      acknowledgedAt: null,
    }
    store.takeSnapshot([device('dev-1', 1, [hot])], {}, true)
    draw()
    expect(news).not.toHaveBeenCalled()
    store.takeDevices([device('dev-1', 2)])
    store.takeDevices([device('dev-2', 2, [hot])])
    draw()
    expect(news.mock.calls[0]?.[0]).toMatchObject([
      { deviceId: 'dev-1', is: 'cleared' },
      { deviceId: 'dev-2', is: 'raised' },
    ])
  })

  it('keeps what the stream told over what was asked for before', () => {
    const { store } = open()
    store.takeSnapshot([device('dev-1', 1)], {}, false)
    expect(store.isWhole()).toBe(false)
    store.takeDevices([device('dev-2', 5)])
    store.takeOthers([device('dev-2', 3), device('dev-3', 3)], true)
    expect(store.devices.get('dev-2').last.temp.value).toBe(5)
    expect([store.isWhole(), store.devices.size]).toEqual([true, 3])
  })

  it('makes a rate of counters, and begins anew where they do', () => {
    const { store } = open()
    const clock = vi.spyOn(performance, 'now')
    const count = (at: number, received: number): number | undefined => {
      clock.mockReturnValue(at)
      store.takeStats({ 'uplink.received': received, latency: { p50: 1, p95: 2, p99: 3 } })
      return store.stats().rate
    }
    expect(count(0, 100)).toBeUndefined()
    expect(count(1_000, 120)).toBe(20)
    expect(count(2_000, 160)).toBe(30)
    expect(store.stats().latency).toEqual({ p50: 1, p95: 2, p99: 3 })
    // A cloud that was started again counts from 0.
    expect(count(3_000, 5)).toBeUndefined()
    expect(count(4_000, 15)).toBe(10)
    clock.mockRestore()
  })
})

describe('a trend', async () => {
  const { pathOf } = await load('ui/spark-path.ts')

  it('starts at the left, ends at the right, and needs two points', () => {
    expect(pathOf([1, 5])).toBe('')
    expect(pathOf([1, 0, 2, 10], 0)).toBe('M0.0 26.0L100.0 2.0')
  })

  it('is a flat line in the middle for what does not change', () => {
    expect(pathOf([1, 5, 2, 5, 3, 5])).toBe('M0.0 14.0L50.0 14.0L100.0 14.0')
  })
})

describe('a chart', async () => {
  const { addPoint, usualStep } = await load('ui/chart/series.ts')

  it('has a gap where a device fell silent, and no point twice', () => {
    const series = { name: 'temp', colour: '', times: [], values: [] }
    for (const [time, value] of [
      [0, 1],
      [10, 2],
      [10, 3],
      [5, 4],
      [200, 5],
    ] as const)
      addPoint(series, time, value, 10)
    expect(series).toMatchObject({ times: [0, 10, 10.001, 200], values: [1, 2, null, 5] })
  })

  it('knows how often a device usually speaks', () => {
    expect(usualStep([0, 10, 20, 30, 500, 510])).toBe(10)
    expect(usualStep([7])).toBe(0)
  })
})
