// Libraries without types of their own, as far as they are used here.

declare module 'cayenne-lpp' {
  type Encode = (channel: unknown, value: unknown) => Buffer
  const library: {
    readonly decoder: { readonly decode: (bytes: Buffer) => import('../../core/index.ts').Json }
    readonly encoder: {
      readonly encodeDigitalInput: Encode
      readonly encodeAnalogInput: Encode
      readonly encodeLuminosity: Encode
      readonly encodeTemperature: Encode
      readonly encodeRelativeHumidity: Encode
      readonly encodeAccelerometer: Encode
      readonly encodeBarometricPressure: Encode
      readonly encodeGps: Encode
    }
  }
  export default library
}

declare module 'teltonika-parser' {
  export default class Parser {
    constructor(bytes: Buffer)
    getAvl(): {
      readonly records: readonly {
        readonly timestamp: Date
        readonly gps: { readonly longitude: number }
        readonly ioElements: readonly { readonly id: number; readonly value: unknown }[]
      }[]
    }
  }
}
