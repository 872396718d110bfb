import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bytesOf, connectRaw, openRaw, type Subject, startSubject, text } from './harness.ts'

const MAX_PACKET = 4_096

let subject: Subject
beforeAll(async () => {
  subject = await startSubject({ limits: { maxPacketBytes: MAX_PACKET, maxConnectBytes: 1_024 } })
})
afterAll(() => subject.stop())

/** Topic `a`, as it stands in a packet. */
const A = text('a')

/**
 * Bytes that a connected client must not send. `reason` is the MQTT 5 DISCONNECT that tells why; in MQTT 3
 * the connection is closed without a word. Statements are those of MQTT 3.1.1 for 4, of MQTT 5.0 for 5.
 */
type Row = [statement: string, name: string, versions: (4 | 5)[], bytes: Buffer, reason: number]

const REFUSED: Row[] = [
  // Fixed header
  ['MQTT-2.2.2-2', 'packet type 0', [4, 5], bytesOf(0x00), 0x81],
  ['MQTT-2.2.2-2', 'PUBACK with flags', [4, 5], bytesOf(0x41, '0001'), 0x81],
  ['MQTT-2.2.2-2', 'PUBREC with flags', [4, 5], bytesOf(0x52, '0001'), 0x81],
  ['MQTT-3.6.1-1', 'PUBREL with flags 0', [4, 5], bytesOf(0x60, '0001'), 0x81],
  ['MQTT-2.2.2-2', 'PUBCOMP with flags', [4, 5], bytesOf(0x78, '0001'), 0x81],
  ['MQTT-3.8.1-1', 'SUBSCRIBE with flags 0', [4], bytesOf(0x80, '0001', A, '00'), 0x81],
  ['MQTT-3.8.1-1', 'SUBSCRIBE with flags 0', [5], bytesOf(0x80, '000100', A, '00'), 0x81],
  ['MQTT-3.10.1-1', 'UNSUBSCRIBE with flags 0', [4], bytesOf(0xa0, '0001', A), 0x81],
  ['MQTT-3.10.1-1', 'UNSUBSCRIBE with flags 0', [5], bytesOf(0xa0, '000100', A), 0x81],
  ['MQTT-2.2.2-2', 'PINGREQ with flags', [4, 5], bytesOf(0xc1), 0x81],
  ['MQTT-3.14.1-1', 'DISCONNECT with flags', [4, 5], bytesOf(0xe1), 0x81],
  ['MQTT-3.15.1-1', 'AUTH with flags', [5], bytesOf(0xf1), 0x81],
  ['section 2.2.3', 'length of 5 bytes', [4, 5], Buffer.from('30ffffffff01', 'hex'), 0x81],
  ['section 3.2', 'CONNACK from a client', [4], bytesOf(0x20, '0000'), 0x82],
  ['section 3.2', 'CONNACK from a client', [5], bytesOf(0x20, '000000'), 0x82],
  ['section 3.9', 'SUBACK from a client', [4, 5], bytesOf(0x90, '000100'), 0x82],
  ['section 3.11', 'UNSUBACK from a client', [4, 5], bytesOf(0xb0, '0001'), 0x82],
  ['section 3.13', 'PINGRESP from a client', [4, 5], bytesOf(0xd0), 0x82],
  ['section 2.2.1', 'packet type 15', [4], bytesOf(0xf0), 0x82],
  ['MQTT-4.12.0-7', 'AUTH without a method', [5], bytesOf(0xf0), 0x82],
  // CONNECT
  ['MQTT-3.1.0-2', 'a second CONNECT', [4, 5], bytesOf(0x10, text('MQTT'), '0402003c', A), 0x82],
  // PUBLISH
  ['MQTT-3.3.1-4', 'QoS 3', [4], bytesOf(0x36, A, '0001'), 0x81],
  ['MQTT-3.3.1-4', 'QoS 3', [5], bytesOf(0x36, A, '000100'), 0x81],
  ['MQTT-3.3.1-2', 'DUP with QoS 0', [4], bytesOf(0x38, A), 0x81],
  ['MQTT-3.3.1-2', 'DUP with QoS 0', [5], bytesOf(0x38, A, '00'), 0x81],
  ['MQTT-3.3.2-2', 'topic with #', [4], bytesOf(0x30, text('a/#')), 0x90],
  ['MQTT-3.3.2-2', 'topic with #', [5], bytesOf(0x30, text('a/#'), '00'), 0x90],
  ['MQTT-3.3.2-2', 'topic with +', [4], bytesOf(0x30, text('a+')), 0x90],
  ['MQTT-3.3.2-2', 'topic with +', [5], bytesOf(0x30, text('a+'), '00'), 0x90],
  ['MQTT-4.7.3-1', 'empty topic', [4], bytesOf(0x30, '0000'), 0x90],
  ['MQTT-4.7.3-1', 'empty topic without alias', [5], bytesOf(0x30, '000000'), 0x82],
  ['MQTT-1.5.3-1', 'topic of a broken sequence', [4], bytesOf(0x30, '0002c328'), 0x81],
  ['MQTT-1.5.4-1', 'topic of a broken sequence', [5], bytesOf(0x30, '0002c32800'), 0x81],
  ['MQTT-1.5.3-1', 'topic with a surrogate', [4], bytesOf(0x30, '0003eda080'), 0x81],
  ['MQTT-1.5.4-1', 'topic with a surrogate', [5], bytesOf(0x30, '0003eda08000'), 0x81],
  ['MQTT-1.5.3-1', 'topic with an overlong slash', [4], bytesOf(0x30, '0002c0af'), 0x81],
  ['MQTT-1.5.4-1', 'topic past U+10FFFF', [5], bytesOf(0x30, '0004f490808000'), 0x81],
  ['MQTT-1.5.3-2', 'topic with U+0000', [4], bytesOf(0x30, '0003610062'), 0x81],
  ['MQTT-1.5.4-2', 'topic with U+0000', [5], bytesOf(0x30, '000361006200'), 0x81],
  ['MQTT-2.3.1-1', 'packet id 0', [4], bytesOf(0x32, A, '0000'), 0x82],
  ['MQTT-2.2.1-3', 'packet id 0', [5], bytesOf(0x32, A, '000000'), 0x82],
  ['MQTT-2.3.1-1', 'QoS 1 without packet id', [4], bytesOf(0x32, A), 0x81],
  ['MQTT-2.3.1-1', 'QoS 2 with half a packet id', [4, 5], bytesOf(0x34, A, '01'), 0x81],
  ['MQTT-3.3.2-1', 'no topic', [4, 5], bytesOf(0x30), 0x81],
  ['MQTT-3.3.2-1', 'half a topic length', [4, 5], bytesOf(0x30, '00'), 0x81],
  ['MQTT-3.3.2-1', 'topic longer than the packet', [4, 5], bytesOf(0x30, '000961'), 0x81],
  // PUBLISH properties
  ['MQTT-2.2.2-1', 'no property length', [5], bytesOf(0x30, A), 0x81],
  ['section 2.2.2.1', 'properties longer than the packet', [5], bytesOf(0x30, A, '050101'), 0x81],
  ['MQTT-1.5.5-1', 'overlong property length', [5], bytesOf(0x30, A, '8000'), 0x81],
  ['section 2.2.2.2', 'unknown property', [5], bytesOf(0x30, A, '027f00'), 0x81],
  ['section 2.2.2.2', 'property of CONNECT', [5], bytesOf(0x30, A, '051100000001'), 0x81],
  ['MQTT-3.3.4-6', 'subscription identifier', [5], bytesOf(0x30, A, '020b01'), 0x81],
  ['section 3.3.2.3.2', 'format indicator twice', [5], bytesOf(0x30, A, '0401010100'), 0x82],
  ['section 3.3.2.3.2', 'format indicator 2', [5], bytesOf(0x30, A, '020102'), 0x82],
  ['section 3.3.2.3.3', 'half a message expiry', [5], bytesOf(0x30, A, '03020000'), 0x81],
  ['MQTT-3.3.2-8', 'topic alias 0', [5], bytesOf(0x30, A, '03230000'), 0x94],
  ['MQTT-3.3.2-9', 'topic alias past the maximum', [5], bytesOf(0x30, A, '03230011'), 0x94],
  ['section 3.3.2.3.4', 'alias that was never given', [5], bytesOf(0x30, '000003230003'), 0x82],
  ['MQTT-3.3.2-14', 'response topic with #', [5], bytesOf(0x30, A, '0408000123'), 0x90],
  ['MQTT-3.3.2-13', 'response topic not UTF-8', [5], bytesOf(0x30, A, '04080001ff'), 0x81],
  ['MQTT-3.3.2-19', 'content type not UTF-8', [5], bytesOf(0x30, A, '04030001ff'), 0x81],
  ['MQTT-1.5.7-1', 'user property not UTF-8', [5], bytesOf(0x30, A, '07260001ff000161'), 0x81],
  ['section 1.5.7', 'user property without value', [5], bytesOf(0x30, A, '0426000161'), 0x81],
  // Acknowledgements
  ['MQTT-2.3.1-1', 'PUBACK of packet id 0', [4, 5], bytesOf(0x40, '0000'), 0x82],
  ['section 3.4', 'PUBACK too short', [4, 5], bytesOf(0x40, '00'), 0x81],
  ['section 3.4', 'PUBACK too long', [4], bytesOf(0x40, '000100'), 0x81],
  ['MQTT-3.4.2-1', 'PUBACK with an unknown reason', [5], bytesOf(0x40, '000177'), 0x82],
  [
    'section 3.4.2.2',
    'PUBACK with a property of PUBLISH',
    [5],
    bytesOf(0x40, '0001000201', [0]),
    0x81,
  ],
  // SUBSCRIBE
  ['MQTT-2.3.1-1', 'SUBSCRIBE with packet id 0', [4], bytesOf(0x82, '0000', A, '00'), 0x82],
  ['MQTT-2.2.1-3', 'SUBSCRIBE with packet id 0', [5], bytesOf(0x82, '000000', A, '00'), 0x82],
  ['MQTT-3.8.3-3', 'SUBSCRIBE without a filter', [4], bytesOf(0x82, '0001'), 0x82],
  ['MQTT-3.8.3-2', 'SUBSCRIBE without a filter', [5], bytesOf(0x82, '000100'), 0x82],
  ['MQTT-3-8.3-4', 'SUBSCRIBE with QoS 3', [4], bytesOf(0x82, '0001', A, '03'), 0x81],
  ['section 3.8.3.1', 'SUBSCRIBE with QoS 3', [5], bytesOf(0x82, '000100', A, '03'), 0x81],
  ['MQTT-3-8.3-4', 'SUBSCRIBE with a reserved bit', [4], bytesOf(0x82, '0001', A, '04'), 0x81],
  ['MQTT-3.8.3-5', 'SUBSCRIBE with a reserved bit', [5], bytesOf(0x82, '000100', A, '40'), 0x81],
  ['section 3.8.3.1', 'retain handling 3', [5], bytesOf(0x82, '000100', A, '30'), 0x82],
  [
    'MQTT-3.8.3-4',
    'no local, shared',
    [5],
    bytesOf(0x82, '000100', text('$share/g/a'), '04'),
    0x82,
  ],
  [
    'section 3.8.2.1.2',
    'subscription identifier 0',
    [5],
    bytesOf(0x82, '0001020b00', A, '00'),
    0x82,
  ],
  ['MQTT-3.8.3-1', 'filter not UTF-8', [4], bytesOf(0x82, '00010001ff00'), 0x81],
  ['MQTT-3.8.3-1', 'filter not UTF-8', [5], bytesOf(0x82, '0001000001ff00'), 0x81],
  ['section 3.8.3', 'filter without options', [4], bytesOf(0x82, '0001', A), 0x81],
  ['MQTT-4.7.1-2', '# that is not last', [4], bytesOf(0x82, '0001', text('a/#/b'), '00'), 0x8f],
  ['MQTT-4.7.1-3', '+ that is not alone', [4], bytesOf(0x82, '0001', text('a+'), '00'), 0x8f],
  ['MQTT-4.7.3-1', 'empty filter', [4], bytesOf(0x82, '0001000000'), 0x8f],
  // UNSUBSCRIBE
  ['MQTT-3.10.3-2', 'UNSUBSCRIBE without a filter', [4], bytesOf(0xa2, '0001'), 0x82],
  ['MQTT-3.10.3-2', 'UNSUBSCRIBE without a filter', [5], bytesOf(0xa2, '000100'), 0x82],
  ['MQTT-3.10.3-1', 'UNSUBSCRIBE not UTF-8', [4], bytesOf(0xa2, '00010001ff'), 0x81],
  // PINGREQ, DISCONNECT
  ['section 3.12', 'PINGREQ with a body', [4, 5], bytesOf(0xc0, '00'), 0x81],
  ['section 3.14', 'DISCONNECT with a body', [4], bytesOf(0xe0, '00'), 0x81],
  ['MQTT-3.14.2-1', 'DISCONNECT with a reason of CONNACK', [5], bytesOf(0xe0, '85'), 0x82],
  ['section 3.14.2.2.2', 'session expiry after none', [5], bytesOf(0xe0, '00051100000001'), 0x82],
]

