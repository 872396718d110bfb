import { describe, expect, it } from 'vitest'
import { CoreError } from '../../../core/errors.ts'
import type { Json } from '../../../core/model/json.ts'
import type { NetworkPart, NetworkReading } from '../../../core/networks/network.ts'
import { readSparkplugTopic, sparkplugDeviceId } from '../../../core/networks/sparkplug/topic.ts'
import { sparkplug } from '../../../core/networks/sparkplug.ts'
import { describeWithShared, readVectors } from '../../vectors.ts'
import { judged, PAYLOAD } from '../codecs/sparkplug-proto.ts'

const AT = 1_700_000_000_000

/** A network and what it remembers, as the core keeps it. */
function openNetwork(options: object = {}) {
  const network = sparkplug.open({
    type: 'sparkplug',
    rebirth: true,
    rebirthEvery: 10,
    checkSequence: true,
    ...options,
  })
  const memory = new Map<string, Json | undefined>()
  const lasting: string[] = []
  let now = AT
  const read = (topic: string, payload: object): readonly NetworkPart[] => {
    const body = PAYLOAD.encode(PAYLOAD.fromObject({ timestamp: now, ...payload })).finish()
    for (;;) {
      const reading = network.read({ topic: `spBv1.0/G/${topic}`, body, receivedAt: now }, memory)
      if ('parts' in reading) return remember(reading)
      for (const key of reading.needs) memory.set(key, undefined)
    }
  }
  const remember = ({ parts, remember: memos = [] }: NetworkReading): readonly NetworkPart[] => {
    for (const memo of memos) {
      memory.set(memo.key, memo.value)
      if (memo.lasting) lasting.push(memo.key)
    }
    return parts
  }
  const pass = (ms: number): void => {
    now += ms
  }
  return { network, read, lasting, pass }
}

const kinds = (parts: readonly NetworkPart[]): string[] => parts.map(({ kind }) => kind)

const BIRTH = {
  seq: 0,
  metrics: [
    { name: 'bdSeq', datatype: 8, long_value: 3 },
    { name: 'Node Control/Rebirth', datatype: 11, boolean_value: false },
    { name: 'a', alias: 1, datatype: 3, int_value: 1 },
  ],
}

describeWithShared('topics of Sparkplug', 'vectors/sparkplug.json', () => {
  const { topics } = readVectors<{
    readonly topics: readonly {
      readonly topic: string
      readonly valid: boolean
      readonly messageType: string
      readonly groupId?: string
      readonly edgeNodeId?: string
      readonly deviceId?: string
      readonly hostId?: string
    }[]
  }>('sparkplug.json')

  it('are 19', () => expect(topics).toHaveLength(19))

  it.each(topics)(
    '$topic',
    ({ topic, valid, messageType, groupId, edgeNodeId, deviceId, hostId }) => {
      expect(valid).toBe(true)
      expect(readSparkplugTopic(topic)).toEqual(
        messageType === 'STATE'
          ? { type: 'STATE', host: hostId }
          : { type: messageType, group: groupId, node: edgeNodeId, device: deviceId },
      )
    },
  )
})

describe('names of Sparkplug', () => {
  it.each([
    'spBv1.0/G',
    'spBv1.0/G/NDATA',
    'spBv1.0/G/NDATA/E/D',
    'spBv1.0/G/DDATA/E',
    'spBv1.0/G/XDATA/E',
    'spBv1.0/G/ndata/E',
    'spBv1.0//NDATA/E',
    'spBv1.0/G/DDATA/E/',
    'spBv1.0/G/DDATA/E/D/F',
    'spAv1.0/G/NDATA/E',
    'spBv1.0/STATE/',
  ])('%s is no topic', (topic) => expect(readSparkplugTopic(topic)).toBeUndefined())

  it('become ids that are never the same', () => {
    const ids = [
      sparkplugDeviceId('G', 'E'),
      sparkplugDeviceId('G', 'E', 'D'),
      sparkplugDeviceId('G:E', 'D'),
      sparkplugDeviceId('G', 'E:D'),
      sparkplugDeviceId('Raspberry Pi', 'E'),
      sparkplugDeviceId('Raspberry_Pi', 'E'),
    ]
    expect(ids.slice(0, 2)).toEqual(['G:E', 'G:E:D'])
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids) expect(id).toMatch(/^[a-zA-Z0-9:._-]{1,128}$/)
  })
})

