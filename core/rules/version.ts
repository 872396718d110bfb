/** The versions of AWS IoT SQL; `beta` is read as the newest. */
export type SqlVersion = '2016-03-23' | '2015-10-08' | 'beta'

/** True where whole Decimals stay Decimals: `5.0` is not `5`. Source: AWS IoT SQL, data types, the note on V2. */
export function keepsScale(version: SqlVersion): boolean {
  return version === '2015-10-08'
}
