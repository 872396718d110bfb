// The SDK brings no types: these are of what the tests use. Source: its README.
declare module 'aws-iot-device-sdk' {
  import type { EventEmitter } from 'node:events'

  interface ThingShadow extends EventEmitter {
    register(
      thing: string,
      options: { persistentSubscribe?: boolean; ignoreDeltas?: boolean },
      done: () => void,
    ): void
    get(thing: string): string | null
    update(thing: string, state: object): string | null
    delete(thing: string): string | null
    subscribe(topic: string, options: { qos: 0 | 1 }, done: () => void): void
    publish(topic: string, payload: string, options: { qos: 0 | 1 }): void
    end(force: boolean): void
  }

  const sdk: {
    thingShadow(options: {
      keyPath: string
      certPath: string
      caPath: string
      clientId: string
      host: string
      port: number
    }): ThingShadow
  }
  export default sdk
}
