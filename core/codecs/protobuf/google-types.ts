import { parseProto } from './proto-text.ts'
import type { RawFile } from './raw.ts'

/** Source: github.com/protocolbuffers/protobuf, src/google/protobuf/*.proto. */
const TEXT = `
syntax = "proto3";
package google.protobuf;
message Any { string type_url = 1; bytes value = 2; }
message Timestamp { int64 seconds = 1; int32 nanos = 2; }
message Duration { int64 seconds = 1; int32 nanos = 2; }
message Empty {}
message FieldMask { repeated string paths = 1; }
message Struct { map<string, Value> fields = 1; }
message Value {
  oneof kind {
    NullValue null_value = 1;
    double number_value = 2;
    string string_value = 3;
    bool bool_value = 4;
    Struct struct_value = 5;
    ListValue list_value = 6;
  }
}
enum NullValue { NULL_VALUE = 0; }
message ListValue { repeated Value values = 1; }
message DoubleValue { double value = 1; }
message FloatValue { float value = 1; }
message Int64Value { int64 value = 1; }
message UInt64Value { uint64 value = 1; }
message Int32Value { int32 value = 1; }
message UInt32Value { uint32 value = 1; }
message BoolValue { bool value = 1; }
message StringValue { string value = 1; }
message BytesValue { bytes value = 1; }
`

/** The types that every schema may import. */
export function googleTypes(): RawFile {
  return parseProto(TEXT)
}

const PREFIX = 'google.protobuf.'

const WRAPPERS: ReadonlySet<string> = new Set(
  ['Double', 'Float', 'Int64', 'UInt64', 'Int32', 'UInt32', 'Bool', 'String', 'Bytes'].map(
    (name) => `${PREFIX}${name}Value`,
  ),
)

/** Types that JSON says in a way of their own. Source: protobuf.dev, ProtoJSON. */
export type GoogleForm =
  | 'any'
  | 'timestamp'
  | 'duration'
  | 'fieldMask'
  | 'struct'
  | 'value'
  | 'list'
  | 'wrapper'

const FORMS: ReadonlyMap<string, GoogleForm> = new Map<string, GoogleForm>([
  [`${PREFIX}Any`, 'any'],
  [`${PREFIX}Timestamp`, 'timestamp'],
  [`${PREFIX}Duration`, 'duration'],
  [`${PREFIX}FieldMask`, 'fieldMask'],
  [`${PREFIX}Struct`, 'struct'],
  [`${PREFIX}Value`, 'value'],
  [`${PREFIX}ListValue`, 'list'],
])

/** How JSON says messages of that name; `undefined`: as objects. */
export function googleForm(fullName: string): GoogleForm | undefined {
  if (!fullName.startsWith(PREFIX)) return undefined
  return WRAPPERS.has(fullName) ? 'wrapper' : FORMS.get(fullName)
}

/** The name of the enumeration whose only value is null. */
export const NULL_VALUE = `${PREFIX}NullValue`

/** Range: 0001-01-01 to 9999-12-31. */
const LEAST_SECONDS = -62_135_596_800
const MOST_SECONDS = 253_402_300_799

/** RFC 3339 in UTC with 0, 3, 6 or 9 digits of seconds; `undefined` for a time that it cannot say. */
export function formatTimestamp(seconds: number, nanos: number): string | undefined {
  if (seconds < LEAST_SECONDS || seconds > MOST_SECONDS || !isNanos(nanos)) return undefined
  const text = new Date(seconds * 1_000).toISOString().slice(0, 19)
  return `${text}${fraction(nanos)}Z`
}

/** Seconds and nanoseconds of RFC 3339; `undefined` if it is none. */
export function parseTimestamp(text: string): { seconds: number; nanos: number } | undefined {
  const found = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text)
  if (found === null) return undefined
  const seconds = Date.parse(`${found[1]}${found[3]}`) / 1_000
  if (!Number.isFinite(seconds) || seconds < LEAST_SECONDS || seconds > MOST_SECONDS)
    return undefined
  return { seconds, nanos: Number((found[2] ?? '').padEnd(9, '0')) }
}

/** `1.5s`; `undefined` for what is no duration. Range: 10,000 years. */
export function formatDuration(seconds: number, nanos: number): string | undefined {
  const size = Math.abs(nanos)
  if (Math.abs(seconds) > 315_576_000_000 || !isNanos(size)) return undefined
  if ((seconds > 0 && nanos < 0) || (seconds < 0 && nanos > 0)) return undefined
  const sign = seconds < 0 || nanos < 0 ? '-' : ''
  return `${sign}${Math.abs(seconds)}${fraction(size)}s`
}

export function parseDuration(text: string): { seconds: number; nanos: number } | undefined {
  const found = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/.exec(text)
  if (found === null) return undefined
  const sign = found[1] === '-' ? -1 : 1
  const seconds = Number(found[2])
  if (seconds > 315_576_000_000) return undefined
  // No minus before zero.
  return {
    seconds: sign * seconds + 0,
    nanos: sign * Number((found[3] ?? '').padEnd(9, '0')) + 0,
  }
}

function isNanos(nanos: number): boolean {
  return nanos >= 0 && nanos < 1e9
}

function fraction(nanos: number): string {
  if (nanos === 0) return ''
  const digits = String(nanos).padStart(9, '0')
  return `.${digits.replace(/(?:000){1,2}$/, '')}`
}
