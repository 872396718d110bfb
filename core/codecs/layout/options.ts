import type { Json } from '../../model/json.ts'

/** The order of the bytes of a number; A is its most significant. Modbus devices have all four. */
export type Endian =
  | 'big'
  | 'little'
  | 'word-swapped'
  | 'byte-swapped'
  | 'ABCD'
  | 'DCBA'
  | 'CDAB'
  | 'BADC'

/** From which end of a byte bits are taken. */
export type BitOrder = 'msb' | 'lsb'

/** Bytes: a number, the value of a field before it, or all that are left. */
export type LayoutLength = number | 'rest' | { readonly field: string }

/** What has to hold for a field to be there. */
export interface LayoutCondition {
  readonly field?: string | undefined
  readonly equals?: Json | undefined
  readonly not?: Json | undefined
  readonly in?: readonly Json[] | undefined
  readonly min?: number | undefined
  readonly max?: number | undefined
  readonly bit?: number | undefined
  readonly left?: number | undefined
  readonly all?: readonly LayoutCondition[] | undefined
  readonly any?: readonly LayoutCondition[] | undefined
}

/** One field of a layout, as it stands in anyhub.yml. */
export interface LayoutField {
  readonly type: string
  readonly name?: string | undefined
  readonly at?: number | undefined
  readonly length?: LayoutLength | undefined
  readonly until?: number | undefined
  readonly bits?: number | undefined
  readonly bit?: number | undefined
  readonly endian?: Endian | undefined
  readonly scale?: number | undefined
  readonly divide?: number | undefined
  readonly add?: number | undefined
  readonly decimals?: number | undefined
  readonly unit?: string | undefined
  readonly enum?: Readonly<Record<string, string>> | undefined
  readonly flags?: Readonly<Record<string, string>> | undefined
  readonly invalid?: number | readonly number[] | undefined
  readonly since?: string | undefined
  readonly resolution?: 's' | 'ms' | 'min' | undefined
  readonly as?: 'iso' | 's' | 'ms' | undefined
  readonly when?: LayoutCondition | undefined
  readonly hidden?: boolean | undefined
  readonly value?: Json | undefined
  readonly default?: Json | undefined
  readonly fields?: readonly LayoutField[] | undefined
  readonly count?: LayoutLength | undefined
  readonly into?: 'list' | 'keys' | 'here' | undefined
  readonly by?: string | undefined
  readonly cases?: Readonly<Record<string, readonly LayoutField[]>> | undefined
  readonly otherwise?: readonly LayoutField[] | undefined
}

export interface LayoutChecksum {
  readonly type: string
  readonly at?: number | undefined
  readonly from?: number | undefined
  readonly to?: number | undefined
  readonly endian?: 'big' | 'little' | undefined
}

/** The form of one message. */
export interface LayoutForm {
  readonly fields?: readonly LayoutField[] | undefined
  readonly length?:
    | number
    | { readonly min?: number | undefined; readonly max?: number | undefined }
    | undefined
  readonly trailing?: 'refuse' | 'ignore' | undefined
  readonly checksum?: LayoutChecksum | undefined
  readonly endian?: Endian | undefined
  readonly bitOrder?: BitOrder | undefined
}

export interface LayoutOptions extends LayoutForm {
  readonly ports?: Readonly<Record<string, LayoutForm>> | undefined
  readonly downlink?: (LayoutForm & { readonly fPort?: number | undefined }) | undefined
  readonly messages?: string | undefined
  readonly units?: boolean | undefined
}
