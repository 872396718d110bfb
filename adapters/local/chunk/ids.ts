import { createChunkReader, createChunkWriter, readByte, readCount } from './bytes.ts'

/** How message ids are written: one behind the other with one length or with one each, or as JSON. */
const OF_ONE_LENGTH = 0
const OF_LENGTHS = 1
const AS_JSON = 2

/** Past it a character takes more than one byte. */
const LATIN = /^[\0-\xff]*$/

export function writeIds(ids: readonly string[]): Uint8Array {
  const writer = createChunkWriter()
  const joined = ids.join('')
  if (!LATIN.test(joined)) {
    writer.byte(AS_JSON)
    writer.raw(Buffer.from(JSON.stringify(ids), 'utf8'))
    return writer.done()
  }
  const length = ids[0]?.length ?? 0
  if (ids.every((id) => id.length === length)) {
    writer.byte(OF_ONE_LENGTH)
    writer.count(length)
  } else {
    writer.byte(OF_LENGTHS)
    for (const id of ids) writer.count(id.length)
  }
  writer.raw(Buffer.from(joined, 'latin1'))
  return writer.done()
}

export function readIds(bytes: Uint8Array, count: number): readonly string[] {
  const reader = createChunkReader(bytes)
  const kind = readByte(reader)
  if (kind === AS_JSON) return JSON.parse(reader.bytes.toString('utf8', 1))
  const ids: string[] = new Array(count)
  if (kind === OF_ONE_LENGTH) {
    const length = readCount(reader)
    const joined = reader.bytes.toString('latin1', reader.at)
    for (let index = 0; index < count; index++)
      ids[index] = joined.slice(index * length, (index + 1) * length)
    return ids
  }
  const lengths = Array.from({ length: count }, () => readCount(reader))
  const joined = reader.bytes.toString('latin1', reader.at)
  let at = 0
  for (let index = 0; index < count; index++) {
    const length = lengths[index] ?? 0
    ids[index] = joined.slice(at, at + length)
    at += length
  }
  return ids
}
