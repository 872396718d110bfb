import { type ChunkReader, type ChunkWriter, readByte, readDouble, readSigned } from './bytes.ts'

/** How times are written: what their distances change by, or as they are where one is no whole number. */
const CHANGES = 0
const DOUBLES = 1

/** Times in their order, of which most come at an interval: one byte each. */
export function writeTimes(writer: ChunkWriter, times: readonly number[]): void {
  const whole = times.every(Number.isSafeInteger)
  writer.byte(whole ? CHANGES : DOUBLES)
  if (!whole) {
    for (const time of times) writer.double(time)
    return
  }
  let last = times[0] ?? 0
  let distance = 0
  writer.double(last)
  for (let index = 1; index < times.length; index++) {
    const time = times[index] ?? 0
    writer.signed(time - last - distance)
    distance = time - last
    last = time
  }
}

export function readTimes(reader: ChunkReader, count: number): Float64Array {
  const times = new Float64Array(count)
  if (readByte(reader) === DOUBLES) {
    for (let index = 0; index < count; index++) times[index] = readDouble(reader)
    return times
  }
  let time = readDouble(reader)
  let distance = 0
  times[0] = time
  for (let index = 1; index < count; index++) {
    distance += readSigned(reader)
    time += distance
    times[index] = time
  }
  return times
}
