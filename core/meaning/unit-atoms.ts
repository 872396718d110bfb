// Units that devices speak of, by their case sensitive UCUM codes. Source: ucum.org, tables 1 to 23.

/** How much of the base units one unit is, and, for temperatures, where its zero lies. */
export interface UnitAtom {
  readonly factor: number
  /** Exponents of base units: m, s, g, rad, K, C, cd, mol, and one of its own for what is arbitrary. */
  readonly dims: Readonly<Record<string, number>>
  /** Whether prefixes may stand before it. */
  readonly metric?: true
  /** Where its zero lies, in base units. Only temperatures have one. */
  readonly zero?: number
}

const metric = (factor: number, dims: UnitAtom['dims']): UnitAtom => ({
  factor,
  dims,
  metric: true,
})
const plain = (factor: number, dims: UnitAtom['dims']): UnitAtom => ({ factor, dims })

const LENGTH = { m: 1 }
const AREA = { m: 2 }
const VOLUME = { m: 3 }
const TIME = { s: 1 }
const MASS = { g: 1 }
const FORCE = { g: 1, m: 1, s: -2 }
const PRESSURE = { g: 1, m: -1, s: -2 }
const ENERGY = { g: 1, m: 2, s: -2 }
const POWER = { g: 1, m: 2, s: -3 }
const NONE = {}

const INCH = 0.0254
const POUND = 453.59237
const GALLON = 231 * INCH ** 3
const STANDARD_GRAVITY = 9.80665

