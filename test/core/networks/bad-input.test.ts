import { describe, expect, it } from 'vitest'
import { CoreError, type Json, NETWORK_KINDS } from '../../../core/index.ts'
import { bytesOf, createReader, openNetwork, partsOf } from './open.ts'
import { SAMPLES } from './samples.ts'

const TTS = { end_device_ids: { device_id: 'd', application_ids: { application_id: 'a' } } }
const CHIRPSTACK = { deviceInfo: { devEui: '0101010101010101' } }
const UP = { query: { event: 'up' } }

describe('messages that are wrong', () => {
  it.each([
    ['the-things-stack', '{', {}, /expected JSON, found 1 characters/],
    ['the-things-stack', '', {}, /expected JSON, found nothing/],
    ['the-things-stack', [], {}, /expected an object, found an array/],
    ['the-things-stack', {}, {}, /end_device_ids\.device_id: expected one, found none/],
    ['the-things-stack', TTS, {}, /expected uplink_message/],
    [
      'the-things-stack',
      { ...TTS, uplink_message: { frm_payload: '*' } },
      {},
      /frm_payload: expected bytes in base64/,
    ],
    [
      'the-things-stack',
      { ...TTS, uplink_message: { frm_payload: 7 } },
      {},
      /frm_payload: .* found a number/,
    ],
    [
      'the-things-stack',
      { ...TTS, received_at: 'yesterday', uplink_message: {} },
      {},
      /received_at: expected a time/,
    ],
    ['chirpstack', CHIRPSTACK, {}, /expected the event up, join/],
    ['chirpstack', CHIRPSTACK, { query: { event: 'other' } }, /expected the event/],
    ['chirpstack', {}, UP, /devEUI: expected one, found none/],
    ['chirpstack', { deviceInfo: { devEui: 'xyz' } }, UP, /deviceInfo\.devEui: expected one/],
    ['chirpstack', { ...CHIRPSTACK, data: '%' }, UP, /data: expected bytes in base64/],
    [
      'chirpstack',
      { devEUI: '0101010101010101', objectJSON: '{' },
      UP,
      /objectJSON: expected JSON/,
    ],
    ['sigfox', { data: '01' }, {}, /device: expected an id/],
    ['sigfox', { device: 'A', data: '0' }, {}, /data: expected bytes in hex/],
    ['sigfox', { device: 'A', time: 1 }, {}, /data: expected bytes in hex, or values/],
    ['helium', { dev_eui: 'x' }, {}, /dev_eui: expected an EUI/],
    ['actility', {}, {}, /expected DevEUI_uplink/],
    ['actility', { DevEUI_uplink: {} }, {}, /DevEUI: expected an EUI/],
    [
      'actility',
      { DevEUI_uplink: { DevEUI: '0102030405060708', payload_hex: 'q' } },
      {},
      /payload_hex: expected/,
    ],
    ['loriot', {}, {}, /cmd: expected rx/],
    ['loriot', { cmd: 'rx', EUI: '1' }, {}, /EUI: expected one/],
    ['loriot', { cmd: 'rx', EUI: '0102030405060708', encdata: '00' }, {}, /found encdata/],
    ['aws-iot-wireless', {}, {}, /WirelessDeviceId: expected/],
    ['azure-events', [], {}, /expected 1 to 1024 messages in one body, found 0/],
    ['azure-events', [{}], {}, /eventType: expected/],
    [
      'azure-events',
      { Body: '*', SystemProperties: { connectionDeviceId: 'd' } },
      {},
      /body: expected bytes in base64/,
    ],
    ['google-pubsub', {}, {}, /message: expected an object, found nothing/],
    ['google-pubsub', { message: { data: '' } }, {}, /message\.attributes\.deviceId/],
    ['zigbee2mqtt', 'text', { topic: 'zigbee2mqtt/lamp' }, /expected an object of values/],
    ['tasmota', 'text', { topic: 'tele/a/SENSOR' }, /SENSOR: expected an object/],
    ['shelly', '{}', { topic: 'a/events/rpc' }, /params: expected an object/],
    [
      'shelly',
      { params: {}, method: 'x' },
      { topic: 'a/events/rpc' },
      /method: expected NotifyStatus/,
    ],
    ['webhook', { payload: 1 }, {}, /\/deviceId: expected the id/],
    ['home-assistant', '[]', { topic: 'homeassistant/sensor/a/config' }, /expected an object/],
  ] as const)('%s refuses %j', (type, body, given, expected) => {
    const read = (): unknown =>
      partsOf(type, typeof body === 'string' ? body : (body as Json), given)
    expect(read).toThrow(expected)
    expect(read).toThrow(expect.objectContaining({ code: 'network.malformed' }))
  })

  it('quote nothing of what they hold', () => {
    const secret = 'hunter2-hunter2'
    for (const { name } of NETWORK_KINDS)
      for (const body of [secret, { [secret]: secret }, { device: secret, data: secret }]) {
        const reader = createReader(openNetwork(name))
        const topic = SAMPLES.find((one) => one.type === name)?.topic ?? 'a/b/c'
        try {
          reader(body, { topic })
        } catch (error) {
          expect(String(error)).not.toContain(secret)
        }
      }
  })

  it('too many in one body are refused', () => {
    const items = Array.from({ length: 1_025 }, () => ({ deviceId: 'a' }))
    expect(() => partsOf('webhook', items, {}, { items: '' })).toThrow(/found 1025/)
  })

  it.each(['1970-01-01T00:00:00Z', '2106-02-07T06:28:15Z'])(
    'a clock of %s is passed on',
    (time) => {
      const body = { ...TTS, received_at: time, uplink_message: { decoded_payload: { a: 1 } } }
      expect(partsOf('the-things-stack', body)).toMatchObject([{ sentAt: Date.parse(time) }])
    },
  )
})