describe('a session of Sparkplug', () => {
  it('writes what lasts at births and deaths only', () => {
    const { read, lasting } = openNetwork()
    expect(kinds(read('NBIRTH/E', BIRTH))).toEqual(['presence', 'uplink'])
    expect(
      kinds(
        read('DBIRTH/E/D', {
          seq: 1,
          metrics: [{ name: 'x', alias: 2, datatype: 9, float_value: 1 }],
        }),
      ),
    ).toEqual(['presence', 'uplink'])
    expect(lasting).toEqual(['node/G/E', 'device/G/E/D', 'state/G/E'])
    for (let seq = 2; seq < 600; seq++)
      expect(
        kinds(read('DDATA/E/D', { seq: seq % 256, metrics: [{ alias: 2, float_value: 2.5 }] })),
      ).toEqual(['uplink'])
    expect(lasting).toHaveLength(3)
    expect(
      kinds(read('NDEATH/E', { metrics: [{ name: 'bdSeq', datatype: 4, long_value: 2 }] })),
    ).toEqual(['ignored'])
    expect(read('NDEATH/E', { metrics: [{ name: 'bdSeq', datatype: 4, long_value: 3 }] })).toEqual([
      { kind: 'presence', deviceId: 'G:E', connected: false, at: AT },
      { kind: 'presence', deviceId: 'G:E:D', connected: false, at: AT },
    ])
    expect(
      kinds(read('DDATA/E/D', { seq: 88, metrics: [{ alias: 2, float_value: 2.5 }] })),
    ).toEqual(['fault', 'publish'])
  })

  it('asks for a rebirth no more often than it may', () => {
    const { read, pass } = openNetwork()
    read('NBIRTH/E', BIRTH)
    const gap = (seq: number): string[] =>
      kinds(read('NDATA/E', { seq, metrics: [{ alias: 1, int_value: 5 }] }))
    expect(gap(1)).toEqual(['uplink'])
    expect(gap(1)).toEqual(['uplink'])
    expect(gap(3)).toEqual(['uplink', 'publish'])
    expect(gap(9)).toEqual(['uplink'])
    pass(10_000)
    expect(gap(20)).toEqual(['uplink', 'publish'])
    // Late, from before the birth.
    expect(kinds(read('NDATA/E', { timestamp: AT - 1, seq: 99, metrics: [] }))).toEqual(['uplink'])
    expect(gap(21)).toEqual(['uplink'])
  })

  it('says in a request what it wants', () => {
    const { read } = openNetwork()
    const [request] = read('DBIRTH/E/D', { seq: 4, metrics: [] }).filter(
      ({ kind }) => kind === 'publish',
    )
    if (request?.kind !== 'publish') throw new Error('expected a request')
    expect(request.topic).toBe('spBv1.0/G/NCMD/E')
    expect(request.qos).toBe(0)
    expect(judged(request.payload)).toEqual({
      timestamp: String(AT),
      metrics: [
        { name: 'Node Control/Rebirth', timestamp: String(AT), datatype: 11, boolean_value: true },
      ],
    })
  })

  it.each([{ rebirth: false }, { checkSequence: false }])('asks for none with %o', (options) => {
    const { read } = openNetwork(options)
    read('NBIRTH/E', BIRTH)
    expect(kinds(read('NDATA/E', { seq: 7, metrics: [{ alias: 1, int_value: 5 }] }))).toEqual([
      'uplink',
    ])
  })

  it('takes commands and the state of hosts for what they are', () => {
    const { read, network } = openNetwork()
    expect(kinds(read('NCMD/E', {}))).toEqual(['ignored'])
    expect(kinds(read('DCMD/E/D', {}))).toEqual(['ignored'])
    const state = { topic: 'spBv1.0/STATE/host', body: new Uint8Array(), receivedAt: AT }
    expect(network.read(state, new Map())).toEqual({
      parts: [{ kind: 'ignored', what: 'the state of a host application', deviceId: state.topic }],
    })
    expect(() => network.read({ ...state, topic: 'spBv1.0/G/NOTHING/E' }, new Map())).toThrow(
      'expected spBv1.0/',
    )
  })
})

