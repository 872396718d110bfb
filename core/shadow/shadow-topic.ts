/**
 * Where rules find what happens to a shadow: the same topics on every cloud. `''` is the classic shadow.
 *
 * Source: AWS IoT, device shadow MQTT topics.
 */
export function shadowTopic(deviceId: string, name: string, event: string): string {
  const shadow = name === '' ? 'shadow' : `shadow/name/${name}`
  return `$aws/things/${deviceId}/${shadow}/${event}`
}
