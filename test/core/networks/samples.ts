import type { Json } from '../../../core/index.ts'

/** A well-formed message of each kind that a network sends, as its documentation shows it. */
export interface Sample {
  readonly type: string
  readonly what: string
  readonly topic?: string
  readonly query?: Readonly<Record<string, string>>
  readonly body: Json
  readonly options?: object
}

const TTS = {
  end_device_ids: {
    device_id: 'dev1',
    application_ids: { application_id: 'app1' },
    dev_eui: '0004A30B001C0530',
  },
  correlation_ids: ['as:up:01ABC'],
  received_at: '2026-02-12T15:15:00.123456789Z',
}

const CHIRPSTACK_3 = {
  applicationID: '123',
  applicationName: 'temperature-sensor',
  deviceName: 'garden-sensor',
  devEUI: 'AgICAgICAgI=',
  rxInfo: [
    {
      gatewayID: 'AwMDAwMDAwM=',
      time: '2019-11-08T13:59:25.048445Z',
      uplinkID: 'ZQYkL0dTQbGb1lqG0S0q9w==',
      rssi: -48,
      loRaSNR: 9,
    },
  ],
  txInfo: {
    frequency: 868100000,
    modulation: 'LORA',
    loRaModulationInfo: { bandwidth: 125, spreadingFactor: 11, codeRate: '4/5' },
  },
  adr: true,
  dr: 1,
  fCnt: 10,
  fPort: 5,
  data: 'AQI=',
  objectJSON: '{"temperatureSensor":25,"humiditySensor":32}',
  tags: { key: 'value' },
}

