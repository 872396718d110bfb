import { describe, expect, it } from 'vitest'
import { NOON_IN_JULY, parseWeather, readWeather, temperatureAt } from '../../cli/demo/weather.ts'

describe('weather', () => {
  const weather = readWeather()

  it('has the hours of a year, with the temperatures of the file', () => {
    expect(weather).toHaveLength(8_759)
    expect(weather.slice(0, 4)).toEqual([4, 3.9, 3.8, 3.8])
    expect(weather[NOON_IN_JULY]).toBe(20.9)
    expect([Math.min(...weather), Math.max(...weather)]).toEqual([3.1, 24.4])
  })

  it('goes straight from one hour to the next', () => {
    const [before, after] = [weather[NOON_IN_JULY]!, weather[NOON_IN_JULY + 1]!]
    expect(temperatureAt(weather, NOON_IN_JULY)).toBe(before)
    expect(temperatureAt(weather, NOON_IN_JULY + 0.25)).toBeCloseTo(before + (after - before) / 4)
  })

  it('lets a year follow on a year, in both directions', () => {
    expect(temperatureAt(weather, weather.length + 2)).toBe(weather[2])
    expect(temperatureAt(weather, -1)).toBe(weather.at(-1))
    expect(temperatureAt(weather, weather.length - 0.5)).toBeCloseTo(
      (weather.at(-1)! + weather[0]!) / 2,
    )
  })

  it.each([
    ['nothing', ''],
    ['no such column', 'date,wind\n2010-01-01T01:00:00,3.8\n'],
    ['a line that is cut off', 'date,temperature\n2010-01-01T01:00:00\n'],
    ['a word', 'date,temperature\n2010-01-01T01:00:00,mild\n'],
    ['an empty field', 'date,temperature\n2010-01-01T01:00:00,\n'],
  ])('refuses a file with %s', (_name, csv) => {
    expect(() => parseWeather(csv)).toThrow(expect.objectContaining({ code: 'input.malformed' }))
  })
})
