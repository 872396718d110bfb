import fc from 'fast-check'
import mqttPacket, { type Packet } from 'mqtt-packet'
import { describe, expect, it } from 'vitest'
import {
  decodeConnect,
  decodeSubscribe,
  decodeUnsubscribe,
  isFault,
} from '../../../../adapters/local/listeners/mqtt/decode.ts'
import { encodePublish, packetIdOffset } from '../../../../adapters/local/listeners/mqtt/encode.ts'
import { createFrameReader } from '../../../../adapters/local/listeners/mqtt/frame-reader.ts'
import {
  encodeDeliveryProperties,
  encodeMessageProperties,
  varint,
} from '../../../../adapters/local/listeners/mqtt/properties.ts'

/** Text that MQTT can carry: no U+0000 and no half surrogates. */
const text = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((s) => !s.includes('\u0000'))
const topic = text.filter((s) => s.length > 0 && !/[+#]/.test(s))
const bytes = fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array))
const qos = fc.constantFrom(0 as const, 1 as const, 2 as const)
const names = fc.string({ minLength: 1, maxLength: 5, unit: fc.constantFrom('a', 'b', 'c', 'é') })
const userProperties = fc
  .uniqueArray(fc.tuple(names, fc.array(text, { minLength: 1, maxLength: 3 })), {
    selector: ([name]) => name,
    // mqtt-packet cannot write an empty set of them.
    minLength: 1,
    maxLength: 3,
  })
  .map((entries) => Object.fromEntries(entries))
const uint32 = fc.integer({ min: 0, max: 0xffffffff })

/** The body of a packet that mqtt-packet wrote. */
function bodyOf(packet: Packet, protocolVersion: number): [Buffer, number, number] {
  const whole = mqttPacket.generate(packet, { protocolVersion })
  let start = 1
  while ((whole[start] ?? 0) > 127) start += 1
  return [whole, start + 1, whole.length]
}

/** What mqtt-packet reads out of bytes that we wrote. */
function parse(whole: Buffer, protocolVersion: number): Packet {
  const parser = mqttPacket.parser({ protocolVersion })
  const packets: Packet[] = []
  parser.on('packet', (packet) => packets.push(packet))
  parser.on('error', (error) => {
    throw error
  })
  parser.parse(whole)
  expect(packets).toHaveLength(1)
  return packets[0]!
}

