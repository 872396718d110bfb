import { isDeepStrictEqual } from 'node:util'
import { Bench } from 'tinybench'
import type { Json } from '../../core/index.ts'
import type { CodecShape, LoadedSide } from './entry.ts'
import { CODEC_ENTRIES } from './list.ts'

// One side of one format in one round, in a process of its own. Arguments: the codec, the side, how long each task runs in ms.
// Prints one line of JSON: the median time per message of each task, in ns, and the size of the messages.

const [codec = '', name = '', time = ''] = process.argv.slice(2)
const entry = CODEC_ENTRIES.find((one) => one.codec === codec)
const side = entry?.sides.find((one) => one.name === name)
const ours = entry?.sides[0]
if (entry === undefined || side === undefined || ours === undefined)
  throw new Error(`expected a codec and a side, found ${codec} ${name}`)

const loaded = await side.load()
const own = await ours.load()
/** Results are kept: a loop without one could be left out. */
let keep: unknown
const found: Record<string, number> = {}
for (const shape of entry.shapes) {
  const messages = messagesOf(shape)
  found[`${shape.name} bytes`] =
    messages.reduce((sum, { length }) => sum + length, 0) / messages.length
  const { decode, encode, isRight } = loaded
  if (decode !== undefined) {
    checkDecoded(shape.values, messages, decode, isRight)
    found[`${shape.name} decode`] = await measure(messages.length, () => {
      for (const bytes of messages) keep = decode(bytes)
    })
  }
  if (encode !== undefined) {
    checkEncoded(shape.values, encode)
    found[`${shape.name} encode`] = await measure(messages.length, () => {
      for (const value of shape.values) keep = encode(value)
    })
  }
}
process.stdout.write(`${JSON.stringify(found)}\n`)

/** Each side reads the same bytes. */
function messagesOf(shape: CodecShape): readonly Uint8Array[] {
  if (shape.messages !== undefined) return shape.messages
  const { encode } = own
  if (encode === undefined) throw new Error(`${codec}: expected messages or an encoder`)
  return shape.values.map((value) => Uint8Array.from(encode(value)))
}

async function measure(messages: number, run: () => void): Promise<number> {
  const bench = new Bench({ time: Number(time), warmupTime: Number(time) / 2, throws: true })
  bench.add('task', run)
  await bench.run()
  const [task] = bench.tasks
  if (task?.result.state !== 'completed') throw new Error(`${codec} ${name} was not measured`)
  if (keep === undefined) throw new Error(`${codec} ${name}: expected a result`)
  return (task.result.latency.p50 * 1e6) / messages
}

function checkDecoded(
  values: readonly Json[],
  messages: readonly Uint8Array[],
  decode: (bytes: Uint8Array) => unknown,
  isRight: LoadedSide['isRight'],
): void {
  values.forEach((value, index) => {
    const decoded = decode(messages[index] ?? new Uint8Array(0))
    const right = isRight?.(decoded, value) ?? isDeepStrictEqual(decoded, value)
    if (!right) throw new Error(`${codec} ${name} decodes message ${index} to something else`)
  })
}

function checkEncoded(values: readonly Json[], encode: (value: Json) => Uint8Array): void {
  const { decode, isRight } = own
  if (decode === undefined) return
  values.forEach((value, index) => {
    const decoded = decode(Uint8Array.from(encode(value)))
    const right = isRight?.(decoded, value) ?? isDeepStrictEqual(decoded, value)
    if (!right) throw new Error(`${codec} ${name} encodes value ${index} to something else`)
  })
}