describe('Sparkplug and bytes of any kind', () => {
  it('gives parts or a fault, 50,000 times', () => {
    const network = sparkplug.open({ type: 'sparkplug', rebirth: true })
    const memory = new Map<string, Json | undefined>()
    const valid = PAYLOAD.encode(PAYLOAD.fromObject({ timestamp: AT, ...BIRTH })).finish()
    const topics = ['NBIRTH/E', 'NDATA/E', 'NDEATH/E', 'DBIRTH/E/D', 'DDATA/E/D', 'DDEATH/E/D']
    let seed = 20_261_121
    const next = (below: number): number => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
      return (seed >>> 8) % below
    }
    let read = 0
    for (let run = 0; run < 50_000; run++) {
      const body = new Uint8Array(valid)
      for (let change = next(3); change > 0; change--) body[next(body.length)] = next(256)
      const topic = `spBv1.0/G/${topics[next(topics.length)]}`
      try {
        let reading = network.read({ topic, body, receivedAt: AT + run }, memory)
        if ('needs' in reading) {
          for (const key of reading.needs) memory.set(key, undefined)
          reading = network.read({ topic, body, receivedAt: AT + run }, memory)
        }
        if ('needs' in reading) throw new Error('expected parts')
        for (const { key, value } of reading.remember ?? [])
          memory.set(key, value === undefined ? undefined : JSON.parse(JSON.stringify(value)))
        read++
      } catch (error) {
        if (!(error instanceof CoreError) || !error.code.startsWith('codec.')) throw error
      }
    }
    expect(read).toBeGreaterThan(20_000)
  })
})

describe('who listens to Sparkplug', () => {
  const { network } = openNetwork({ host: 'anyhub' })

  it.each([
    ['spBv1.0/G/NCMD/E', { kind: 'device', deviceId: 'G:E' }],
    ['spBv1.0/G/DCMD/E/#', { kind: 'device', deviceId: 'G:E' }],
    ['spBv1.0/G/DCMD/E/+', { kind: 'device', deviceId: 'G:E' }],
    ['spBv1.0/G/DCMD/E/D', { kind: 'device', deviceId: 'G:E' }],
    ['spBv1.0/STATE/anyhub', { kind: 'every' }],
    ['spBv1.0/STATE/+', { kind: 'every' }],
    ['spBv1.0/G/NCMD/+', undefined],
    ['spBv1.0/+/NCMD/E', undefined],
    ['spBv1.0/G/NCMD/#', undefined],
    ['spBv1.0/G/+/E', undefined],
    ['spBv1.0/G/NDATA/E', undefined],
    ['spBv1.0/#', undefined],
    ['spBv1.0/STATE/a/b', undefined],
  ])('%s', (filter, listener) => expect(network.listenerOf?.(filter)).toEqual(listener))

  it('hears of its host while it is there', () => {
    expect(network.announce?.(true, AT)).toEqual({
      topic: 'spBv1.0/STATE/anyhub',
      payload: `{"online":true,"timestamp":${AT}}`,
    })
    expect(openNetwork().network.announce?.(true, AT)).toBeUndefined()
  })
})

