/** What an IO element is called instead of its number, and how its counts are read. */
export interface IoName {
  readonly name: string
  readonly signed: boolean
  /** Units of one count. */
  readonly scale: number
}

export type IoNames = ReadonlyMap<number, IoName>