describe('our codec agrees with mqtt-packet', () => {
  it('reads CONNECT of MQTT 3.1.1 and 5', () => {
    fc.assert(
      fc.property(
        fc.record({
          version: fc.constantFrom(4 as const, 5 as const),
          clientId: text,
          clean: fc.boolean(),
          keepalive: fc.integer({ min: 0, max: 65_535 }),
          username: fc.option(text, { nil: undefined }),
          password: fc.option(bytes, { nil: undefined }),
          will: fc.option(fc.record({ topic, payload: bytes, qos, retain: fc.boolean() }), {
            nil: undefined,
          }),
          properties: fc.record({
            sessionExpiryInterval: uint32,
            receiveMaximum: fc.integer({ min: 1, max: 65_535 }),
            maximumPacketSize: fc.integer({ min: 1, max: 0xffffffff }),
            topicAliasMaximum: fc.integer({ min: 0, max: 65_535 }),
            userProperties,
          }),
        }),
        (sample) => {
          const { version, username, password, will, properties, clientId, ...rest } = sample
          const named = username === undefined ? undefined : password
          // mqtt-packet refuses to write an empty id into a lasting session.
          const id = clientId === '' ? 'x' : clientId
          const decoded = decodeConnect(
            ...bodyOf(
              {
                cmd: 'connect',
                protocolVersion: version,
                clientId: id,
                ...rest,
                ...(username !== undefined && { username }),
                ...(named !== undefined && { password: named }),
                ...(will && { will }),
                ...(version === 5 && { properties }),
              },
              version,
            ),
          )
          expect(decoded).toMatchObject({
            version,
            clientId: id,
            clean: rest.clean,
            keepAliveSeconds: rest.keepalive,
            username,
            password: named && Uint8Array.from(named),
            will: will && { ...will, payload: Uint8Array.from(will.payload) },
          })
          if (version !== 5 || isFault(decoded)) return
          expect(decoded.properties).toMatchObject({
            sessionExpirySeconds: properties.sessionExpiryInterval,
            receiveMaximum: properties.receiveMaximum,
            maximumPacketBytes: properties.maximumPacketSize,
            topicAliasMaximum: properties.topicAliasMaximum,
          })
          expect({ ...decoded.properties.userProperties }).toEqual(properties.userProperties)
        },
      ),
    )
  })

  it('reads SUBSCRIBE and UNSUBSCRIBE', () => {
    const subscription = fc.record({
      topic: topic,
      qos,
      nl: fc.boolean(),
      rap: fc.boolean(),
      rh: fc.constantFrom(0, 1, 2),
    })
    fc.assert(
      fc.property(
        fc.constantFrom(4 as const, 5 as const),
        fc.integer({ min: 1, max: 65_535 }),
        fc.array(subscription, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 268_435_455 }),
        (version, messageId, asked, identifier) => {
          const subscriptions = asked.map((one) => ({
            ...one,
            nl: one.nl && !one.topic.startsWith('$share/'),
          }))
          const subscribed = decodeSubscribe(
            ...bodyOf(
              {
                cmd: 'subscribe',
                messageId,
                subscriptions,
                ...(version === 5 && { properties: { subscriptionIdentifier: identifier } }),
              },
              version,
            ),
            version,
          )
          expect(subscribed).toEqual({
            packetId: messageId,
            identifier: version === 5 ? identifier : 0,
            entries: subscriptions.map((one) => ({
              filter: one.topic,
              qos: one.qos,
              noLocal: version === 5 && one.nl,
              retainAsPublished: version === 5 && one.rap,
              retainHandling: version === 5 ? one.rh : 0,
            })),
          })
          const filters = asked.map((one) => one.topic)
          expect(
            decodeUnsubscribe(
              ...bodyOf({ cmd: 'unsubscribe', messageId, unsubscriptions: filters }, version),
              version,
            ),
          ).toEqual({ packetId: messageId, filters })
        },
      ),
    )
  })

  it('writes PUBLISH of MQTT 3.1.1 and 5, of any length', () => {
    fc.assert(
      fc.property(
        fc.record({
          version: fc.constantFrom(4 as const, 5 as const),
          topic,
          payloadLength: fc.oneof(
            fc.integer({ min: 0, max: 300 }),
            fc.integer({ min: 16_000, max: 17_000 }),
            fc.integer({ min: 2_097_000, max: 2_098_000 }),
          ),
          packetId: fc.integer({ min: 0, max: 65_535 }),
          properties: fc.record({
            contentType: text,
            responseTopic: topic,
            correlationData: bytes,
            payloadFormatIndicator: fc.constantFrom(0 as const, 1 as const),
            userProperties,
          }),
          delivery: fc.record({
            expirySeconds: fc.option(uint32, { nil: undefined }),
            alias: fc.integer({ min: 0, max: 65_535 }),
            identifiers: fc.array(fc.integer({ min: 1, max: 268_435_455 }), { maxLength: 3 }),
          }),
        }),
        ({ version, packetId, properties, delivery, payloadLength, ...sample }) => {
          const payload = Buffer.alloc(payloadLength, 7)
          const frame = encodePublish({
            topic: Buffer.from(sample.topic),
            payload,
            withPacketId: packetId > 0,
            properties:
              version === 5
                ? Buffer.concat([
                    encodeDeliveryProperties(delivery),
                    encodeMessageProperties(properties),
                  ])
                : undefined,
          })
          frame[0] = packetId > 0 ? 0x32 : 0x30
          if (packetId > 0) frame.writeUInt16BE(packetId, packetIdOffset(frame, 0))
          const read = parse(frame, version)
          if (read.cmd !== 'publish') throw new Error('not a PUBLISH')
          expect(read.topic).toBe(sample.topic)
          expect(read.messageId).toBe(packetId > 0 ? packetId : undefined)
          expect(payload.equals(Buffer.from(read.payload))).toBe(true)
          if (version !== 5) return
          const { contentType, responseTopic, correlationData } = properties
          const [first, ...others] = delivery.identifiers
          expect(read.properties).toMatchObject({
            contentType,
            responseTopic,
            correlationData,
            payloadFormatIndicator: properties.payloadFormatIndicator === 1,
            ...(delivery.alias > 0 && { topicAlias: delivery.alias }),
            ...(delivery.expirySeconds !== undefined && {
              messageExpiryInterval: delivery.expirySeconds,
            }),
            ...(first !== undefined && {
              subscriptionIdentifier: others.length > 0 ? delivery.identifiers : first,
            }),
          })
        },
      ),
    )
  })

  it.each([
    [0, [0]],
    [127, [127]],
    [128, [0x80, 1]],
    [16_383, [0xff, 0x7f]],
    [16_384, [0x80, 0x80, 1]],
    [2_097_151, [0xff, 0xff, 0x7f]],
    [2_097_152, [0x80, 0x80, 0x80, 1]],
    [268_435_455, [0xff, 0xff, 0xff, 0x7f]],
  ])('table 1-1: %i as a variable byte integer', (value, expected) => {
    expect(varint(value)).toEqual(expected)
  })
})

describe('the frame reader', () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 12 })

  it('finds the same packets however the stream is cut, and across pauses', () => {
    fc.assert(
      fc.property(
        sizes,
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 30 }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 10 }),
        (lengths, cuts, pauses) => {
          const packets = lengths.map((length, index) =>
            Buffer.from([index, ...varint(length), ...Array(length).fill(index)]),
          )
          const stream = Buffer.concat(packets)
          const found: Buffer[] = []
          const reader = createFrameReader(
            {
              frame(first, whole, start, end) {
                found.push(
                  Buffer.concat([
                    Buffer.from([first, ...varint(end - start)]),
                    whole.subarray(start, end),
                  ]),
                )
                if (pauses[found.length % pauses.length]) reader.pause()
              },
              refused: (why) => expect.fail(why),
            },
            () => 1_000,
          )
          let at = 0
          for (let turn = 0; at < stream.length; turn += 1) {
            const end = at + (cuts[turn % cuts.length] ?? 1)
            reader.feed(stream.subarray(at, end))
            at = end
            reader.resume()
          }
          for (let turn = 0; turn < packets.length; turn += 1) reader.resume()
          expect(found).toEqual(packets)
        },
      ),
    )
  })

  it('refuses a length past the limit on the header alone, however it is cut', () => {
    for (const cut of [1, 2, 3, 5]) {
      const refusals: string[] = []
      const reader = createFrameReader(
        { frame: () => expect.fail('no packet'), refused: (why) => refusals.push(why) },
        () => 100,
      )
      const header = Buffer.from([0x30, ...varint(98), 0])
      header[1] = 99
      for (let at = 0; at < header.length; at += cut) reader.feed(header.subarray(at, at + cut))
      expect(refusals).toEqual(['too_large'])
    }
  })

  it('takes a packet of just the limit', () => {
    let found = 0
    const reader = createFrameReader(
      {
        frame: () => {
          found += 1
        },
        refused: (why) => expect.fail(why),
      },
      () => 100,
    )
    reader.feed(Buffer.from([0x30, ...varint(98), ...Array(98).fill(0)]))
    expect(found).toBe(1)
  })
})
