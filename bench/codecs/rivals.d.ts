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
