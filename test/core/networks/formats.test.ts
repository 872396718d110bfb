import { describe, expect, it } from 'vitest'
import type { Json, NetworkPart } from '../../../core/index.ts'
import { createReader, hexOf, openNetwork, partsOf, uplinkOf } from './open.ts'
import { SAMPLES, type Sample } from './samples.ts'

function sample(type: string, what: string): Sample {
  const found = SAMPLES.find((one) => one.type === type && one.what === what)
  if (found === undefined) throw new Error(`expected the sample ${type}: ${what}`)
  return found
}

function read({ type, body, topic, query, options }: Sample): readonly NetworkPart[] {
  return partsOf(type, body, { ...(topic && { topic }), ...(query && { query }) }, options)
}

const shown = (part: NetworkPart | undefined): unknown =>
  part?.kind === 'uplink' ? { ...part, payload: hexOf(part.payload) } : part

describe('every network', () => {
  it.each(SAMPLES)('$type reads $what', (one) => {
    for (const part of read(one)) expect(part.kind).not.toBe('fault')
  })

  it.each([
    [
      'the-things-stack',
      'an uplink over MQTT',
      {
        deviceId: 'dev1',
        payload: '8241de',
        messageId: 'up:as:up:01ABC',
        address: { application: 'app1', device: 'dev1', tenant: 'ttn' },
        facts: {
          devEui: '0004a30b001c0530',
          fCnt: 0,
          rssi: -20,
          snr: 7.5,
          spreadingFactor: 7,
          frequency: 868_300_000,
          gateways: [
            { id: 'gtw2', rssi: -20, snr: 7.5 },
            { id: 'gtw1', rssi: -35, snr: 5 },
          ],
        },
      },
    ],
    [
      'the-things-stack',
      'a place over HTTP',
      { path: 'location', decoded: { latitude: 37.9, longitude: -122.4 } },
    ],
    [
      'chirpstack',
      'an uplink of version 3',
      {
        deviceId: '0202020202020202',
        payload: '0102',
        fPort: 5,
        decoded: { temperatureSensor: 25, humiditySensor: 32 },
        variables: { key: 'value' },
        sentAt: Date.parse('2019-11-08T13:59:25.048Z'),
        messageId: 'up::10:ZQYkL0dTQbGb1lqG0S0q9w==',
        address: { application: '123', devEui: '0202020202020202', version: 3 },
        facts: {
          rssi: -48,
          snr: 9,
          bandwidth: 125_000,
          spreadingFactor: 11,
          gateways: [{ id: '0303030303030303', rssi: -48, snr: 9 }],
        },
      },
    ],
    [
      'chirpstack',
      'a join of version 4',
      { path: 'join', measures: false, decoded: { event: 'join', devAddr: '00189440' } },
    ],
    [
      'sigfox',
      'a callback',
      {
        deviceId: '1A2B3C',
        payload: '0aff',
        sentAt: 1_563_043_532_000,
        messageId: '1A2B3C:7:1563043532000',
        facts: { rssi: -120 },
      },
    ],
    [
      'helium',
      'the legacy console',
      {
        deviceId: '1c29fbd1d2084e21',
        payload: '48656c6c6f',
        fPort: 1,
        sentAt: 1_586_868_546_123,
        messageId: '0c7a1a7f-0e30-4a8a-b1d0-3b5d2f9f9c1e',
        facts: { rssi: -51, snr: 9, spreadingFactor: 9, frequency: 912_300_000, device: 'Test Me' },
      },
    ],
    [
      'helium',
      'a server of today',
      { deviceId: '0101010101010101', fPort: 2, facts: { network: 'helium' } },
    ],
    [
      'actility',
      'an uplink of ThingPark X',
      {
        deviceId: '0018b20000000bee',
        payload: '9e184856',
        fPort: 1,
        decoded: { temperature: 24 },
        facts: { rssi: -84, frequency: 868_500_000, customer: '100002164' },
      },
    ],
    ['actility', 'a downlink that was sent', { path: 'downlink/sent', measures: false }],
    [
      'loriot',
      'an uplink',
      {
        deviceId: '0102030405060708',
        payload: '0102aabb',
        fPort: 1,
        facts: { rssi: -70, snr: 8.5, spreadingFactor: 12, bandwidth: 125_000 },
      },
    ],
    ['loriot', 'a downlink that was sent', { path: 'downlink/sent', measures: false }],
    [
      'aws-iot-wireless',
      'an uplink',
      {
        deviceId: '58a0cb0000202c99',
        fPort: 136,
        payload: '09ce3c0000000000000000',
        facts: { rssi: -29, dataRate: 0, frequency: 868_100_000 },
      },
    ],
    [
      'azure-events',
      'telemetry from Event Grid',
      {
        deviceId: 'dev-1',
        decoded: { temp: 21 },
        takenAt: Date.parse('2019-01-07T20:58:30.48Z'),
        facts: { properties: { site: 'a' } },
      },
    ],
    [
      'azure-events',
      'a message that was routed to storage',
      { deviceId: 'dev-1', payload: Buffer.from('{"t":1}').toString('hex') },
    ],
    [
      'google-pubsub',
      'a push',
      {
        deviceId: 'dev-1',
        path: 'alerts',
        messageId: '2070443601311540',
        payload: Buffer.from('{"t":1}').toString('hex'),
      },
    ],
    [
      'zigbee2mqtt',
      'a state',
      {
        deviceId: expect.stringMatching(/^Living_room_lamp\.[0-9a-f]{8}$/),
        sentAt: Date.parse('2025-12-31T23:00:00Z'),
        address: { device: 'Living room/lamp' },
        facts: { linkQuality: 90 },
      },
    ],
    ['zigbee2mqtt', 'availability', { kind: 'presence', deviceId: 'lamp', connected: false }],
    ['tasmota', 'a last will', { kind: 'presence', deviceId: 'kitchen', connected: false }],
    [
      'tasmota',
      'a sensor',
      {
        deviceId: 'kitchen',
        sentAt: Date.parse('2025-12-31T23:00:00Z'),
        decoded: { AM2301: { Temperature: 21.5 } },
      },
    ],
    ['tasmota', 'a switch', { path: 'power', decoded: { POWER: 'ON' } }],
    ['shelly', 'presence', { kind: 'presence', deviceId: 'shellyplus1-a', connected: false }],
    [
      'shelly',
      'the state of a component',
      { decoded: { 'switch:0': { id: 0, output: true, apower: 12.5 } } },
    ],
    ['shelly', 'a value of the first generation', { decoded: { relay: { 0: { power: 12.5 } } } }],
  ] as const)('%s: %s comes to what it says', (type, what, expected) => {
    const [part] = read(sample(type, what))
    expect(shown(part)).toMatchObject(expected)
  })

  it('tells events of one message apart', () => {
    const parts = read(sample('shelly', 'two events'))
    expect(parts.map((part) => part.kind === 'uplink' && [part.path, part.decoded])).toEqual([
      ['event', expect.objectContaining({ event: 'btn_down' })],
      ['event', expect.objectContaining({ event: 'btn_up' })],
    ])
    const ids = parts.map((part) => (part.kind === 'uplink' ? part.messageId : ''))
    expect(new Set(ids).size).toBe(2)
  })

  it('keeps the parts of a batch that are well when one is not', () => {
    const one = sample('webhook', 'a batch')
    const [first, second] = read(one)
    expect(shown(first)).toMatchObject({
      deviceId: 'a',
      payload: '0102',
      fPort: 4,
      messageId: '1',
      sentAt: 1_770_000_000_000,
    })
    expect(shown(second)).toMatchObject({ deviceId: 'b', payload: '03', messageId: '2' })
    const body: Json = { records: [{ id: 'a', hex: 'zz' }, { hex: '01' }, { id: 'c', hex: '01' }] }
    expect(read({ ...one, body }).map(({ kind }) => kind)).toEqual(['fault', 'fault', 'uplink'])
  })

  it('answers the handshake of Event Grid', () => {
    const handshake = createReader(openNetwork('azure-events'))([
      {
        eventType: 'Microsoft.EventGrid.SubscriptionValidationEvent',
        data: { validationCode: '512d38b6' },
      },
    ])
    expect(handshake.reply).toEqual({ validationResponse: '512d38b6' })
  })

  it.each([
    ['Microsoft.Devices.DeviceConnected', true],
    ['Microsoft.Devices.DeviceDisconnected', false],
  ])('hears %s', (eventType, connected) => {
    const event = { eventType, eventTime: '2026-01-01T00:00:00Z', data: { deviceId: 'dev-1' } }
    expect(partsOf('azure-events', [event])).toEqual([
      { kind: 'presence', deviceId: 'dev-1', connected, at: Date.parse('2026-01-01T00:00:00Z') },
    ])
  })
})

