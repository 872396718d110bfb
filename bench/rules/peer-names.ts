/** The peers of this bench: packages, as they stand in bench/package.json. */
export const PEER_NAMES = [
  'json-rules-engine',
  '@marcbachmann/cel-js',
  'sift',
  'jsonata',
  'json-logic-engine',
  'filtrex',
] as const

export type PeerName = (typeof PEER_NAMES)[number]
