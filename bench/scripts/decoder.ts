/** A decoder of 40 lines, as vendors publish them. */
export const DECODER = `// Payload decoder for a sensor of rooms
function decodeUplink(input) {
  var decoded = {};
  var bytes = input.bytes;
  for (var i = 0; i < bytes.length; ) {
    var channel = bytes[i++];
    var type = bytes[i++];
    if (channel === 0x01 && type === 0x75) {
      decoded.battery = bytes[i];
      i += 1;
    } else if (channel === 0x03 && type === 0x67) {
      decoded.temperature = readInt16LE(bytes.slice(i, i + 2)) / 10;
      i += 2;
    } else if (channel === 0x04 && type === 0x68) {
      decoded.humidity = bytes[i] / 2;
      i += 1;
    } else if (channel === 0x05 && type === 0x00) {
      decoded.activity = bytes[i] === 1 ? 'trigger' : 'idle';
      i += 1;
    } else if (channel === 0x07 && type === 0x7d) {
      decoded.co2 = readUInt16LE(bytes.slice(i, i + 2));
      i += 2;
    } else if (channel === 0x09 && type === 0x73) {
      decoded.pressure = readUInt16LE(bytes.slice(i, i + 2)) / 10;
      i += 2;
    } else {
      break;
    }
  }
  return { data: decoded };
}

function readUInt16LE(bytes) {
  var value = (bytes[1] << 8) + bytes[0];
  return value & 0xffff;
}

function readInt16LE(bytes) {
  var ref = readUInt16LE(bytes);
  return ref > 0x7fff ? ref - 0x10000 : ref;
}
`

/** Battery, temperature, humidity, activity, CO2 and pressure: 22 bytes. */
export const PAYLOAD: readonly number[] = [
  0x01, 0x75, 0x5c, 0x03, 0x67, 0xcc, 0xff, 0x04, 0x68, 0x65, 0x05, 0x00, 0x01, 0x07, 0x7d, 0xe8,
  0x03, 0x09, 0x73, 0x93, 0x27, 0x00,
]

/** What every side has to find, as JSON. */
export const TELEMETRY =
  '{"battery":92,"temperature":-5.2,"humidity":50.5,"activity":"trigger","co2":1000,"pressure":1013.1}'