describe('device ids', () => {
  it.each([
    ['kitchen', 'kitchen'],
    ['0x00158d0001', '0x00158d0001'],
    ['a.b:c_d-e', 'a.b:c_d-e'],
  ])('%s stays as it is', (name, id) => {
    expect(uplinkOf('zigbee2mqtt', { a: 1 }, { topic: `zigbee2mqtt/${name}` }).deviceId).toBe(id)
  })

  it('never make one device of two', () => {
    const names = ['a b', 'a_b', 'a/b', 'ä b', 'x'.repeat(200), `${'x'.repeat(200)}y`]
    const ids = names.map(
      (name) => uplinkOf('zigbee2mqtt', { a: 1 }, { topic: `zigbee2mqtt/${name}` }).deviceId,
    )
    expect(new Set(ids).size).toBe(names.length)
    for (const id of ids) expect(id).toMatch(/^[a-zA-Z0-9:._-]{1,128}$/)
  })
})

describe('discovery', () => {
  const announce = sample('home-assistant', 'an announcement')
  const { topic = '' } = announce

  it('names values, gives units and presence, and knows nothing before', () => {
    const reader = createReader(openNetwork('home-assistant'))
    const state = { topic: 'garden/sensor/state' }
    expect(reader({ temperature: 21.26 }, state).parts).toEqual([])
    expect(reader(announce.body, { topic }).parts).toMatchObject([{ kind: 'ignored' }])
    expect(reader({ temperature: 21.26, other: 1 }, state).parts).toMatchObject([
      {
        deviceId: 'garden-1',
        decoded: { temperature: 21.3 },
        facts: { units: { temperature: '°C' } },
      },
    ])
    expect(reader('offline', { topic: 'garden/sensor/lwt' }).parts).toMatchObject([
      { kind: 'presence', deviceId: 'garden-1', connected: false },
    ])
    expect(reader('', { topic }).parts).toMatchObject([{ kind: 'ignored' }])
    expect(reader({ temperature: 1 }, state).parts).toEqual([])
  })

  it('gathers entities of one topic and moves one that is announced anew', () => {
    const reader = createReader(openNetwork('home-assistant'))
    const entity = (name: string, stateTopic: string, more: object = {}) =>
      reader(
        {
          state_topic: stateTopic,
          value_template: `{{ value_json['${name}'] }}`,
          device: { identifiers: 'd1' },
          ...more,
        },
        { topic: `homeassistant/sensor/d1/${name}/config` },
      )
    entity('a', 's')
    entity('b', 's')
    const both = reader({ a: 1, b: 2 }, { topic: 's' }).parts
    expect(both).toMatchObject([{ deviceId: 'd1', decoded: { a: 1, b: 2 } }])
    entity('b', 't')
    expect(reader({ a: 1, b: 2 }, { topic: 's' }).parts).toMatchObject([{ decoded: { a: 1 } }])
    expect(reader({ b: 2 }, { topic: 't' }).parts).toMatchObject([{ decoded: { b: 2 } }])
  })

  it('reads the components of a device', () => {
    const reader = createReader(openNetwork('home-assistant'))
    reader(
      {
        dev: { ids: 'ea334450945afc', name: 'Kitchen' },
        o: { name: 'x' },
        cmps: {
          t: { p: 'sensor', unit_of_meas: '°C', val_tpl: '{{ value_json.temperature | float }}' },
          door: { p: 'binary_sensor', val_tpl: '{{ value_json.door }}' },
        },
        state_topic: 'kitchen/state',
      },
      { topic: 'homeassistant/device/0AFFD2/config' },
    )
    expect(
      reader({ temperature: '20.5', door: 'ON' }, { topic: 'kitchen/state' }).parts,
    ).toMatchObject([{ deviceId: 'ea334450945afc', decoded: { t: 20.5, door: true } }])
  })

  it.each([
    ['{{ value_json.a.b }}', { a: { b: 1 } }, 1],
    ["{{ value_json['a b'][1] }}", { 'a b': [0, 5] }, 5],
    ['{{value_json.a|float|round(2)}}', { a: '1.2345' }, 1.23],
    ['{{ value_json.a | int }}', { a: '7.9' }, 7],
    ['{{ value | upper }}', 'on', 'ON'],
    [undefined, '21.5', 21.5],
    [undefined, 'text', 'text'],
    ['{{ value_json.missing }}', { a: 1 }, undefined],
    ['{{ value_json.constructor }}', { a: 1 }, undefined],
    ['{% if value_json.a %}x{% endif %}', { a: 1 }, undefined],
    ['{{ value_json.a * 2 }}', { a: 1 }, undefined],
    ['{{ states("x") }}', { a: 1 }, undefined],
  ] as const)('takes %s out of %j', (template, body, expected) => {
    const reader = createReader(openNetwork('home-assistant'))
    reader(
      { state_topic: 's', unique_id: 'u', ...(template && { value_template: template }) },
      { topic: 'homeassistant/sensor/v/config' },
    )
    const [part] = reader(body, { topic: 's' }).parts
    const value = part?.kind === 'uplink' && part.decoded
    expect(value).toEqual(expected === undefined ? false : { v: expected })
  })
})