const refusedCases = REFUSED.flatMap(([statement, name, versions, bytes, reason]) =>
  versions.map((version) => ({ statement, name, version, bytes, reason })),
)

describe('a connected client that breaks the protocol', () => {
  it('is held to this many rows', () => expect(refusedCases).toHaveLength(111))

  it.each(refusedCases)('$statement, version $version: $name', async (row) => {
    const { version, bytes, reason } = row
    const id = `bad-${version}`
    const { client } = await connectRaw(subject.port, id, { protocolVersion: version })
    client.send(bytes)
    await client.closed
    const expected =
      version === 5 ? [expect.objectContaining({ cmd: 'disconnect', reasonCode: reason })] : []
    expect(client.packets).toEqual(expected)
    expect(subject.disconnected.at(-1)).toEqual({ clientId: id, reason: 'protocol' })
  })

  it.each([4, 5] as const)(
    'section 3.1.2.11.4, version %s: is refused on the header of too large a packet',
    async (version) => {
      const { client } = await connectRaw(subject.port, 'large', { protocolVersion: version })
      // PUBLISH that says it has 4,095 bytes and two of header, and sends none of them.
      client.send('30ff1f')
      await client.closed
      expect(client.packets).toEqual(
        version === 5 ? [expect.objectContaining({ cmd: 'disconnect', reasonCode: 0x95 })] : [],
      )
    },
  )

  it('section 3.1.2.11.4: takes a packet of just the maximum size', async () => {
    const { client } = await connectRaw(subject.port, 'just')
    const packet = bytesOf(0x32, A, '0007', Buffer.alloc(MAX_PACKET - 3 - 5))
    expect(packet).toHaveLength(MAX_PACKET)
    client.send(packet)
    expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: 7 })
    client.end()
  })
})

