/** Functions that decode an uplink; the first that a script declares counts. */
export const DECODERS: readonly string[] = ['decodeUplink', 'Decode', 'Decoder']

/** Functions that encode a downlink; the first that a script declares counts. */
export const ENCODERS: readonly string[] = ['encodeDownlink', 'Encode', 'Encoder']

export const DOWNLINK_DECODER = 'decodeDownlink'

export const NORMALIZER = 'normalizeUplink'

/** What The Things Network v2 ran behind `Decoder`. */
export const CONVERTER = 'Converter'
export const VALIDATOR = 'Validator'

/** Every function that a script may offer. */
export const SCRIPT_NAMES: readonly string[] = [
  ...DECODERS,
  ...ENCODERS,
  DOWNLINK_DECODER,
  NORMALIZER,
  CONVERTER,
  VALIDATOR,
]
