/**
 * The flow that does what the rule does: every report comes in with QoS 1, is parsed, compared, marked and sent out.
 * The same as `SELECT *, true AS hot FROM 'devices/+/telemetry' WHERE temp > -30`, republished to `alerts/{id}/telemetry`.
 */
export function nodeRedFlow(brokerPort: number): object[] {
  const z = 'bench-tab'
  return [
    { id: z, type: 'tab', label: 'bench', disabled: false },
    {
      id: 'bench-broker',
      type: 'mqtt-broker',
      broker: '127.0.0.1',
      port: String(brokerPort),
      clientid: 'node-red',
      autoConnect: true,
      usetls: false,
      protocolVersion: '4',
      keepalive: '60',
      cleansession: true,
    },
    {
      id: 'bench-in',
      type: 'mqtt in',
      z,
      topic: 'devices/+/telemetry',
      qos: '1',
      datatype: 'buffer',
      broker: 'bench-broker',
      nl: false,
      rap: false,
      inputs: 0,
      wires: [['bench-json']],
    },
    {
      id: 'bench-json',
      type: 'json',
      z,
      property: 'payload',
      action: 'obj',
      wires: [['bench-switch']],
    },
    {
      id: 'bench-switch',
      type: 'switch',
      z,
      property: 'payload.temp',
      propertyType: 'msg',
      rules: [{ t: 'gt', v: '-30', vt: 'num' }],
      checkall: 'true',
      repair: false,
      outputs: 1,
      wires: [['bench-change']],
    },
    {
      id: 'bench-change',
      type: 'change',
      z,
      rules: [
        { t: 'set', p: 'payload.hot', pt: 'msg', to: 'true', tot: 'bool' },
        {
          t: 'change',
          p: 'topic',
          pt: 'msg',
          from: 'devices',
          fromt: 'str',
          to: 'alerts',
          tot: 'str',
        },
      ],
      wires: [['bench-out']],
    },
    {
      id: 'bench-out',
      type: 'mqtt out',
      z,
      topic: '',
      qos: '1',
      retain: 'false',
      broker: 'bench-broker',
      wires: [],
    },
  ]
}
