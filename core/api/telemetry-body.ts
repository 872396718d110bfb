import type { Json } from '../model/json.ts'

/** Content types whose first byte may be that of an array by chance. */
const BINARY = /octet-stream|cbor|msgpack|protobuf|senml/i

const encoder = new TextEncoder()

/**
 * Takes the messages out of one HTTP body.
 *
 * Shape: `application/x-ndjson`: one message a line; JSON with an array at the top: one message an element; anything
 * else: one message. What is no JSON is one message too: its fault is found, and kept, where messages are decoded.
 */
export function splitMessages(body: Uint8Array, contentType: string): Uint8Array[] {
  if (/^application\/(x-ndjson|jsonl|x-jsonlines)\b/i.test(contentType)) return splitLines(body)
  if (firstByte(body) !== 0x5b || BINARY.test(contentType)) return [body]
  try {
    const parsed: Json = JSON.parse(new TextDecoder().decode(body))
    return Array.isArray(parsed)
      ? parsed.map((item) => encoder.encode(JSON.stringify(item)))
      : [body]
  } catch {
    return [body]
  }
}

function splitLines(body: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = []
  let from = 0
  while (from < body.length) {
    const end = body.indexOf(0x0a, from)
    const line = body.subarray(from, end < 0 ? body.length : end)
    if (firstByte(line) !== undefined) lines.push(line)
    from = end < 0 ? body.length : end + 1
  }
  return lines
}

/** The first byte that is no white space. */
function firstByte(bytes: Uint8Array): number | undefined {
  return bytes.find((byte) => byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d)
}
