import {
  address,
  always,
  always16,
  flag,
  int16,
  logLight,
  nineBits,
  powerInfo,
  type RuuviField,
  signAndHundredths,
  unsigned,
} from './fields.ts'

/** One data format of Ruuvi. */
export interface RuuviFormat {
  /** Its first byte. */
  readonly id: number
  /** As the specification prints it: a number, or hex digits. */
  readonly name: number | string
  readonly size: number
  readonly fields: readonly RuuviField[]
}

const TEMPERATURE = int16({ label: 'Temperature', key: 'temperature', at: 1, divisor: 200 })
const HUMIDITY = unsigned(2, { label: 'Humidity', key: 'humidity', at: 3, divisor: 400 })
const PRESSURE = unsigned(2, { label: 'Pressure', key: 'pressure', at: 5, add: 50_000 })

const OLD_HUMIDITY = always(1, { label: 'Humidity', key: 'humidity', at: 1, divisor: 2 })
const OLD_TEMPERATURE = signAndHundredths('Temperature', 'temperature', 2)
const OLD_PRESSURE = always(2, { label: 'Pressure', key: 'pressure', at: 4, add: 50_000 })

/** The three axes, from the first of their bytes. */
function acceleration(axis: typeof int16, at: number): readonly RuuviField[] {
  return ['X', 'Y', 'Z'].map((name, index) =>
    axis({
      label: `Acceleration ${name}`,
      key: `acceleration${name}`,
      at: at + 2 * index,
      divisor: 1_000,
    }),
  )
}

function movement(at: number): RuuviField {
  return unsigned(1, { label: 'Movement counter', key: 'movementCounter', at })
}

function sequence(size: number, at: number): RuuviField {
  return unsigned(size, { label: 'Measurement Sequence', key: 'measurementSequence', at })
}

function particles(label: string, key: string, at: number): RuuviField {
  return unsigned(2, { label, key, at, divisor: 10 })
}

/**
 * Every public format that is not encrypted.
 * Source: github.com/ruuvi/ruuvi-sensor-protocols (2 to 5), docs.ruuvi.com (6, C5, E1).
 */
export const RUUVI_FORMATS: readonly RuuviFormat[] = [
  { id: 2, name: 2, size: 6, fields: [OLD_TEMPERATURE, OLD_PRESSURE, OLD_HUMIDITY] },
  {
    id: 3,
    name: 3,
    size: 14,
    fields: [
      OLD_TEMPERATURE,
      OLD_PRESSURE,
      OLD_HUMIDITY,
      ...acceleration(always16, 6),
      always(2, { label: 'Voltage', key: 'voltage', at: 12, divisor: 1_000 }),
    ],
  },
  { id: 4, name: 4, size: 6, fields: [OLD_TEMPERATURE, OLD_PRESSURE, OLD_HUMIDITY] },
  {
    id: 5,
    name: 5,
    size: 24,
    fields: [
      TEMPERATURE,
      PRESSURE,
      HUMIDITY,
      ...acceleration(int16, 7),
      ...powerInfo(13),
      movement(15),
      sequence(2, 16),
      address(18, 6),
    ],
  },
  {
    id: 6,
    name: 6,
    size: 20,
    fields: [
      TEMPERATURE,
      PRESSURE,
      HUMIDITY,
      particles('PM 2.5', 'pm25', 7),
      unsigned(2, { label: 'CO2', key: 'co2', at: 9 }),
      nineBits('VOC', 'voc', 11, 16, 6),
      nineBits('NOX', 'nox', 12, 16, 7),
      logLight(13),
      always(1, { label: 'Measurement Sequence', key: 'measurementSequence', at: 15 }),
      flag('Calibration in progress', 'calibrating', 16, 0),
      address(17, 3),
    ],
  },
  {
    id: 0xc5,
    name: 'C5',
    size: 18,
    fields: [
      TEMPERATURE,
      PRESSURE,
      HUMIDITY,
      ...powerInfo(7),
      movement(9),
      sequence(2, 10),
      address(12, 6),
    ],
  },
  {
    id: 0xe1,
    name: 'E1',
    size: 40,
    fields: [
      TEMPERATURE,
      PRESSURE,
      HUMIDITY,
      particles('PM 1.0', 'pm1', 7),
      particles('PM 2.5', 'pm25', 9),
      particles('PM 4.0', 'pm4', 11),
      particles('PM 10.0', 'pm10', 13),
      unsigned(2, { label: 'CO2', key: 'co2', at: 15 }),
      nineBits('VOC', 'voc', 17, 28, 6),
      nineBits('NOX', 'nox', 18, 28, 7),
      unsigned(3, { label: 'Luminosity', key: 'luminosity', at: 19, divisor: 100 }),
      sequence(3, 25),
      flag('Calibration in progress', 'calibrating', 28, 0),
      address(34, 6),
    ],
  },
]

/** What rules see for each label. */
export const RUUVI_KEYS: ReadonlyMap<string, string> = new Map([
  ['Data format', 'dataFormat'],
  ['RSSI', 'rssi'],
  ['Timestamp', 'timestamp'],
  ...RUUVI_FORMATS.flatMap(({ fields }) =>
    fields.map(({ label, key }): [string, string] => [label, key]),
  ),
])