/** A sequence of numbers that is the same each time. Source: mulberry32. */
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const ODD: readonly Json[] = [
  ...[
    null,
    true,
    0,
    -1,
    1e300,
    '',
    'null',
    'NaN',
    '-',
    '2106-02-07T06:28:15Z',
    '1970-01-01T00:00:00Z',
  ],
  ...[[], {}, [[]], { a: {} }, '\u0000', 'ä'.repeat(300), '=', 'AAAA=', '0x'],
]

/** The message with something in it replaced, removed or put where it was not. */
function mutate(value: Json, random: () => number): Json {
  const odd = (): Json => ODD[Math.floor(random() * ODD.length)] ?? null
  if (typeof value !== 'object' || value === null || random() < 0.1) return odd()
  if (Array.isArray(value)) {
    const copy: Json[] = [...value]
    const at = Math.floor(random() * (copy.length + 1))
    copy[at] = at < copy.length ? mutate(copy[at] ?? null, random) : odd()
    return copy
  }
  const entries = Object.entries(value)
  const at = Math.floor(random() * (entries.length + 1))
  const entry = entries[at]
  if (entry === undefined) return { ...value, ['__proto__']: 1, [String(odd())]: odd() }
  const [name, inner] = entry
  if (random() < 0.2) return Object.fromEntries(entries.filter(([key]) => key !== name))
  return { ...value, [name]: mutate(inner, random) }
}

/** Bytes with some of them changed, or cut off. */
function garble(bytes: Uint8Array, random: () => number): Uint8Array {
  const copy = bytes.slice(0, random() < 0.3 ? Math.floor(random() * bytes.length) : undefined)
  for (let times = Math.floor(random() * 4); times > 0; times--)
    copy[Math.floor(random() * copy.length)] = Math.floor(random() * 256)
  return copy
}

const ROUNDS = 7_000

describe('fuzz', () => {
  it.each([...new Set(SAMPLES.map(({ type }) => type))])(
    `%s gives parts or network.malformed for ${ROUNDS} messages`,
    (type) => {
      const random = createRandom(0x5eed)
      const samples = SAMPLES.filter((one) => one.type === type)
      let refused = 0
      for (let round = 0; round < ROUNDS; round++) {
        const one = samples[round % samples.length]
        if (one === undefined) throw new Error('expected a sample')
        const mutated = random() < 0.7 ? mutate(one.body, random) : one.body
        const bytes = bytesOf(mutated)
        const body = random() < 0.3 ? garble(bytes, random) : bytes
        const topic =
          one.topic !== undefined && random() < 0.1
            ? one.topic.slice(0, Math.floor(random() * one.topic.length))
            : one.topic
        try {
          const reader = createReader(openNetwork(type, one.options))
          const given = { ...(topic && { topic }), ...(one.query && { query: one.query }) }
          for (const part of reader(body, given).parts) {
            if (part.kind !== 'uplink' && part.kind !== 'presence') continue
            if (!/^[a-zA-Z0-9:._-]{1,128}$/.test(part.deviceId)) throw new Error(part.deviceId)
            if (part.kind === 'uplink' && (part.messageId?.length ?? 1) > 256)
              throw new Error('a message id of more than 256 characters')
          }
        } catch (error) {
          if (!(error instanceof CoreError) || error.code !== 'network.malformed') throw error
          refused++
        }
      }
      expect(refused).toBeGreaterThan(ROUNDS / 100)
      expect(refused).toBeLessThan(ROUNDS)
    },
    10_000,
  )
})