/** What a unit is called. */
export const UNIT_ATOMS: Readonly<Record<string, UnitAtom>> = {
  m: metric(1, LENGTH),
  s: metric(1, TIME),
  g: metric(1, MASS),
  rad: metric(1, { rad: 1 }),
  K: metric(1, { K: 1 }),
  C: metric(1, { C: 1 }),
  cd: metric(1, { cd: 1 }),
  mol: metric(1, { mol: 1 }),
  sr: metric(1, { rad: 2 }),
  Cel: { factor: 1, dims: { K: 1 }, metric: true, zero: 273.15 },
  '[degF]': { factor: 5 / 9, dims: { K: 1 }, zero: 459.67 * (5 / 9) },
  '[degR]': plain(5 / 9, { K: 1 }),
  Hz: metric(1, { s: -1 }),
  N: metric(1e3, FORCE),
  Pa: metric(1e3, PRESSURE),
  J: metric(1e3, ENERGY),
  W: metric(1e3, POWER),
  A: metric(1, { C: 1, s: -1 }),
  V: metric(1e3, { g: 1, m: 2, s: -2, C: -1 }),
  F: metric(1e-3, { g: -1, m: -2, s: 2, C: 2 }),
  Ohm: metric(1e3, { g: 1, m: 2, s: -1, C: -2 }),
  S: metric(1e-3, { g: -1, m: -2, s: 1, C: 2 }),
  Wb: metric(1e3, { g: 1, m: 2, s: -1, C: -1 }),
  T: metric(1e3, { g: 1, s: -1, C: -1 }),
  G: metric(0.1, { g: 1, s: -1, C: -1 }),
  H: metric(1e3, { g: 1, m: 2, C: -2 }),
  lm: metric(1, { cd: 1, rad: 2 }),
  lx: metric(1, { cd: 1, rad: 2, m: -2 }),
  Bq: metric(1, { s: -1 }),
  Gy: metric(1, { m: 2, s: -2 }),
  Sv: metric(1, { m: 2, s: -2 }),
  kat: metric(1, { mol: 1, s: -1 }),
  deg: plain(Math.PI / 180, { rad: 1 }),
  "'": plain(Math.PI / 10_800, { rad: 1 }),
  "''": plain(Math.PI / 648_000, { rad: 1 }),
  gon: plain(Math.PI / 200, { rad: 1 }),
  circ: plain(2 * Math.PI, { rad: 1 }),
  l: metric(1e-3, VOLUME),
  L: metric(1e-3, VOLUME),
  ar: metric(100, AREA),
  t: metric(1e6, MASS),
  u: metric(1.6605402e-24, MASS),
  eV: metric(1.60217733e-16, ENERGY),
  bar: metric(1e8, PRESSURE),
  atm: plain(101_325e3, PRESSURE),
  'm[Hg]': metric(133.322e6, PRESSURE),
  'm[H2O]': metric(9.80665e6, PRESSURE),
  "[in_i'Hg]": plain(133.322e6 * INCH, PRESSURE),
  "[in_i'H2O]": plain(9.80665e6 * INCH, PRESSURE),
  '[psi]': plain((POUND * STANDARD_GRAVITY) / INCH ** 2, PRESSURE),
  '[lbf_av]': plain(POUND * STANDARD_GRAVITY, FORCE),
  gf: metric(STANDARD_GRAVITY, FORCE),
  dyn: metric(1e-2, FORCE),
  erg: metric(1e-4, ENERGY),
  cal: metric(4_184, ENERGY),
  '[Btu_IT]': plain(1_055.05585262e3, ENERGY),
  '[HP]': plain(550 * 12 * INCH * POUND * STANDARD_GRAVITY, POWER),
  '[g]': metric(STANDARD_GRAVITY, { m: 1, s: -2 }),
  Gal: metric(1e-2, { m: 1, s: -2 }),
  P: metric(100, { g: 1, m: -1, s: -1 }),
  St: metric(1e-4, { m: 2, s: -1 }),
  min: plain(60, TIME),
  h: plain(3_600, TIME),
  d: plain(86_400, TIME),
  wk: plain(604_800, TIME),
  mo: plain(2_629_800, TIME),
  a: plain(31_557_600, TIME),
  '[in_i]': plain(INCH, LENGTH),
  '[ft_i]': plain(12 * INCH, LENGTH),
  '[yd_i]': plain(36 * INCH, LENGTH),
  '[mi_i]': plain(63_360 * INCH, LENGTH),
  '[nmi_i]': plain(1_852, LENGTH),
  '[kn_i]': plain(1_852 / 3_600, { m: 1, s: -1 }),
  '[acr_us]': plain(4_046.872609874252, AREA),
  '[gal_us]': plain(GALLON, VOLUME),
  '[qt_us]': plain(GALLON / 4, VOLUME),
  '[pt_us]': plain(GALLON / 8, VOLUME),
  '[foz_us]': plain(GALLON / 128, VOLUME),
  '[gal_br]': plain(4.54609e-3, VOLUME),
  '[oz_av]': plain(POUND / 16, MASS),
  '[lb_av]': plain(POUND, MASS),
  '[ston_av]': plain(2_000 * POUND, MASS),
  '[gr]': plain(POUND / 7_000, MASS),
  '%': plain(1e-2, NONE),
  '[ppth]': plain(1e-3, NONE),
  '[ppm]': plain(1e-6, NONE),
  '[ppb]': plain(1e-9, NONE),
  '[pptr]': plain(1e-12, NONE),
  bit: metric(1, { bit: 1 }),
  By: metric(8, { bit: 1 }),
  Bd: metric(1, { s: -1 }),
  // Arbitrary ones, which are themselves and nothing else.
  '[pH]': plain(1, { pH: 1 }),
  '[iU]': metric(1, { iU: 1 }),
  '[IU]': metric(1, { iU: 1 }),
  "[arb'U]": plain(1, { arbU: 1 }),
  B: metric(1, { bel: 1 }),
  'B[SPL]': metric(1, { belSpl: 1 }),
  'B[V]': metric(1, { belV: 1 }),
  'B[W]': metric(1, { belW: 1 }),
  Np: metric(1, { neper: 1 }),
}

/** Units of SenML that UCUM has not; each converts to itself only. Source: RFC 8428 section 12.1, RFC 8798. */
export const SENML_UNITS: ReadonlySet<string> = new Set([
  '%RH',
  '%EL',
  'EL',
  'count',
  'lat',
  'lon',
  'pH',
  'dB',
  'dBW',
  'dBm',
  'Bspl',
  'dBspl',
  'beat/min',
  'beats',
])

/** Prefixes of metric units. */
export const PREFIXES: Readonly<Record<string, number>> = {
  Y: 1e24,
  Z: 1e21,
  E: 1e18,
  P: 1e15,
  T: 1e12,
  G: 1e9,
  M: 1e6,
  k: 1e3,
  h: 1e2,
  da: 1e1,
  d: 1e-1,
  c: 1e-2,
  m: 1e-3,
  u: 1e-6,
  n: 1e-9,
  p: 1e-12,
  f: 1e-15,
  a: 1e-18,
  z: 1e-21,
  y: 1e-24,
  Ki: 1_024,
  Mi: 1_048_576,
  Gi: 1_073_741_824,
  Ti: 1_099_511_627_776,
}
