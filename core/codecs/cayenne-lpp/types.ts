/** How the value of a type lies in its bytes. */
export type LppShape = 'number' | 'axes' | 'location' | 'colour'

/** One data type of Cayenne LPP. */
export interface LppType {
  readonly type: number
  /** As readings name it. */
  readonly name: string
  /** As The Things Stack names it, before `_` and the channel. */
  readonly key: string
  /** As ChirpStack names it. */
  readonly chirpStack: string
  readonly shape: LppShape
  /** Bytes of the value. */
  readonly size: number
  readonly signed: boolean
  /** Counts for one unit. */
  readonly divisor: number
}

/** Counts for one degree, and for one metre of altitude. */
export const LOCATION_DIVISOR = 10_000
export const ALTITUDE_DIVISOR = 100

type Row = readonly [
  type: number,
  name: string,
  key: string,
  chirpStack: string,
  shape: LppShape,
  size: number,
  signed: boolean,
  divisor: number,
]

const ROWS: readonly Row[] = [
  [0, 'digitalInput', 'digital_in', 'digitalInput', 'number', 1, false, 1],
  [1, 'digitalOutput', 'digital_out', 'digitalOutput', 'number', 1, false, 1],
  [2, 'analogInput', 'analog_in', 'analogInput', 'number', 2, true, 100],
  [3, 'analogOutput', 'analog_out', 'analogOutput', 'number', 2, true, 100],
  [100, 'genericSensor', 'generic_sensor', 'genericSensor', 'number', 4, false, 1],
  [101, 'illuminance', 'luminosity', 'illuminanceSensor', 'number', 2, false, 1],
  [102, 'presence', 'presence', 'presenceSensor', 'number', 1, false, 1],
  [103, 'temperature', 'temperature', 'temperatureSensor', 'number', 2, true, 10],
  [104, 'relativeHumidity', 'relative_humidity', 'humiditySensor', 'number', 1, false, 2],
  [113, 'accelerometer', 'accelerometer', 'accelerometer', 'axes', 6, true, 1_000],
  [114, 'magnetometer', 'magnetometer', 'magnetometer', 'axes', 6, true, 1_000],
  [115, 'barometricPressure', 'barometric_pressure', 'barometer', 'number', 2, false, 10],
  [116, 'voltage', 'voltage', 'voltage', 'number', 2, false, 100],
  [117, 'current', 'current', 'current', 'number', 2, false, 1_000],
  [118, 'frequency', 'frequency', 'frequency', 'number', 4, false, 1],
  [120, 'percentage', 'percentage', 'percentage', 'number', 1, false, 1],
  [121, 'altitude', 'altitude', 'altitude', 'number', 2, true, 1],
  [122, 'load', 'load', 'load', 'number', 3, true, 1_000],
  [125, 'concentration', 'concentration', 'concentration', 'number', 2, false, 1],
  [128, 'power', 'power', 'power', 'number', 2, false, 1],
  [130, 'distance', 'distance', 'distance', 'number', 4, false, 1_000],
  [131, 'energy', 'energy', 'energy', 'number', 4, false, 1_000],
  [132, 'direction', 'direction', 'direction', 'number', 2, false, 1],
  [133, 'unixTime', 'unix_time', 'unixTime', 'number', 4, false, 1],
  [134, 'gyrometer', 'gyrometer', 'gyrometer', 'axes', 6, true, 100],
  [135, 'colour', 'colour', 'colour', 'colour', 3, false, 1],
  [136, 'gps', 'gps', 'gpsLocation', 'location', 9, true, LOCATION_DIVISOR],
  [142, 'switch', 'switch', 'switch', 'number', 1, false, 1],
]

/**
 * Every type of fixed length: those of myDevices, and those that libraries added.
 * Source: myDevices Cayenne LPP (type = IPSO object id - 3200); CayenneLPP.h of ElectronicCats; magnetometer of the npm package
 * cayenne-lpp; load of pycayennelpp.
 */
export const LPP_TYPES: readonly LppType[] = ROWS.map(
  ([type, name, key, chirpStack, shape, size, signed, divisor]) => ({
    type,
    name,
    key,
    chirpStack,
    shape,
    size,
    signed,
    divisor,
  }),
)

/** By the byte that stands for a type. */
export const LPP_BY_BYTE: readonly (LppType | undefined)[] = Array.from(
  { length: 256 },
  (_, byte) => LPP_TYPES.find(({ type }) => type === byte),
)

/** What libraries call types besides: the Arduino library, the npm package cayenne-lpp. */
const ALIASES: Readonly<Record<string, number>> = {
  digital_input: 0,
  digital_output: 1,
  analog_input: 2,
  analog_output: 3,
  generic: 100,
  humidity: 104,
  pressure: 115,
  ppm: 125,
  time: 133,
  color: 135,
  rgb: 135,
}

/** By every name that a type goes by. */
export const LPP_BY_NAME: ReadonlyMap<string, LppType> = new Map(
  LPP_TYPES.flatMap((type) => [
    [type.chirpStack, type],
    [type.key, type],
    [type.name, type],
    ...Object.keys(ALIASES)
      .filter((alias) => ALIASES[alias] === type.type)
      .map((alias): [string, LppType] => [alias, type]),
  ]),
)