/** A CONNECT of MQTT 3.1.1 in parts. */
function connect4(flags: number, ...payload: (Buffer | string)[]): Buffer {
  return bytesOf(0x10, text('MQTT'), [4, flags, 0, 0], ...payload)
}

/** A CONNECT of MQTT 5 in parts; `properties` without their length. */
function connect5(flags: number, properties: string, ...payload: (Buffer | string)[]): Buffer {
  const section = Buffer.from(properties, 'hex')
  return bytesOf(0x10, text('MQTT'), [5, flags, 0, 0, section.length], section, ...payload)
}

const ID = text('dev')

const SILENT: [statement: string, name: string, bytes: Buffer][] = [
  ['MQTT-3.1.0-1', 'PUBLISH first', bytesOf(0x30, A)],
  ['MQTT-3.1.0-1', 'PINGREQ first', bytesOf(0xc0)],
  ['MQTT-2.2.2-2', 'CONNECT with flags', bytesOf(0x11, text('MQTT'), '04020000', ID)],
  ['MQTT-3.1.2-1', 'another protocol name', bytesOf(0x10, text('MQTX'), '04020000', ID)],
  ['MQTT-3.1.2-1', 'name in lower case', bytesOf(0x10, text('mqtt'), '04020000', ID)],
  ['MQTT-3.1.2-3', 'reserved flag, 4', connect4(0x03, ID)],
  ['MQTT-3.1.2-3', 'reserved flag, 5', connect5(0x03, '', ID)],
  ['MQTT-3.1.2-11', 'will QoS without a will', connect4(0x0a, ID)],
  ['MQTT-3.1.2-15', 'will retain without a will', connect4(0x22, ID)],
  ['MQTT-3.1.2-14', 'will QoS 3', connect4(0x1e, ID, A, A)],
  ['MQTT-3.1.2-9', 'will without topic', connect4(0x06, ID)],
  ['MQTT-3.1.2-9', 'will without message', connect4(0x06, ID, A)],
  ['MQTT-3.1.3-10', 'will topic not UTF-8', connect4(0x06, ID, '0001ff', A)],
  ['MQTT-3.3.2-2', 'will topic with a wildcard', connect4(0x06, ID, text('a/#'), A)],
  ['MQTT-3.1.2-19', 'user name flag without one', connect4(0x82, ID)],
  ['MQTT-3.1.2-18', 'user name without a flag', connect4(0x02, ID, text('user'))],
  ['MQTT-3.1.2-21', 'password flag without one', connect4(0xc2, ID, text('user'))],
  ['MQTT-3.1.2-22', 'password without user name', connect4(0x42, ID, text('secret'))],
  ['MQTT-3.1.3-11', 'user name not UTF-8', connect4(0x82, ID, '0001ff')],
  ['MQTT-3.1.3-4', 'client id not UTF-8', connect4(0x02, '0002c328')],
  ['MQTT-1.5.3-2', 'client id with U+0000', connect4(0x02, '0003640065')],
  ['MQTT-3.1.3-3', 'no client id', connect4(0x02)],
  ['MQTT-3.1.4-1', 'bytes after the end', connect4(0x02, ID, '00')],
  ['section 3.1.2.11.3', 'receive maximum 0', connect5(2, '210000', ID)],
  ['section 3.1.2.11.4', 'maximum packet size 0', connect5(2, '2700000000', ID)],
  ['section 3.1.2.11.2', 'session expiry twice', connect5(2, '11000000011100000001', ID)],
  ['section 3.1.2.11.7', 'problem information 2', connect5(2, '1702', ID)],
  ['section 2.2.2.2', 'property of PUBLISH', connect5(2, '230001', ID)],
  ['section 3.1.2.11.1', 'no properties', bytesOf(0x10, text('MQTT'), '05020000', ID)],
  ['limit', 'a CONNECT past its maximum', bytesOf(0x10, text('MQTT'), Buffer.alloc(2_000))],
]

