import { describe, expect, it } from 'vitest'
import { conversion, parseUnit } from '../../../core/index.ts'

function convert(value: number, from: string, to: string): number {
  const { scale, offset } = conversion(parseUnit(from), parseUnit(to))
  return value * scale + offset
}

describe('units', () => {
  // Figures: NIST SP 811 appendix B, and the definitions of the units.
  it.each([
    [68, '[degF]', 'Cel', 20],
    [-40, 'Cel', '[degF]', -40],
    [20, 'Cel', 'K', 293.15],
    [0, 'K', '[degF]', -459.67],
    [21_500, 'mCel', 'Cel', 21.5 - 273.15 + 273.15],
    [10, 'm/s', 'km/h', 36],
    [1, '[mi_i]/h', 'km/h', 1.609344],
    [1, '[kn_i]', 'm/s', 0.514444],
    [1, 'kW.h', 'MJ', 3.6],
    [1013.25, 'hPa', 'bar', 1.01325],
    [1, '[psi]', 'kPa', 6.894757],
    [760, 'mm[Hg]', 'kPa', 101.32472],
    [1, 'atm', 'mbar', 1013.25],
    [1, '[gal_us]/min', 'l/h', 227.12471],
    [3.6, 'm3/h', 'l/s', 1],
    [50, '%', '1', 0.5],
    [415, '[ppm]', '%', 0.0415],
    [1, 'd', 'min', 1440],
    [180, 'deg', 'rad', Math.PI],
    [1, '[HP]', 'W', 745.69987],
    [1, '[lb_av]', 'kg', 0.45359237],
    [9.80665, 'm/s2', '[g]', 1],
    [1, '{events}/min', '/h', 60],
    [1, 'W/(m2.K)', 'mW/(cm2.K)', 0.1],
    [2, '10*3/ul', '10*9/l', 2],
    [1, 'MiBy', 'KiBy', 1_024],
    [1, 'A.h', 'C', 3_600],
    [1, 'V.A', 'W', 1],
    [55, '%RH', '%RH', 55],
  ])('%d %s in %s is %d', (value, from, to, expected) => {
    expect(convert(value, from, to)).toBeCloseTo(expected, 5)
  })

  it.each([
    ['', 'expected a UCUM unit such as Cel'],
    ['celsius', 'found "celsius"; did you mean Cel?'],
    ['kWh', 'did you mean kW.h?'],
    ['secunds', 'expected a UCUM unit'],
    ['degF', 'did you mean [degF]?'],
    ['m/', 'expected a unit, in the unit "m/" at 3'],
    ['m s', 'expected . or / or the end'],
    ['(m', 'expected )'],
    ['m{', 'expected } after {'],
    ['kmin', 'found "kmin"'],
    ['m^2', 'expected . or / or the end'],
    ['('.repeat(40), 'levels of parentheses'],
    ['m.'.repeat(60), 'expected a UCUM unit'],
  ])('refuses %j and says why', (code, says) => {
    expect(() => parseUnit(code)).toThrow(says)
  })

  it.each([
    ['Cel', 'm'],
    ['%RH', '%'],
    ['W', 'J'],
    ['[pH]', '1'],
  ])('says that %s is no measure of what %s is', (from, to) => {
    expect(() => conversion(parseUnit(from), parseUnit(to))).toThrow('measures the same')
  })
})