/** Source: chirpstack.io, version 3, "Event types"; the documentation of each network. */
export const SAMPLES: readonly Sample[] = [
  {
    type: 'the-things-stack',
    what: 'an uplink over MQTT',
    topic: 'v3/app1@ttn/devices/dev1/up',
    body: {
      ...TTS,
      uplink_message: {
        session_key_id: 'AXA50',
        f_port: 1,
        frm_payload: 'gkHe',
        rx_metadata: [
          { gateway_ids: { gateway_id: 'gtw1' }, rssi: -35, snr: 5 },
          { gateway_ids: { gateway_id: 'gtw2' }, rssi: -20, snr: 7.5 },
        ],
        settings: {
          data_rate: { lora: { bandwidth: 125000, spreading_factor: 7 } },
          frequency: '868300000',
        },
        received_at: '2026-02-12T15:15:00Z',
      },
    },
  },
  {
    type: 'the-things-stack',
    what: 'a place over HTTP',
    body: { ...TTS, location_solved: { location: { latitude: 37.9, longitude: -122.4 } } },
  },
  {
    type: 'chirpstack',
    what: 'an uplink of version 3',
    topic: 'application/123/device/0202020202020202/event/up',
    body: CHIRPSTACK_3,
  },
  {
    type: 'chirpstack',
    what: 'a join of version 4',
    query: { event: 'join' },
    body: {
      deduplicationId: 'c9dbe358-2578-4fb7-b295-66b44edc45a6',
      time: '2022-07-18T09:33:28.823500726+00:00',
      deviceInfo: { applicationId: 'a', deviceName: 'd', devEui: '0101010101010101' },
      devAddr: '00189440',
    },
  },
  {
    type: 'sigfox',
    what: 'a callback',
    body: { device: '1A2B3C', time: '1563043532', seqNumber: '7', data: '0aff', rssi: '-120.0' },
  },
  {
    type: 'helium',
    what: 'the legacy console',
    body: {
      app_eui: '6948A4B59F4666AD',
      dev_eui: '1C29FBD1D2084E21',
      downlink_url: 'https://console.helium.com/api/v1/down/x/y/z',
      fcnt: 19,
      hotspots: [
        {
          frequency: 912.2999877929688,
          id: '11KHJ',
          name: 'icy-fiery-hippo',
          rssi: -54,
          snr: 9.8,
          spreading: 'SF9BW125',
        },
        {
          frequency: 912.2999877929688,
          id: '11ni2',
          name: 'cool-chiffon-hornet',
          rssi: -51,
          snr: 9,
          spreading: 'SF9BW125',
        },
      ],
      id: '7c523974-4ce7-4a92-948b-55171a6e4d77',
      name: 'Test Me',
      payload: 'SGVsbG8=',
      port: 1,
      reported_at: 1586868546123,
      type: 'uplink',
      uuid: '0c7a1a7f-0e30-4a8a-b1d0-3b5d2f9f9c1e',
    },
  },
  {
    type: 'helium',
    what: 'a server of today',
    query: { event: 'up' },
    body: {
      deduplicationId: 'x1',
      time: '2024-01-01T00:00:00Z',
      deviceInfo: { applicationId: 'a', devEui: '0101010101010101' },
      fPort: 2,
      data: 'AQ==',
    },
  },
  {
    type: 'actility',
    what: 'an uplink of ThingPark X',
    query: { LrnDevEui: '0018B20000000BEE', LrnFPort: '1' },
    body: {
      DevEUI_uplink: {
        Time: '2024-12-17T09:16:55.911+00:00',
        DevEUI: '0018B20000000BEE',
        FPort: 1,
        FCntUp: 368,
        payload_hex: '9e184856',
        SpFact: 7,
        Lrrid: '10001273',
        Lrrs: { Lrr: [{ Lrrid: '10001273', Chain: 0, LrrRSSI: -84.0, LrrSNR: 9.75 }] },
        CustomerID: '100002164',
        CustomerData: { name: 'Adeunis' },
        Frequency: 868.5,
        payload: { temperature: 24 },
      },
    },
  },
  {
    type: 'actility',
    what: 'a downlink that was sent',
    body: {
      DevEUI_downlink_Sent: {
        Time: '2024-12-17T09:16:55.911+00:00',
        DevEUI: '0018B20000000BEE',
        FPort: '1',
        FCntDn: '3',
        DeliveryStatus: '1',
      },
    },
  },
  {
    type: 'loriot',
    what: 'an uplink',
    body: {
      cmd: 'rx',
      EUI: '0102030405060708',
      ts: 1470850675433,
      fcnt: 1,
      port: 1,
      data: '0102AABB',
      rssi: -70,
      snr: 8.5,
      freq: 868500000,
      dr: 'SF12 BW125 4/5',
    },
  },
  {
    type: 'loriot',
    what: 'a downlink that was sent',
    body: { cmd: 'txd', EUI: '0102030405060708', seqdn: 4, ts: 1470850675433 },
  },
  {
    type: 'aws-iot-wireless',
    what: 'an uplink',
    topic: 'lorawan/x/uplink',
    body: {
      WirelessDeviceId: '5b58245e-146c-4c30-9703-0ca942e3ff35',
      PayloadData: 'Cc48AAAAAAAAAAA=',
      WirelessMetadata: {
        LoRaWAN: {
          Bandwidth: 125,
          DataRate: '0',
          DevEui: '58a0cb0000202c99',
          FCnt: 1,
          FPort: 136,
          Frequency: '868100000',
          Gateways: [{ GatewayEui: '80029cfffe5cf1cc', Snr: 9.75, Rssi: -29 }],
          SpreadingFactor: 12,
          Timestamp: '2021-05-03T03:24:29Z',
        },
      },
    },
  },
  {
    type: 'azure-events',
    what: 'telemetry from Event Grid',
    body: [
      {
        id: '9af86784-8d40-fe2g-8b2a-bab65e106785',
        subject: 'devices/dev-1',
        eventType: 'Microsoft.Devices.DeviceTelemetry',
        eventTime: '2019-01-07T20:58:30.48Z',
        data: {
          properties: { site: 'a' },
          systemProperties: {
            'iothub-connection-device-id': 'dev-1',
            'iothub-enqueuedtime': '2019-01-07T20:58:30.48Z',
            'content-type': 'application/json',
          },
          body: { temp: 21 },
        },
      },
    ],
  },
  {
    type: 'azure-events',
    what: 'a message that was routed to storage',
    body: {
      EnqueuedTimeUtc: '2019-01-07T20:58:30.4800000Z',
      Properties: {},
      SystemProperties: {
        connectionDeviceId: 'dev-1',
        enqueuedTime: '2019-01-07T20:58:30.4800000Z',
      },
      Body: 'eyJ0IjoxfQ==',
    },
  },
  {
    type: 'google-pubsub',
    what: 'a push',
    body: {
      message: {
        attributes: { deviceId: 'dev-1', subFolder: 'alerts', deviceRegistryId: 'r' },
        data: 'eyJ0IjoxfQ==',
        messageId: '2070443601311540',
        publishTime: '2021-02-26T19:13:55.749Z',
      },
      subscription: 'projects/p/subscriptions/s',
    },
  },
  {
    type: 'zigbee2mqtt',
    what: 'a state',
    topic: 'zigbee2mqtt/Living room/lamp',
    body: { state: 'ON', brightness: 215, linkquality: 90, last_seen: '2026-01-01T00:00:00+01:00' },
  },
  {
    type: 'zigbee2mqtt',
    what: 'availability',
    topic: 'zigbee2mqtt/lamp/availability',
    body: { state: 'offline' },
  },
  { type: 'tasmota', what: 'a last will', topic: 'tele/kitchen/LWT', body: 'Offline' },
  {
    type: 'tasmota',
    what: 'a sensor',
    topic: 'tele/kitchen/SENSOR',
    body: { Time: '2026-01-01T00:00:00+01:00', AM2301: { Temperature: 21.5 } },
  },
  { type: 'tasmota', what: 'a switch', topic: 'stat/kitchen/POWER', body: 'ON' },
  { type: 'shelly', what: 'presence', topic: 'shellyplus1-a/online', body: 'false' },
  {
    type: 'shelly',
    what: 'the state of a component',
    topic: 'shellyplus1-a/status/switch:0',
    body: { id: 0, output: true, apower: 12.5 },
  },
  {
    type: 'shelly',
    what: 'two events',
    topic: 'shellyplus1-a/events/rpc',
    body: {
      method: 'NotifyEvent',
      params: {
        ts: 1728655743.99,
        events: [
          { component: 'input:0', id: 0, event: 'btn_down', ts: 1728655743.99 },
          { component: 'input:0', id: 0, event: 'btn_up' },
        ],
      },
    },
  },
  {
    type: 'shelly',
    what: 'a value of the first generation',
    topic: 'shellies/shelly1-B/relay/0/power',
    body: '12.5',
  },
  {
    type: 'home-assistant',
    what: 'an announcement',
    topic: 'homeassistant/sensor/garden/temperature/config',
    body: {
      '~': 'garden/sensor',
      stat_t: '~/state',
      val_tpl: '{{ value_json.temperature | round(1) }}',
      unit_of_meas: '°C',
      dev_cla: 'temperature',
      uniq_id: 'garden-t',
      dev: { ids: ['garden-1'], name: 'Garden' },
      avty_t: '~/lwt',
    },
  },
  {
    type: 'webhook',
    what: 'a batch',
    options: {
      items: '/records',
      deviceId: '/id',
      time: '/at',
      payload: '/hex',
      encoding: 'hex',
      messageId: '/n',
      fPort: '/port',
    },
    body: {
      records: [
        { id: 'a', at: 1_770_000_000, hex: '01 02', n: 1, port: 4 },
        { id: 'b', at: '2026-01-01T00:00:00Z', hex: '03', n: 2 },
      ],
    },
  },
]