const ANSWERED: [
  statement: string,
  name: string,
  version: 3 | 4 | 5,
  bytes: Buffer,
  code: number,
][] = [
  ['MQTT-3.1.2-2', 'level 3 of MQTT', 4, bytesOf(0x10, text('MQTT'), '03020000', ID), 1],
  ['MQTT-3.1.2-2', 'level 6 of MQTT', 4, bytesOf(0x10, text('MQTT'), '06020000', ID), 1],
  ['MQTT-3.1.2-2', 'bridge bit', 4, bytesOf(0x10, text('MQTT'), '84020000', ID), 1],
  ['MQTT-3.1.2-2', 'level 4 of MQIsdp', 4, bytesOf(0x10, text('MQIsdp'), '04020000', ID), 1],
  ['MQTT-3.1.3-8', 'no id in a lasting session', 4, connect4(0x00, '0000'), 2],
  ['MQTT-3.1.3-9', 'an id of 2,000 bytes', 4, connect4(0x02, text('x'.repeat(1_000))), 2],
  ['3.1 section 3.1', 'no id in MQTT 3.1', 3, bytesOf(0x10, text('MQIsdp'), '030200000000'), 2],
  ['MQTT-4.12.0-1', 'authentication method', 5, connect5(2, '15000161', ID), 0x8c],
  ['MQTT-3.1.2-27', 'a client that takes no CONNACK', 5, connect5(2, '2700000005', ID), 0x95],
]