describe('what a payload of Sparkplug measures', () => {
  const measuredBy = (metrics: readonly object[]) => {
    const { read } = openNetwork()
    return read('NBIRTH/E', { seq: 0, metrics }).flatMap((part) =>
      part.kind === 'uplink' ? [part] : [],
    )
  }

  it('is without the control of the session', () => {
    expect(measuredBy(BIRTH.metrics)).toMatchObject([
      {
        deviceId: 'G:E',
        decoded: { a: 1 },
        sentAt: AT,
        messageId: `NBIRTH:${AT}:0:0`,
        facts: { network: 'sparkplug', group: 'G', node: 'E', message: 'NBIRTH', seq: 0 },
        address: {
          group: 'G',
          node: 'E',
          types: '{"bdSeq":"UInt64","Node Control/Rebirth":"Boolean","a":"Int32"}',
        },
      },
    ])
  })

  it('is historical at times of its own, and so is what a newer value follows', () => {
    const metric = { name: 'a', datatype: 3 }
    const uplinks = measuredBy([
      { ...metric, timestamp: AT - 2_000, is_historical: true, int_value: 1 },
      { ...metric, timestamp: AT - 3_000, is_historical: true, int_value: 0 },
      { ...metric, timestamp: AT - 1_000, int_value: 2 },
      { ...metric, timestamp: AT - 500, int_value: 3 },
    ])
    expect(uplinks.map(({ sentAt, decoded }) => [sentAt, decoded])).toEqual([
      [AT - 3_000, { a: 0 }],
      [AT - 2_000, { a: 1 }],
      [AT - 1_000, { a: 2 }],
      [AT, { a: 3 }],
    ])
    expect(uplinks.map(({ facts }) => facts?.['historical'])).toEqual([
      true,
      true,
      undefined,
      undefined,
    ])
    expect(new Set(uplinks.map(({ messageId }) => messageId)).size).toBe(4)
  })

  it('comes in pieces that fit, templates by the names of their members', () => {
    const many = Array.from({ length: 250 }, (_, index) => ({
      name: `m${index}`,
      datatype: 3,
      int_value: index,
    }))
    expect(measuredBy(many).map(({ decoded }) => Object.keys(decoded as object).length)).toEqual([
      100, 100, 50,
    ])
    const template_value = {
      template_ref: 'motor',
      is_definition: false,
      metrics: [{ name: 'rpm', datatype: 3, int_value: 7 }],
    }
    const uplinks = measuredBy([
      { name: 'motor', datatype: 19, template_value: { ...template_value, is_definition: true } },
      { name: 'm1', datatype: 19, template_value },
      { name: '__proto__', datatype: 3, int_value: 1 },
    ])
    expect(JSON.stringify(uplinks.map(({ decoded }) => decoded))).toBe(
      '[{"m1":{"rpm":7},"__proto__":1}]',
    )
  })

  it('is flagged where its quality is not good', () => {
    const quality = (code: number) => ({
      keys: ['Quality'],
      values: [{ type: 3, int_value: code }],
    })
    const [uplink] = measuredBy([
      { name: 'a', datatype: 3, int_value: 1, properties: quality(192) },
      { name: 'b', datatype: 3, int_value: 2, properties: quality(0) },
      { name: 'c', datatype: 1, int_value: 300 },
    ])
    expect(uplink?.decoded).toEqual({ a: 1, b: 2, c: 44 })
    expect(uplink?.facts).toMatchObject({
      quality: { b: 0 },
      warnings: ['expected a value of Int8, found one that is too large: its low bits count'],
    })
  })
})

describe('a command to Sparkplug', () => {
  const sent = (value: Json | undefined, name = 'set', types = '{"Temp":"Float"}') => {
    const call = openNetwork().network.downlink?.({
      deviceId: 'G:E:D',
      address: { group: 'G', node: 'E', device: 'D', types },
      name,
      commandId: 'c',
      at: AT,
      payload: Buffer.from('0801', 'hex'),
      properties: {},
      ...(value === undefined ? {} : { value }),
    })
    if (call?.kind !== 'publish') throw new Error('expected a message')
    expect(call.topic).toBe('spBv1.0/G/DCMD/E/D')
    return judged(call.payload)
  }

  it.each<[string, Json, object]>([
    ['in the type of the birth', { Temp: 20 }, { name: 'Temp', datatype: 9, float_value: 20 }],
    [
      'in a type of its own',
      { Temp: { dataType: 'Double', value: 20 } },
      { name: 'Temp', datatype: 10, double_value: 20 },
    ],
    ['in a type that fits', { Mode: 'auto' }, { name: 'Mode', datatype: 12, string_value: 'auto' }],
  ])('has values %s', (_name, value, metric) => {
    expect(sent(value)).toEqual({
      timestamp: String(AT),
      metrics: [{ ...metric, timestamp: String(AT) }],
    })
  })

  it('may be called as its metric, be a payload, or be bytes', () => {
    expect(sent(21, 'Temp')).toMatchObject({
      metrics: [{ name: 'Temp', datatype: 9, float_value: 21 }],
    })
    expect(sent({ seq: 5, metrics: [{ alias: 7, value: true }] })).toEqual({
      timestamp: String(AT),
      metrics: [{ alias: '7', boolean_value: true }],
    })
    expect(sent(undefined)).toEqual({ timestamp: '1' })
    expect(() => sent({})).toThrow('expected values by the names of metrics, found none')
    expect(() => sent({ Temp: 'warm' })).toThrow('expected a number, found a string')
  })
})
