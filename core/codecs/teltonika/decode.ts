import type { Json } from '../../model/json.ts'
import type { Decoded } from '../codec.ts'
import { faultAt, truncatedAt } from '../fault.ts'
import { crc16Ibm } from './crc16-ibm.ts'
import { type Cursor, finish, need, uint8, uint16, uint32 } from './cursor.ts'
import type { IoNames } from './io-names.ts'
import { carriesMessages, readMessage } from './messages.ts'
import { CODEC_8, CODEC_8_EXTENDED, CODEC_16, readRecord } from './records.ts'

/**
 * Reads a packet as TCP carries it, a datagram as UDP does, the bare data of either, or the IMEI with which a device opens
 * a connection.
 *
 * Source: wiki.teltonika-gps.com, Teltonika Data Sending Protocols.
 * @throws CoreError `codec.truncated`, `codec.malformed`, `codec.checksum`, `codec.trailing_bytes` or `codec.unsupported_version`.
 */
export function readPacket(bytes: Uint8Array, names: IoNames): Decoded {
  const warnings: string[] = []
  if (isLogin(bytes)) return { value: { imei: asciiOf(bytes, 2, bytes.length) }, warnings }
  if (isDatagram(bytes)) return readDatagram(bytes, names, warnings)
  if ((bytes[0] ?? 0) !== 0) {
    const data = readData({ bytes, at: 0, end: bytes.length }, names, warnings)
    return { value: data, warnings }
  }
  return readTcp(bytes, names, warnings)
}

const TCP_HEAD = 8

function readTcp(bytes: Uint8Array, names: IoNames, warnings: string[]): Decoded {
  const head: Cursor = { bytes, at: 0, end: bytes.length }
  need(head, TCP_HEAD, 'preamble and length')
  if (uint32(head) !== 0)
    throw faultAt('codec.malformed', 'Teltonika: expected four zero bytes, found others', 0)
  const length = uint32(head)
  const end = TCP_HEAD + length
  if (bytes.length < end + 4)
    throw truncatedAt('Teltonika: data and CRC', length + 4, bytes.length - TCP_HEAD, TCP_HEAD)
  if (bytes.length > end + 4)
    throw faultAt(
      'codec.trailing_bytes',
      `Teltonika: expected the end after the CRC, found ${bytes.length - end - 4} bytes more`,
      end + 4,
    )
  const told = uint32({ bytes, at: end, end: end + 4 })
  const found = crc16Ibm(bytes, TCP_HEAD, end)
  if (told !== found)
    throw faultAt(
      'codec.checksum',
      `Teltonika: expected the CRC ${hex4(found)}, found ${hex4(told)}`,
      end,
    )
  const data = readData({ bytes, at: TCP_HEAD, end }, names, warnings)
  return { value: { ...data, crc: hex4(found) }, warnings }
}

function readDatagram(bytes: Uint8Array, names: IoNames, warnings: string[]): Decoded {
  const cursor: Cursor = { bytes, at: 2, end: bytes.length }
  const packetId = uint16(cursor)
  cursor.at++
  const avlPacketId = uint8(cursor)
  need(cursor, 2, 'length of the IMEI')
  const length = uint16(cursor)
  need(cursor, length, 'IMEI')
  const imei = asciiOf(bytes, cursor.at, cursor.at + length)
  cursor.at += length
  return { value: { packetId, avlPacketId, imei, ...readData(cursor, names, warnings) }, warnings }
}

/** From the number of the codec to the second number of records. */
function readData(
  cursor: Cursor,
  names: IoNames,
  warnings: string[],
): Readonly<Record<string, Json>> {
  need(cursor, 2, 'codec and number of records')
  const codec = uint8(cursor)
  const asMessages = carriesMessages(codec)
  if (!asMessages && codec !== CODEC_8 && codec !== CODEC_8_EXTENDED && codec !== CODEC_16)
    throw faultAt(
      'codec.unsupported_version',
      `Teltonika: expected codec 8, 142 (8 Extended), 16 or 12 to 15, found codec ${codec}`,
      cursor.at - 1,
    )
  const count = uint8(cursor)
  const items: Json[] = []
  for (let index = 0; index < count; index++)
    items.push(asMessages ? readMessage(cursor, codec) : readRecord(cursor, codec, names, warnings))
  need(cursor, 1, 'second number of records')
  const again = uint8(cursor)
  if (again !== count)
    throw faultAt(
      'codec.malformed',
      `Teltonika: expected the number of records again, ${count}, found ${again}`,
      cursor.at - 1,
    )
  finish(cursor)
  return asMessages ? { codec, messages: items } : { codec, records: items }
}

/** Two bytes of length, and the digits of an IMEI. */
function isLogin(bytes: Uint8Array): boolean {
  if (bytes.length !== 17 || bytes[0] !== 0 || bytes[1] !== 15) return false
  for (let at = 2; at < 17; at++) if (!isDigit(bytes[at])) return false
  return true
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39
}

/** A datagram tells its length, its fifth byte is 1 by definition, and an IMEI of digits stands in it. */
function isDatagram(bytes: Uint8Array): boolean {
  return (
    bytes.length > 8 &&
    (((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0)) === bytes.length - 2 &&
    bytes[4] === 1 &&
    bytes[6] === 0 &&
    isDigit(bytes[8])
  )
}

function asciiOf(bytes: Uint8Array, from: number, to: number): string {
  let text = ''
  for (let at = from; at < to; at++) {
    const byte = bytes[at] ?? 0
    if (byte < 0x20 || byte > 0x7e)
      throw faultAt('codec.malformed', 'Teltonika: expected an IMEI in ASCII', at)
    text += String.fromCharCode(byte)
  }
  return text
}

function hex4(crc: number): string {
  return crc.toString(16).padStart(4, '0')
}
