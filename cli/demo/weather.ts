import { readFileSync } from 'node:fs'
import { CoreError } from '../../core/index.ts'

/** Temperatures outside, one for each hour of a year, in °C. */
export type Weather = readonly number[]

/** Position of noon on 15 July: the hours that are hard on a refrigerated container. The year starts at 1 o'clock. */
export const NOON_IN_JULY = 4_691

/**
 * Reads the weather that the demo runs in: the hourly normals of Seattle, averages of what was measured from 1981 to 2010.
 *
 * Source: NOAA, in the npm package vega-datasets, `data/seattle-weather-hourly-normals.csv` (BSD-3-Clause).
 * @throws CoreError `input.not_found` if the package is not installed, `input.malformed` if the file is not that one.
 */
export function readWeather(): Weather {
  let text: string
  try {
    const url = new URL(
      '../data/seattle-weather-hourly-normals.csv',
      import.meta.resolve('vega-datasets'),
    )
    text = readFileSync(url, 'utf8')
  } catch (cause) {
    throw new CoreError(
      'input.not_found',
      'expected the weather of the npm package vega-datasets, found none: run "npm ci" again',
      { cause },
    )
  }
  return parseWeather(text)
}

/** Takes the column `temperature` out of the CSV. No field of this file is quoted. */
export function parseWeather(csv: string): Weather {
  const [header = '', ...lines] = csv.trimEnd().split(/\r?\n/)
  const column = header.split(',').indexOf('temperature')
  const hours = lines.map((line) => {
    const field = line.split(',')[column]
    return field === undefined || field.trim() === '' ? Number.NaN : Number(field)
  })
  if (hours.length > 0 && hours.every(Number.isFinite)) return hours
  throw new CoreError(
    'input.malformed',
    'expected a CSV with a temperature in every line, found something else',
  )
}

/** The temperature at an hour of the year, also between two and beyond the last, which the first follows. Unit: °C. */
export function temperatureAt(weather: Weather, hour: number): number {
  const whole = Math.floor(hour)
  const before = at(weather, whole)
  return before + (at(weather, whole + 1) - before) * (hour - whole)
}

function at(weather: Weather, hour: number): number {
  const { length } = weather
  return weather[((hour % length) + length) % length] ?? Number.NaN
}