describe('a client that may not connect', () => {
  it('is held to this many rows', () => expect([SILENT.length, ANSWERED.length]).toEqual([30, 9]))

  it.each(SILENT)('%s: %s is closed without a word', async (_statement, _name, bytes) => {
    const before = subject.listener.stats().connectsAccepted
    const client = await openRaw(subject.port)
    client.send(bytes)
    await client.closed
    expect(client.packets).toEqual([])
    expect(subject.listener.stats().connectsAccepted).toBe(before)
  })

  it.each(ANSWERED)('%s: %s gets a CONNACK', async (_statement, _name, version, bytes, code) => {
    const small = await startSubject({ limits: { maxClientIdBytes: 100 } })
    const client = await openRaw(small.port, version)
    client.send(bytes)
    const connack = await client.next()
    await client.closed
    const codeName = version === 5 ? 'reasonCode' : 'returnCode'
    expect(connack).toMatchObject({ cmd: 'connack', sessionPresent: false, [codeName]: code })
    expect(small.connected).toEqual([])
    await small.stop()
  })

  it.each([
    ['MQTT-3.1.2-21 of 5: a password alone', 5, connect5(0x42, '', ID, text('secret'))],
    ['3.1 section 3.1: MQIsdp level 3', 3, bytesOf(0x10, text('MQIsdp'), '03020000', ID)],
    ['MQTT-3.1.3-6: no id in a passing session', 4, connect4(0x02, '0000')],
    ['MQTT-1.5.3-3: an id with U+FEFF', 4, connect4(0x02, text('\ufeffdev'))],
  ] as const)('%s may', async (_name, version, bytes) => {
    const client = await openRaw(subject.port, version)
    client.send(bytes)
    expect(await client.next()).toMatchObject({ cmd: 'connack', sessionPresent: false })
    client.end()
  })

  it('MQTT-1.5.3-3: keeps U+FEFF at the start of an id', () => {
    expect(subject.connected.map(({ clientId }) => clientId)).toContain('\ufeffdev')
  })
})