describe('the way back', () => {
  const down = (type: string, address: object, more: object = {}, options: object = {}) => {
    const call = openNetwork(type, options).downlink?.({
      deviceId: 'd',
      address: { ...address },
      name: 'set',
      commandId: 'c-1',
      payload: Uint8Array.of(1, 255),
      properties: {},
      at: 0,
      ...more,
    })
    if (call === undefined) throw new Error(`expected ${type} to have a way back`)
    const bytes = call.kind === 'publish' ? call.payload : call.body
    const text = Buffer.from(bytes).toString('utf8')
    return call.kind === 'publish' ? `${call.topic} ${text}` : `${call.method} ${call.url} ${text}`
  }

  it.each([
    [
      'the-things-stack',
      { application: 'a', device: 'd' },
      {},
      { downlink: { tenant: '' } },
      /^v3\/a\/devices\/d\/down\/push \{"downlinks":\[\{"f_port":1,"frm_payload":"Af8="/,
    ],
    [
      'chirpstack',
      { application: '1', devEui: '0102030405060708', version: 3 },
      { fPort: 9 },
      {},
      'application/1/device/0102030405060708/command/down {"confirmed":false,"fPort":9,"data":"Af8=","reference":"c-1"}',
    ],
    [
      'chirpstack',
      { application: '1', devEui: '0102030405060708', version: 3 },
      { value: { led: 1 } },
      { downlink: { url: 'https://cs/' } },
      'POST https://cs/api/devices/0102030405060708/queue {"deviceQueueItem":{"confirmed":false,"fPort":1,"jsonObject":"{\\"led\\":1}","devEUI":"0102030405060708"}}',
    ],
    [
      'helium',
      { legacy: true, id: 'x', downlinkUrl: 'https://h/down' },
      {},
      {},
      'POST https://h/down {"payload_raw":"Af8=","port":1,"confirmed":false}',
    ],
    [
      'helium',
      { legacy: true, id: 'x' },
      { properties: { confirmed: 'true' } },
      {},
      'helium/x/tx {"payload_raw":"Af8=","port":1,"confirmed":true}',
    ],
    [
      'actility',
      { devEui: '0102030405060708' },
      { fPort: 2 },
      { downlink: { url: 'https://t/downlink' } },
      'POST https://t/downlink?DevEUI=0102030405060708&FPort=2&Payload=01ff&Confirmed=0 ',
    ],
    [
      'loriot',
      { devEui: '0102030405060708' },
      {},
      { downlink: { url: 'https://l/1/rest', application: 'BE01' } },
      'POST https://l/1/rest {"cmd":"tx","EUI":"0102030405060708","port":1,"confirmed":false,"data":"01ff","appid":"BE01"}',
    ],
    [
      'zigbee2mqtt',
      { device: 'Living room/lamp' },
      { payload: Buffer.from('{"state":"ON"}') },
      {},
      'zigbee2mqtt/Living room/lamp/set {"state":"ON"}',
    ],
    [
      'zigbee2mqtt',
      { device: 'lamp' },
      { name: 'get', payload: Buffer.from('{"state":""}') },
      { base: 'home/z2m' },
      'home/z2m/lamp/get {"state":""}',
    ],
    [
      'tasmota',
      { device: 'kitchen' },
      { name: 'POWER1', value: 'ON', payload: Buffer.from('"ON"') },
      {},
      'cmnd/kitchen/POWER1 ON',
    ],
    [
      'tasmota',
      { device: 'kitchen' },
      { name: 'Dimmer', value: 40, payload: Buffer.from('40') },
      {},
      'cmnd/kitchen/Dimmer 40',
    ],
    [
      'shelly',
      { device: 's1', generation: 1 },
      { name: 'relay/0', value: 'on' },
      {},
      'shellies/s1/relay/0/command on',
    ],
    [
      'shelly',
      { device: 's2', generation: 2 },
      { name: 'Switch.Set', value: { id: 0, on: true } },
      {},
      's2/rpc {"id":"c-1","src":"anyhub","method":"Switch.Set","params":{"id":0,"on":true}}',
    ],
    [
      'shelly',
      { device: 's2', generation: 2 },
      { name: 'switch:0', value: 'toggle' },
      {},
      's2/command/switch:0 toggle',
    ],
  ] as const)('%s %j', (type, address, more, options, expected) => {
    expect(down(type, address, more, options)).toMatch(expected)
  })

  it.each([
    ['the-things-stack', {}],
    ['chirpstack', {}],
    ['actility', { devEui: '0102030405060708' }],
    ['loriot', { devEui: '0102030405060708' }],
    ['tasmota', { device: 'a/#' }],
    ['zigbee2mqtt', { device: '+' }],
    ['shelly', {}],
  ])('%s refuses %j', (type, address) => {
    expect(() => down(type, address)).toThrow(
      expect.objectContaining({ code: 'network.no_downlink' }),
    )
  })
})

describe('what networks say beside the payload, and in other forms', () => {
  const ids = { device_id: 'd1', application_ids: { application_id: 'a1' } }

  it.each<[string, string, Json, { topic?: string; query?: Record<string, string> }, object]>([
    [
      'the-things-stack',
      'warnings, a place and that it is simulated',
      {
        end_device_ids: ids,
        simulated: true,
        uplink_message: {
          f_port: 1,
          frm_payload: 'AQ==',
          decoded_payload: { t: 1 },
          decoded_payload_warnings: ['low battery', { deep: [[]] }],
          normalized_payload: [{ air: { temperature: 1 } }],
          locations: {
            user: { latitude: 52.1, longitude: 4.9, source: 'SOURCE_REGISTRY', more: [[]] },
          },
        },
      },
      { query: {} },
      {
        decoded: { t: 1 },
        facts: {
          simulated: true,
          warnings: ['low battery'],
          location: { latitude: 52.1, longitude: 4.9, source: 'SOURCE_REGISTRY' },
        },
      },
    ],
    [
      'the-things-stack',
      'data of a service over MQTT',
      { end_device_ids: ids, service_data: { service: 'lora-cloud', data: { a: 1 } } },
      { topic: 'v3/a1@ttn/devices/d1/service/data' },
      { path: 'service', measures: false, decoded: { service: 'lora-cloud' } },
    ],
    [
      'actility',
      'the best gateway alone, and where the operator believes the device to be',
      {
        DevEUI_uplink: {
          Time: '2026-01-02T03:04:05.006+02:00',
          DevEUI: '0016C001F004B37B',
          FPort: 4,
          FCntUp: 7,
          payload_hex: '01ff',
          Lrrid: '0B0003B2',
          LrrRSSI: -99.0,
          LrrSNR: '4.5',
          DevLAT: '51.907218',
          DevLON: 4.489303,
          DevLocRadius: 250,
        },
      },
      {},
      {
        payload: '01ff',
        facts: {
          rssi: -99,
          snr: 4.5,
          gateways: [{ id: '0B0003B2', rssi: -99, snr: 4.5 }],
          location: { latitude: 51.907218, longitude: 4.489303, radius: 250 },
        },
      },
    ],
    [
      'actility',
      'a place with its numbers between quotes',
      {
        DevEUI_location: {
          DevEUI: '0016C001F004B37B',
          DevAddr: '00112233',
          Time: '2026-01-02T03:04:05.006+02:00',
          DevLocTime: '2026-01-02T03:04:00.000+02:00',
          DevLAT: '51.907218',
          DevLON: '4.489303',
          CustomerID: '100000000',
        },
      },
      {},
      {
        path: 'location',
        decoded: {
          DevAddr: '00112233',
          DevLocTime: '2026-01-02T03:04:00.000+02:00',
          DevLAT: 51.907218,
          DevLON: 4.489303,
          CustomerID: '100000000',
        },
      },
    ],
    [
      'loriot',
      'a place',
      {
        cmd: 'geo',
        EUI: '2CF7F12052602BFA',
        ts: '2022-11-23T21:24:08.979Z',
        lat: 50.1,
        lon: 14.4,
        accuracy: 30,
      },
      {},
      {
        path: 'location',
        sentAt: 1_669_238_648_979,
        decoded: { lat: 50.1, lon: 14.4, accuracy: 30 },
      },
    ],
    [
      'loriot',
      'a downlink that was sent',
      { cmd: 'txd', EUI: '2CF7F12052602BF1', seqdn: 0, seqq: 1, ts: 1_713_521_883_960, sf: 12 },
      {},
      { path: 'downlink/sent', measures: false, decoded: { seqdn: 0, seqq: 1, sf: 12 } },
    ],
    [
      'helium',
      'what a function of the console decoded',
      {
        dev_eui: '1C29FBD1D2084E21',
        payload: 'AQ==',
        port: 2,
        decoded: { status: 'success', payload: { temperature: 21.5 } },
      },
      {},
      { payload: '01', decoded: { temperature: 21.5 } },
    ],
    [
      'helium',
      'what its function for Cayenne decoded',
      {
        dev_eui: '1C29FBD1D2084E21',
        payload: 'AWcA1w==',
        port: 2,
        decoded: {
          status: 'success',
          payload: [{ channel: 1, name: 'temperature', type: 103, unit: 'celsius', value: 21.5 }],
        },
      },
      {},
      { decoded: { temperature_1: 21.5 } },
    ],
    [
      'helium',
      'a function that failed',
      {
        dev_eui: '1C29FBD1D2084E21',
        payload: 'AQ==',
        decoded: { status: 'error', error: 'x', payload: {} },
      },
      {},
      { payload: '01', decoded: undefined },
    ],
    [
      'sigfox',
      'the advanced service: the bytes are decoded, the place is a fact',
      {
        device: '1A2B3C',
        time: '1563043532',
        data: '0aff',
        seqNumber: '7',
        lqi: 'Good',
        computedLocation: { lat: 42.9, lng: 1.59, radius: 30_200, source: 2, status: 1 },
      },
      {},
      {
        payload: '0aff',
        decoded: undefined,
        path: undefined,
        facts: { location: { lat: 42.9, lng: 1.59, radius: 30_200, source: 2, status: 1 } },
      },
    ],
    [
      'sigfox',
      'a place without bytes',
      { device: '1A2B3C', time: 1_563_043_532, computedLocation: { lat: 42.9, lng: 1.59 } },
      {},
      { path: 'location', decoded: { computedLocation: { lat: 42.9, lng: 1.59 } } },
    ],
    [
      'sigfox',
      'an id of the device under id',
      { id: 'B92A4', data: '01', time: '1606808070', 'customData#bat': '-73' },
      {},
      { deviceId: 'B92A4', decoded: { 'customData#bat': -73 } },
    ],
    [
      'sigfox',
      'an id that is a value',
      { device: 'B92A4', id: 5, time: '1606808070' },
      {},
      { deviceId: 'B92A4', decoded: { id: 5 } },
    ],
  ])('%s: %s', (type, _, body, given, expected) => {
    const { decoded, path, ...others } = uplinkOf(type, body, given)
    const payload = hexOf(others.payload)
    expect({ ...others, decoded, path, payload }).toMatchObject(expected)
  })

  it('tells callbacks of Sigfox about one message apart, and the same one from itself', () => {
    const of = (more: Record<string, Json>) =>
      uplinkOf('sigfox', { device: 'A', time: 1_600_000_000, seqNumber: 10, ...more }).messageId
    const place = { lat: '48.1', lng: '1.5', radius: '300' }
    const all = [of({ data: '01' }), of(place), of({ infoCode: '0', infoMessage: 'Acked' })]
    expect(new Set(all).size).toBe(3)
    expect(of(place)).toBe(all[1])
    expect(of({ data: '01', computedLocation: { lat: 1 } })).toBe(all[0])
  })

  it('goes by the id that AWS gives where Sidewalk says no time', () => {
    const of = (MessageId: string) =>
      uplinkOf('aws-iot-wireless', {
        MessageId,
        WirelessDeviceId: 'w1',
        PayloadData: 'AQ==',
        WirelessMetadata: { Sidewalk: { CmdExStatus: 'Cmd', NackExStatus: [], Seq: 0 } },
      })
    expect(of('m1')).toMatchObject({ deviceId: 'w1', messageId: 'm1', facts: { sidewalk: true } })
    expect(of('m2').messageId).toBe('m2')
  })

  it('tells lines of the log of ChirpStack apart that have one millisecond', () => {
    const of = (time: string) =>
      uplinkOf(
        'chirpstack',
        { time, deviceInfo: { devEui: '0101010101010101' }, level: 'ERROR', code: 'OTAA' },
        { query: { event: 'log' } },
      ).messageId
    expect(of('2022-07-18T09:33:28.823500726Z')).not.toBe(of('2022-07-18T09:33:28.823500727Z'))
  })

  it('decodes the bytes where The Things Stack says null', () => {
    const uplink_message = { f_port: 1, frm_payload: 'AQ==', decoded_payload: null }
    const read = uplinkOf('the-things-stack', { end_device_ids: ids, uplink_message })
    expect([hexOf(read.payload), read.decoded]).toEqual(['01', undefined])
  })

  it.each([
    ['tasmota', 'tele/plug/LWT', ''],
    ['shelly', 'shellies/shelly1-A/online', ''],
    ['shelly', 'shellyplus1-b/online', ''],
    ['shelly', 'shellyplus1-b/status/switch:0', ''],
    ['shelly', 'shellies/shellyswitch25-A/roller/0/command/pos', '50'],
    ['shelly', 'shellies/shellytrv-A/thermostat/0/command/target_t', '21'],
  ])('%s passes by %s %j', (type, topic, body) => {
    expect(partsOf(type, body, { topic })).toMatchObject([{ kind: 'ignored' }])
  })

  it('takes a component of a device away that has nothing but its platform', () => {
    const read = createReader(openNetwork('home-assistant'))
    const topic = 'homeassistant/device/d1/config'
    const of = (humidity: Json): Json => ({
      dev: { ids: ['d1'] },
      o: { name: 'x' },
      state_topic: 'd1/state',
      cmps: {
        t: { p: 'sensor', value_template: '{{ value_json.t }}', uniq_id: 'd1_t' },
        h: humidity,
      },
    })
    const state = { t: 1, h: 2 }
    read(of({ p: 'sensor', val_tpl: '{{ value_json.h }}', def_ent_id: 'sensor.damp' }), { topic })
    expect(read(state, { topic: 'd1/state' }).parts).toMatchObject([{ decoded: { t: 1, damp: 2 } }])
    const { parts } = read(of({ p: 'sensor' }), { topic })
    expect(parts).toEqual([{ kind: 'ignored', what: 'an announcement', deviceId: 'd1' }])
    const [left] = read(state, { topic: 'd1/state' }).parts
    expect(left?.kind === 'uplink' ? left.decoded : left).toEqual({ t: 1 })
    expect(read('', { topic }).parts).toMatchObject([{ what: 'a farewell', deviceId: 'd1' }])
  })

  it('reads the words of a switch that are truths or numbers', () => {
    const read = createReader(openNetwork('home-assistant'))
    const announce = (object: string, words: Record<string, Json>): void => {
      const body = { stat_t: `${object}/s`, val_tpl: '{{ value_json.c }}', dev: { ids: 'x' } }
      read({ ...body, ...words }, { topic: `homeassistant/binary_sensor/${object}/config` })
    }
    announce('door', { pl_on: false, pl_off: true })
    announce('leak', { pl_on: 1, pl_off: 0 })
    expect(read({ c: false }, { topic: 'door/s' }).parts).toMatchObject([
      { decoded: { door: true } },
    ])
    expect(read({ c: 0 }, { topic: 'leak/s' }).parts).toMatchObject([{ decoded: { leak: false } }])
  })
})
